with

source as (
    select * from {{ ref('kpis') }}
),

final as (
    select
        kpi_id,
        plan_id,
        objective_id,
        measure_id,
        printed_number,
        kpi_title,
        breakdowns,
        position,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from source
)

select * from final
