{#- Plan, theme and objective: how many of their targets stand where, and how sure. Never one mean. -#}
with

members as (
    select * from {{ ref('dim_objective_members') }}
),

objectives as (
    select * from {{ ref('dim_objectives') }}
),

plans as (
    select * from {{ ref('dim_plans') }}
),

progress as (
    select * from {{ ref('mart_plan_progress') }}
),

scoped as (
    select
        objectives.objective_id as scope_id,
        case when objectives.parent_objective_id is null then 'theme' else 'objective' end as scope_kind,
        objectives.objective_title as scope_title,
        objectives.plan_id,
        progress.position,
        progress.evidence
    from objectives
    inner join members on objectives.objective_id = members.objective_id
    inner join progress on members.member_objective_id = progress.objective_id
    union all
    select
        plans.plan_id as scope_id,
        'plan' as scope_kind,
        plans.plan_title as scope_title,
        plans.plan_id,
        progress.position,
        progress.evidence
    from plans
    inner join progress on plans.plan_id = progress.plan_id
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        scope_id,
        position,
        evidence,
        scope_kind,
        scope_title,
        plan_id,
        count(*) as targets_count,
        round(100.0 * count(*) / sum(count(*)) over (partition by scope_id), 1)::double precision as targets_pct
    from scoped
    group by scope_id, scope_kind, scope_title, plan_id, position, evidence
)

select * from final
