{# The rules by which a target is assessed; the methodology page says the same in words. #}

{# +1 where higher is better, -1 where lower is better, null where nobody said. #}
{% macro polarity_sign(polarity) -%}
    case {{ polarity }} when 'higher' then 1 when 'lower' then -1 end
{%- endmacro %}

{# Standard error out of a published 95 % interval. #}
{% macro standard_error(lower, upper) -%}
    (({{ upper }} - {{ lower }}) / (2 * 1.96))
{%- endmacro %}

{# How far a value lies outside a range; inside it, 0. #}
{% macro range_distance(value, lower, upper) -%}
    case
        when {{ value }} is not null and {{ lower }} is not null and {{ upper }} is not null
            then greatest({{ lower }} - {{ value }}, 0, {{ value }} - {{ upper }})
    end
{%- endmacro %}

{# How far a ratio lies from 1, the same on either side: 0.80 and 1.25 are both 1.25, and 1 is the best. A ratio of zero or
   below has no distance. #}
{% macro parity_distance(value) -%}
    case when {{ value }} > 0 then greatest({{ value }}, 1.0 / {{ value }}) end
{%- endmacro %}

{# Its standard error: below 1 that of 1/y, which is SE / y² by the delta method. #}
{% macro parity_error(value, error) -%}
    case
        when {{ value }} >= 1 then {{ error }}
        when {{ value }} > 0 then {{ error }} / power({{ value }}, 2)
    end
{%- endmacro %}

{# A distance as the ratio that is so far from 1, on the side that is asked for. #}
{% macro parity_ratio(distance, is_below_one) -%}
    case when {{ is_below_one }} then 1.0 / nullif({{ distance }}, 0) else {{ distance }} end
{%- endmacro %}

{# The quarter, 1 the best, in which a place among so many lies. #}
{% macro quartile_of(place, places) -%}
    ceil(4.0 * {{ place }} / {{ places }})::double precision
{%- endmacro %}

{# How much of the baseline's error goes into the level to reach: all of it for a change by so much, 0.8 of it for 20 %
   less. #}
{% macro baseline_weight(target) -%}
    case {{ target }}.kind
        when 'percent_change'
            then
                1 + case {{ target }}.direction when 'decrease' then -1 else 1 end
                * coalesce({{ target }}.target_printed_value, 0) / 100
        else 1
    end
{%- endmacro %}

{# Is the target reached? "Below 9 %" is not reached at 9 %. Floats are compared with a margin. #}
{% macro target_reached() -%}
    (
        target_gap > 1e-9
        or (target_gap >= -1e-9 and coalesce(comparator, 'at_least') not in ('less_than', 'more_than'))
    )
{%- endmacro %}

{# Position. `gap` is how far the value is on the good side of what it is compared with: the target once the due date is
   past, the path before. `target_gap` is the same against the target itself. Floats are compared with a margin. #}
{% macro target_position() -%}
    case
        when compared_value is null or level_value is null or not is_assessable then 'no_data'
        when is_due_value and {{ target_reached() }} then 'met'
        when is_due_value then 'missed'
        when kind = 'maintain' and gap >= -tolerance - 1e-9
            then case when gap >= -1e-9 then 'on_trajectory' else 'within_tolerance' end
        when kind = 'maintain' then 'off_trajectory'
        -- Of a count that is to stay below a limit, only the end or the limit itself decides.
        when is_counted and sign < 0 and not {{ target_reached() }} then 'missed'
        when
            {{ target_reached() }} and not (is_counted and sign < 0)
            and (path_start_date is null or period_end > path_start_date)
            then 'met'
        when was_met_at_start and period_end > path_start_date then 'off_trajectory'
        when expected_value is null then 'not_due'
        when gap >= -1e-9 then 'on_trajectory'
        when gap >= -tolerance - 1e-9 then 'within_tolerance'
        else 'off_trajectory'
    end
{%- endmacro %}

{# Evidence. Is the distance from what the value is compared with larger than 1.645 standard errors (one-sided 95 %)? For
   a place in a ranking: does every place that chance leaves open give the same answer? A verdict of "too early" needs
   both: the value cannot be told from its path, nor the path from where it began. Where not even the whole change could be
   seen, it never gets later than too early: unverifiable. #}
{% macro target_evidence() -%}
    case
        when position = 'no_data' then 'none'
        -- Said on the day it is set, before any value could decide it.
        when position = 'not_due' then case detectability when 'unverifiable' then 'unverifiable' else 'none' end
        when unreliable_reason is not null then 'unreliable'
        when is_overlapping then 'too_early'
        when kind in ('rank', 'quartile') and compared_lower is null then 'none'
        when kind in ('rank', 'quartile')
            then
                case
                    when (compared_upper <= level_value) or (compared_lower > level_value) then 'confirmed'
                    else 'not_distinguishable'
                end
        when compared_error is null then 'none'
        when abs(judged_gap) > 1.645 * compared_error or compared_error < 1e-9 then 'confirmed'
        when detectability = 'unverifiable' then 'unverifiable'
        when not is_due_value and abs(expected_value - path_start_value) <= 1.645 * compared_error then 'too_early'
        else 'not_distinguishable'
    end
{%- endmacro %}

{# Which way a value has moved since the baseline: two independent figures. Called at z of 2.17 (two-sided, 3 %), so that
   false calls stay below 5 % of series in which nothing changes: at 1.96 up to 6.1 % of those that `make evaluate` draws
   were called, small counts most often, since they are not quite normal. Nor is a change announced that is no larger than
   a usual revision of its series. #}
{% macro direction_of_travel(change_z, sign, change, typical_revision) -%}
    case
        when {{ change_z }} is null then 'cannot_tell'
        when abs({{ change_z }}) < 2.17 then 'no_significant_change'
        when {{ is_within_revisions(change, typical_revision) }} then 'within_revisions'
        when {{ change_z }} * {{ sign }} > 0 then 'improving'
        when {{ change_z }} * {{ sign }} < 0 then 'worsening'
        else 'no_significant_change'
    end
{%- endmacro %}

{# Compound growth a year, as a share: 0.01 is 1 %. It exists where both values have the same sign. Of values below zero the
   sign is turned, so that above 0 always means that the value rises. #}
{% macro growth_rate(value, baseline, years) -%}
    case
        when {{ baseline }} * {{ value }} > 1e-12 and {{ years }} > 1e-9
            then sign({{ baseline }}::double precision) * (power({{ value }} / {{ baseline }}, 1 / {{ years }}) - 1)
    end
{%- endmacro %}

{# Growth rate so far over the growth rate needed, as Eurostat and Open SDG have it: for comparison only. It exists where
   baseline, value and target have the same sign, and the required change is not nothing. #}
{% macro growth_ratio(value, baseline, target, sign, years, all_years) -%}
    case
        when abs({{ target }} - {{ baseline }}) > 1e-9
            then
                {{ sign }} * {{ growth_rate(value, baseline, years) }}
                / abs({{ growth_rate(target, baseline, all_years) }})
    end
{%- endmacro %}

{% macro growth_class(ratio, is_met) -%}
    case
        when {{ ratio }} is null then null
        when {{ is_met }} then 'target_met'
        when {{ ratio }} >= 0.95 then 'on_track'
        when {{ ratio }} >= 0.60 then 'acceleration_needed'
        when {{ ratio }} >= 0 then 'limited'
        else 'deterioration'
    end
{%- endmacro %}

{# The smallest change between two values of this error that a test at 5 % calls, and the one it calls in 80 of 100. #}
{% macro smallest_change(error) -%}
    (1.96 * sqrt(2) * {{ error }})
{%- endmacro %}

{% macro smallest_change_80(error) -%}
    ((1.96 + 0.84) * sqrt(2) * {{ error }})
{%- endmacro %}

{# What a gap means in people: a rate's gap times the population that it is a share of. #}
{% macro people_of(gap, population, unit) -%}
    case {{ unit }}
        when 'percent' then {{ gap }} * {{ population }} / 100
        when 'per_1000' then {{ gap }} * {{ population }} / 1000
        when 'per_100k' then {{ gap }} * {{ population }} / 100000
        when 'people' then {{ gap }}
    end
{%- endmacro %}
