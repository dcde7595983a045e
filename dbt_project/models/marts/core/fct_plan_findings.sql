with

findings as (
    select * from {{ ref('stg_plans__findings') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
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
    from findings
)

select * from final
