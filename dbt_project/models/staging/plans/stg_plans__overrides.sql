with

source as (
    select * from {{ ref('overrides') }}
),

final as (
    select
        target_id,
        position as override_position,
        reason as override_reason,
        author as override_author,
        made_on as made_date,
        expires_on as expires_date
    from source
)

select * from final
