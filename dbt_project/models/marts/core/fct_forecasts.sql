with

forecasts as (
    select * from {{ ref('int_forecasts_made') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        status,
        status_reason,
        method,
        points_count,
        newest_period_end,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95,
        scenario_value,
        chance,
        chance_words
    from forecasts
)

select * from final
