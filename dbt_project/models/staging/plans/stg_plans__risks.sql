with

source as (
    select * from {{ ref('risks') }}
),

final as (
    select
        risk_id,
        plan_id,
        risk_title,
        likelihood,
        severity,
        control,
        position,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from source
)

select * from final
