with

source as (
    select * from {{ ref('unused_figures') }}
),

final as (
    select
        plan_id,
        citation_line,
        figure,
        reason
    from source
)

select * from final
