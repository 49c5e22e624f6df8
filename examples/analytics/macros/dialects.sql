{#- What differs between DuckDB and PostgreSQL. -#}

{% macro duckdb__without_zone(value) -%}
    make_timestamp(epoch_us({{ value }}))
{%- endmacro %}

{% macro postgres__without_zone(value) -%}
    {{ value }} at time zone 'UTC'
{%- endmacro %}

{% macro duckdb__instant_of_text(value) -%}
    case
        when regexp_full_match({{ value }}, '-?[0-9]+') then epoch_ms(cast({{ value }} as bigint))
        else cast(replace({{ value }}, '[GMT]', '') as timestamp)
    end
{%- endmacro %}

{% macro postgres__instant_of_text(value) -%}
    case
        when {{ value }} ~ '^-?[0-9]+$'
            then timestamp '1970-01-01' + cast({{ value }} as bigint) * interval '1 millisecond'
        when replace({{ value }}, '[GMT]', '') ~ '(Z|[+-][0-9]{2}:?[0-9]{2})$'
            then cast(replace({{ value }}, '[GMT]', '') as timestamptz) at time zone 'UTC'
        else cast(replace({{ value }}, '[GMT]', '') as timestamp)
    end
{%- endmacro %}

{% macro duckdb__json_list(value, kind) -%}
    {{ 'to_json(' ~ value ~ ')' if kind.endswith('[]') else 'cast(' ~ value ~ ' as json)' }}
{%- endmacro %}

{% macro postgres__json_list(value, kind) -%}
    {{ 'to_jsonb(' ~ value ~ ')' if kind.endswith('[]') or kind == 'array' else 'cast(cast(' ~ value ~ ' as text) as jsonb)' }}
{%- endmacro %}

{% macro duckdb__elements(list, alias) -%}
    cross join unnest(cast({{ list }} as json[])) as {{ alias }}_list ({{ alias }})
{%- endmacro %}

{% macro postgres__elements(list, alias) -%}
    cross join lateral jsonb_array_elements(
        case when jsonb_typeof({{ list }}) = 'array' then {{ list }} end
    ) as {{ alias }}_list ({{ alias }})
{%- endmacro %}
