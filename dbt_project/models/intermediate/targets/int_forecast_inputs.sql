{{ config(materialized='table') }}

{#- What each target's series is to be carried forward to, or why it is not. One row for every target: the forecasts
    are made from this, between the two stages. A parity is to end as near to 1 as its target, on either side: a range. -#}
{%- set as_of = as_of_date(var('as_of')) -%}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

newest as (
    select *
    from {{ ref('int_series_annual') }}
    where point_number = points_count
),

joined as (
    select
        targets.target_id,
        targets.measure_id,
        targets.area_code,
        targets.kind,
        targets.is_range,
        coalesce(targets.is_parity, false) as is_parity,
        targets.compared_level,
        targets.is_assessable,
        targets.deadline_date,
        targets.target_lower,
        targets.target_upper,
        targets.target_value,
        {{ polarity_sign('targets.polarity') }} as sign,
        newest.period_end as newest_period_end,
        newest.spacing_months,
        newest.points_count,
        newest.unreliable_reason,
        -- Shares end at 0 and 100, counts at 0; other figures may be anything.
        case
            when targets.unit = 'percent' then 'share'
            when {{ is_count('targets.unit') }} then 'count'
            else 'plain'
        end as scale,
        ({{ month_number('targets.deadline_date') }} - {{ month_number('newest.period_end') }})
        / newest.spacing_months as horizon
    from targets
    left join newest
        on
            targets.measure_id = newest.measure_id
            and targets.area_code = newest.area_code
            and targets.unit = newest.unit
),

final as (
    select
        target_id,
        measure_id,
        area_code,
        scale,
        sign,
        target_value as level_value,
        case when is_parity then 1.0 / compared_level else target_lower end as lower_value,
        case when is_parity then compared_level else target_upper end as upper_value,
        is_range or is_parity as is_range,
        newest_period_end,
        spacing_months,
        coalesce(points_count, 0) as points_count,
        deadline_date,
        round(horizon::numeric, 4)::double precision as horizon,
        case
            when not is_assessable then 'the target cannot be assessed'
            when kind not in ('level', 'share', 'maintain', 'absolute_change', 'percent_change')
                then 'a target of this kind is not forecast'
            when deadline_date is null then 'no due date is printed'
            when {{ as_of }} > deadline_date then 'the due date is past'
            when points_count is null then 'no value is loaded'
            when horizon <= 1e-9 then 'the period that decides is published'
            when unreliable_reason is not null then 'the newest value cannot be relied on'
        end as status_reason
    from joined
)

select * from final
