{#- What a programme is to deliver and to cost, line by line; returns of the council fill in what was done. -#}
with

objectives as (
    select * from {{ ref('dim_objectives') }}
),

plans as (
    select * from {{ ref('dim_plans') }}
),

kpis as (
    select * from {{ ref('dim_kpis') }}
),

measures as (
    select * from {{ ref('dim_measures') }}
),

targets as (
    select * from {{ ref('dim_targets') }}
),

milestones as (
    select * from {{ ref('dim_milestones') }}
),

budget_lines as (
    select * from {{ ref('fct_budget_lines') }}
),

-- A budget that pays for one objective as a whole, for the cost of each of its outputs.
budgets as (
    select
        objective_id,
        sum(amount_gbp) as budget_gbp
    from budget_lines
    where line_kind in ('budget', 'spend') and objective_id is not null and repeats_line_id is null
    group by objective_id
),

outputs as (
    select
        targets.target_id as line_id,
        'output' as line_kind,
        targets.plan_id,
        targets.objective_id,
        targets.target_title as line_title,
        targets.measure_id,
        targets.unit,
        null as breakdowns,
        targets.target_printed_value as profile_value,
        targets.due_date,
        targets.target_period as period,
        case
            when objectives.objective_kind = 'programme' and targets.target_printed_value > 0
                then round((budgets.budget_gbp / targets.target_printed_value)::numeric, 2)::double precision
        end as profile_cost_per_output_gbp,
        targets.citation_line,
        targets.citation_quote
    from targets
    inner join objectives on targets.objective_id = objectives.objective_id
    left join budgets on targets.objective_id = budgets.objective_id
    where targets.kind = 'count_in_period'
),

indicators as (
    select
        kpis.kpi_id as line_id,
        'kpi' as line_kind,
        kpis.plan_id,
        kpis.objective_id,
        kpis.kpi_title as line_title,
        kpis.measure_id,
        measures.unit,
        kpis.breakdowns,
        null::double precision as profile_value,
        null::date as due_date,
        null as period,
        null::double precision as profile_cost_per_output_gbp,
        kpis.citation_line,
        kpis.citation_quote
    from kpis
    inner join measures on kpis.measure_id = measures.measure_id
),

steps as (
    select
        milestone_id as line_id,
        'milestone' as line_kind,
        plan_id,
        objective_id,
        milestone_title as line_title,
        null as measure_id,
        'yes_or_no' as unit,
        null as breakdowns,
        null::double precision as profile_value,
        due_date,
        horizon_years::text || ' years' as period,
        null::double precision as profile_cost_per_output_gbp,
        citation_line,
        citation_quote
    from milestones
),

money as (
    select
        budget_line_id as line_id,
        'money' as line_kind,
        plan_id,
        objective_id,
        line_title,
        null as measure_id,
        'gbp' as unit,
        null as breakdowns,
        amount_gbp as profile_value,
        null::date as due_date,
        coalesce(period_label, timescale) as period,
        null::double precision as profile_cost_per_output_gbp,
        citation_line,
        citation_quote
    from budget_lines
),

lines as (
    select * from outputs
    union all
    select * from indicators
    union all
    select * from steps
    union all
    select * from money
),

final as (
    select
        plans.publication_id,
        lines.line_id,
        lines.line_kind,
        lines.plan_id,
        plans.plan_title,
        lines.objective_id,
        objectives.objective_title,
        lines.line_title,
        lines.measure_id,
        lines.unit,
        lines.breakdowns,
        lines.period,
        lines.due_date,
        lines.profile_value,
        null::double precision as actual_value,
        lines.profile_cost_per_output_gbp,
        null::double precision as actual_cost_per_output_gbp,
        'awaiting_return' as return_state,
        lines.citation_line,
        lines.citation_quote
    from lines
    inner join plans on lines.plan_id = plans.plan_id
    left join objectives on lines.objective_id = objectives.objective_id
)

select * from final
