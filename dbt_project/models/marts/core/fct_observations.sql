with

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

-- A later segment is another definition: the first period of it is where the series breaks.
broken as (
    select
        *,
        segment > lag(segment, 1, segment) over (
            partition by measure_id, area_code
            order by period_end, period_start
        ) as is_break
    from observations
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
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
        is_break,
        is_sum,
        origin,
        origin = 'demonstration' as is_demonstration,
        released_at,
        known_since_at,
        standard_error,
        error_basis,
        unreliable_reason,
        boundary_grade,
        cells_count
    from broken
)

select * from final
