with

source as (
    select * from {{ ref('documents') }}
),

final as (
    select
        document_id,
        plan_id,
        objective_id,
        document_title,
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
