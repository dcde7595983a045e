{#- Plan, theme and objective on one row each: the counts, the share without data, and the spread of pace. -#}
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

scopes as (
    select
        objectives.objective_id as scope_id,
        case when objectives.parent_objective_id is null then 'theme' else 'objective' end as scope_kind,
        objectives.objective_title as scope_title,
        objectives.plan_id,
        members.member_objective_id,
        objectives.tree_order
    from objectives
    inner join members on objectives.objective_id = members.objective_id
    union all
    select
        plans.plan_id as scope_id,
        'plan' as scope_kind,
        plans.plan_title as scope_title,
        plans.plan_id,
        objectives.objective_id as member_objective_id,
        0 as tree_order
    from plans
    inner join objectives on plans.plan_id = objectives.plan_id
),

joined as (
    select
        scopes.*,
        progress.target_id,
        progress.position,
        progress.evidence,
        progress.pace,
        progress.due_state,
        progress.is_demonstration
    from scopes
    left join progress on scopes.member_objective_id = progress.objective_id
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        scope_id,
        scope_kind,
        scope_title,
        plan_id,
        tree_order,
        count(target_id) as targets_count,
        count(*) filter (where position = 'met') as met_count,
        count(*) filter (where position = 'on_trajectory') as on_trajectory_count,
        count(*) filter (where position = 'within_tolerance') as within_tolerance_count,
        count(*) filter (where position = 'off_trajectory') as off_trajectory_count,
        count(*) filter (where position = 'missed') as missed_count,
        count(*) filter (where position = 'not_due') as not_due_count,
        count(*) filter (where position = 'no_data') as without_data_count,
        count(*) filter (where evidence = 'confirmed') as confirmed_count,
        round(100.0 * count(*) filter (where position = 'no_data') / nullif(count(target_id), 0), 1)
        ::double precision as without_data_pct,
        min(pace) as lowest_pace,
        round((percentile_cont(0.5) within group (order by pace))::numeric, 4)::double precision as median_pace,
        max(pace) as highest_pace,
        count(pace) as with_pace_count,
        coalesce(bool_or(is_demonstration), false) as has_demonstration
    from joined
    group by scope_id, scope_kind, scope_title, plan_id, tree_order
)

select * from final
