with

reporting_duties as (
    select * from {{ ref('stg_plans__reporting_duties') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        duty_id,
        plan_id,
        duty_title,
        reported_by,
        reported_to,
        frequency,
        prepared_by,
        signed_by,
        position as display_order,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from reporting_duties
)

select * from final
