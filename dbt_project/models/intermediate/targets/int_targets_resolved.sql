{#- Baseline and level to reach of each target. A printed baseline wins over a measured one; where the plan prints only
    a change, the baseline is the value measured in the printed baseline period. The change stays as printed. -#}
with

targets as (
    select * from {{ ref('stg_plans__targets') }}
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
        {{ written_period_start('targets.baseline_period') }} as baseline_start,
        {{ written_period_months('targets.baseline_period') }} as baseline_months
    from targets
    inner join measures on targets.measure_id = measures.measure_id
),

measured as (
    select distinct on (dated.target_id)
        dated.target_id,
        observations.value,
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
        dated.baseline_value is null
        and observations.value is not null
        and observations.period_start >= dated.baseline_start
        and observations.period_end <= {{ period_end('dated.baseline_start', 'dated.baseline_months') }}
    order by dated.target_id asc, observations.period_end desc, observations.period_start desc
),

based as (
    select
        dated.*,
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
        case dated.direction when 'increase' then 1 when 'decrease' then -1 end as direction_sign
    from dated
    left join measured on dated.target_id = measured.target_id
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
        case kind
            when 'level' then target_value
            when 'share' then target_value
            when 'maintain' then target_value
            when 'absolute_change' then resolved_baseline + direction_sign * target_value
            when 'percent_change' then resolved_baseline * (1 + direction_sign * target_value / 100)
        end as target_value,
        target_value as target_printed_value,
        due_date,
        due_basis,
        coalesce(tolerance_share, {{ var('tolerance_share') }}) as tolerance_share,
        kind in ('level', 'share', 'maintain', 'absolute_change', 'percent_change')
        and coalesce(polarity, '') in ('higher', 'lower')
        and target_value is not null as is_assessable,
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
        note
    from based
)

select * from final
