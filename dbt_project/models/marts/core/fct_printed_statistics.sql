with

printed_statistics as (
    select
        *,
        {{ written_period_start('period') }} as period_start,
        {{ written_period_months('period') }} as period_months
    from {{ ref('stg_plans__printed_statistics') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        statistic_id,
        plan_id,
        measure_id,
        statistic_title,
        population,
        area_code,
        area_name,
        period_start,
        period_months,
        {{ period_label('period_start', 'period_months') }} as period_label,
        period_basis,
        value as printed_value,
        comparator,
        unit,
        source_name,
        position as display_order,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from printed_statistics
)

select * from final
