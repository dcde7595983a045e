{{ config(materialized='table') }}

{#- Each target against each value that can speak for it, by kind: the figure that is compared, and with what.

    A level, a share or a change: the value, with the level to reach. A change is a change between two figures, so it
    carries the error of both; where that of the baseline is not known it is taken as large as the value's. A level is
    compared with a line that the plan drew, which has no error.
    A range: the distance to it, with none.
    A parity: the distance of the ratio from 1, with that of the level to reach.
    A count in a period: what was counted from the period's first day without a gap, with the count to reach; a count
    in each year: each year's count.
    A benchmark: the value, with that of the other area in the same period; the error is of both.
    A rank or quartile: the place among the areas of the same type, and the best and worst place that chance leaves
    open (z of 1.96 against each other area).
    A small area that was merged since: the change of the whole group stands for its own; a level cannot be told. -#}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

observations as (
    select * from {{ ref('int_observations_weighed') }}
    where value is not null
),

areas as (
    select * from {{ ref('int_areas_unioned') }}
),

merged as (
    select distinct on (target_id) *
    from {{ ref('int_targets_merged') }}
    order by target_id asc, vintage asc
),

observed as (
    select
        targets.target_id,
        targets.kind,
        targets.is_range,
        coalesce(targets.is_parity, false) as is_parity,
        targets.is_counted,
        targets.period,
        targets.window_start,
        targets.deadline_date,
        targets.target_lower,
        targets.target_upper,
        targets.direction,
        targets.target_printed_value,
        targets.compared_level,
        targets.baseline_value,
        targets.baseline_date,
        targets.baseline_error,
        targets.baseline_segment,
        targets.benchmark_area_code,
        targets.population_measure_id,
        {{ polarity_sign('targets.polarity') }} as better_sign,
        observations.*
    from targets
    inner join observations
        on
            targets.measure_id = observations.measure_id
            and targets.area_code = observations.area_code
            and targets.unit = observations.unit
),

-- From the first day of the counted period on, each period must follow the one before.
run_on as (
    select
        *,
        sum(value) over same_target as running_value,
        case
            when count(standard_error) over same_target = count(*) over same_target
                then sqrt(sum(power(standard_error, 2)) over same_target)
        end as running_error,
        lag(period_end, 1, window_start - 1) over same_target as previous_end
    from observed
    where is_counted and period_start >= window_start and period_end <= deadline_date
    window same_target as (
        partition by target_id
        order by period_end, period_start
    )
),

counted as (
    select
        target_id,
        period_start,
        period_months,
        running_value,
        running_error,
        bool_and(period_start = previous_end + 1) over (
            partition by target_id
            order by period_end, period_start
        ) as is_unbroken
    from run_on
),

benchmarked as (
    select
        observed.target_id,
        observed.period_start,
        observed.period_months,
        others.value,
        others.standard_error,
        areas.area_name
    from observed
    inner join observations as others
        on
            observed.benchmark_area_code = others.area_code
            and observed.measure_id = others.measure_id
            and observed.unit = others.unit
            and observed.dataset_id = others.dataset_id
            and observed.period_start = others.period_start
            and observed.period_months = others.period_months
    inner join areas on others.area_code = areas.area_code
    where observed.kind = 'benchmark'
),

-- The areas of a target's own type that lie in the area it names.
peers as (
    select
        targets.target_id,
        members.area_code,
        around.area_name
    from targets
    inner join areas as own on targets.area_code = own.area_code
    inner join areas as members on own.area_type = members.area_type
    inner join areas as around on targets.benchmark_area_code = around.area_code
    left join areas as above on members.parent_code = above.area_code
    left join areas as far_above on above.parent_code = far_above.area_code
    where
        targets.kind in ('rank', 'quartile')
        and around.area_code in (members.parent_code, above.parent_code, far_above.parent_code)
),

met_peers as (
    select
        observed.target_id,
        observed.period_start,
        observed.period_months,
        peers.area_name,
        observed.better_sign * (others.value - observed.value) as lead_over,
        case
            when others.area_code <> observed.area_code
                then 1.96 * sqrt(power(observed.standard_error, 2) + power(others.standard_error, 2))
            else 0
        end as margin
    from observed
    inner join peers on observed.target_id = peers.target_id
    inner join observations as others
        on
            peers.area_code = others.area_code
            and observed.measure_id = others.measure_id
            and observed.unit = others.unit
            and observed.dataset_id = others.dataset_id
            and observed.period_start = others.period_start
            and observed.period_months = others.period_months
),

placed as (
    select
        target_id,
        period_start,
        period_months,
        max(area_name) as area_name,
        count(*)::integer as areas_count,
        (1 + count(*) filter (where lead_over > 1e-9))::double precision as place,
        -- Unknown, where the margin of any area is.
        case
            when count(margin) = count(*)
                then (1 + count(*) filter (where lead_over > margin + 1e-9))::double precision
        end as best_place,
        case
            when count(margin) = count(*)
                then (count(*) - count(*) filter (where lead_over < -margin - 1e-9))::double precision
        end as worst_place
    from met_peers
    group by target_id, period_start, period_months
),

-- The people of whom a rate is a share: those published with it, or the newest estimate of the year that ends with it.
populated as (
    select distinct on (observed.target_id, observed.period_start, observed.period_months)
        observed.target_id,
        observed.period_start,
        observed.period_months,
        people.value as population
    from observed
    inner join observations as people
        on
            observed.population_measure_id = people.measure_id
            and observed.area_code = people.area_code
            and observed.period_end >= people.period_end
            and observed.period_end - interval '12 months' < people.period_end
    where observed.denominator is null and observed.population_measure_id is not null
    order by
        observed.target_id asc, observed.period_start asc, observed.period_months asc,
        people.period_end desc, people.period_start desc
),

compared as (
    select
        observed.*,
        coalesce(observed.denominator, populated.population) as population,
        placed.areas_count,
        case
            when observed.is_range
                then {{ range_distance('observed.value', 'observed.target_lower', 'observed.target_upper') }}
            when observed.is_parity then {{ parity_distance('observed.value') }}
            when observed.is_counted then counted.running_value
            when observed.kind = 'rank' then placed.place
            when observed.kind = 'quartile' then {{ quartile_of('placed.place', 'placed.areas_count') }}
            when observed.boundary_grade = 'M' and observed.kind = 'absolute_change'
                then observed.value - (merged.merged_baseline - observed.baseline_value)
            when observed.boundary_grade = 'M' and observed.kind = 'percent_change'
                then observed.value * observed.baseline_value / nullif(merged.merged_baseline, 0)
            else observed.value
        end as compared_value,
        case
            when observed.kind = 'benchmark' then benchmarked.value
            else observed.compared_level
        end as level_value,
        case
            when observed.is_parity then {{ parity_error('observed.value', 'observed.standard_error') }}
            when observed.is_counted then counted.running_error
            when observed.kind = 'benchmark'
                then sqrt(power(observed.standard_error, 2) + power(benchmarked.standard_error, 2))
            when observed.kind in ('absolute_change', 'percent_change')
                then
                    sqrt(
                        power(observed.standard_error, 2)
                        + power(
                            coalesce(observed.baseline_error, observed.standard_error)
                            * {{ baseline_weight('observed') }}, 2
                        ) * case when observed.boundary_grade = 'M' then merged.partners_count else 1 end
                    )
            when observed.kind not in ('rank', 'quartile') then observed.standard_error
        end as compared_error,
        case observed.kind
            when 'rank' then placed.best_place
            when 'quartile' then {{ quartile_of('placed.best_place', 'placed.areas_count') }}
        end as compared_lower,
        case observed.kind
            when 'rank' then placed.worst_place
            when 'quartile' then {{ quartile_of('placed.worst_place', 'placed.areas_count') }}
        end as compared_upper,
        case observed.kind
            when 'benchmark' then benchmarked.area_name
            when 'rank' then placed.area_name
            when 'quartile' then placed.area_name
        end as compared_with,
        -- The definition in force when the baseline was set, where the baseline period itself has no value.
        coalesce(
            observed.baseline_segment,
            max(observed.segment) filter (where observed.period_end <= observed.baseline_date) over same_target,
            min(observed.segment) over same_target
        ) as first_segment,
        not observed.is_counted or coalesce(counted.is_unbroken, false) as is_whole
    from observed
    left join counted
        on
            observed.target_id = counted.target_id
            and observed.period_start = counted.period_start
            and observed.period_months = counted.period_months
    left join benchmarked
        on
            observed.target_id = benchmarked.target_id
            and observed.period_start = benchmarked.period_start
            and observed.period_months = benchmarked.period_months
    left join merged on observed.target_id = merged.target_id
    left join placed
        on
            observed.target_id = placed.target_id
            and observed.period_start = placed.period_start
            and observed.period_months = placed.period_months
    left join populated
        on
            observed.target_id = populated.target_id
            and observed.period_start = populated.period_start
            and observed.period_months = populated.period_months
    window same_target as (partition by observed.target_id)
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
        population,
        standard_error,
        change_error,
        error_basis,
        boundary_grade,
        compared_value,
        level_value,
        compared_lower,
        compared_upper,
        compared_with,
        areas_count,
        dataset_id,
        binding_id,
        origin,
        round(compared_error::numeric, 6)::double precision as compared_error,
        coalesce(
            unreliable_reason,
            case when is_parity and value <= 0 then 'a ratio of zero or below has no distance from 1' end,
            case
                when boundary_grade = 'M' and kind not in ('absolute_change', 'percent_change')
                    then 'its area was merged with another, so no level of its own is known'
            end
        ) as unreliable_reason,
        segment <> first_segment as is_after_break
    from compared
    where
        is_whole
        -- A count in each year is judged by whole years.
        and (
            kind <> 'count_in_period'
            or is_counted
            or (period_months > 0 and period_months = {{ written_period_months('period') }})
        )
)

select * from final
