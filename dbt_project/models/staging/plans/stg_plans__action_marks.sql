with

source as (
    select * from {{ ref('action_marks') }}
),

final as (
    select
        action_id,
        objective_id,
        mark,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from source
)

select * from final
