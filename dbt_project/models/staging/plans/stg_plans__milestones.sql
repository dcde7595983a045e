with

source as (
    select * from {{ ref('milestones') }}
),

final as (
    select
        milestone_id,
        plan_id,
        objective_id,
        milestone_title,
        horizon_years,
        due_date,
        due_basis,
        target_id,
        owner,
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
