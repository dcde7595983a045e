{#- Periods are printed as a first day and a length in months; R/ marks a sum for each week, quarter or year. -#}
with

budget_lines as (
    select * from {{ ref('stg_plans__budget_lines') }}
),

split as (
    select
        *,
        case when period not like 'R/%' then {{ written_period_start('period') }} end as period_start,
        case when period not like 'R/%' then {{ written_period_months('period') }} end as period_months
    from budget_lines
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
        note,
        period_start,
        period_months,
        case
            when period = 'R/P1Y' then 'each year'
            when period = 'R/P3M' then 'each quarter'
            when period = 'R/P1M' then 'each month'
            when period = 'R/P1W' then 'each week'
            when period_start is not null then {{ period_label('period_start', 'period_months') }}
        end as period_label
    from split
)

select * from final
