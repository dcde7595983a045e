{#- The state of each dataset. The newest period is looked up once a series through the key, not by reading every
    observation. -#}
with

datasets as (
    select * from {{ ref('stg_reference__datasets') }}
),

deliveries as (
    select *
    from {{ ref('stg_raw__deliveries') }}
    where {{ 'known_at' if var('versions') == 'released' else 'started_at' }} < {{ as_of_date(var('as_of')) }} + 1
),

accepted as (
    select * from {{ ref('int_datasets_accepted') }}
),

series as (
    select * from {{ ref('stg_raw__series') }}
    where role = 'value'
),

observations as (
    select * from {{ ref('stg_raw__observations') }}
),

newest_of_series as (
    select
        series.dataset_id,
        newest.period_end
    from series
    cross join lateral (
        select {{ period_end('observations.period_start', 'observations.period_months') }} as period_end
        from observations
        where
            observations.series_id = series.series_id
            and observations.value is not null
            and {{ is_known('observations.valid_from', 'observations.valid_to', var('as_of'), var('versions')) }}
        order by observations.period_start desc, observations.period_months desc, observations.valid_from desc
        limit 1
    ) as newest
),

newest as (
    select
        dataset_id,
        max(period_end) as newest_period_end
    from newest_of_series
    group by dataset_id
),

last_loaded as (
    select distinct on (dataset_id)
        dataset_id,
        loaded_at,
        released_at
    from deliveries
    where outcome = 'loaded'
    order by dataset_id asc, delivery_id desc
),

last_tried as (
    select distinct on (dataset_id)
        dataset_id,
        outcome,
        error_text,
        coalesce(finished_at, started_at) as checked_at
    from deliveries
    where outcome <> 'running'
    order by dataset_id asc, delivery_id desc
),

known as (
    select dataset_id from datasets
    union
    select dataset_id from deliveries
),

final as (
    select
        known.dataset_id,
        datasets.publisher,
        datasets.cadence,
        datasets.landing_page,
        datasets.licence,
        newest.newest_period_end,
        last_loaded.loaded_at,
        last_loaded.released_at,
        last_tried.checked_at,
        last_tried.outcome,
        last_tried.error_text,
        accepted.origin,
        coalesce(datasets.dataset_title, known.dataset_id) as dataset_title,
        case datasets.cadence when 'monthly' then 1 when 'quarterly' then 3 when 'annual' then 12 end as step_months
    from known
    left join datasets on known.dataset_id = datasets.dataset_id
    left join newest on known.dataset_id = newest.dataset_id
    left join last_loaded on known.dataset_id = last_loaded.dataset_id
    left join last_tried on known.dataset_id = last_tried.dataset_id
    left join accepted on known.dataset_id = accepted.dataset_id
)

select * from final
