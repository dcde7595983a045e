{# Numbers as people write them. #}

{# 8413 with 0 decimals is "8,413"; 66.7 with 1 is "66.7". #}
{% macro number_text(value, decimals) -%}
    to_char(
        round(({{ value }})::numeric, {{ decimals }}::integer),
        'FM999,999,999,990' || case when {{ decimals }} > 0 then '.' || repeat('0', {{ decimals }}::integer) else '' end
    )
{%- endmacro %}

{# A value with its unit: "66.7 %", "8,413 people", "1 person", "£485.20"; a plain ratio has none: "0.95". #}
{% macro value_text(value, unit, decimals) -%}
    case
        when {{ unit }} = 'percent' then {{ number_text(value, decimals) }} || ' %'
        when {{ unit }} = 'gbp' then '£' || {{ number_text(value, decimals) }}
        when {{ unit }} = 'ratio' then {{ number_text(value, decimals) }}
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

{# A number of things: "1 place", "3 places". #}
{% macro counted_text(number, thing) -%}
    {{ number_text(number, '0') }} || case when round(({{ number }})::numeric) = 1 then ' {{ thing }}' else ' {{ thing }}s' end
{%- endmacro %}

{# A probability in per cent; the last per cent at either end is not claimed. #}
{% macro chance_text(chance) -%}
    case
        when {{ chance }} < 0.01 then 'under 1 %'
        when {{ chance }} > 0.99 then 'over 99 %'
        else round(({{ chance }} * 100)::numeric) || ' %'
    end
{%- endmacro %}

{# The parts of the sentence that says where a target stands. They are written over the columns of
   int_targets_assessed. #}

{# A compared value as people write it: of a parity, the ratio on the value's side of 1 that is so far from 1. #}
{% macro side_value(value) -%}
    (case when is_parity then {{ parity_ratio(value, 'is_below_one') }} else {{ value }} end)
{%- endmacro %}

{# The size of a difference between compared values: of a parity, between the ratios of `side_value`. #}
{% macro side_difference(from_value, to_value, difference) -%}
    (
        case
            when is_parity
                then
                    {{ parity_ratio(to_value, 'is_below_one') }} - {{ parity_ratio(from_value, 'is_below_one') }}
            else {{ difference }}
        end
    )
{%- endmacro %}

{# What is to be reached: "69.4 %", "79 people (26 fewer than the 105 of August 2006)". #}
{% macro target_words() -%}
    case
        when kind = 'maintain' and target_printed_value is null then 'no change for the worse'
        when kind = 'rank' and compared_with is not null
            then 'place ' || {{ number_text('level_value', '0') }} || ' or better'
        when kind = 'quartile' and compared_with is not null
            then 'quarter ' || {{ number_text('level_value', '0') }} || ' or better'
        when kind = 'benchmark' and compared_with is not null
            then 'the value of ' || compared_with || ', ' || {{ value_text('level_value', 'unit', 'decimals') }}
        when benchmark is not null then benchmark
        when target_lower is not null
            then
                {{ number_text('target_lower', 'decimals') }} || ' to '
                || {{ value_text('target_upper', 'unit', 'decimals') }}
        when kind in ('absolute_change', 'percent_change') and target_printed_value is null
            then 'any ' || direction
        -- The same distance on the other side of 1 is as near: said where the value lies there.
        when is_parity and target_value < 1 and not is_below_one
            then
                {{ value_text('target_value', 'unit', 'decimals') }} || ' (or, from above 1, '
                || {{ value_text('level_value', 'unit', 'decimals') }} || ')'
        when is_parity and target_value > 1 and is_below_one
            then
                {{ value_text('target_value', 'unit', 'decimals') }} || ' (or, from below 1, '
                || {{ value_text('1.0 / level_value', 'unit', 'decimals') }} || ')'
        else
            coalesce({{ value_text('target_value', 'unit', 'decimals') }}, 'an unknown level')
            || case
                when kind in ('absolute_change', 'percent_change')
                    then
                        ' (' || {{ number_text('target_printed_value', '0') }}
                        || case when kind = 'percent_change' then ' %' else '' end
                        || case direction when 'decrease' then ' fewer' else ' more' end
                        || coalesce(
                            ' than the ' || {{ number_text('baseline_value', 'decimals') }} || ' of '
                            || baseline_period, ''
                        ) || ')'
                else ''
            end
    end
{%- endmacro %}

{# Where it stands. #}
{% macro verdict_words() -%}
    case
        when not is_assessable and unverifiable_reason is not null
            then 'this cannot be verified as printed, since ' || unverifiable_reason
        when not is_assessable and kind in ('rank', 'quartile', 'benchmark')
            then 'the plan does not say with which areas it is compared, so no verdict is given'
        when not is_assessable and coalesce(polarity, '') not in ('higher', 'lower', 'parity')
            then 'the plan does not say which way is better, so no verdict is given'
        when not is_assessable and kind in ('absolute_change', 'percent_change') and target_printed_value is not null
            then 'the plan prints only a change, and no value is published for its baseline period'
        when is_parity and (target_value <= 0 or value <= 0)
            then 'a ratio of zero or below has no distance from 1, so no verdict is given'
        when not is_assessable and kind = 'maintain' then 'the plan prints nothing to compare it with'
        when not is_assessable then 'a target of this kind cannot be assessed from a series'
        when level_value is null and kind = 'benchmark' then 'the area it is compared with has no value in that period'
        when level_value is null
            then 'the plan prints only a change, and no value is published for its baseline period'
        when compared_value is null then 'the other areas have no values in that period'
        when is_range and position = 'met' then 'inside the range'
        when is_range and position = 'missed' then 'outside the range by ' || gap_words
        when position = 'met' and abs(target_gap) <= 1e-9 and (is_due_value or due_date is null) then 'met exactly'
        when position = 'met' and (is_due_value or due_date is null) then 'met by ' || gap_words
        when position = 'met' and abs(target_gap) <= 1e-9 then 'reached before it is due'
        when position = 'met' then 'reached before it is due, by ' || gap_words
        when position = 'missed' and not is_due_value then 'over its limit already, by ' || gap_words
        when position = 'missed' and abs(target_gap) <= 1e-9 then 'missed, since just reaching it is not enough'
        when position = 'missed' then 'missed by ' || gap_words
        when kind = 'maintain' and abs(gap) <= 1e-9 then 'at the level to hold'
        when kind = 'maintain' and gap > 0 then gap_words || ' better than the level to hold'
        when kind = 'maintain' and position in ('within_tolerance', 'off_trajectory')
            then
                gap_words || ' worse than the level to hold'
                || case position when 'within_tolerance' then ', within the tolerance of ' || tolerance_words else '' end
        when position = 'on_trajectory' and abs(gap) <= 1e-9
            then 'on its path, which asks for ' || expected_words || ' by then'
        when position = 'on_trajectory'
            then gap_words || ' ahead of its path, which asks for ' || expected_words || ' by then'
        when position = 'within_tolerance'
            then gap_words || ' behind its path, within the tolerance of ' || tolerance_words
        when position = 'off_trajectory' and was_met_at_start
            then 'already met at the start, and no longer'
        when position = 'off_trajectory'
            then gap_words || ' behind its path, which asks for ' || expected_words || ' by then'
        when baseline_date >= deadline_date then 'its baseline is dated after its due date, so no path can be drawn'
        when is_parity and baseline_value <= 0
            then 'not reached yet, and a baseline of zero or below has no distance from 1, so no path can be drawn'
        when period_end <= baseline_date then 'no period has ended since the baseline'
        when due_date is null
            then 'not reached, and the plan prints no due date, so no pace can be expected'
        else 'not reached yet, and the plan prints no dated baseline, so no path can be drawn'
    end
{%- endmacro %}

{# How sure that is. #}
{% macro evidence_words() -%}
    case
        when position = 'no_data' or (position = 'not_due' and evidence = 'none') then ''
        when evidence = 'unreliable' then '; it cannot be relied on, since ' || unreliable_reason
        when evidence = 'too_early' and is_overlapping
            then '; too early to tell, since the period shares months with that of the baseline'
        when evidence = 'too_early'
            then '; too early to tell, since the change asked for so far (' || asked_words || ') is within the margin of error'
        when evidence = 'none' then '; no margin of error is published'
        when kind in ('rank', 'quartile')
            then
                '; chance leaves ' || case kind when 'rank' then 'places ' else 'quarters ' end
                || compared_lower || ' to ' || compared_upper || ' open'
        when evidence = 'unverifiable'
            then
                '; a change of ' || required_words || ' cannot be verified with this source, whose margin of error '
                || coalesce(interval_words || ' ', '') || 'hides any below ' || smallest_words
        when evidence = 'not_distinguishable' and kind in ('absolute_change', 'percent_change') and lower_bound is not null
            then '; the margins of error of both figures leave that open'
        when evidence = 'not_distinguishable' and lower_bound is null
            then '; the rounding of the published counts leaves that open'
        when evidence = 'not_distinguishable'
            then '; the margin of error ' || interval_words || ' leaves that open'
        when error_basis = 'cells' and compared_error < 1e-9 then '; a complete count, without a margin of error'
        when lower_bound is null then '; that is more than the rounding of the published counts explains'
        when is_outside_interval
            then
                '; the margin of error ' || interval_words || ' does not reach the '
                || case when position in ('met', 'missed') then 'target' else 'path' end
        else '; that is more than chance explains, margin of error ' || interval_words
    end
{%- endmacro %}
