-- The backlog is never more than what was created by then.
select backlog.day
from {{ ref('backlog_daily') }} as backlog
left join {{ ref('volume') }} as volume on volume.day <= backlog.day
group by backlog.day, backlog.open
having backlog.open > coalesce(sum(volume.conversations), 0)
