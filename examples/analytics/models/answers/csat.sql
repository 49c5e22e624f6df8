select
    assignee_email as agent_email,
    {{ week_of('rated_at') }} as week,
    count(*) as ratings,
    {{ rounded('avg(score)', 2) }} as average_score
from {{ ref('stg_ratings') }}
where assignee_email is not null
group by 1, 2
order by 1, 2
