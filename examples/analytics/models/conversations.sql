-- One row for each conversation, with what its messages say about it.
with first_response as (
    select messages.conversation_id, min(messages.created_at) as first_response_at
    from {{ ref('stg_messages') }} as messages
    inner join {{ ref('stg_conversations') }} as conversations
        on messages.conversation_id = conversations.conversation_id
        and messages.created_at >= conversations.created_at
    where messages.is_by_agent
    group by messages.conversation_id
),

by_people as (
    select conversation_id, count(*) as messages
    from {{ ref('stg_messages') }}
    where not is_automated
    group by conversation_id
)

select
    conversations.conversation_id,
    conversations.created_at,
    conversations.updated_at,
    conversations.closed_at,
    conversations.channel,
    conversations.direction,
    conversations.status,
    conversations.queue_id,
    conversations.queue,
    conversations.assignee_email,
    first_response.first_response_at,
    {{ milliseconds_between('conversations.created_at', 'first_response.first_response_at') }} / 60000.0
        as first_response_minutes,
    coalesce(by_people.messages, 0) as messages
from {{ ref('stg_conversations') }} as conversations
left join first_response on conversations.conversation_id = first_response.conversation_id
left join by_people on conversations.conversation_id = by_people.conversation_id
