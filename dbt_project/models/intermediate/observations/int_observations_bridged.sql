{#- Values on later boundaries, brought to the areas in which small-area targets were set. -#}
with

observations as (
    select * from {{ ref('int_observations_resolved') }}
),

final as (
    select
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        value,
        lower_bound,
        upper_bound,
        numerator,
        denominator,
        observation_status,
        unit,
        dataset_id,
        binding_id,
        segment,
        origin,
        is_sum,
        values_count,
        known_since_at,
        released_at,
        null::text as boundary_grade,
        1 as cells_count
    from observations
)

select * from final
