with

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

bindings as (
    select * from {{ ref('stg_plans__bindings') }}
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
        broken.measure_id,
        broken.area_code,
        broken.period_start,
        broken.period_months,
        broken.period_end,
        broken.value,
        broken.lower_bound,
        broken.upper_bound,
        broken.numerator,
        broken.denominator,
        broken.observation_status,
        broken.unit,
        broken.dataset_id,
        broken.binding_id,
        broken.segment,
        broken.is_break,
        broken.is_sum,
        broken.origin,
        broken.origin = 'demonstration' as is_demonstration,
        broken.released_at,
        broken.known_since_at,
        broken.standard_error,
        broken.error_basis,
        broken.unreliable_reason,
        broken.boundary_grade,
        broken.cells_count,
        bindings.coverage as binding_coverage
    from broken
    left join bindings on broken.binding_id = bindings.binding_id
)

select * from final
