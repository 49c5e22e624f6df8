select
    channel,
    count(*) as conversations,
    cast(sum(messages) as bigint) as messages,
    {{ rounded('avg(messages)', 2) }} as average
from {{ ref('conversations') }}
group by channel
order by channel
