{%- set columns = loaded_columns('conversations', required=true) -%}
select
    {{ whole_number(columns, 'id') }} as conversation_id,
    {{ instant(columns, 'created_at') }} as created_at,
    {{ instant(columns, 'updated_at') }} as updated_at,
    {{ instant(columns, 'closed_at') }} as closed_at,
    {{ text(columns, 'initial_channel') }} as channel,
    {{ text(columns, 'direction') }} as direction,
    {{ text(columns, 'status') }} as status,
    {{ text(columns, 'queue_id') }} as queue_id,
    coalesce({{ text(columns, 'queue_name') }}, '(none)') as queue,
    {{ text(columns, 'assignee_id') }} as assignee_id,
    {{ text(columns, 'assignee_email') }} as assignee_email,
    {{ json_list(columns, 'ratings') }} as ratings
from {{ rows_once('conversations', columns, newest='updated_at') }}
