{{ config(materialized='table') }}

{#- Each target against each value that can speak for it. The rules are those of the methodology page:

    Path. A straight line, in months, from the baseline to the level to reach, through the plan's interim values where
    it has any; stepped or seasonal where the target says so. Beyond the due date there is no path. No dated baseline or
    no due date: no path, so no pace.
    Due. A target "by March 2008" is decided by the latest period that ends by then, once the day is past and no later
    period that ends by then can still come; it must not end more than a year (or one step of the series) before.
    After a year of waiting the latest such period decides. Where the target says "contains", the period in which the
    day lies decides. A count in each year is decided by each year.
    Of a parity all of this is said of distances from 1; the sentence says it in ratios, on the value's side of 1.
    Position. Decided: met or missed. Before: met if reached, otherwise by the gap to the path, with a tolerance that is
    a share of the required change. Without a path: not_due, and the sentence says why.
    Evidence. The gap over its standard error, one-sided, 1.645.
    Direction of travel. The change since the baseline over its standard error, two-sided, 2.17; and larger than a usual
    revision. -#}
{%- set as_of = as_of_date(var('as_of')) -%}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

valued as (
    select * from {{ ref('int_targets_valued') }}
),

detectable as (
    select * from {{ ref('int_targets_detectable') }}
),

revisions as (
    select * from {{ ref('int_series_revisions') }}
),

points as (
    select * from {{ ref('stg_plans__target_points') }}
),

profiles as (
    select * from {{ ref('stg_plans__target_profiles') }}
),

observed as (
    select
        targets.target_id,
        targets.unit,
        targets.decimals,
        targets.polarity,
        targets.kind,
        targets.direction,
        targets.comparator,
        targets.benchmark,
        targets.target_lower,
        targets.target_upper,
        targets.target_value,
        targets.target_printed_value,
        targets.baseline_value,
        targets.baseline_date,
        targets.baseline_period,
        targets.baseline_change_error,
        targets.due_date,
        targets.deadline_date,
        targets.due_rule,
        targets.shape,
        targets.is_range,
        targets.is_counted,
        targets.is_assessable,
        targets.path_start_value,
        targets.path_start_date,
        targets.tolerance_share,
        targets.tolerance_value,
        targets.unverifiable_reason,
        targets.caveat,
        targets.compared_sign as sign,
        detectable.detectability,
        detectable.smallest_change,
        valued.measure_id,
        valued.area_code,
        valued.period_start,
        valued.period_months,
        valued.period_end,
        valued.value,
        valued.lower_bound,
        valued.upper_bound,
        valued.population,
        valued.standard_error,
        valued.change_error,
        valued.error_basis,
        valued.unreliable_reason as value_unreliable_reason,
        valued.boundary_grade,
        valued.compared_value,
        valued.level_value,
        valued.compared_error,
        valued.compared_lower,
        valued.compared_upper,
        valued.compared_with,
        valued.areas_count,
        valued.dataset_id,
        valued.binding_id,
        valued.origin,
        valued.is_after_break,
        revisions.typical_revision,
        coalesce(targets.is_parity, false) as is_parity,
        targets.kind = 'count_in_period' and not targets.is_counted as is_each_period,
        lag(valued.period_end) over same_target as previous_end,
        lead(valued.period_end) over same_target as next_end
    from targets
    inner join valued on targets.target_id = valued.target_id
    left join detectable on targets.target_id = detectable.target_id
    left join revisions
        on
            valued.measure_id = revisions.measure_id
            and valued.area_code = revisions.area_code
            and targets.unit = revisions.unit
    window same_target as (
        partition by targets.target_id
        order by valued.period_end, valued.period_start
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
        (
            deadline_date is null
            or case due_rule when 'contains' then period_start else period_end end <= deadline_date
        )
        and (baseline_date is null or baseline_date >= deadline_date or period_end >= baseline_date)
),

decided as (
    select
        *,
        coalesce(
            case
                when is_each_period then true
                when due_rule = 'contains'
                    then
                        {{ as_of }} > deadline_date
                        and period_end >= deadline_date
                        and coalesce(previous_end < deadline_date, true)
                else
                    {{ as_of }} > deadline_date
                    and (next_end is null or next_end > deadline_date)
                    and period_end > deadline_date - make_interval(months => greatest(12, step_months))
                    and (
                        next_end > deadline_date
                        or period_end = deadline_date
                        or period_end + make_interval(months => step_months) > deadline_date
                        or {{ as_of }} > deadline_date + interval '12 months'
                    )
            end, false
        ) as is_due_value
    from stepped
),

-- Targets whose path can be drawn.
drawn as (
    select *
    from targets
    where
        path_start_date < deadline_date
        and path_start_value is not null
        and compared_level is not null
        and kind not in ('benchmark', 'rank', 'quartile')
),

-- The corners of each target's path: its start, interim values, the level to reach on the deadline.
corners as (
    select
        target_id,
        shape,
        path_start_date as corner_date,
        path_start_value as corner_value
    from drawn
    union
    select
        points.target_id,
        drawn.shape,
        points.point_date as corner_date,
        case
            when drawn.is_parity then {{ parity_distance('points.point_value') }}
            else points.point_value
        end as corner_value
    from points
    inner join drawn on points.target_id = drawn.target_id
    where
        points.point_date > drawn.path_start_date
        and points.point_date < drawn.deadline_date
        and not drawn.is_range
        and (not coalesce(drawn.is_parity, false) or points.point_value > 0)
    union
    select
        target_id,
        shape,
        deadline_date as corner_date,
        compared_level as corner_value
    from drawn
),

stretches as (
    select
        target_id,
        shape,
        corner_date as from_date,
        corner_value as from_value,
        lead(corner_date) over (partition by target_id order by corner_date) as to_date,
        lead(corner_value) over (partition by target_id order by corner_date) as to_value
    from corners
),

pathed as materialized (
    select
        decided.*,
        case
            when decided.is_due_value or decided.kind = 'maintain' then decided.level_value
            when stretches.shape = 'stepped'
                then
                    case
                        when decided.period_end = stretches.to_date then stretches.to_value
                        else stretches.from_value
                    end
            else
                (
                    stretches.from_value + (stretches.to_value - stretches.from_value)
                    * ({{ month_number('decided.period_end') }} - {{ month_number('stretches.from_date') }})
                    / ({{ month_number('stretches.to_date') }} - {{ month_number('stretches.from_date') }})
                ) * case when stretches.shape = 'seasonal' then coalesce(profiles.factor, 1) else 1 end
        end as expected_value,
        -- A count begins at nothing, so it cannot have been met at its start.
        not decided.is_counted
        and decided.sign * (decided.path_start_value - decided.level_value) >= -1e-9
        and (abs(decided.path_start_value - decided.level_value) > 1e-9 or decided.is_range) as was_met_at_start
    from decided
    left join stretches
        on
            decided.target_id = stretches.target_id
            and decided.period_end > stretches.from_date
            and decided.period_end <= stretches.to_date
    left join profiles
        on
            decided.target_id = profiles.target_id
            and extract(quarter from decided.period_end) = profiles.quarter
),

measured as (
    select
        *,
        case
            when not coalesce(was_met_at_start, false) and abs(level_value - path_start_value) > 1e-9
                then (compared_value - path_start_value) / (level_value - path_start_value)
        end as done_share,
        case
            when is_due_value then 1
            when not coalesce(was_met_at_start, false) and abs(level_value - path_start_value) > 1e-9
                then (expected_value - path_start_value) / (level_value - path_start_value)
        end as expected_share,
        sign * (compared_value - expected_value) as gap,
        sign * (compared_value - level_value) as target_gap,
        coalesce(tolerance_value, tolerance_share * abs(level_value - path_start_value), 0) as tolerance,
        -- Rolling years share months: such figures are not two.
        coalesce(period_start <= baseline_date, false)
        and not is_counted
        and (not is_due_value or kind in ('absolute_change', 'percent_change')) as is_overlapping,
        coalesce(
            value_unreliable_reason,
            case when is_after_break then 'the series changed its definition after the target was set' end,
            case when baseline_date >= deadline_date then 'its baseline is dated after its due date' end
        ) as unreliable_reason,
        case
            when
                not is_range
                and not is_parity
                and kind not in ('count_in_period', 'rank', 'quartile')
                and period_start > baseline_date
                and not is_after_break
                and value_unreliable_reason is null
                and change_error is not null
                then
                    (value - baseline_value)
                    / nullif(sqrt(power(change_error, 2) + power(coalesce(baseline_change_error, change_error), 2)), 0)
        end as change_z
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
        case when position in ('met', 'missed') then level_value else expected_value end as judged_against,
        -- Of a parity, the side of 1 on which the value lies; exactly at 1, the target's.
        is_parity and (value < 1 - 1e-9 or (value <= 1 + 1e-9 and coalesce(target_value, 1) < 1)) as is_below_one
    from positioned
),

-- Worked out once: without the fence each of the sentences below works all of this out again.
evidenced as materialized (
    select
        *,
        {{ target_evidence() }} as evidence,
        {{ direction_of_travel(
            'change_z', polarity_sign('polarity'), '(value - baseline_value)', 'typical_revision'
        ) }} as direction_of_travel,
        {{ people_of('judged_gap', 'population', 'unit') }} as people_gap,
        {{ growth_ratio(
            'compared_value', 'path_start_value', 'level_value', 'sign',
            '((' ~ month_number('period_end') ~ ' - ' ~ month_number('path_start_date') ~ ') / 12)',
            '((' ~ month_number('deadline_date') ~ ' - ' ~ month_number('path_start_date') ~ ') / 12)'
        ) }} as growth_ratio,
        not coalesce(judged_against between lower_bound and upper_bound, false)
        -- An interval can lie on both sides of 1.
        and not coalesce(is_parity and 1.0 / judged_against between lower_bound and upper_bound, false)
            as is_outside_interval
    from judged
),

worded as materialized (
    select
        *,
        {{ value_text('value', 'unit', 'decimals') }}
        || ' ' || {{ period_phrase('period_start', 'period_months') }}
        || case
            when is_counted and compared_value <> value
                then ', ' || {{ value_text('compared_value', 'unit', 'decimals') }} || ' since the period began'
            when kind = 'rank' and compared_with is not null
                then ', place ' || compared_value || ' of ' || areas_count || ' in ' || compared_with
            when kind = 'quartile' and compared_with is not null
                then ', in quarter ' || compared_value || ' of ' || areas_count || ' in ' || compared_with
            else ''
        end as value_words,
        {{ target_words() }} || coalesce(' by ' || {{ due_label('due_date') }}, '') as target_words,
        case kind
            when 'rank' then {{ counted_text('abs(judged_gap)', 'place') }}
            when 'quartile' then {{ counted_text('abs(judged_gap)', 'quarter') }}
            else
                {{ difference_text(
                    side_difference('judged_against', 'compared_value', 'judged_gap'), 'unit', 'decimals'
                ) }}
        end as gap_words,
        {{ value_text(side_value('expected_value'), 'unit', 'decimals') }} as expected_words,
        {{ difference_text(
            side_difference('expected_value', '(expected_value + tolerance)', 'tolerance'), 'unit', 'decimals'
        ) }} as tolerance_words,
        {{ difference_text('target_value - baseline_value', 'unit', 'decimals') }} as required_words,
        {{ difference_text('smallest_change', 'unit', 'decimals') }} as smallest_words,
        {{ difference_text(
            side_difference('path_start_value', 'expected_value', 'expected_value - path_start_value'),
            'unit', 'decimals'
        ) }} as asked_words,
        '(' || {{ number_text('lower_bound', 'decimals') }} || '-' || {{ number_text('upper_bound', 'decimals') }}
        || ')' as interval_words
    from evidenced
),

sentences as (
    select
        *,
        {{ verdict_words() }} as verdict_words,
        {{ evidence_words() }} as evidence_words
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
        coalesce(was_met_at_start, false) as was_met_at_start,
        dataset_id,
        binding_id,
        origin,
        boundary_grade,
        error_basis,
        direction_of_travel,
        round(change_z::numeric, 4)::double precision as change_z,
        compared_value,
        level_value,
        compared_lower,
        compared_upper,
        compared_with,
        -- Rounded so that 66.7 - 69.4 reads -2.7; comparisons above use the unrounded figures.
        round(expected_value::numeric, 6)::double precision as expected_value,
        round(done_share::numeric, 4)::double precision as done_share,
        round(expected_share::numeric, 4)::double precision as expected_share,
        case
            when expected_share > 1e-9 then round((done_share / expected_share)::numeric, 4)::double precision
        end as pace,
        round(gap::numeric, 6)::double precision as gap,
        round(target_gap::numeric, 6)::double precision as target_gap,
        round(compared_error::numeric, 4)::double precision as standard_error,
        round(people_gap::numeric)::double precision as people_gap,
        population,
        round(growth_ratio::numeric, 4)::double precision as growth_ratio,
        {{ growth_class('growth_ratio', 'target_gap >= -1e-9') }} as growth_class,
        typical_revision,
        value_words
        || case
            when not is_assessable and unverifiable_reason is not null then ': '
            else ' against a target of ' || target_words || ': '
        end || verdict_words || evidence_words
        || coalesce('; ' || caveat, '') || '.' as reason
    from sentences
)

select * from final
