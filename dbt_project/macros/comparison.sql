{# What may be set beside what; the methodology page says the same in words. #}

{# Units of which a larger area has more. Such values of a city and of its region do not compare; how they change in
   proportion does. #}
{% macro is_count(unit) -%}
    {{ unit }} in (
        'people', 'jobs', 'businesses', 'items', 'incidents', 'cases', 'visits', 'places', 'tonnes_co2', 'events',
        'families', 'households', 'homes', 'premises', 'journeys', 'square_metres', 'hectares', 'hours'
    )
{%- endmacro %}

{# The regions and countries above each area, nearest first: a query for area_code, comparator_code, comparator_name,
   comparator_type and steps. Countries that lie in nothing else, such as Great Britain, stand above every area, behind
   those found by climbing. Eight steps are more than any list of areas has, and end a list that runs in a circle. #}
{% macro areas_above(areas) -%}
    with recursive climbed as (
        select
            area_code,
            parent_code as above_code,
            1 as steps
        from {{ areas }}
        where parent_code is not null
        union
        select
            climbed.area_code,
            above.parent_code as above_code,
            climbed.steps + 1 as steps
        from climbed
        inner join {{ areas }} as above on climbed.above_code = above.area_code
        where above.parent_code is not null and climbed.steps < 8
    ),

    found as (
        select
            area_code,
            above_code,
            steps
        from climbed
        where above_code <> area_code
        union all
        select
            areas.area_code,
            whole.area_code as above_code,
            9 as steps
        from {{ areas }} as areas
        cross join {{ areas }} as whole
        where
            whole.area_type in ('country', 'great britain')
            and whole.parent_code is null
            and not (areas.area_type in ('country', 'great britain') and areas.parent_code is null)
    ),

    nearest as (
        select
            area_code,
            above_code,
            min(steps) as steps
        from found
        group by area_code, above_code
    )

    select
        nearest.area_code,
        nearest.above_code as comparator_code,
        above.area_name as comparator_name,
        above.area_type as comparator_type,
        nearest.steps
    from nearest
    inner join {{ areas }} as above on nearest.above_code = above.area_code
    where above.area_type in ('region', 'country', 'great britain')
{%- endmacro %}

{# The size and direction of a change, as it stands in brackets: "-1.4 points", "+120 people", "no change". #}
{% macro change_text(value, unit, decimals) -%}
    case
        when round(({{ value }})::numeric, {{ decimals }}::integer) = 0 then 'no change'
        else case when {{ value }} < 0 then '-' else '+' end || {{ difference_text(value, unit, decimals) }}
    end
{%- endmacro %}
