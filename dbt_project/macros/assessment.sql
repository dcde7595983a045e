{# The rules by which a target is assessed; the methodology page and the model's docs say the same in words. #}

{# +1 where higher is better, -1 where lower is better, null where nobody said. #}
{% macro polarity_sign(polarity) -%}
    case {{ polarity }} when 'higher' then 1 when 'lower' then -1 end
{%- endmacro %}

{# Standard error out of a published 95 % interval. #}
{% macro standard_error(lower, upper) -%}
    (({{ upper }} - {{ lower }}) / (2 * 1.96))
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
        when value is null or target_value is null or not is_assessable then 'no_data'
        when is_due_value and {{ target_reached() }} then 'met'
        when is_due_value then 'missed'
        when kind = 'maintain' and gap >= -tolerance - 1e-9
            then case when gap >= -1e-9 then 'on_trajectory' else 'within_tolerance' end
        when kind = 'maintain' then 'off_trajectory'
        when {{ target_reached() }} and (baseline_date is null or period_end > baseline_date) then 'met'
        when was_met_at_start and period_end > baseline_date then 'off_trajectory'
        when expected_value is null then 'not_due'
        when gap >= -1e-9 then 'on_trajectory'
        when gap >= -tolerance - 1e-9 then 'within_tolerance'
        else 'off_trajectory'
    end
{%- endmacro %}

{# Evidence: is the distance from what the value is compared with larger than 1.645 standard errors (one-sided 95 %)?
   Without a published interval there is none, and without a comparison there is nothing to be sure of. #}
{% macro target_evidence() -%}
    case
        when position in ('no_data', 'not_due') or value_error is null then 'none'
        when abs(judged_gap) > 1.645 * value_error then 'confirmed'
        else 'not_distinguishable'
    end
{%- endmacro %}
