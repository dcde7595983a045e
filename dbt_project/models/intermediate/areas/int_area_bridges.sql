{{ config(materialized='table') }}

{#- Each small area, and the areas on later boundaries that make it up. Areas that share a part by then, since they were
    merged, go together: the whole group before is the whole group after. The grade is the worst step on the way: U
    unchanged, S split, M merged, X not comparable. -#}
with recursive

changes as (
    select * from {{ ref('stg_plans__area_changes') }}
),

-- Every way from an area to those that follow it, one census after the other.
ways as (
    select
        changes.from_code as area_code,
        changes.from_vintage,
        changes.to_code as member_code,
        changes.to_vintage as vintage,
        {{ grade_number('changes.change_code') }} as worst
    from changes
    union all
    select
        ways.area_code,
        ways.from_vintage,
        changes.to_code as member_code,
        changes.to_vintage as vintage,
        greatest(ways.worst, {{ grade_number('changes.change_code') }}) as worst
    from ways
    inner join changes on ways.member_code = changes.from_code and ways.vintage = changes.from_vintage
),

-- Areas of one census that share a part at a later one are one group; who shares with whom is followed to the end.
grouped as (
    select distinct
        area_code,
        from_vintage,
        vintage,
        area_code as partner_code
    from ways
    union
    select
        grouped.area_code,
        grouped.from_vintage,
        grouped.vintage,
        others.area_code as partner_code
    from grouped
    inner join ways as mine
        on
            grouped.partner_code = mine.area_code
            and grouped.vintage = mine.vintage
            and grouped.from_vintage = mine.from_vintage
    inner join ways as others
        on
            mine.member_code = others.member_code
            and mine.vintage = others.vintage
            and mine.from_vintage = others.from_vintage
),

members as (
    select
        grouped.area_code,
        grouped.from_vintage,
        grouped.vintage,
        ways.member_code,
        max(ways.worst) as worst
    from grouped
    inner join ways
        on
            grouped.partner_code = ways.area_code
            and grouped.vintage = ways.vintage
            and grouped.from_vintage = ways.from_vintage
    group by grouped.area_code, grouped.from_vintage, grouped.vintage, ways.member_code
),

partners as (
    select
        area_code,
        from_vintage,
        vintage,
        count(*) as partners_count,
        string_agg(partner_code, ' ' order by partner_code) as partner_codes
    from grouped
    group by area_code, from_vintage, vintage
),

-- An area that kept its code through a census is looked at from the first.
firsts as (
    select
        from_code as area_code,
        min(from_vintage) as from_vintage
    from changes
    group by from_code
),

final as (
    select
        members.area_code,
        members.from_vintage,
        members.vintage,
        members.member_code,
        partners.partner_codes,
        partners.partners_count::integer as partners_count,
        (count(*) over same_bridge)::integer as members_count,
        (array['U', 'S', 'M', 'X'])[max(members.worst) over same_bridge] as grade
    from members
    inner join partners
        on
            members.area_code = partners.area_code
            and members.from_vintage = partners.from_vintage
            and members.vintage = partners.vintage
    inner join firsts
        on
            members.area_code = firsts.area_code
            and members.from_vintage = firsts.from_vintage
    window same_bridge as (partition by members.area_code, members.vintage)
)

select * from final
