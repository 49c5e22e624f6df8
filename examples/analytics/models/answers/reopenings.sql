select
    {{ week_of('log.happened_at') }} as week,
    coalesce(conversations.queue, '(none)') as queue,
    count(distinct log.conversation_id) as conversations,
    count(*) as reopenings
from {{ ref('stg_activity_logs') }} as log
left join {{ ref('conversations') }} as conversations on log.conversation_id = conversations.conversation_id
where log.activity = 'ConversationReopened' and {{ has_activity_log() }}
group by 1, 2
order by 1, 2
