with

source as (
    select * from {{ source('ops', 'publication_events') }}
),

final as (
    select
        event_id,
        publication_id,
        event as publication_event,
        happened_at
    from source
)

select * from final
