with

source as (
    select * from {{ ref('budget_lines') }}
),

final as (
    select
        budget_line_id,
        plan_id,
        objective_id,
        line_title,
        line_kind,
        amount_gbp,
        comparator,
        period,
        timescale,
        funder,
        part_of,
        repeats,
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
