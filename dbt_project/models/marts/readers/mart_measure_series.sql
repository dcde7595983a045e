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

above as (
    {{ areas_above(ref('dim_areas')) }}
),

regions as (
    select * from above
    where comparator_type = 'region'
),

countries as (
    select * from above
    where comparator_type in ('country', 'great britain')
),

-- Counts of a city and of a country do not compare; rates do, where dataset, unit and period are the same.
rates as (
    select *
    from observations
    where value is not null and not {{ is_count('unit') }}
),

-- The nearest country above the area that has a value for the same period.
national as (
    select distinct on (
        observations.measure_id, observations.area_code, observations.period_start, observations.period_months
    )
        observations.measure_id,
        observations.area_code,
        observations.period_start,
        observations.period_months,
        rates.value,
        countries.comparator_name
    from observations
    inner join countries on observations.area_code = countries.area_code
    inner join rates
        on
            observations.measure_id = rates.measure_id
            and countries.comparator_code = rates.area_code
            and observations.period_start = rates.period_start
            and observations.period_months = rates.period_months
            and observations.dataset_id = rates.dataset_id
    order by
        observations.measure_id asc,
        observations.area_code asc,
        observations.period_start asc,
        observations.period_months asc,
        countries.steps asc,
        countries.comparator_code asc
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
        case when regional.value is not null then regions.comparator_name end as region_name,
        national.value as national_value,
        case when national.value is not null then national.comparator_name end as national_name,
        observations.dataset_id,
        observations.origin,
        observations.is_demonstration
    from observations
    inner join measures on observations.measure_id = measures.measure_id
    inner join areas on observations.area_code = areas.area_code
    left join regions on observations.area_code = regions.area_code
    left join rates as regional
        on
            observations.measure_id = regional.measure_id
            and regions.comparator_code = regional.area_code
            and observations.period_start = regional.period_start
            and observations.period_months = regional.period_months
            and observations.dataset_id = regional.dataset_id
    left join national
        on
            observations.measure_id = national.measure_id
            and observations.area_code = national.area_code
            and observations.period_start = national.period_start
            and observations.period_months = national.period_months
)

select * from final
