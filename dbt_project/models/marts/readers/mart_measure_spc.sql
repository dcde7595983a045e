with

points as (
    select * from {{ ref('fct_chart_points') }}
),

measures as (
    select * from {{ ref('dim_measures') }}
),

areas as (
    select * from {{ ref('dim_areas') }}
),

final as (
    select
        points.publication_id,
        points.measure_id,
        points.area_code,
        points.period_start,
        points.period_months,
        points.period_end,
        {{ period_label('points.period_start', 'points.period_months') }} as period_label,
        measures.measure_title,
        areas.area_name,
        areas.is_comparator,
        measures.polarity,
        points.unit,
        points.point_number,
        points.points_count,
        points.value,
        points.chart_status,
        points.chart_reason,
        points.mean_value,
        points.average_moving_range,
        points.lower_limit,
        points.upper_limit,
        points.lower_near_limit,
        points.upper_near_limit,
        points.lower_limit_shown,
        points.upper_limit_shown,
        points.is_outside_limits,
        points.is_in_shift,
        points.is_in_trend,
        points.is_two_of_three,
        points.variation,
        points.dataset_id,
        points.origin,
        points.origin = 'demonstration' as is_demonstration,
        points.chart_kind,
        points.dispersion
    from points
    inner join measures on points.measure_id = measures.measure_id
    inner join areas on points.area_code = areas.area_code
)

select * from final
