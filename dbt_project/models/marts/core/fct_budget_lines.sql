with

budget_lines_dated as (
    select * from {{ ref('int_budget_lines_dated') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        budget_line_id,
        plan_id,
        objective_id,
        line_title,
        line_kind,
        amount_gbp,
        comparator,
        period_label,
        period_start,
        period_months,
        timescale,
        funder,
        part_of as part_of_line_id,
        repeats as repeats_line_id,
        position as display_order,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from budget_lines_dated
)

select * from final
