{{ config(materialized='table') }}

{#- Growth a year over a short and a long window, as Eurostat and Open SDG read a series without a target: for
    comparison only. It rests on two points, says nothing of chance, and depends on how far the values are from zero. -#}
with

points as (
    select
        *,
        (extract(year from period_end) * 12 + extract(month from period_end))::integer as month_count
    from {{ ref('int_series_annual') }}
),

observations as (
    select
        *,
        coalesce(boundary_grade, '') as grade,
        (extract(year from period_end) * 12 + extract(month from period_end))::integer as month_count
    from {{ ref('int_observations_weighed') }}
),

measures as (
    select * from {{ ref('stg_plans__measures') }}
),

-- Every measure and area has a row, those without any value too.
series as (
    select
        observations.measure_id,
        observations.area_code,
        measures.polarity,
        {{ polarity_sign('measures.polarity') }} as sign,
        min(observations.unit) as unit
    from observations
    inner join measures on observations.measure_id = measures.measure_id
    group by observations.measure_id, observations.area_code, measures.polarity
),

newest as (
    select
        points.measure_id,
        points.area_code,
        points.value,
        points.period_months,
        points.month_count,
        points.unreliable_reason,
        observations.segment,
        observations.grade
    from points
    inner join observations
        on
            points.measure_id = observations.measure_id
            and points.area_code = observations.area_code
            and points.period_start = observations.period_start
            and points.period_months = observations.period_months
    where points.point_number = points.points_count
),

-- How far back there are values at all, and how far without a break, gaps or not.
reached as (
    select
        newest.measure_id,
        newest.area_code,
        max(newest.month_count - observations.month_count) as months_reached,
        max(newest.month_count - observations.month_count) filter (
            where observations.segment = newest.segment and observations.grade = newest.grade
        ) as months_unbroken
    from newest
    inner join observations
        on newest.measure_id = observations.measure_id and newest.area_code = observations.area_code
    where observations.value is not null
    group by newest.measure_id, newest.area_code
),

windows as (
    select window_years
    from (values ({{ growth_years_short() }}), ({{ growth_years_long() }})) as lengths (window_years)
),

-- Where the points are two or three years apart, the window is the next longer one that they have.
bases as (
    select distinct on (newest.measure_id, newest.area_code, windows.window_years)
        newest.measure_id,
        newest.area_code,
        windows.window_years,
        points.value,
        points.unreliable_reason,
        (newest.month_count - points.month_count) / 12.0::double precision as years
    from newest
    cross join windows
    inner join points
        on
            newest.measure_id = points.measure_id
            and newest.area_code = points.area_code
            and newest.period_months = points.period_months
            and newest.month_count - points.month_count >= 12 * windows.window_years
    order by
        newest.measure_id asc, newest.area_code asc, windows.window_years asc, points.month_count desc
),

rated as (
    select
        series.measure_id,
        series.area_code,
        series.polarity,
        series.sign,
        windows.window_years,
        newest.value,
        bases.value as base_value,
        {{ growth_scale('bases.value', 'series.unit', 'series.polarity') }} as scale,
        case
            when bases.value is not null
                then coalesce(newest.unreliable_reason, bases.unreliable_reason) is not null
        end as is_unreliable,
        {{ growth_rate('newest.value', 'bases.value', 'bases.years') }} as rate,
        coalesce(reached.months_reached >= 12 * windows.window_years, false) as has_years,
        coalesce(reached.months_unbroken >= 12 * windows.window_years, false) as has_unbroken_years
    from series
    cross join windows
    left join newest on series.measure_id = newest.measure_id and series.area_code = newest.area_code
    left join reached on series.measure_id = reached.measure_id and series.area_code = reached.area_code
    left join bases
        on
            series.measure_id = bases.measure_id
            and series.area_code = bases.area_code
            and windows.window_years = bases.window_years
),

reasoned as (
    select
        *,
        case
            when base_value is null and has_unbroken_years then 'missing values'
            when base_value is null and has_years then 'a break in the series'
            when base_value is null then 'too few years'
            when is_unreliable then 'unreliable value'
            when rate is null and {{ sign_of('value') }} * {{ sign_of('base_value') }} < 0 then 'a change of sign'
            when rate is null then 'a value of zero'
        end as reason
    from rated
),

classed as (
    select
        *,
        case when reason is null then round((100 * rate)::numeric, 4)::double precision end as growth_pct,
        case when reason is null then {{ growth_progress('rate', 'sign', 'scale') }} end as growth_class
    from reasoned
),

gathered as (
    select
        measure_id,
        area_code,
        polarity,
        sign,
        max(growth_pct) filter (where window_years = {{ growth_years_short() }}) as growth_short_pct,
        max(growth_class) filter (where window_years = {{ growth_years_short() }}) as growth_short_class,
        max(growth_pct) filter (where window_years = {{ growth_years_long() }}) as growth_long_pct,
        max(growth_class) filter (where window_years = {{ growth_years_long() }}) as growth_long_class,
        max(reason) filter (where window_years = {{ growth_years_short() }}) as short_reason,
        max(reason) filter (where window_years = {{ growth_years_long() }}) as long_reason
    from classed
    group by measure_id, area_code, polarity, sign
),

final as (
    select
        measure_id,
        area_code,
        growth_short_pct,
        growth_short_class,
        growth_long_pct,
        growth_long_class,
        nullif(
            concat_ws(
                '; ',
                case
                    when short_reason = long_reason then short_reason
                    when short_reason is not null or long_reason is not null
                        then
                            concat_ws(
                                '; ',
                                '{{ growth_years_short() }} years: ' || short_reason,
                                '{{ growth_years_long() }} years: ' || long_reason
                            )
                end,
                case
                    when sign is not null or (growth_short_pct is null and growth_long_pct is null) then null
                    when polarity = 'range' then 'no class: it is best within a range'
                    when polarity = 'parity' then 'no class: it is best at 1'
                    else 'no class: nobody says which way is better'
                end
            ), ''
        ) as growth_reason
    from gathered
)

select * from final
