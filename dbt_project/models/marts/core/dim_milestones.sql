with

milestones as (
    select * from {{ ref('stg_plans__milestones') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        milestone_id,
        plan_id,
        objective_id,
        milestone_title,
        horizon_years,
        due_date,
        due_basis,
        target_id,
        owner,
        position as display_order,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from milestones
)

select * from final
