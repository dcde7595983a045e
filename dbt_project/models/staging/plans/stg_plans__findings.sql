with

source as (
    select * from {{ ref('plan_findings') }}
),

final as (
    select
        finding_id,
        plan_id,
        finding_kind,
        finding_title,
        arithmetic,
        target_ids,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        other_plan_id,
        other_line,
        other_quote,
        note
    from source
)

select * from final
