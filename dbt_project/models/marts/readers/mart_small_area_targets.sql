with

-- Position, evidence and sentence are those of each target's own row: one rule, one answer.
progress as (
    select * from {{ ref('mart_plan_progress') }}
),

targets as (
    select * from {{ ref('dim_targets') }}
),

areas as (
    select * from {{ ref('dim_areas') }}
),

final as (
    select
        progress.publication_id,
        progress.target_id,
        progress.plan_id,
        progress.measure_id,
        progress.area_code,
        progress.area_name,
        areas.ward_name,
        areas.boundary_vintage,
        areas.boundary_vintage_last,
        progress.population,
        progress.unit,
        progress.baseline_value,
        progress.baseline_period,
        progress.baseline_basis,
        progress.target_printed_value as change_wanted,
        progress.target_value,
        progress.latest_value,
        {{ period_end('progress.latest_period_start', 'progress.latest_period_months') }} as latest_period_end,
        progress.latest_period_label,
        case targets.direction
            when 'decrease' then progress.baseline_value - progress.latest_value
            else progress.latest_value - progress.baseline_value
        end as change_so_far,
        progress.done_share,
        progress.position,
        progress.evidence,
        progress.reason,
        progress.dataset_id,
        progress.is_demonstration,
        progress.boundary_grade,
        areas.boundary_note,
        areas.boundary_grade as worst_grade
    from progress
    inner join targets on progress.target_id = targets.target_id
    inner join areas on progress.area_code = areas.area_code
    where areas.area_type = 'lsoa'
)

select * from final
