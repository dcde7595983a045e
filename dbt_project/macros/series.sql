{# Thresholds for what a series says by itself; the methodology page says the same in words. #}

{# Fingertips: chi-squared with one degree of freedom, 99.8 %. #}
{% macro trend_threshold() -%} 9.5495 {%- endmacro %}

{# How many points a trend is worked out from. #}
{% macro trend_points() -%} 5 {%- endmacro %}

{# Points of a chart: the fewest that get limits, the fewest whose limits stand, and the most that are shown, which is
   three years of months. #}
{% macro chart_points_trial() -%} 10 {%- endmacro %}

{% macro chart_points_locked() -%} 12 {%- endmacro %}

{% macro chart_points_most() -%} 36 {%- endmacro %}

{# +1, 0 or -1; floats are compared with a margin. #}
{% macro sign_of(value) -%}
    case when {{ value }} > 1e-9 then 1 when {{ value }} < -1e-9 then -1 when {{ value }} is not null then 0 end
{%- endmacro %}
