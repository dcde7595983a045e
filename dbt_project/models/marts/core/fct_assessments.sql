with

assessed as (
    select * from {{ ref('int_targets_assessed') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        period_start,
        period_months,
        period_end,
        measure_id,
        area_code,
        value,
        lower_bound,
        upper_bound,
        standard_error,
        is_due_value,
        position,
        evidence,
        expected_value,
        done_share,
        expected_share,
        pace,
        gap,
        target_gap,
        was_met_at_start,
        reason,
        dataset_id,
        origin,
        binding_id,
        boundary_grade,
        error_basis,
        direction_of_travel,
        change_z,
        compared_value,
        level_value,
        compared_lower,
        compared_upper,
        compared_with,
        population,
        people_gap,
        growth_ratio,
        growth_class,
        typical_revision
    from assessed
)

select * from final
