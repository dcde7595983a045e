with

source as (
    select * from {{ ref('target_tables') }}
),

final as (
    select
        plan_id,
        table_name,
        first_line,
        last_line,
        cell,
        note
    from source
)

select * from final
