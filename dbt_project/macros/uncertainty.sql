{# How sure a single published value is; the methodology page says the same in words. #}

{# Byar's 95 % interval of a count of events. #}
{% macro byar_lower(events) -%}
    case
        when {{ events }} <= 0 then 0
        else {{ events }} * power(1 - 1 / (9 * {{ events }}) - 1.96 / (3 * sqrt({{ events }})), 3)
    end
{%- endmacro %}

{% macro byar_upper(events) -%}
    (({{ events }} + 1) * power(1 - 1 / (9 * ({{ events }} + 1)) + 1.96 / (3 * sqrt({{ events }} + 1)), 3))
{%- endmacro %}

{# Variance of rounding to the nearest `step`: a uniform distribution of that width. #}
{% macro rounding_variance(step) -%}
    (power({{ step }}, 2) / 12)
{%- endmacro %}
