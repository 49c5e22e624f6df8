{#- Half away from zero, as a decimal number. -#}
{% macro rounded(value, digits) -%}
    cast(round(cast({{ value }} as decimal(18, 8)), {{ digits }}) as decimal(18, {{ digits }}))
{%- endmacro %}

{#- From one timestamp to a later one, to the millisecond. -#}
{% macro milliseconds_between(earlier, later) -%}
    cast(round(extract(epoch from ({{ later }} - {{ earlier }})) * 1000) as bigint)
{%- endmacro %}

{% macro day_of(instant) -%}
    cast(date_trunc('day', {{ instant }}) as date)
{%- endmacro %}

{#- The Monday of its ISO week. -#}
{% macro week_of(instant) -%}
    cast(date_trunc('week', {{ instant }}) as date)
{%- endmacro %}

{#- Whether the activity log is to be used: it was loaded and has rows, and --vars 'activity_log: false' is not given. -#}
{% macro has_activity_log() %}
    {%- if not execute or not var('activity_log', true) or loaded('activity_logs') is none -%}
        {{ return(false) }}
    {%- endif -%}
    {{ return(run_query('select 1 from ' ~ source('dixa', 'activity_logs') ~ ' limit 1').rows | length > 0) }}
{% endmacro %}
