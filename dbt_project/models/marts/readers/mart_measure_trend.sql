with

trends as (
    select
        *,
        coalesce(origin = 'demonstration', false) as is_demonstration
    from {{ ref('fct_trends') }}
),

measures as (
    select * from {{ ref('dim_measures') }}
),

areas as (
    select * from {{ ref('dim_areas') }}
),

final as (
    select
        trends.publication_id,
        trends.measure_id,
        trends.area_code,
        measures.measure_title,
        areas.area_name,
        areas.area_type,
        areas.is_comparator,
        trends.unit,
        measures.polarity,
        trends.trend,
        trends.trend_reason,
        trends.trend_judgement,
        trends.trend_test,
        trends.chi_squared,
        trends.slope_per_year,
        trends.points_used,
        trends.first_period_end,
        trends.last_period_end,
        trends.dataset_id,
        trends.origin,
        trends.is_demonstration,
        trends.p_value,
        trends.is_discovery,
        trends.growth_short_pct,
        trends.growth_short_class,
        trends.growth_long_pct,
        trends.growth_long_class,
        trends.growth_reason
    from trends
    inner join measures on trends.measure_id = measures.measure_id
    inner join areas on trends.area_code = areas.area_code
)

select * from final
