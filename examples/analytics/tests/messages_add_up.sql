-- All messages that are not automated, of conversations that were read, are in the answer.
select total.messages as found, staged.messages as expected
from (select coalesce(sum(messages), 0) as messages from {{ ref('messages_per_conversation') }}) as total
cross join (
    select count(*) as messages
    from {{ ref('stg_messages') }}
    where not is_automated
        and conversation_id in (select conversation_id from {{ ref('stg_conversations') }})
) as staged
where total.messages <> staged.messages
