with

actions as (
    select * from {{ ref('stg_plans__actions') }}
),

documents as (
    select
        objective_id,
        string_agg(document_title, '; ' order by position, document_id) as documents
    from {{ ref('stg_plans__documents') }}
    group by objective_id
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        actions.action_id,
        actions.plan_id,
        actions.objective_id,
        actions.action_kind,
        actions.printed_number,
        actions.action_title,
        actions.priority,
        actions.lead as lead_name,
        actions.by_when,
        actions.by_when_basis,
        actions.due_date,
        actions.due_basis,
        actions.outcome,
        documents.documents,
        actions.position as display_order,
        actions.citation_section,
        actions.citation_table,
        actions.citation_row,
        actions.citation_line,
        actions.citation_quote,
        actions.note
    from actions
    left join documents on actions.objective_id = documents.objective_id
)

select * from final
