with

source as (
    select * from {{ ref('actions') }}
),

final as (
    select
        action_id,
        plan_id,
        objective_id,
        action_kind,
        printed_number,
        action_title,
        priority,
        lead,
        by_when,
        by_when_basis,
        due_date,
        due_basis,
        outcome,
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
