with

revised as (
    select * from {{ ref('int_observations_revised') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        measure_id,
        area_code,
        series_id,
        period_start,
        period_months,
        revised_at,
        unit,
        dataset_id,
        value_before,
        value_after,
        value_change,
        is_withdrawn
    from revised
)

select * from final
