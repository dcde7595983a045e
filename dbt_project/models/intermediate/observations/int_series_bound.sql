{{ config(materialized='table') }}

{#- Which series supply which measure. Chosen first, so that only these series are looked up among the observations;
    a table, because two models read it and the choice is costly to repeat. -#}
with

bindings as (
    select * from {{ ref('stg_plans__bindings') }}
),

series as (
    select * from {{ ref('stg_raw__series') }}
),

datasets as (
    select * from {{ ref('int_datasets_accepted') }}
),

areas as (
    select * from {{ ref('int_areas_unioned') }}
),

parts as (
    select
        bindings.binding_id,
        bindings.measure_id,
        bindings.dataset_id,
        bindings.unit,
        bindings.segment,
        bindings.valid_from_date,
        bindings.valid_to_date,
        bindings.priority,
        selected.part_number,
        selected.dimensions,
        jsonb_array_length(bindings.selection) as parts_count
    from bindings
    cross join
        lateral jsonb_array_elements(bindings.selection) with ordinality as selected (dimensions, part_number)
),

matched as (
    select
        parts.binding_id,
        parts.measure_id,
        parts.dataset_id,
        parts.unit,
        parts.segment,
        parts.valid_from_date,
        parts.valid_to_date,
        parts.priority,
        parts.parts_count,
        parts.part_number,
        series.series_id,
        series.area_code,
        series.role,
        datasets.origin,
        case datasets.origin when 'official' then 1 when 'council' then 2 when 'plan' then 3 else 4 end as origin_rank
    from parts
    inner join series
        on
            parts.dataset_id = series.dataset_id
            and parts.dimensions <@ series.dimensions
            -- The unit tells counts from percentages; only the value itself is in the measure's unit.
            and (series.role <> 'value' or parts.unit = series.unit)
    inner join datasets on parts.dataset_id = datasets.dataset_id
    inner join areas on series.area_code = areas.area_code
),

-- Official figures are never mixed with demonstration figures within a measure and area.
best_origin as (
    select
        measure_id,
        area_code,
        min(origin_rank) as origin_rank
    from matched
    group by measure_id, area_code
),

chosen as (
    select distinct on (matched.measure_id, matched.area_code, matched.segment)
        matched.measure_id,
        matched.area_code,
        matched.segment,
        matched.binding_id
    from matched
    inner join best_origin
        on
            matched.measure_id = best_origin.measure_id
            and matched.area_code = best_origin.area_code
            and matched.origin_rank = best_origin.origin_rank
    order by matched.measure_id, matched.area_code, matched.segment, matched.priority, matched.binding_id
),

final as (
    select
        matched.series_id,
        matched.measure_id,
        matched.area_code,
        matched.binding_id,
        matched.segment,
        matched.part_number::integer as part_number,
        matched.parts_count,
        matched.role,
        matched.dataset_id,
        matched.origin,
        matched.unit,
        matched.valid_from_date,
        matched.valid_to_date
    from matched
    inner join chosen
        on
            matched.measure_id = chosen.measure_id
            and matched.area_code = chosen.area_code
            and matched.binding_id = chosen.binding_id
)

select * from final
