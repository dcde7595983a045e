{{ config(materialized='table') }}

{#- Recent trend by the Fingertips rule, on the last five points that are a year apart, do not overlap and are unbroken.

    Both tests are one regression with different weights: population over the variance of the pooled share gives the
    Cochran-Armitage chi-squared, and one over the squared standard error gives the regression for everything else.
    Cochran-Armitage takes the numerator for people who were counted. A survey's numerator is grossed up from a sample,
    which its interval gives away: where that is half as wide again as a count's would be, the interval is used. -#}
with

points as (
    select * from {{ ref('int_series_annual') }}
),

observations as (
    select
        *,
        coalesce(boundary_grade, '') as grade,
        (extract(year from period_end) * 12 + extract(month from period_end))::integer as month_count
    from {{ ref('int_observations_weighed') }}
),

revisions as (
    select * from {{ ref('int_series_revisions') }}
),

measures as (
    select * from {{ ref('stg_plans__measures') }}
),

-- Every measure and area has a row, those without any value too.
series as (
    select
        measure_id,
        area_code,
        min(unit) as unit,
        count(*) as rows_count
    from observations
    group by measure_id, area_code
),

anchors as (
    select
        points.measure_id,
        points.area_code,
        points.points_count,
        points.spacing_months,
        observations.segment,
        observations.grade,
        observations.month_count
    from points
    inner join observations
        on
            points.measure_id = observations.measure_id
            and points.area_code = observations.area_code
            and points.period_start = observations.period_start
            and points.period_months = observations.period_months
    where points.point_number = points.points_count
),

-- Every published period of the same stretch, suppressed ones too, counted from the newest value.
placed as (
    select
        observations.measure_id,
        observations.area_code,
        observations.period_end,
        observations.value,
        anchors.spacing_months,
        anchors.month_count - observations.month_count as months_back
    from observations
    inner join anchors
        on
            observations.measure_id = anchors.measure_id
            and observations.area_code = anchors.area_code
            and observations.segment = anchors.segment
            and observations.grade = anchors.grade
),

-- How far back the stretch reaches, whatever is missing in it, and whether the newest whole year has no value.
reached as (
    select
        measure_id,
        area_code,
        max(months_back / spacing_months) filter (where months_back % spacing_months = 0) + 1 as years_reached,
        bool_or(value is null and months_back <= -spacing_months) as is_newest_missing
    from placed
    group by measure_id, area_code
),

-- Two values for one year, of unlike lengths: which of them is the year's is anybody's guess.
doubled as (
    select
        measure_id,
        area_code,
        period_end
    from placed
    where value is not null
    group by measure_id, area_code, period_end
    having count(*) > 1
),

recent as (
    select
        points.measure_id,
        points.area_code,
        points.period_start,
        points.period_months,
        points.period_end,
        points.value,
        points.numerator,
        points.denominator,
        points.standard_error,
        points.unreliable_reason,
        points.dataset_id,
        points.origin,
        points.points_count,
        doubled.period_end is not null as is_doubled,
        (points.point_number - points.points_count) * points.spacing_months / 12.0::double precision as years,
        case
            when points.unit <> 'percent' or points.denominator is null or points.denominator <= 0 then false
            when coalesce(points.numerator, -1) < 0 or points.numerator > points.denominator then false
            -- The numerator and the denominator are those of the value.
            when abs(points.value - 100 * points.numerator / points.denominator) > 0.5 then false
            -- Agresti and Coull's standard error of a share, which also holds for none and for all.
            when points.error_basis = 'published'
                then points.standard_error <= 1.5 * 100 * sqrt(
                    (points.numerator + 2) * (points.denominator - points.numerator + 2)
                    / power(points.denominator + 4, 3)
                )
            else true
        end as is_counted_share
    from points
    left join doubled
        on
            points.measure_id = doubled.measure_id
            and points.area_code = doubled.area_code
            and points.period_end = doubled.period_end
    where points.point_number > points.points_count - {{ trend_points() }}
),

pooled as (
    select
        *,
        bool_and(is_counted_share) over same_series as is_proportion,
        sum(numerator) over same_series / nullif(sum(denominator) over same_series, 0) as pooled_share,
        avg(value) over same_series as usual_value,
        avg(years) over same_series as middle_year
    from recent
    window same_series as (partition by measure_id, area_code)
),

weighted as (
    select
        *,
        years - middle_year as x,
        case
            when is_proportion then 100 * (numerator / denominator - pooled_share)
            else value - usual_value
        end as y,
        case
            -- Shares that are all 0 or all 100 % have no variance, and no slope either.
            when is_proportion
                then denominator / coalesce(nullif(10000 * pooled_share * (1 - pooled_share), 0), 1)
            when standard_error > 1e-9 then 1 / power(standard_error, 2)
        end as weight
    from pooled
),

summed as (
    select
        *,
        sum(weight) over same_series as sum_w,
        sum(weight * x) over same_series as sum_x,
        sum(weight * x * x) over same_series as sum_xx,
        sum(weight * y) over same_series as sum_y,
        sum(weight * x * y) over same_series as sum_xy
    from weighted
    window same_series as (partition by measure_id, area_code)
),

sloped as (
    select
        *,
        (sum_w * sum_xy - sum_x * sum_y) / nullif(sum_w * sum_xx - sum_x * sum_x, 0) as slope,
        sum_xx - sum_x * sum_x / nullif(sum_w, 0) as spread,
        -- The slope without this point.
        (
            (sum_w - weight) * (sum_xy - weight * x * y) - (sum_x - weight * x) * (sum_y - weight * y)
        ) / nullif((sum_w - weight) * (sum_xx - weight * x * x) - power(sum_x - weight * x, 2), 0) as slope_without
    from summed
),

gathered as (
    select
        measure_id,
        area_code,
        min(points_count) as points_count,
        count(*)::integer as points_used,
        count(weight) as weights_count,
        min(period_end) as first_period_end,
        max(period_end) as last_period_end,
        min(dataset_id) as dataset_id,
        min(origin) as origin,
        bool_and(is_proportion) as is_proportion,
        bool_or(is_doubled) as has_doubles,
        bool_or(coalesce(denominator <= 0, false)) as has_no_population,
        count(unreliable_reason) as unreliable_count,
        bool_or(standard_error is null) as has_no_interval,
        max(slope) as slope,
        max(power(slope, 2) * spread) as chi_squared,
        bool_and({{ sign_of('slope_without') }} = {{ sign_of('slope') }}) as keeps_its_sign
    from sloped
    group by measure_id, area_code
),

reasoned as (
    select
        series.measure_id,
        series.area_code,
        series.unit,
        measures.polarity,
        gathered.points_used,
        gathered.first_period_end,
        gathered.last_period_end,
        gathered.dataset_id,
        gathered.origin,
        gathered.is_proportion,
        gathered.slope,
        gathered.chi_squared,
        gathered.keeps_its_sign,
        revisions.typical_revision,
        ({{ month_number('gathered.last_period_end') }} - {{ month_number('gathered.first_period_end') }}) / 12
            as years_covered,
        case
            when gathered.points_count is null and series.rows_count >= {{ trend_points() }} then 'missing values'
            when gathered.points_count is null then 'not enough points'
            when reached.is_newest_missing then 'missing values'
            when gathered.has_doubles then 'duplicate years'
            when gathered.points_count < {{ trend_points() }} and reached.years_reached >= {{ trend_points() }}
                then 'missing values'
            when gathered.points_count < {{ trend_points() }} then 'not enough points'
            when gathered.has_no_population then 'zero population'
            when gathered.unreliable_count > 0 then 'unreliable value'
            when gathered.is_proportion then null
            when gathered.has_no_interval then 'missing interval'
            when gathered.weights_count < gathered.points_used then 'no margin of error'
        end as trend_reason
    from series
    inner join measures on series.measure_id = measures.measure_id
    left join gathered on series.measure_id = gathered.measure_id and series.area_code = gathered.area_code
    left join reached on series.measure_id = reached.measure_id and series.area_code = reached.area_code
    left join revisions
        on
            series.measure_id = revisions.measure_id
            and series.area_code = revisions.area_code
            and series.unit = revisions.unit
),

tested as (
    select
        *,
        case
            when trend_reason is not null then 'cannot_be_calculated'
            when
                chi_squared > {{ trend_threshold() }}
                and keeps_its_sign
                and {{ is_within_revisions('slope * years_covered', 'typical_revision') }}
                then 'within_revisions'
            when chi_squared > {{ trend_threshold() }} and keeps_its_sign and slope > 0 then 'increasing'
            when chi_squared > {{ trend_threshold() }} and keeps_its_sign then 'decreasing'
            when chi_squared > {{ trend_threshold() }} then 'no_significant_change_outlier'
            else 'no_significant_change'
        end as trend
    from reasoned
),

final as (
    select
        measure_id,
        area_code,
        unit,
        polarity,
        trend,
        trend_reason,
        first_period_end,
        last_period_end,
        dataset_id,
        origin,
        case
            when trend not in ('increasing', 'decreasing') then trend
            when polarity = 'higher' then case trend when 'increasing' then 'improving' else 'worsening' end
            when polarity = 'lower' then case trend when 'increasing' then 'worsening' else 'improving' end
        end as trend_judgement,
        case
            when trend_reason is not null then null
            when is_proportion then 'cochran_armitage'
            else 'weighted_regression'
        end as trend_test,
        case when trend_reason is null then round(chi_squared::numeric, 4)::double precision end as chi_squared,
        case
            when trend_reason is null
                then round(({{ chi_squared_chance('chi_squared') }})::numeric, 6)::double precision
        end as p_value,
        case when trend_reason is null then round(slope::numeric, 6)::double precision end as slope_per_year,
        coalesce(points_used, 0) as points_used
    from tested
)

select * from final
