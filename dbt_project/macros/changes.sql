{# What stands in the newest version that gives a value of a column; a version that gives none keeps what was. #}
{% macro last_given(column) -%}
    (array_agg({{ column }}) filter (where {{ column }} is not null) over versions_so_far)[
        count({{ column }}) over versions_so_far
    ]
{%- endmacro %}
