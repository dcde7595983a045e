{#- Every forecast that readers were shown before this build, at its first showing. A row of what was shown is added as
    soon as anything of the target changed, and again by a rollback: the same forecast counts once. -#}
with

published as (
    select *
    from {{ ref('stg_ops__published_targets') }}
    where {{ is_before_this_build('published_at', var('as_of')) }}
),

first_shown as (
    select distinct on (
        target_id, version_number, target_hash, target_value, due_date, origin,
        forecast_value, lower_80, upper_80, lower_95, upper_95, chance
    ) *
    from published
    where is_listed and forecast_value is not null
    order by
        target_id asc, version_number asc, target_hash asc, target_value asc, due_date asc, origin asc,
        forecast_value asc, lower_80 asc, upper_80 asc, lower_95 asc, upper_95 asc, chance asc, event_id asc
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        publication_id as forecast_publication_id,
        published_at,
        as_of as forecast_as_of,
        due_date,
        due_date - as_of as days_ahead,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95,
        chance,
        unit,
        target_value,
        version_number,
        target_hash,
        latest_period_end,
        origin,
        coalesce(origin = 'demonstration', false) as is_demonstration
    from first_shown
)

select * from final
