{#- What an agreement pays for a target: the share of the way from what was expected without it (w) to the level to
    reach (T), (y - w) / (T - w); nothing below the least share. Only the value for the due date decides. -#}
with

rewards as (
    select * from {{ ref('stg_plans__target_rewards') }}
),

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

assessed as (
    select * from {{ ref('int_targets_assessed') }}
),

-- The value for the due date, or the newest so far.
valued as (
    select distinct on (target_id)
        target_id,
        period_start,
        period_months,
        period_end,
        is_due_value,
        evidence,
        compared_value,
        dataset_id,
        origin
    from assessed
    where compared_value is not null
    order by target_id asc, is_due_value desc, period_end desc, period_start desc
),

shared as (
    select
        rewards.*,
        targets.target_value,
        valued.period_start,
        valued.period_months,
        valued.period_end,
        valued.compared_value,
        valued.evidence,
        valued.dataset_id,
        valued.origin,
        coalesce(valued.is_due_value, false) as is_decided,
        (valued.compared_value - rewards.without_value)
        / nullif(targets.target_value - rewards.without_value, 0) as reached_share
    from rewards
    inner join targets on rewards.target_id = targets.target_id
    left join valued on rewards.target_id = valued.target_id
),

earned as (
    select
        *,
        case
            when not is_decided or evidence = 'unreliable' or reached_share is null then null
            -- Floats: 0.6 of the way must count as 0.6.
            when reached_share < least_share - 1e-9 then 0
            when pays = 'all_or_nothing' then 1
            else least(greatest(reached_share, 0), 1)
        end as earned_share
    from shared
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        agreement_title,
        without_value,
        target_value,
        least_share,
        pays,
        period_start,
        period_months,
        period_end,
        compared_value as value,
        is_decided,
        round(reached_share::numeric, 4)::double precision as reached_share,
        round(earned_share::numeric, 4)::double precision as earned_share,
        case
            when target_value is null then 'no_target_value'
            when compared_value is null then 'no_data'
            when reached_share is null then 'no_way_to_go'
            when not is_decided then 'not_decided'
            when earned_share is null then 'unreliable'
            when earned_share = 0 then 'nothing'
            when earned_share >= 1 - 1e-9 then 'all'
            else 'part'
        end as reward_status,
        reward_source,
        dataset_id,
        origin
    from earned
)

select * from final
