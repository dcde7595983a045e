with

kpis as (
    select * from {{ ref('stg_plans__kpis') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        kpi_id,
        plan_id,
        objective_id,
        measure_id,
        printed_number,
        kpi_title,
        breakdowns,
        position as display_order,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from kpis
)

select * from final
