with

trended as (
    select * from {{ ref('int_series_trended') }}
),

ranked as (
    select * from {{ ref('int_trends_ranked') }}
),

grown as (
    select * from {{ ref('int_series_grown') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        trended.measure_id,
        trended.area_code,
        trended.unit,
        trended.trend,
        trended.trend_reason,
        trended.trend_judgement,
        trended.trend_test,
        trended.chi_squared,
        trended.slope_per_year,
        trended.points_used,
        trended.first_period_end,
        trended.last_period_end,
        trended.dataset_id,
        trended.origin,
        trended.p_value,
        ranked.is_discovery,
        grown.growth_short_pct,
        grown.growth_short_class,
        grown.growth_long_pct,
        grown.growth_long_class,
        grown.growth_reason
    from trended
    left join ranked on trended.measure_id = ranked.measure_id and trended.area_code = ranked.area_code
    left join grown on trended.measure_id = grown.measure_id and trended.area_code = grown.area_code
)

select * from final
