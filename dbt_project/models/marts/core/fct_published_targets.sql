{#- What readers saw last of each target before this build: its newest row up to the newest event. -#}
with

events as (
    select *
    from {{ ref('stg_ops__publication_events') }}
    where {{ is_before_this_build('happened_at', var('as_of')) }}
),

published as (
    select * from {{ ref('stg_ops__published_targets') }}
),

newest_event as (
    select max(event_id) as event_id from events
),

-- After a rollback, readers see a publication of an earlier day again.
last_seen as (
    select
        newest_event.event_id,
        events.publication_id as seen_publication_id,
        min(others.happened_at) as seen_published_at
    from newest_event
    inner join events on newest_event.event_id = events.event_id
    inner join events as others on events.publication_id = others.publication_id
    group by newest_event.event_id, events.publication_id
),

newest as (
    select distinct on (published.target_id)
        published.*,
        last_seen.seen_publication_id,
        last_seen.seen_published_at
    from published
    inner join last_seen on published.event_id <= last_seen.event_id
    order by published.target_id asc, published.event_id desc
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        seen_publication_id,
        seen_published_at,
        publication_id as shown_since_publication_id,
        published_at as shown_since_at,
        target_title,
        measure_id,
        area_code,
        unit,
        position,
        evidence,
        due_state,
        is_overridden,
        assessed_value,
        assessed_lower,
        assessed_upper,
        assessed_period_label,
        assessed_period_start,
        assessed_period_months,
        assessed_period_end,
        compared_value,
        level_value,
        latest_value,
        latest_period_label,
        latest_period_start,
        latest_period_months,
        latest_period_end,
        baseline_value,
        target_value,
        due_date,
        dataset_id,
        origin,
        binding_id,
        boundary_grade,
        method_version,
        version_number,
        target_hash,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95,
        chance
    from newest
    where is_listed
)

select * from final
