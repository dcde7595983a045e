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

{# The chance of a chi-squared so large or larger, with one degree of freedom, where nothing changes: erfc(sqrt(x / 2)).
   PostgreSQL has erfc from 16 on, and may be 15, so it is fitted by a polynomial (Numerical Recipes, 6.2), within 1.2e-7
   of itself. Beyond 700 exp() would stop the query, and the chance is nothing long before. #}
{% macro chi_squared_chance(chi_squared) -%}
    {%- set half -%} (least(greatest({{ chi_squared }}, 0), 700) / 2) {%- endset -%}
    {%- set t -%} (1 / (1 + 0.5 * sqrt({{ half }}))) {%- endset -%}
    {%- set fit = namespace(words='0.17087277') -%}
    {%- for term in [
        '-0.82215223', '1.48851587', '-1.13520398', '0.27886807', '-0.18628806', '0.09678418', '0.37409196',
        '1.00002368', '-1.26551223'
    ] -%}
        {%- set fit.words = '(' ~ term ~ ' + ' ~ t ~ ' * ' ~ fit.words ~ ')' -%}
    {%- endfor -%}
    {{ t }} * exp({{ fit.words }} - {{ half }})
{%- endmacro %}

{# Benjamini and Hochberg: of the areas that are called, the share that may be so by chance alone. #}
{% macro discovery_rate() -%} 0.10 {%- endmacro %}

{# Eurostat reads growth over a short and a long window of years. #}
{% macro growth_years_short() -%} 5 {%- endmacro %}

{% macro growth_years_long() -%} 15 {%- endmacro %}

{# Open SDG: near its natural limit a share cannot grow as fast, so less is asked of it. Mirrored above the limit, and
   nothing is taken off beyond twice the limit, nor where lower is better: there the limit is 0, and nothing can be
   divided by it. #}
{% macro growth_scale(baseline, unit, polarity) -%}
    case
        when {{ unit }} = 'percent' and {{ polarity }} = 'higher' and abs({{ baseline }}) < 200
            then 1 - power(1 - abs(abs({{ baseline }}) / 100 - 1), 4.44)
        else 1
    end
{%- endmacro %}

{# Open SDG's classes of growth where there is no target. Floats are compared with a margin. #}
{% macro growth_progress(rate, sign, scale) -%}
    case
        when {{ sign }} * {{ rate }} >= 0.015 * {{ scale }} - 1e-9 then 'substantial_progress'
        when {{ sign }} * {{ rate }} >= 0.005 * {{ scale }} - 1e-9 then 'moderate_progress'
        when {{ sign }} * {{ rate }} >= -1e-9 then 'limited_progress'
        when {{ sign }} * {{ rate }} < 0 then 'deterioration'
    end
{%- endmacro %}
