{%- set columns = loaded_columns('messages', required=true) -%}
select
    {{ text(columns, 'id') }} as message_id,
    {{ whole_number(columns, 'csid') }} as conversation_id,
    {{ instant(columns, 'created_at') }} as created_at,
    {{ text(columns, 'author_email') }} as author_email,
    {{ text(columns, 'direction') }} as direction,
    {{ truth(columns, 'is_automated_message') }} as is_automated,
    coalesce({{ text(columns, 'direction') }} = 'outbound', false)
        and not {{ truth(columns, 'is_automated_message') }} as is_by_agent
from {{ rows_once('messages', columns) }}
