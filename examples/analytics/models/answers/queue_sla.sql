{%- set minutes = var('target_minutes') -%}
select
    queue,
    count(*) as conversations,
    count(case when first_response_minutes <= {{ minutes }} then 1 end) as within,
    {{ rounded('100.0 * count(case when first_response_minutes <= ' ~ minutes ~ ' then 1 end) / count(*)', 1) }}
        as percent
from {{ ref('conversations') }}
where direction = 'inbound'
    -- Younger ones can still be answered in time.
    and created_at <= (select max(updated_at) from {{ ref('conversations') }}) - interval '{{ minutes }} minutes'
group by queue
order by queue
