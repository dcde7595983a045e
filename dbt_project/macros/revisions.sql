{# So many values of a series must have been revised before a usual revision is spoken of. #}
{% macro revisions_least() -%}3{%- endmacro %}

{# A change that is no larger than a usual revision may be gone next month. #}
{% macro is_within_revisions(change, typical_revision) -%}
    coalesce(abs({{ change }}) <= {{ typical_revision }} + 1e-9, false)
{%- endmacro %}
