with

risks as (
    select * from {{ ref('stg_plans__risks') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        risk_id,
        plan_id,
        risk_title,
        likelihood,
        severity,
        control as control_action,
        position as display_order,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from risks
)

select * from final
