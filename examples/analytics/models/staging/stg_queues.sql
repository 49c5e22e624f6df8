{%- set columns = loaded_columns('queues') -%}
select
    {{ text(columns, 'id') }} as queue_id,
    {{ text(columns, 'name') }} as queue
from {{ rows_once('queues', columns) }}
