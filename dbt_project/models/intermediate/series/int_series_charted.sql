{{ config(materialized='table') }}

{#- Statistical process control: XmR charts as the NHS "Making Data Count" tools draw them, and p- and u-charts where
    each point comes with the counts that it is made of and these are not all of one size.

    The newest points of one length that neither overlap nor skip a period, at most three years of months. Overlapping
    periods would move less from one to the next than the process does, and draw the limits too near. Screening drops
    moving ranges, never points: the mean is that of all points.

    The limits of a p- or u-chart are widened by what the points move more than their counts explain (Laney). Between
    populations of a hundred thousand chance alone moves so little that nearly every point would be called special. -#}
with

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

measures as (
    select * from {{ ref('stg_plans__measures') }}
),

counted as (
    select
        observations.*,
        measures.polarity,
        measures.counted_as,
        (extract(year from observations.period_end) * 12 + extract(month from observations.period_end))::integer
            as month_count
    from observations
    inner join measures on observations.measure_id = measures.measure_id
    where observations.value is not null and observations.unreliable_reason is null
),

aged as (
    select
        *,
        first_value(month_count) over newest_first - month_count as months_back,
        first_value(segment) over newest_first as newest_segment,
        first_value(period_months) over newest_first as newest_months,
        first_value(coalesce(boundary_grade, '')) over newest_first as newest_grade
    from counted
    window newest_first as (partition by measure_id, area_code order by period_end desc, period_start desc)
),

apart as (
    select *
    from aged
    where
        segment = newest_segment
        and period_months = newest_months
        and coalesce(boundary_grade, '') = newest_grade
        and months_back % greatest(period_months, 1) = 0
),

stepped as (
    select
        *,
        lead(month_count) over (
            partition by measure_id, area_code
            order by period_end, period_start
        ) - month_count as months_to_next
    from apart
),

usual as (
    select
        measure_id,
        area_code,
        greatest(mode() within group (order by months_to_next), 1) as usual_months
    from stepped
    where months_to_next is not null
    group by measure_id, area_code
),

joined as (
    select
        stepped.*,
        count(*) filter (where stepped.months_to_next > usual.usual_months) over newest_first as gaps_since,
        row_number() over newest_first as newest_number
    from stepped
    left join usual
        on
            stepped.measure_id = usual.measure_id
            and stepped.area_code = usual.area_code
    window newest_first as (
        partition by stepped.measure_id, stepped.area_code
        order by stepped.period_end desc, stepped.period_start desc
    )
),

numbered as (
    select
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        unit,
        polarity,
        counted_as,
        value,
        numerator,
        denominator,
        error_basis,
        dataset_id,
        origin,
        {{ rate_factor('unit') }} as factor,
        (row_number() over in_order)::integer as point_number,
        (count(*) over same_series)::integer as points_count,
        abs(value - lag(value) over in_order) as moving_range,
        {{ sign_of('value - lag(value) over in_order') }} as direction
    from joined
    where gaps_since = 0 and newest_number <= {{ chart_points_most() }}
    window
        same_series as (partition by measure_id, area_code),
        in_order as (partition by measure_id, area_code order by period_end, period_start)
),

-- The counts must be those of the value, within its rounding. A survey's are estimates, which its interval gives away;
-- those on a register are no events. Of a share the counted are a part of all; events can be more than the people.
checked as (
    select
        *,
        coalesce(
            error_basis is distinct from 'published'
            and denominator > 0
            and numerator >= 0
            and case when unit = 'percent' then numerator <= denominator else counted_as is distinct from 'register' end
            and abs(value - factor * numerator / nullif(denominator, 0)) <= 0.06 + 1e-9,
            false
        ) as has_counts
    from numbered
),

kinded as (
    select
        *,
        case
            when not bool_and(has_counts) over same_series then 'xmr'
            -- One size throughout: the limits would not differ, and XmR needs no distribution.
            when min(denominator) over same_series = max(denominator) over same_series then 'xmr'
            when unit = 'percent' then 'p'
            else 'u'
        end as chart_kind
    from checked
    window same_series as (partition by measure_id, area_code)
),

centred as (
    select
        *,
        case chart_kind
            when 'xmr' then avg(value) over same_series
            else factor * sum(numerator) over same_series / nullif(sum(denominator) over same_series, 0)
        end as mean_value,
        avg(moving_range) over same_series as usual_range
    from kinded
    window same_series as (partition by measure_id, area_code)
),

-- What chance alone moves a point of this size, in the unit of the value. Nothing, where none or all were counted.
ranged as (
    select
        *,
        case chart_kind
            when 'p' then sqrt(greatest(mean_value * (factor - mean_value), 0) / denominator)
            when 'u' then sqrt(mean_value * factor / denominator)
        end as chance_error,
        avg(moving_range) filter (where chart_kind = 'xmr' and moving_range <= 3.267 * usual_range + 1e-9) over (
            partition by measure_id, area_code
        ) as average_moving_range
    from centred
),

scored as (
    select
        *,
        (value - mean_value) / nullif(chance_error, 0) as score
    from ranged
),

stepped_scores as (
    select
        *,
        abs(score - lag(score) over (partition by measure_id, area_code order by point_number)) as score_range
    from scored
),

dispersed as (
    select
        *,
        avg(score_range) over (partition by measure_id, area_code) / 1.128 as dispersion
    from stepped_scores
),

spread as (
    select
        *,
        case chart_kind
            when 'xmr' then 2.66 * average_moving_range
            else 3 * chance_error * greatest(dispersion, 1)
        end as limit_distance
    from dispersed
),

charted as (
    select
        *,
        case
            when points_count < {{ chart_points_trial() }} then 'too_few'
            when coalesce(case chart_kind when 'xmr' then average_moving_range else chance_error end, 0) <= 1e-9
                then 'no_variation'
            when points_count < {{ chart_points_locked() }} then 'trial'
            else 'locked'
        end as standing
    from spread
),

limited as (
    select
        *,
        mean_value - limit_distance as lower_limit,
        mean_value + limit_distance as upper_limit,
        mean_value - 2 * limit_distance / 3 as lower_near_limit,
        mean_value + 2 * limit_distance / 3 as upper_near_limit,
        {{ sign_of('value - mean_value') }} as side
    from charted
),

compared as (
    select
        *,
        value > upper_limit + 1e-9 or value < lower_limit - 1e-9 as is_outside_limits,
        value > upper_near_limit + 1e-9 or value < lower_near_limit - 1e-9 as is_beyond_near_limit,
        point_number - row_number() over (
            partition by measure_id, area_code, side
            order by point_number
        ) as side_group,
        point_number - row_number() over (
            partition by measure_id, area_code, direction
            order by point_number
        ) as direction_group
    from limited
),

in_rows as (
    select
        *,
        is_beyond_near_limit and not is_outside_limits as is_near_limit,
        count(*) over (partition by measure_id, area_code, side, side_group) as side_length,
        count(*) over (partition by measure_id, area_code, direction, direction_group) as direction_length
    from compared
),

-- Seven points in a row that rise are six rises; the first of the seven is the one before them.
ruled as (
    select
        *,
        side <> 0 and side_length >= 7 as is_in_shift,
        case
            when direction <> 0 and direction_length >= 6 then direction
            when lead(direction) over in_order <> 0 and lead(direction_length) over in_order >= 6
                then lead(direction) over in_order
        end as trend_direction,
        is_near_limit and (
            (abs(sum(side) over to_here) = 3 and count(*) filter (where is_near_limit) over to_here >= 2)
            or (abs(sum(side) over around) = 3 and count(*) filter (where is_near_limit) over around >= 2)
            or (abs(sum(side) over from_here) = 3 and count(*) filter (where is_near_limit) over from_here >= 2)
        ) as is_two_of_three
    from in_rows
    window
        in_order as (partition by measure_id, area_code order by point_number),
        to_here as (in_order rows between 2 preceding and current row),
        around as (in_order rows between 1 preceding and 1 following),
        from_here as (in_order rows between current row and 2 following)
),

signed as (
    select
        *,
        coalesce({{ polarity_sign('polarity') }}, 0) * case
            when is_outside_limits or is_in_shift or is_two_of_three then side
            -- A run of rises is signed by where it goes, not by the side of the mean that it began on.
            else trend_direction
        end as sign
    from ruled
),

shown as (
    select
        *,
        standing in ('trial', 'locked') as has_chart
    from signed
),

final as (
    select
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        unit,
        polarity,
        value,
        point_number,
        points_count,
        dataset_id,
        origin,
        case when has_chart then standing else 'none' end as chart_status,
        case standing
            when 'too_few'
                then 'fewer than {{ chart_points_trial() | trim }} points in a row'
            when 'no_variation' then 'the values hardly vary'
        end as chart_reason,
        case when has_chart then round(mean_value::numeric, 6)::double precision end as mean_value,
        case
            when has_chart then round(average_moving_range::numeric, 6)::double precision
        end as average_moving_range,
        case when has_chart then round(lower_limit::numeric, 6)::double precision end as lower_limit,
        case when has_chart then round(upper_limit::numeric, 6)::double precision end as upper_limit,
        case when has_chart then round(lower_near_limit::numeric, 6)::double precision end as lower_near_limit,
        case when has_chart then round(upper_near_limit::numeric, 6)::double precision end as upper_near_limit,
        -- For drawing only: what cannot be is cut off.
        case
            when not has_chart then null
            when unit = 'percent' or chart_kind = 'u' or {{ is_count('unit') }}
                then greatest(round(lower_limit::numeric, 6), 0)
            else round(lower_limit::numeric, 6)
        end::double precision as lower_limit_shown,
        case
            when not has_chart then null
            when unit = 'percent' then least(round(upper_limit::numeric, 6), 100)
            else round(upper_limit::numeric, 6)
        end::double precision as upper_limit_shown,
        case when has_chart then is_outside_limits end as is_outside_limits,
        case when has_chart then is_in_shift end as is_in_shift,
        case when has_chart then trend_direction is not null end as is_in_trend,
        case when has_chart then is_two_of_three end as is_two_of_three,
        case
            when not has_chart then null
            when not (is_outside_limits or is_in_shift or is_two_of_three or trend_direction is not null)
                then 'common_cause'
            when sign > 0 then 'improvement'
            when sign < 0 then 'concern'
            else 'neutral'
        end as variation,
        chart_kind,
        case when has_chart then round(dispersion::numeric, 6)::double precision end as dispersion
    from shown
)

select * from final
