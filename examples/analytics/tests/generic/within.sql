{#- Where there is a value, it is one of those from `lowest` to `highest`. -#}
{% test within(model, column_name, lowest, highest) %}
select {{ column_name }}
from {{ model }}
where {{ column_name }} < {{ lowest }} or {{ column_name }} > {{ highest }}
{% endtest %}
