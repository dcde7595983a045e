{{ config(materialized='table') }}

{#- One value per measure, area and period, with its interval, numerator and denominator beside it. A table: five marts
    read it. -#}
with

bound as (
    select * from {{ ref('int_series_bound') }}
),

observations as (
    select *
    from {{ ref('stg_raw__observations') }}
    where {{ is_known('valid_from', 'valid_to', var('as_of'), var('versions')) }}
),

deliveries as (
    select * from {{ ref('stg_raw__deliveries') }}
),

dated as (
    select
        bound.measure_id,
        bound.area_code,
        bound.binding_id,
        bound.segment,
        bound.part_number,
        bound.parts_count,
        bound.role,
        bound.dataset_id,
        bound.origin,
        bound.unit,
        bound.valid_from_date,
        bound.valid_to_date,
        observations.period_start,
        observations.period_months,
        observations.value,
        observations.lower_bound,
        observations.upper_bound,
        observations.observation_status,
        observations.valid_from,
        observations.delivery_id,
        {{ period_end('observations.period_start', 'observations.period_months') }} as period_end
    from bound
    inner join observations on bound.series_id = observations.series_id
),

in_force as (
    select *
    from dated
    where
        -- Publishers may name a survey of April after its whole year, so a period need only have begun. Looking back
        -- with what is known now, it must have ended: nobody could know it then.
        {% if var('versions') == 'current' %}period_end{% else %}period_start{% endif %}
        <= {{ as_of_date(var('as_of')) }}
        and (valid_from_date is null or period_end >= valid_from_date)
        and (valid_to_date is null or period_end <= valid_to_date)
),

-- Value, interval, numerator and denominator of one quantity are series of their own; here they meet.
gathered as (
    select
        measure_id,
        area_code,
        binding_id,
        segment,
        part_number,
        parts_count,
        dataset_id,
        origin,
        unit,
        period_start,
        period_months,
        period_end,
        count(*) filter (where role = 'value') as values_count,
        sum(value) filter (where role = 'value') as value,
        min(lower_bound) filter (where role = 'value') as lower_bound,
        max(upper_bound) filter (where role = 'value') as upper_bound,
        max(value) filter (where role = 'confidence_half_width') as half_width,
        max(value) filter (where role = 'coefficient_of_variation') as variation_pct,
        max(value) filter (where role = 'numerator') as numerator,
        max(value) filter (where role = 'denominator') as denominator,
        max(observation_status) filter (where role = 'value') as observation_status,
        max(valid_from) filter (where role = 'value') as known_since_at,
        max(delivery_id) filter (where role = 'value') as delivery_id
    from in_force
    group by
        measure_id, area_code, binding_id, segment, part_number, parts_count, dataset_id, origin, unit,
        period_start, period_months, period_end
    having count(*) filter (where role = 'value') > 0
),

bounded as (
    select
        *,
        -- 1.96 standard errors either side, where the publisher gives a half-width or a coefficient of variation.
        -- Rounded, since publishers' own bounds arrive as 64.10000000000001.
        round(
            coalesce(lower_bound, value - half_width, value * (1 - 1.96 * variation_pct / 100))::numeric, 6
        )::double precision as lower_value,
        round(
            coalesce(upper_bound, value + half_width, value * (1 + 1.96 * variation_pct / 100))::numeric, 6
        )::double precision as upper_value
    from gathered
),

-- A measure made of several published parts has a value only where every part has one, and no interval.
added_up as (
    select
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        binding_id,
        segment,
        dataset_id,
        origin,
        unit,
        parts_count as cells_count,
        parts_count > 1 as is_sum,
        max(values_count) as values_count,
        case when count(value) = parts_count then sum(value) end as value,
        case when parts_count = 1 then min(lower_value) end as lower_bound,
        case when parts_count = 1 then max(upper_value) end as upper_bound,
        case when parts_count = 1 then max(numerator) end as numerator,
        case when parts_count = 1 then max(denominator) end as denominator,
        max(observation_status) as observation_status,
        max(known_since_at) as known_since_at,
        max(delivery_id) as delivery_id
    from bounded
    group by
        measure_id, area_code, period_start, period_months, period_end, binding_id, segment, dataset_id, origin,
        unit, parts_count
),

final as (
    select
        added_up.measure_id,
        added_up.area_code,
        added_up.period_start,
        added_up.period_months,
        added_up.period_end,
        added_up.value,
        added_up.lower_bound,
        added_up.upper_bound,
        added_up.numerator,
        added_up.denominator,
        added_up.observation_status,
        added_up.unit,
        added_up.dataset_id,
        added_up.binding_id,
        added_up.segment,
        added_up.origin,
        added_up.is_sum,
        added_up.cells_count,
        added_up.values_count,
        added_up.known_since_at,
        deliveries.released_at
    from added_up
    left join deliveries on added_up.delivery_id = deliveries.delivery_id
)

select * from final
