{{ config(materialized='table') }}

{#- Versions of values that ended: replaced by another, or taken back by the publisher. Only values of which a version
    ended are looked at: few of them are. -#}
with

bound as (
    select * from {{ ref('int_series_bound') }}
),

observations as (
    select * from {{ ref('stg_raw__observations') }}
),

touched as (
    select distinct
        series_id,
        period_start,
        period_months
    from observations
    where valid_to <> 'infinity' and valid_to < {{ as_of_date(var('as_of')) }} + 1
),

versions as (
    select
        bound.measure_id,
        bound.area_code,
        bound.unit,
        bound.dataset_id,
        observations.series_id,
        observations.period_start,
        observations.period_months,
        observations.value,
        observations.valid_to,
        lead(observations.valid_from) over version_order as next_valid_from,
        lead(observations.value) over version_order as next_value
    from touched
    inner join observations
        on
            touched.series_id = observations.series_id
            and touched.period_start = observations.period_start
            and touched.period_months = observations.period_months
    inner join bound on touched.series_id = bound.series_id
    where bound.role = 'value'
    window version_order as (
        partition by observations.series_id, observations.period_start, observations.period_months
        order by observations.valid_from
    )
),

final as (
    select
        measure_id,
        area_code,
        series_id,
        period_start,
        period_months,
        valid_to as revised_at,
        unit,
        dataset_id,
        value as value_before,
        case when next_valid_from = valid_to then next_value end as value_after,
        case when next_valid_from = valid_to then next_value - value end as value_change,
        coalesce(next_valid_from <> valid_to, true) as is_withdrawn
    from versions
    where valid_to <> 'infinity' and valid_to < {{ as_of_date(var('as_of')) }} + 1
)

select * from final
