{{ config(materialized='table') }}

{#- Baseline and level to reach of each target. A printed baseline wins over a measured one; where the plan prints only
    a change, the baseline is the value measured in the printed baseline period. The change stays as printed.

    A count in a period begins at nothing on the day before it, and is due on its last day. A range is assessed by the
    distance to it: the level to reach is none. A parity, whose best value is 1, is assessed by the distance from 1 on either
    side; its baseline and level stay as printed beside that.

    A table, since nine models read it, and the planner takes the targets in force for one in two hundred of all: on that guess
    a model took five minutes, in one night of six. -#}
with

targets as (
    select * from {{ ref('int_targets_in_force') }}
),

measures as (
    select * from {{ ref('stg_plans__measures') }}
),

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

dated as (
    select
        targets.*,
        -- Values are in the measure's unit; the printed aim of a change in per cent, a rank or a quartile is not.
        measures.unit as measured_unit,
        measures.decimals,
        measures.population_measure_id,
        {{ written_period_start('targets.baseline_period') }} as baseline_start,
        {{ written_period_months('targets.baseline_period') }} as baseline_months
    from targets
    inner join measures on targets.measure_id = measures.measure_id
),

-- What was measured in the baseline period: the baseline, where none is printed, and how sure it is, in any case.
measured as (
    select distinct on (dated.target_id)
        dated.target_id,
        observations.value,
        observations.standard_error,
        observations.change_error,
        observations.segment,
        observations.period_start,
        observations.period_months,
        observations.period_end
    from dated
    inner join observations
        on
            dated.measure_id = observations.measure_id
            and dated.area_code = observations.area_code
            and dated.measured_unit = observations.unit
    where
        observations.value is not null
        and observations.unreliable_reason is null
        and observations.period_start >= dated.baseline_start
        and observations.period_end <= {{ period_end('dated.baseline_start', 'dated.baseline_months') }}
    order by dated.target_id asc, observations.period_end desc, observations.period_start desc
),

based as (
    select
        dated.*,
        measured.standard_error as baseline_error,
        measured.change_error as baseline_change_error,
        measured.segment as baseline_segment,
        coalesce(dated.baseline_value, measured.value) as resolved_baseline,
        case
            when dated.baseline_value is not null then 'printed'
            when measured.value is not null then 'measured'
        end as baseline_basis,
        case
            when dated.baseline_value is not null
                then {{ period_end('dated.baseline_start', 'dated.baseline_months') }}
            else measured.period_end
        end as baseline_date,
        case
            when dated.baseline_value is null and measured.value is not null
                then {{ period_label('measured.period_start', 'measured.period_months') }}
            else {{ period_label('dated.baseline_start', 'dated.baseline_months') }}
        end as baseline_label,
        case dated.direction when 'increase' then 1 when 'decrease' then -1 end as direction_sign,
        dated.kind = 'count_in_period' and dated.period not like 'R/%' as is_counted,
        case when dated.period not like 'R/%' then {{ written_period_start('dated.period') }} end as window_start,
        case when dated.period not like 'R/%' then {{ written_period_months('dated.period') }} end as window_months,
        coalesce(dated.polarity = 'range' or dated.comparator = 'between', false)
        and dated.target_lower is not null
        and dated.target_upper is not null as is_range,
        coalesce(dated.polarity = 'parity' and dated.kind in ('level', 'maintain'), false)
        and coalesce(dated.comparator, '') <> 'between' as is_parity
    from dated
    left join measured on dated.target_id = measured.target_id
),

levelled as (
    select
        *,
        -- Of a distance, and of a place in a ranking, less is better.
        case
            when is_range or is_parity or kind in ('rank', 'quartile') then 'lower'
            else polarity
        end as compared_polarity,
        case when is_counted then {{ period_end('window_start', 'window_months') }} end as window_end,
        case
            when is_range then 0
            when kind = 'maintain' then coalesce(target_value, resolved_baseline)
            when kind in ('level', 'share', 'count_in_period', 'rank', 'quartile') then target_value
            when kind = 'absolute_change' then resolved_baseline + direction_sign * target_value
            when kind = 'percent_change' then resolved_baseline * (1 + direction_sign * target_value / 100)
        end as level_value
    from based
),

final as (
    select
        target_id,
        plan_id,
        objective_id,
        measure_id,
        target_title,
        population,
        area_code,
        area_name,
        measured_unit as unit,
        unit as printed_unit,
        decimals,
        population_measure_id,
        polarity,
        kind,
        direction,
        comparator,
        comparator_basis,
        benchmark,
        target_lower,
        target_upper,
        period,
        resolved_baseline as baseline_value,
        baseline_basis,
        baseline_date,
        baseline_label as baseline_period,
        case when not is_range and kind not in ('rank', 'quartile') then level_value end as target_value,
        target_value as target_printed_value,
        due_date,
        due_basis,
        due_rule,
        shape,
        tolerance_value,
        baseline_error,
        baseline_change_error,
        baseline_segment,
        benchmark_area_code,
        is_range,
        is_parity,
        is_counted,
        window_start,
        -- What is compared: the path runs from its start to the level on the deadline.
        {{ polarity_sign('compared_polarity') }} as compared_sign,
        case
            when is_parity then {{ parity_distance('level_value') }}
            else level_value
        end as compared_level,
        case
            when is_counted then 0
            when is_range then {{ range_distance('resolved_baseline', 'target_lower', 'target_upper') }}
            when is_parity then {{ parity_distance('resolved_baseline') }}
            when kind not in ('rank', 'quartile', 'benchmark') then resolved_baseline
        end as path_start_value,
        case when is_counted then window_start - 1 else baseline_date end as path_start_date,
        coalesce(due_date, window_end) as deadline_date,
        coalesce(tolerance_share, {{ var('tolerance_share') }}) as tolerance_share,
        case
            when is_range then true
            when is_parity then {{ parity_distance('level_value') }} is not null
            when coalesce(polarity, '') not in ('higher', 'lower') then false
            when kind = 'maintain' then level_value is not null
            when kind in ('level', 'share', 'absolute_change', 'percent_change') then target_value is not null
            when kind = 'count_in_period' then target_value is not null and period is not null
            when kind = 'benchmark' then benchmark_area_code is not null
            when kind in ('rank', 'quartile') then target_value is not null and benchmark_area_code is not null
            else false
        end as is_assessable,
        -- What no figure can ever decide, as the plan prints it; `planmark plans check --all` names the same.
        case
            when comparator = 'unset' and kind = 'milestone' then 'the plan names a state, and no test of it'
            when comparator = 'unset' then 'the plan sets no value to reach'
            when comparator = 'towards' then 'the plan says towards a value, not that it is to be reached'
            when kind in ('absolute_change', 'percent_change') and target_value is null and baseline_period is null
                then 'the plan says neither by how much nor from when'
        end as unverifiable_reason,
        owner,
        depends_on,
        is_provisional,
        repeats,
        contradicts,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        caveat,
        note,
        version_number,
        version_issued_date,
        version_reason,
        target_hash
    from levelled
)

select * from final
