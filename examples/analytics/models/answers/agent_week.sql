select
    author_email as agent_email,
    {{ week_of('created_at') }} as week,
    count(*) as messages,
    count(distinct conversation_id) as conversations
from {{ ref('stg_messages') }}
where is_by_agent and author_email is not null
group by 1, 2
order by 1, 2
