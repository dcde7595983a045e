with

observations as (
    select * from {{ ref('fct_observations') }}
),

measures as (
    select * from {{ ref('dim_measures') }}
),

areas as (
    select * from {{ ref('dim_areas') }}
),

-- The areas above each area, nearest first: district, county, region, country, Great Britain.
parents as (
    select
        areas.area_code,
        region.area_code as region_code,
        region.area_name as region_name
    from areas
    left join areas as above on areas.parent_code = above.area_code
    left join areas as far_above on above.parent_code = far_above.area_code
    left join areas as region
        on
            region.area_type = 'region'
            and region.area_code in (above.area_code, far_above.area_code, far_above.parent_code)
),

countries as (
    select * from areas
    where area_type in ('country', 'great britain')
),

-- Counts of a city and of a country do not compare; rates do, where dataset, unit and period are the same.
rates as (
    select *
    from observations
    where value is not null and unit not in ('people', 'jobs', 'businesses')
),

national as (
    select distinct on (
        rates.measure_id, rates.dataset_id, rates.period_start, rates.period_months
    )
        rates.measure_id,
        rates.dataset_id,
        rates.period_start,
        rates.period_months,
        rates.value,
        countries.area_name
    from rates
    inner join countries on rates.area_code = countries.area_code
    order by
        rates.measure_id asc,
        rates.dataset_id asc,
        rates.period_start asc,
        rates.period_months asc,
        countries.area_type asc,
        countries.area_code asc
),

final as (
    select
        observations.publication_id,
        observations.measure_id,
        observations.area_code,
        observations.period_start,
        observations.period_months,
        observations.period_end,
        {{ period_label('observations.period_start', 'observations.period_months') }} as period_label,
        measures.measure_title,
        measures.polarity,
        areas.area_name,
        areas.area_type,
        areas.is_comparator,
        observations.unit,
        observations.value,
        observations.lower_bound,
        observations.upper_bound,
        observations.numerator,
        observations.denominator,
        observations.observation_status,
        observations.is_break,
        regional.value as region_value,
        case when regional.value is not null then parents.region_name end as region_name,
        national.value as national_value,
        case when national.value is not null then national.area_name end as national_name,
        observations.dataset_id,
        observations.origin,
        observations.is_demonstration
    from observations
    inner join measures on observations.measure_id = measures.measure_id
    inner join areas on observations.area_code = areas.area_code
    left join parents on observations.area_code = parents.area_code
    left join rates as regional
        on
            observations.measure_id = regional.measure_id
            and parents.region_code = regional.area_code
            and observations.period_start = regional.period_start
            and observations.period_months = regional.period_months
            and observations.dataset_id = regional.dataset_id
    left join national
        on
            observations.measure_id = national.measure_id
            and observations.dataset_id = national.dataset_id
            and observations.period_start = national.period_start
            and observations.period_months = national.period_months
)

select * from final
