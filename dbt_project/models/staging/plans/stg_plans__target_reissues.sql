with

source as (
    select * from {{ ref('target_reissues') }}
),

final as (
    select
        target_id,
        issued_date,
        target_value,
        target_lower,
        target_upper,
        due_date,
        baseline_value,
        baseline_period,
        reason,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from source
)

select * from final
