with

actions as (
    select * from {{ ref('dim_actions') }}
),

objectives as (
    select * from {{ ref('dim_objectives') }}
),

marks as (
    select * from {{ ref('fct_action_marks') }}
),

cross_cutting as (
    select * from objectives
    where objective_kind = 'vital_few'
),

-- Every action of a plan that has cross-cutting objectives, against each of them: a blank is an answer too.
final as (
    select
        actions.publication_id,
        actions.action_id,
        cross_cutting.objective_id as vital_few_id,
        actions.plan_id,
        cross_cutting.printed_number as vital_few_number,
        cross_cutting.objective_title as vital_few_title,
        actions.printed_number as action_number,
        actions.action_title,
        actions.lead_name,
        roots.objective_title as theme_title,
        actions.outcome,
        cross_cutting.display_order as vital_few_order,
        actions.display_order as action_order,
        case when own.objective_kind = 'cluster' then own.objective_title end as cluster_title,
        coalesce(marks.mark, 'none') as mark
    from actions
    inner join cross_cutting on actions.plan_id = cross_cutting.plan_id
    inner join objectives as own on actions.objective_id = own.objective_id
    inner join objectives as roots on own.root_objective_id = roots.objective_id
    left join marks
        on
            actions.action_id = marks.action_id
            and cross_cutting.objective_id = marks.objective_id
)

select * from final
