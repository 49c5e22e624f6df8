{#- What differs between loaders: which tables are there, the names of columns, and their types. -#}

{#- The table of a stream, or none if it was not loaded. -#}
{% macro loaded(stream) %}
    {%- set table = source('dixa', stream) -%}
    {{ return(adapter.get_relation(table.database, table.schema, table.identifier) if execute else none) }}
{% endmacro %}

{#- The columns of a stream, by names without underscores and capitals: conversationId and conversation_id are one. -#}
{% macro loaded_columns(stream, required=false) %}
    {%- set found = {} -%}
    {%- if execute -%}
        {%- set table = loaded(stream) -%}
        {%- if table is not none -%}
            {%- for column in adapter.get_columns_in_relation(table) -%}
                {%- do found.update({column.name | lower | replace('_', ''): column}) -%}
            {%- endfor -%}
        {%- elif required -%}
            {%- set table = source('dixa', stream) -%}
            {%- do exceptions.raise_compiler_error(
                "The stream " ~ stream ~ " is not loaded: there is no table " ~ table
                ~ ". If it is in another schema, name that with --vars 'source_schema: NAME'."
            ) -%}
        {%- endif -%}
    {%- endif -%}
    {{ return(found) }}
{% endmacro %}

{#- The rows of a stream, each once: the newest by `newest`, then by when the loader received it. No rows if not loaded. -#}
{% macro rows_once(stream, columns, newest=none) %}
    {%- set key = column(columns, 'id') -%}
    {%- if not columns -%}
        (select 1 as none where false) as source
    {%- else -%}
        {%- set order = [] -%}
        {%- for name in [newest, '_sdc_batched_at', '_sdc_extracted_at', '_airbyte_extracted_at', '_dlt_load_id'] -%}
            {%- if name and name | lower | replace('_', '') in columns -%}
                {%- do order.append(column(columns, name) ~ ' desc nulls last') -%}
            {%- endif -%}
        {%- endfor -%}
        (
            select *, row_number() over (
                partition by {{ key }} order by {{ (order or [key]) | join(', ') }}
            ) as copy
            from {{ source('dixa', stream) }}
            {%- if 'sdcdeletedat' in columns %}
            where {{ column(columns, '_sdc_deleted_at') }} is null
            {%- endif %}
        ) as source
        where copy = 1
    {%- endif -%}
{% endmacro %}

{% macro column(columns, name) %}
    {%- set found = columns.get(name | lower | replace('_', '')) -%}
    {{ return(adapter.quote(found.name) if found else 'null') }}
{% endmacro %}

{% macro text(columns, name) -%}
    cast({{ column(columns, name) }} as {{ 'text' if target.type == 'postgres' else 'varchar' }})
{%- endmacro %}

{% macro whole_number(columns, name) -%}
    cast({{ column(columns, name) }} as bigint)
{%- endmacro %}

{% macro truth(columns, name) -%}
    coalesce(cast({{ column(columns, name) }} as boolean), false)
{%- endmacro %}

{#- A time as a timestamp in UTC, without a zone. -#}
{% macro instant(columns, name) -%}
    {%- set found = columns.get(name | lower | replace('_', '')) -%}
    {%- set kind = (found.dtype if found else '') | lower -%}
    {%- set value = column(columns, name) -%}
    {%- if not found -%}
        cast(null as timestamp)
    {%- elif 'time zone' in kind and 'without' not in kind or kind == 'timestamptz' -%}
        {{ adapter.dispatch('without_zone')(value) }}
    {%- elif kind.startswith('timestamp') -%}
        cast({{ value }} as timestamp)
    {%- else -%}
        {{ instant_of_text('cast(' ~ value ~ ' as ' ~ ('text' if target.type == 'postgres' else 'varchar') ~ ')') }}
    {%- endif -%}
{%- endmacro %}

{#- Milliseconds since 1970, or ISO 8601, perhaps with [GMT] at its end. Without a zone, it is UTC. -#}
{% macro instant_of_text(value) -%}
    {{ adapter.dispatch('instant_of_text')(value) }}
{%- endmacro %}

{#- A list as a column of JSON, whether the loader made it text, JSON or an array of JSON. -#}
{% macro json_list(columns, name) -%}
    {%- set found = columns.get(name | lower | replace('_', '')) -%}
    {{ adapter.dispatch('json_list')(column(columns, name), (found.dtype if found else '') | lower) }}
{%- endmacro %}

{#- A join with the elements of such a column. -#}
{% macro elements(list, alias) -%}
    {{ adapter.dispatch('elements')(list, alias) }}
{%- endmacro %}
