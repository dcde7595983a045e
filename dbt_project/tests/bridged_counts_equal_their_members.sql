{#- Control total: a count brought to an area is the sum over its members, and no member counts for two areas unless they
    go together. Rows are breaches. -#}
select
    bridged.area_code as place,
    bridged.measure_id as found
from {{ ref('int_observations_bridged') }} as bridged
where
    -- U: the area's own value, as published.
    bridged.boundary_grade <> 'U'
    and {{ is_count('bridged.unit') }}
    and not exists (
        select 1
        from {{ ref('int_area_bridges') }} as bridges
        inner join {{ ref('int_observations_resolved') }} as members
            on
                bridges.member_code = members.area_code
                and members.measure_id = bridged.measure_id
                and members.binding_id = bridged.binding_id
                and members.period_start = bridged.period_start
                and members.period_months = bridged.period_months
        where bridges.area_code = bridged.area_code
        group by bridges.vintage, bridges.members_count
        having count(members.value) = bridges.members_count and abs(sum(members.value) - bridged.value) < 1e-6
    )
union all
select
    member_code as place,
    string_agg(distinct partner_codes, ' / ') as found
from {{ ref('int_area_bridges') }}
group by member_code, vintage, from_vintage
having count(distinct partner_codes) > 1
