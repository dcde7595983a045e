{{ config(materialized='table') }}

{#- How far a value of a series usually moves after it is published: newest less first, of all its values, those that
    were never revised with 0. Only the values in use count, so not those of another source or definition. A measure of
    several parts moves as its sum does. -#}
with

observations as (
    select * from {{ ref('int_observations_resolved') }}
    where value is not null
),

revised as (
    select
        measure_id,
        area_code,
        dataset_id,
        unit,
        period_start,
        period_months,
        sum(value_change) as revision
    from {{ ref('int_observations_revised') }}
    group by measure_id, area_code, dataset_id, unit, period_start, period_months
    having count(value_change) = count(*)
),

segments as (
    select distinct on (measure_id, area_code, unit)
        measure_id,
        area_code,
        unit,
        segment
    from observations
    order by measure_id asc, area_code asc, unit asc, period_end desc
),

final as (
    select
        observations.measure_id,
        observations.area_code,
        observations.unit,
        round(avg(abs(coalesce(revised.revision, 0)))::numeric, 6)::double precision as typical_revision
    from observations
    inner join segments
        on
            observations.measure_id = segments.measure_id
            and observations.area_code = segments.area_code
            and observations.unit = segments.unit
            and observations.segment = segments.segment
    left join revised
        on
            observations.measure_id = revised.measure_id
            and observations.area_code = revised.area_code
            and observations.dataset_id = revised.dataset_id
            and observations.unit = revised.unit
            and observations.period_start = revised.period_start
            and observations.period_months = revised.period_months
    group by observations.measure_id, observations.area_code, observations.unit
    having count(*) filter (where abs(revised.revision) > 1e-9) >= {{ revisions_least() }}
)

select * from final
