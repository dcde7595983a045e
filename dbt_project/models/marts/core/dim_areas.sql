with

areas as (
    select * from {{ ref('int_areas_unioned') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        area_code,
        area_name,
        area_type,
        boundary_vintage,
        boundary_vintage_last,
        parent_code,
        ward_name,
        is_comparator,
        position as display_order,
        source as source_name
    from areas
)

select * from final
