{# The one place through which tables are made. On distributed PostgreSQL this is what is overridden; here it adds
   fresh statistics, so that the models after this one are planned on what is really there. #}
{% macro postgres__create_table_as(temporary, relation, sql) -%}
    {{ dbt.postgres__create_table_as(temporary, relation, sql) }};
    {% if not temporary -%}
        analyze {{ relation }};
    {%- endif %}
{%- endmacro %}
