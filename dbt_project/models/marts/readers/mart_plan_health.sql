{%- set as_of = as_of_date(var('as_of')) -%}
with

plans as (
    select * from {{ ref('dim_plans') }}
),

-- What each target's row says there is counted here: one rule, one answer.
progress as (
    select * from {{ ref('mart_plan_progress') }}
),

each_target as (
    select
        plan_id,
        due_date,
        baseline_value,
        coverage,
        position,
        evidence,
        is_demonstration,
        position <> 'no_data' as has_data,
        coalesce(due_date < {{ as_of }}, false) as is_due,
        due_state = 'past' and position <> 'no_data' as is_decided
    from progress
),

final as (
    select
        plans.publication_id,
        plans.plan_id,
        plans.plan_title,
        count(each_target.plan_id) as targets_count,
        count(*) filter (where each_target.has_data) as with_data_count,
        count(each_target.plan_id) filter (where not each_target.has_data) as without_data_count,
        count(*) filter (where each_target.coverage = 'local') as without_source_count,
        count(*) filter (where each_target.evidence = 'confirmed') as confirmed_count,
        count(*) filter (where each_target.evidence = 'not_distinguishable') as not_distinguishable_count,
        count(each_target.plan_id) filter (where each_target.due_date is null) as without_due_date_count,
        count(each_target.plan_id) filter (where each_target.baseline_value is null) as without_baseline_count,
        count(*) filter (where each_target.is_due) as due_count,
        count(*) filter (where each_target.is_due and not each_target.is_decided) as due_undecided_count,
        count(*) filter (where each_target.position = 'met') as met_count,
        count(*) filter (where each_target.position = 'missed') as missed_count,
        count(*) filter (where each_target.is_demonstration) as demonstration_count,
        round(100.0 * count(*) filter (where each_target.has_data) / nullif(count(each_target.plan_id), 0), 1)
        ::double precision as with_data_pct,
        {{ as_of }} as as_of
    from plans
    left join each_target on plans.plan_id = each_target.plan_id
    group by plans.publication_id, plans.plan_id, plans.plan_title
)

select * from final
