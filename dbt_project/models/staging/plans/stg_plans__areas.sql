with

source as (
    select * from {{ ref('plan_areas') }}
),

final as (
    select
        area_code,
        area_name,
        area_type,
        parent_code,
        source
    from source
)

select * from final
