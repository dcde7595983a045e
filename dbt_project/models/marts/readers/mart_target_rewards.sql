with

rewards as (
    select * from {{ ref('fct_target_rewards') }}
),

targets as (
    select * from {{ ref('dim_targets') }}
),

final as (
    select
        rewards.publication_id,
        rewards.target_id,
        targets.plan_id,
        targets.target_title,
        targets.unit,
        targets.due_date,
        rewards.agreement_title,
        rewards.without_value,
        rewards.target_value,
        rewards.least_share,
        rewards.pays,
        rewards.value,
        {{ period_label('rewards.period_start', 'rewards.period_months') }} as period_label,
        rewards.is_decided,
        rewards.reached_share,
        rewards.earned_share,
        rewards.reward_status,
        rewards.reward_source,
        rewards.dataset_id,
        coalesce(rewards.origin = 'demonstration', false) as is_demonstration
    from rewards
    inner join targets on rewards.target_id = targets.target_id
)

select * from final
