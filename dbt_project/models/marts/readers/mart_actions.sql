{%- set as_of = as_of_date(var('as_of')) -%}
with

actions as (
    select * from {{ ref('dim_actions') }}
),

objectives as (
    select * from {{ ref('dim_objectives') }}
),

plans as (
    select * from {{ ref('dim_plans') }}
),

final as (
    select
        actions.publication_id,
        actions.action_id,
        actions.plan_id,
        plans.plan_title,
        actions.objective_id,
        objectives.objective_title,
        objectives.path_title,
        roots.objective_title as theme_title,
        actions.action_kind,
        actions.printed_number,
        actions.action_title,
        actions.priority,
        actions.lead_name,
        actions.by_when,
        actions.by_when_basis,
        actions.due_date,
        actions.due_basis,
        case
            when actions.due_date is null then 'none'
            when {{ as_of }} <= actions.due_date then 'upcoming'
            else 'past'
        end as due_state,
        actions.outcome,
        actions.documents,
        objectives.tree_order,
        actions.display_order,
        actions.citation_section,
        actions.citation_table,
        actions.citation_row,
        actions.citation_line,
        actions.citation_quote,
        actions.note,
        {{ as_of }} as as_of
    from actions
    inner join objectives on actions.objective_id = objectives.objective_id
    inner join objectives as roots on objectives.root_objective_id = roots.objective_id
    inner join plans on actions.plan_id = plans.plan_id
)

select * from final
