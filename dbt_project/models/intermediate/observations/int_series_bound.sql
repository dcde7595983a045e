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

-- Once, and not for each series.
parts as materialized (
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

-- By windows and not by joins to the choice: nothing is known of the sizes here, and a loop over all pairs of series
-- would be planned.
ranked as (
    select
        *,
        min(origin_rank) over (partition by measure_id, area_code) as best_origin_rank
    from matched
),

-- Official figures are never mixed with demonstration figures within a measure and area.
chosen as (
    select
        *,
        first_value(binding_id) over (
            partition by measure_id, area_code, segment
            order by priority, binding_id
        ) as chosen_binding_id
    from ranked
    where origin_rank = best_origin_rank
),

final as (
    select
        series_id,
        measure_id,
        area_code,
        binding_id,
        segment,
        part_number::integer as part_number,
        parts_count,
        role,
        dataset_id,
        origin,
        unit,
        valid_from_date,
        valid_to_date
    from chosen
    where binding_id = chosen_binding_id
)

select * from final
