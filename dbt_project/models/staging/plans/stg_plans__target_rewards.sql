with

source as (
    select * from {{ ref('target_rewards') }}
),

final as (
    select
        target_id,
        agreement_title,
        without_value,
        least_share,
        pays,
        source as reward_source
    from source
)

select * from final
