with

datasets as (
    select * from {{ ref('dim_datasets') }}
),

final as (
    select
        publication_id,
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
        is_late,
        last_outcome,
        last_error,
        is_stale,
        origin,
        is_demonstration
    from datasets
)

select * from final
