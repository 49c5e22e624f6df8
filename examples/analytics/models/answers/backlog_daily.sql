-- depends_on: {{ ref('stg_activity_logs') }}
with recursive changes as (
    select {{ day_of('created_at') }} as day, 1 as change
    from {{ ref('conversations') }}

    union all

    {% if has_activity_log() -%}
    -- A conversation begins open. Only what differs from the state before it is a change.
    select
        {{ day_of('happened_at') }} as day,
        case when activity = 'ConversationClosed' then -1 else 1 end as change
    from (
        select
            log.happened_at,
            log.activity,
            lag(log.activity, 1, 'ConversationReopened')
                over (partition by log.conversation_id order by log.happened_at, log.activity_id) as activity_before
        from {{ ref('stg_activity_logs') }} as log
        inner join {{ ref('conversations') }} as conversations on log.conversation_id = conversations.conversation_id
        where log.activity in ('ConversationClosed', 'ConversationReopened')
    ) as states
    where activity <> activity_before
    {%- else -%}
    -- Without the activity log: a conversation that was reopened counts as open until its last closing.
    select {{ day_of('closed_at') }} as day, -1 as change
    from {{ ref('conversations') }}
    where closed_at is not null
    {%- endif %}
),

-- Up to the last complete day before the end of the data.
days as (
    select {{ day_of('min(created_at)') }} as day, {{ day_of('max(updated_at)') }} as last_day
    from {{ ref('conversations') }}

    union all

    select day + 1, last_day
    from days
    where day + 1 < last_day
),

changes_by_day as (
    select day, sum(change) as change
    from changes
    group by day
)

select
    days.day,
    cast(sum(coalesce(changes_by_day.change, 0)) over (order by days.day) as bigint) as open
from days
left join changes_by_day on days.day = changes_by_day.day
where days.day < days.last_day
order by days.day
