{#- How often published forecasts came true, real figures and demonstration apart. Both rows are always there: without a
    decided forecast the shares are not known, and they are not 0. -#}
with

scores as (
    select * from {{ ref('mart_forecast_scores') }}
),

origins as (
    select origin.is_demonstration
    from (values (false), (true)) as origin (is_demonstration)
),

counted as (
    select
        origins.is_demonstration,
        count(scores.target_id) as forecasts_count,
        count(distinct scores.target_id) as targets_count,
        avg(scores.is_inside_80::integer) as inside_80_share,
        avg(scores.is_inside_95::integer) as inside_95_share,
        avg(scores.brier_score) as mean_brier_score
    from origins
    left join scores on origins.is_demonstration = scores.is_demonstration
    group by origins.is_demonstration
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        is_demonstration,
        case when forecasts_count > 0 then 'scored' else 'none' end as status,
        case when forecasts_count = 0 then 'no published forecast has been decided yet' end as status_reason,
        forecasts_count,
        targets_count,
        round(inside_80_share, 4)::double precision as inside_80_share,
        round(inside_95_share, 4)::double precision as inside_95_share,
        round(mean_brier_score::numeric, 4)::double precision as mean_brier_score
    from counted
)

select * from final
