{%- set columns = loaded_columns('activity_logs') -%}
select
    {{ text(columns, 'id') }} as activity_id,
    {{ whole_number(columns, 'conversationId') }} as conversation_id,
    {{ instant(columns, 'activityTimestamp') }} as happened_at,
    {{ text(columns, '_type') }} as activity
from {{ rows_once('activity_logs', columns) }}
