with

source as (
    select * from {{ ref('plans') }}
),

final as (
    select
        plan_id,
        plan_title,
        owner,
        published_date,
        period_start,
        period_end,
        area_code,
        document_title,
        text_file,
        text_sha256,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from source
)

select * from final
