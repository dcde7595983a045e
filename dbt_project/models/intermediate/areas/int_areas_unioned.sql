{#- The areas that datasets bring, and those that only a plan names. -#}
with

reference as (
    select * from {{ ref('stg_reference__areas') }}
),

of_plans as (
    select * from {{ ref('stg_plans__areas') }}
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
    from reference
    union all
    select
        area_code,
        area_name,
        area_type,
        null as boundary_vintage,
        null as boundary_vintage_last,
        parent_code,
        null as ward_name,
        false as is_comparator,
        -- Behind the areas of the reference list.
        (10000 + row_number() over (order by area_code))::integer as position,
        source
    from of_plans
)

select * from final
