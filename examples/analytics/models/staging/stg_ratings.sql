-- Every rating that a customer gave, one row each. Those that were only scheduled or offered are left out.
select
    conversations.conversation_id,
    conversations.assignee_email,
    rating ->> 'rating_type' as rating_type,
    {{ instant_of_text("(rating ->> 'rating_rated_timestamp')") }} as rated_at,
    cast(rating ->> 'rating_score' as bigint) as score
from {{ ref('stg_conversations') }} as conversations
{{ elements('conversations.ratings', 'rating') }}
where rating ->> 'rating_status' = 'rated' and rating ->> 'rating_score' is not null
