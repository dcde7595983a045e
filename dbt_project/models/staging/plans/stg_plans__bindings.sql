with

source as (
    select * from {{ ref('bindings') }}
),

final as (
    select
        binding_id,
        measure_id,
        provider,
        source_table,
        dataset_id,
        selection,
        unit,
        coverage,
        coverage_note,
        segment,
        valid_from_date,
        valid_to_date,
        priority,
        note
    from source
)

select * from final
