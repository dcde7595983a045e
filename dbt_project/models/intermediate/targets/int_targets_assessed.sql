{#- Each target against each value that can speak for it. The rules are those of the methodology page:

    Path. A straight line from the baseline to the target, in months, through the plan's interim values where it has
    any. Beyond the due date there is no path. No dated baseline or no due date: no path, so no pace.
    Due. A target "by March 2008" is decided by the latest period that ends by then, once the day is past and no later
    period that ends by then can still come; it must not end more than a year (or one step of the series) before.
    After a year of waiting the latest such period decides.
    Position. Decided: met or missed. Before: met if reached, otherwise by the gap to the path, with a tolerance that is
    a share of the required change. Without a path: not_due, and the sentence says why.
    Evidence. The gap over its standard error, one-sided, 1.645. -#}
{%- set as_of = as_of_date(var('as_of')) -%}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

points as (
    select * from {{ ref('stg_plans__target_points') }}
),

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

observed as (
    select
        targets.*,
        observations.period_start,
        observations.period_months,
        observations.period_end,
        observations.value,
        observations.lower_bound,
        observations.upper_bound,
        observations.dataset_id,
        observations.origin,
        {{ polarity_sign('targets.polarity') }} as sign,
        lag(observations.period_end) over same_target as previous_end,
        lead(observations.period_end) over same_target as next_end
    from targets
    inner join observations
        on
            targets.measure_id = observations.measure_id
            and targets.area_code = observations.area_code
            and targets.unit = observations.unit
    where observations.value is not null
    window same_target as (
        partition by targets.target_id
        order by observations.period_end, observations.period_start
    )
),

stepped as (
    select
        *,
        greatest(
            1, coalesce(
                round({{ month_number('period_end') }} - {{ month_number('previous_end') }})::integer, period_months
            )
        ) as step_months
    from observed
    where
        (due_date is null or period_end <= due_date)
        and (baseline_date is null or period_end >= baseline_date)
),

decided as (
    select
        *,
        coalesce(
            {{ as_of }} > due_date
            and (next_end is null or next_end > due_date)
            and period_end > due_date - make_interval(months => greatest(12, step_months))
            and (
                next_end > due_date
                or period_end = due_date
                or period_end + make_interval(months => step_months) > due_date
                or {{ as_of }} > due_date + interval '12 months'
            ), false
        ) as is_due_value
    from stepped
),

-- The corners of each target's path: baseline, interim values, target at the due date.
corners as (
    select
        target_id,
        baseline_date as corner_date,
        baseline_value as corner_value
    from targets
    where baseline_date < due_date and baseline_value is not null and target_value is not null
    union
    select
        points.target_id,
        points.point_date as corner_date,
        points.point_value as corner_value
    from points
    inner join targets on points.target_id = targets.target_id
    where
        points.point_date > targets.baseline_date
        and points.point_date < targets.due_date
        and targets.baseline_value is not null
        and targets.target_value is not null
    union
    select
        target_id,
        due_date as corner_date,
        target_value as corner_value
    from targets
    where baseline_date < due_date and baseline_value is not null and target_value is not null
),

stretches as (
    select
        target_id,
        corner_date as from_date,
        corner_value as from_value,
        lead(corner_date) over (partition by target_id order by corner_date) as to_date,
        lead(corner_value) over (partition by target_id order by corner_date) as to_value
    from corners
),

pathed as (
    select
        decided.*,
        case
            when decided.is_due_value or decided.kind = 'maintain' then decided.target_value
            else
                stretches.from_value + (stretches.to_value - stretches.from_value)
                * ({{ month_number('decided.period_end') }} - {{ month_number('stretches.from_date') }})
                / ({{ month_number('stretches.to_date') }} - {{ month_number('stretches.from_date') }})
        end as expected_value,
        decided.sign * (decided.baseline_value - decided.target_value) >= -1e-9
        and abs(decided.baseline_value - decided.target_value) > 1e-9 as was_met_at_start
    from decided
    left join stretches
        on
            decided.target_id = stretches.target_id
            and decided.period_end > stretches.from_date
            and decided.period_end <= stretches.to_date
),

measured as (
    select
        *,
        case
            when
                not coalesce(was_met_at_start, false) and abs(target_value - baseline_value) > 1e-9
                then (value - baseline_value) / (target_value - baseline_value)
        end as done_share,
        case
            when is_due_value then 1
            when
                not coalesce(was_met_at_start, false) and abs(target_value - baseline_value) > 1e-9
                then (expected_value - baseline_value) / (target_value - baseline_value)
        end as expected_share,
        sign * (value - expected_value) as gap,
        sign * (value - target_value) as target_gap,
        coalesce(tolerance_share * abs(target_value - baseline_value), 0) as tolerance,
        {{ standard_error('lower_bound', 'upper_bound') }} as value_error
    from pathed
),

positioned as (
    select
        *,
        {{ target_position() }} as position
    from measured
),

judged as (
    select
        *,
        -- What the verdict was about: the target itself, or the path to it.
        case when position in ('met', 'missed') then target_gap else gap end as judged_gap,
        case when position in ('met', 'missed') then target_value else expected_value end as judged_against
    from positioned
),

evidenced as (
    select
        *,
        {{ target_evidence() }} as evidence,
        not coalesce(judged_against between lower_bound and upper_bound, false) as is_outside_interval
    from judged
),

worded as (
    select
        *,
        {{ value_text('value', 'unit', 'decimals') }}
        || ' ' || {{ period_phrase('period_start', 'period_months') }} as value_words,
        case
            when kind = 'maintain' and target_printed_value is null then 'no change for the worse'
            when benchmark is not null then benchmark
            when target_lower is not null
                then
                    {{ number_text('target_lower', 'decimals') }} || ' to '
                    || {{ value_text('target_upper', 'unit', 'decimals') }}
            when kind in ('absolute_change', 'percent_change') and target_printed_value is null
                then 'any ' || direction
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
        || coalesce(' by ' || {{ due_label('due_date') }}, '') as target_words,
        {{ difference_text('judged_gap', 'unit', 'decimals') }} as gap_words,
        {{ value_text('expected_value', 'unit', 'decimals') }} as expected_words,
        {{ difference_text('tolerance', 'unit', 'decimals') }} as tolerance_words,
        '(' || {{ number_text('lower_bound', 'decimals') }} || '-' || {{ number_text('upper_bound', 'decimals') }}
        || ')' as interval_words
    from evidenced
),

sentences as (
    select
        *,
        case
            when not is_assessable and unverifiable_reason is not null
                then 'this cannot be verified as printed, since ' || unverifiable_reason
            when not is_assessable and coalesce(polarity, '') not in ('higher', 'lower')
                then 'the plan does not say which way is better, so no verdict is given'
            when not is_assessable then 'a target of this kind is not assessed yet'
            when target_value is null
                then 'the plan prints only a change, and no value is published for its baseline period'
            when position = 'met' and abs(target_gap) <= 1e-9 and (is_due_value or due_date is null) then 'met exactly'
            when position = 'met' and (is_due_value or due_date is null) then 'met by ' || gap_words
            when position = 'met' and abs(target_gap) <= 1e-9 then 'reached before it is due'
            when position = 'met' then 'reached before it is due, by ' || gap_words
            when position = 'missed' and abs(target_gap) <= 1e-9 then 'missed, since just reaching it is not enough'
            when position = 'missed' then 'missed by ' || gap_words
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
            when period_end <= baseline_date then 'no period has ended since the baseline'
            when due_date is null
                then 'not reached, and the plan prints no due date, so no pace can be expected'
            else 'not reached yet, and the plan prints no dated baseline, so no path can be drawn'
        end as verdict_words,
        case
            when position in ('no_data', 'not_due') then ''
            when value_error is null then '; no margin of error is published'
            when evidence = 'not_distinguishable'
                then '; the margin of error ' || interval_words || ' leaves that open'
            when is_outside_interval
                then
                    '; the margin of error ' || interval_words || ' does not reach the '
                    || case when position in ('met', 'missed') then 'target' else 'path' end
            else '; that is more than chance explains, margin of error ' || interval_words
        end as evidence_words
    from worded
),

final as (
    select
        target_id,
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        value,
        lower_bound,
        upper_bound,
        is_due_value,
        position,
        evidence,
        was_met_at_start,
        dataset_id,
        origin,
        -- Rounded so that 66.7 - 69.4 reads -2.7; comparisons above use the unrounded figures.
        round(expected_value::numeric, 6)::double precision as expected_value,
        round(done_share::numeric, 4)::double precision as done_share,
        round(expected_share::numeric, 4)::double precision as expected_share,
        case
            when expected_share > 1e-9 then round((done_share / expected_share)::numeric, 4)::double precision
        end as pace,
        round(gap::numeric, 6)::double precision as gap,
        round(target_gap::numeric, 6)::double precision as target_gap,
        round(value_error::numeric, 4)::double precision as standard_error,
        value_words
        || case
            when not is_assessable and unverifiable_reason is not null then ': '
            else ' against a target of ' || target_words || ': '
        end || verdict_words || evidence_words
        || coalesce('; ' || caveat, '') || '.' as reason
    from sentences
)

select * from final
