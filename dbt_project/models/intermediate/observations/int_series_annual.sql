{{ config(materialized='table') }}

{#- The points of each series that may be compared as independent: whole years apart from the newest, none overlapping,
    back to the first gap or break. Rolling quarters of a survey share nine of their twelve months; months of one year
    share its season. -#}
with

observations as (
    select *
    from {{ ref('int_observations_weighed') }}
    where value is not null
),

-- Whole months: a survey of mid April and one of the end of April are a year apart.
counted as (
    select
        *,
        (extract(year from period_end) * 12 + extract(month from period_end))::integer as month_count,
        greatest(12, period_months) as spacing_months
    from observations
),

aged as (
    select
        *,
        max(month_count) over same_series - month_count as months_back,
        first_value(segment) over newest_first as newest_segment,
        first_value(coalesce(boundary_grade, '')) over newest_first as newest_grade
    from counted
    window
        same_series as (partition by measure_id, area_code),
        newest_first as (partition by measure_id, area_code order by period_end desc, period_start desc)
),

-- Published once a year or oftener: a year apart. Less often: as it comes.
spaced as (
    select
        *,
        months_back / spacing_months as years_back
    from aged
    where
        months_back % spacing_months = 0
        and segment = newest_segment
        and coalesce(boundary_grade, '') = newest_grade
),

-- Duplicates of a period (two lengths) leave the longer one.
single as (
    select distinct on (measure_id, area_code, years_back) *
    from spaced
    order by measure_id asc, area_code asc, years_back asc, period_months desc, period_start asc
),

unbroken as (
    select
        *,
        row_number() over (partition by measure_id, area_code order by years_back) - 1 as place
    from single
),

final as (
    select
        measure_id,
        area_code,
        unit,
        period_start,
        period_months,
        period_end,
        spacing_months,
        value,
        lower_bound,
        upper_bound,
        numerator,
        denominator,
        standard_error,
        error_basis,
        unreliable_reason,
        origin,
        dataset_id,
        count(*) over (partition by measure_id, area_code)::integer as points_count,
        -- 1 is the oldest.
        (count(*) over (partition by measure_id, area_code) - place)::integer as point_number
    from unbroken
    where place = years_back
)

select * from final
