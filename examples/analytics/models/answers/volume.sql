select
    {{ day_of('created_at') }} as day,
    channel,
    direction,
    count(*) as conversations
from {{ ref('conversations') }}
group by 1, 2, 3
order by 1, 2, 3
