with

trended as (
    select * from {{ ref('int_series_trended') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        measure_id,
        area_code,
        unit,
        trend,
        trend_reason,
        trend_judgement,
        trend_test,
        chi_squared,
        slope_per_year,
        points_used,
        first_period_end,
        last_period_end,
        dataset_id,
        origin
    from trended
)

select * from final
