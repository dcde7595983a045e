with

bound as (
    select * from {{ ref('int_series_bound') }}
),

observations as (
    select * from {{ ref('stg_raw__observations') }}
),

versions as (
    select
        bound.measure_id,
        bound.area_code,
        bound.part_number,
        bound.unit,
        bound.dataset_id,
        observations.series_id,
        observations.period_start,
        observations.period_months,
        observations.value,
        observations.valid_from,
        observations.valid_to,
        lead(observations.valid_from) over version_order as next_valid_from,
        lead(observations.value) over version_order as next_value
    from bound
    inner join observations on bound.series_id = observations.series_id
    where bound.role = 'value'
    window version_order as (
        partition by observations.series_id, observations.period_start, observations.period_months
        order by observations.valid_from
    )
),

-- A version that ended was either replaced or taken back by the publisher.
final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
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
