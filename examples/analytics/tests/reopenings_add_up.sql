-- All reopenings are in the answer, if the activity log is used.
select total.reopenings as found, staged.reopenings as expected
from (select coalesce(sum(reopenings), 0) as reopenings from {{ ref('reopenings') }}) as total
cross join (
    select count(*) as reopenings
    from {{ ref('stg_activity_logs') }}
    where activity = 'ConversationReopened' and {{ has_activity_log() }}
) as staged
where total.reopenings <> staged.reopenings
