{# The first column of every mart: which publication a row belongs to. #}
{% macro publication_id(publication) -%}
    '{{ publication }}'::text
{%- endmacro %}
