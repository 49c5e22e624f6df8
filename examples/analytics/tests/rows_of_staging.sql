-- Every distinct id that was loaded has one row in staging.
{%- set streams = {
    'conversations': 'stg_conversations', 'messages': 'stg_messages', 'activity_logs': 'stg_activity_logs',
    'queues': 'stg_queues', 'agents': 'stg_agents',
} -%}
-- depends_on: {{ ref('stg_conversations') }}, {{ ref('stg_messages') }}, {{ ref('stg_activity_logs') }}
-- depends_on: {{ ref('stg_queues') }}, {{ ref('stg_agents') }}
select *
from (
    {%- for stream, model in streams.items() %}
    {%- set columns = loaded_columns(stream) %}
    {%- if columns %}
    select
        '{{ stream }}' as stream,
        (
            select count(distinct {{ column(columns, 'id') }}) from {{ source('dixa', stream) }}
            {%- if 'sdcdeletedat' in columns %} where {{ column(columns, '_sdc_deleted_at') }} is null{% endif %}
        ) as loaded,
        (select count(*) from {{ ref(model) }}) as staged
    union all
    {%- endif %}
    {%- endfor %}
    select 'none' as stream, 0 as loaded, 0 as staged
) as counts
where loaded <> staged
