with

source as (
    select * from {{ ref('areas') }}
),

final as (
    select
        area_code,
        area_name,
        area_type,
        boundary_vintage,
        boundary_vintage_last,
        parent_code,
        ward_name,
        is_comparator,
        position,
        source
    from source
)

select * from final
