with

targets as (
    select * from {{ ref('dim_targets') }}
),

areas as (
    select * from {{ ref('dim_areas') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

standing as (
    select distinct on (target_id) *
    from assessments
    order by target_id asc, is_due_value desc, period_end desc, period_start desc
),

final as (
    select
        targets.publication_id,
        targets.target_id,
        targets.plan_id,
        targets.measure_id,
        targets.area_code,
        targets.area_name,
        areas.ward_name,
        areas.boundary_vintage,
        areas.boundary_vintage_last,
        targets.population,
        targets.unit,
        targets.baseline_value,
        targets.baseline_period,
        targets.baseline_basis,
        targets.target_printed_value as change_wanted,
        targets.target_value,
        standing.value as latest_value,
        standing.period_end as latest_period_end,
        {{ period_label('standing.period_start', 'standing.period_months') }} as latest_period_label,
        case targets.direction
            when 'decrease' then targets.baseline_value - standing.value
            else standing.value - targets.baseline_value
        end as change_so_far,
        standing.done_share,
        coalesce(standing.position, 'no_data') as position,
        coalesce(standing.evidence, 'none') as evidence,
        coalesce(standing.reason, 'No value has been loaded for this measure and area.') as reason,
        standing.dataset_id,
        coalesce(standing.origin = 'demonstration', false) as is_demonstration
    from targets
    inner join areas on targets.area_code = areas.area_code
    left join standing on targets.target_id = standing.target_id
    where areas.area_type = 'lsoa'
)

select * from final
