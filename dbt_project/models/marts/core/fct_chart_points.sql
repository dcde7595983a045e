with

charted as (
    select * from {{ ref('int_series_charted') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        point_number,
        points_count,
        unit,
        value,
        chart_status,
        chart_reason,
        mean_value,
        average_moving_range,
        lower_limit,
        upper_limit,
        lower_near_limit,
        upper_near_limit,
        lower_limit_shown,
        upper_limit_shown,
        is_outside_limits,
        is_in_shift,
        is_in_trend,
        is_two_of_three,
        variation,
        dataset_id,
        origin,
        chart_kind,
        dispersion
    from charted
)

select * from final
