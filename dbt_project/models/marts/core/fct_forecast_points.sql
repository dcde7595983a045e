with

forecasts as (
    select * from {{ ref('int_forecast_points') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        point_date,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95
    from forecasts
)

select * from final
