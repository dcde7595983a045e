with

objectives as (
    select * from {{ ref('int_objectives_rooted') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        objective_id,
        plan_id,
        parent_objective_id,
        objective_title,
        objective_kind,
        position as display_order,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note,
        printed_number,
        lead as lead_name,
        root_objective_id,
        depth,
        path_title,
        tree_order
    from objectives
)

select * from final
