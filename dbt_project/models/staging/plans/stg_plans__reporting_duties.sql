with

source as (
    select * from {{ ref('reporting_duties') }}
),

final as (
    select
        duty_id,
        plan_id,
        duty_title,
        reported_by,
        reported_to,
        frequency,
        prepared_by,
        signed_by,
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
