{# Numbers as people write them. #}

{# 8413 with 0 decimals is "8,413"; 66.7 with 1 is "66.7". #}
{% macro number_text(value, decimals) -%}
    to_char(
        round(({{ value }})::numeric, {{ decimals }}::integer),
        'FM999,999,999,990' || case when {{ decimals }} > 0 then '.' || repeat('0', {{ decimals }}::integer) else '' end
    )
{%- endmacro %}

{# A value with its unit: "66.7 %", "8,413 people", "1 person", "£485.20". #}
{% macro value_text(value, unit, decimals) -%}
    case
        when {{ unit }} = 'percent' then {{ number_text(value, decimals) }} || ' %'
        when {{ unit }} = 'gbp' then '£' || {{ number_text(value, decimals) }}
        when {{ unit }} = 'people' and round(({{ value }})::numeric, {{ decimals }}::integer) = 1 then '1 person'
        else {{ number_text(value, decimals) }} || ' ' || replace({{ unit }}, '_', ' ')
    end
{%- endmacro %}

{# The size of a difference: a difference of percentages is in points. #}
{% macro difference_text(value, unit, decimals) -%}
    case
        when {{ unit }} = 'percent' then {{ number_text('abs(' ~ value ~ ')', decimals) }} || ' points'
        else {{ value_text('abs(' ~ value ~ ')', unit, decimals) }}
    end
{%- endmacro %}
