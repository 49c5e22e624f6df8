{%- set columns = loaded_columns('agents') -%}
select
    {{ text(columns, 'id') }} as agent_id,
    {{ text(columns, 'email') }} as agent_email,
    {{ text(columns, 'displayName') }} as agent_name
from {{ rows_once('agents', columns) }}
