with

source as (
    select * from {{ source('ops', 'published_targets') }}
),

final as (
    select
        target_id,
        event_id,
        publication_id,
        published_at,
        as_of,
        is_listed,
        target_title,
        measure_id,
        area_code,
        unit,
        position,
        evidence,
        due_state,
        is_overridden,
        assessed_value,
        assessed_lower,
        assessed_upper,
        assessed_period_label,
        assessed_period_start,
        assessed_period_months,
        assessed_period_end,
        compared_value,
        level_value,
        latest_value,
        latest_period_label,
        latest_period_start,
        latest_period_months,
        latest_period_end,
        baseline_value,
        target_value,
        due_date,
        dataset_id,
        origin,
        binding_id,
        boundary_grade,
        method_version,
        version_number,
        target_hash,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95,
        chance
    from source
)

select * from final
