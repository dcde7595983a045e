with

action_marks as (
    select * from {{ ref('stg_plans__action_marks') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        action_id,
        objective_id,
        mark,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from action_marks
)

select * from final
