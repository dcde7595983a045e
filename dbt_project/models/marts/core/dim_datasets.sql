{%- set as_of = as_of_date(var('as_of')) -%}
with

datasets as (
    select * from {{ ref('int_datasets_observed') }}
),

standings as (
    select * from {{ ref('stg_reference__dataset_standings') }}
    where {{ as_of }} between valid_from_date and valid_to_date
),

-- Late when nothing new has come two periods after the last one ended.
dated as (
    select
        datasets.*,
        standings.standing,
        standings.source as standing_source,
        nullif(standings.valid_from_date, '-infinity'::date) as standing_since_date,
        (datasets.newest_period_end + make_interval(months => 2 * datasets.step_months))::date as next_due_date
    from datasets
    left join standings on datasets.dataset_id = standings.dataset_id
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        dataset_id,
        dataset_title,
        publisher,
        cadence,
        landing_page,
        licence,
        newest_period_end,
        released_at,
        loaded_at,
        checked_at,
        next_due_date,
        coalesce(next_due_date < {{ as_of }}, false) as is_late,
        coalesce(outcome, 'never_fetched') as last_outcome,
        case when outcome in ('refused', 'failed') then error_text end as last_error,
        coalesce(outcome in ('refused', 'failed'), false) as is_stale,
        origin,
        coalesce(origin = 'demonstration', false) as is_demonstration,
        standing,
        standing_since_date,
        standing_source
    from dated
)

select * from final
