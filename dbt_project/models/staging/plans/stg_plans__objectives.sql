with

source as (
    select * from {{ ref('objectives') }}
),

final as (
    select
        objective_id,
        plan_id,
        parent_objective_id,
        objective_title,
        objective_kind,
        printed_number,
        lead,
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
