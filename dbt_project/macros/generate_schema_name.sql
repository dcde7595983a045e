{# A model's schema is the one its folder is given, without the profile's schema in front. A build that looks back
   (`planmark as-of`) has schemas of its own, all of which begin with its name: the night's are never touched. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- set name = custom_schema_name | trim if custom_schema_name else target.schema -%}
    {%- if not var('build') -%}
        {{ name }}
    {%- elif name.startswith('marts_') -%}
        {{ var('build') }}
    {%- else -%}
        {{ var('build') }}_{{ name }}
    {%- endif -%}
{%- endmacro %}
