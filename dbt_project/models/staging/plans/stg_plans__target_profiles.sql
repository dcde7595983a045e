with

source as (
    select * from {{ ref('target_profiles') }}
),

final as (
    select
        target_id,
        quarter,
        factor,
        note
    from source
)

select * from final
