with

objectives as (
    select * from {{ ref('stg_plans__objectives') }}
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
        note
    from objectives
)

select * from final
