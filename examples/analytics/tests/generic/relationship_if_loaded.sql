{#- As `relationships`, but it holds where the other stream was not loaded. -#}
{% test relationship_if_loaded(model, column_name, to, field) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} is not null
    and exists (select 1 from {{ to }})
    and {{ column_name }} not in (select {{ field }} from {{ to }})
{% endtest %}
