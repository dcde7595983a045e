with

source as (
    select * from {{ ref('area_changes') }}
),

final as (
    select
        from_code,
        from_vintage,
        to_code,
        to_vintage,
        change as change_code,
        source
    from source
)

select * from final
