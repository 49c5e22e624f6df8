{#- The sum of a column is the number of rows of another model, those that meet the condition: no row is lost or counted twice. -#}
{% test adds_up(model, column_name, rows_of, condition='true') %}
select total.value as found, expected.value as expected
from (select coalesce(sum({{ column_name }}), 0) as value from {{ model }}) as total
cross join (select count(*) as value from {{ rows_of }} where {{ condition }}) as expected
where total.value <> expected.value
{% endtest %}
