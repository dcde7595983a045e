with

source as (
    select * from {{ ref('datasets') }}
),

final as (
    select
        dataset_id,
        dataset_title,
        publisher,
        provider,
        cadence,
        landing_page,
        licence
    from source
)

select * from final
