with

source as (
    select * from {{ ref('printed_statistics') }}
),

final as (
    select
        statistic_id,
        plan_id,
        measure_id,
        statistic_title,
        population,
        area_code,
        area_name,
        period,
        period_basis,
        value,
        comparator,
        unit,
        source_name,
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
