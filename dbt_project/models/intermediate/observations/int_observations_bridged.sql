{#- Values on later boundaries, brought to the areas in which small-area targets were set. An area's own values win.
    Counts are added up over all its parts, or not at all: a sum with a part missing, or a remainder, is no value. Rates
    are made anew from numerator and denominator. Of merged areas the value is that of the whole group. -#}
with

observations as (
    select * from {{ ref('int_observations_resolved') }}
),

-- Areas whose boundaries are followed through time.
followed as (
    select distinct area_code from {{ ref('int_area_bridges') }}
),

-- An area that keeps its code and stands alone needs no bridge. Where only a part kept the code, it belongs to the sum.
bridges as (
    select * from {{ ref('int_area_bridges') }}
    where grade <> 'X' and (area_code <> member_code or members_count > 1)
),

added_up as (
    select
        observations.measure_id,
        bridges.area_code,
        observations.period_start,
        observations.period_months,
        observations.period_end,
        observations.unit,
        observations.dataset_id,
        observations.binding_id,
        observations.segment,
        observations.origin,
        bridges.vintage,
        bridges.grade,
        bool_or(observations.is_sum) as is_sum,
        max(observations.values_count) as values_count,
        sum(observations.cells_count)::integer as cells_count,
        sum(observations.value) as summed_value,
        case when count(observations.numerator) = count(*) then sum(observations.numerator) end as numerator,
        case when count(observations.denominator) = count(*) then sum(observations.denominator) end as denominator,
        max(observations.observation_status) as observation_status,
        max(observations.known_since_at) as known_since_at,
        max(observations.released_at) as released_at
    from bridges
    inner join observations on bridges.member_code = observations.area_code
    where observations.value is not null
    group by
        observations.measure_id, bridges.area_code, observations.period_start, observations.period_months,
        observations.period_end, observations.unit, observations.dataset_id, observations.binding_id,
        observations.segment, observations.origin, bridges.vintage, bridges.grade, bridges.members_count
    having count(*) = bridges.members_count
),

valued as (
    select
        *,
        case
            when {{ is_count('unit') }} then summed_value
            -- Nothing, where the unit is of neither kind: medians and scores cannot be put together.
            else
                round((numerator / nullif(denominator, 0) * {{ rate_factor('unit') }})::numeric, 4)::double precision
        end as value
    from added_up
),

-- The nearest boundaries that have all the parts.
brought as (
    select distinct on (measure_id, area_code, period_start, period_months) *
    from valued
    where
        value is not null
        and not exists (
            select 1
            from observations
            where
                observations.measure_id = valued.measure_id
                and observations.area_code = valued.area_code
                and observations.period_start = valued.period_start
                and observations.period_months = valued.period_months
        )
    order by measure_id asc, area_code asc, period_start asc, period_months asc, vintage asc, binding_id asc
),

final as (
    select
        observations.measure_id,
        observations.area_code,
        observations.period_start,
        observations.period_months,
        observations.period_end,
        observations.value,
        observations.lower_bound,
        observations.upper_bound,
        observations.numerator,
        observations.denominator,
        observations.observation_status,
        observations.unit,
        observations.dataset_id,
        observations.binding_id,
        observations.segment,
        observations.origin,
        observations.is_sum,
        observations.values_count,
        observations.known_since_at,
        observations.released_at,
        -- Areas get a new code with new boundaries, so a value under its own code is of the area as it was.
        case when followed.area_code is not null then 'U' end as boundary_grade,
        observations.cells_count
    from observations
    left join followed on observations.area_code = followed.area_code
    union all
    select
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        value,
        null::double precision as lower_bound,
        null::double precision as upper_bound,
        numerator,
        denominator,
        observation_status,
        unit,
        dataset_id,
        binding_id,
        segment,
        origin,
        is_sum,
        values_count,
        known_since_at,
        released_at,
        grade as boundary_grade,
        cells_count
    from brought
)

select * from final
