with

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

periods as (
    select distinct
        period_start,
        period_months,
        period_end
    from observations
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        period_start,
        period_months,
        period_end,
        {{ period_label('period_start', 'period_months') }} as period_label,
        extract(year from period_end)::integer as period_end_year
    from periods
)

select * from final
