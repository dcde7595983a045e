with

plans as (
    select * from {{ ref('stg_plans__plans') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        plan_id,
        plan_title,
        owner,
        published_date,
        period_start,
        period_end,
        area_code,
        document_title,
        citation_section,
        citation_line,
        citation_quote,
        note
    from plans
)

select * from final
