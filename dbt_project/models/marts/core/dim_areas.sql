with

areas as (
    select * from {{ ref('int_areas_unioned') }}
),

bridges as (
    select
        area_code,
        vintage,
        grade,
        partner_codes,
        string_agg(member_code, ', ' order by member_code) as member_codes
    from {{ ref('int_area_bridges') }}
    group by area_code, vintage, grade, partner_codes
),

-- The worst step on the way to the newest boundaries; of several alike, the first.
worst as (
    select distinct on (area_code) *
    from bridges
    order by area_code asc, {{ grade_number('grade') }} desc, vintage asc
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        areas.area_code,
        areas.area_name,
        areas.area_type,
        areas.boundary_vintage,
        areas.boundary_vintage_last,
        areas.parent_code,
        areas.ward_name,
        areas.is_comparator,
        areas.position as display_order,
        areas.source as source_name,
        worst.grade as boundary_grade,
        case worst.grade
            when 'S' then 'Split by ' || worst.vintage || ' into ' || worst.member_codes || ', whose sum is shown.'
            when 'M'
                then
                    'Merged by ' || worst.vintage || ': ' || replace(worst.partner_codes, ' ', ' and ')
                    || ' go together, and the change of both is shown.'
            when 'X' then 'Redrawn by ' || worst.vintage || ': later values do not compare, and none is shown.'
            when 'U' then 'Its boundaries did not change.'
        end as boundary_note
    from areas
    left join worst on areas.area_code = worst.area_code
)

select * from final
