{# ONS change codes from best to worst, as numbers. #}
{% macro grade_number(change_code) -%}
    case {{ change_code }} when 'U' then 1 when 'S' then 2 when 'M' then 3 else 4 end
{%- endmacro %}

{# What a rate made of numerator over denominator is multiplied by. #}
{% macro rate_factor(unit) -%}
    case {{ unit }} when 'percent' then 100 when 'per_1000' then 1000 when 'per_10k' then 10000 when 'per_100k' then 100000 end
{%- endmacro %}
