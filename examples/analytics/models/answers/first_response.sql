select
    queue,
    count(*) as conversations,
    count(first_response_at) as answered,
    {{ rounded('percentile_cont(0.5) within group (order by cast(first_response_minutes as double precision))', 1) }}
        as median_minutes
from {{ ref('conversations') }}
where direction = 'inbound'
group by queue
order by queue
