{# Let the gate and the publisher read the candidate. They may pass the right on: the publisher grants it to readers
   when, and only when, it publishes. Rights stay with the schema when it takes the name of its publication. #}
{% macro grant_candidate(schemas) -%}
    {% if execute and flags.WHICH in ('build', 'run') %}
        {% for schema in schemas if schema.startswith('marts_') %}
            grant usage on schema {{ adapter.quote(schema) }}
                to planmark_gate, planmark_publisher with grant option;
            grant select on all tables in schema {{ adapter.quote(schema) }}
                to planmark_gate, planmark_publisher with grant option;
        {% endfor %}
    {% endif %}
{%- endmacro %}
