with

source as (
    select * from {{ ref('targets') }}
),

final as (
    select
        target_id,
        plan_id,
        objective_id,
        measure_id,
        target_title,
        population,
        area_code,
        area_name,
        baseline_value,
        baseline_period,
        target_value,
        target_lower,
        target_upper,
        comparator,
        comparator_basis,
        benchmark,
        benchmark_area_code,
        kind,
        direction,
        polarity,
        unit,
        period,
        due_date,
        due_basis,
        due_rule,
        shape,
        tolerance_share,
        tolerance_value,
        owner,
        depends_on,
        provisional as is_provisional,
        repeats,
        contradicts,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        caveat,
        note
    from source
)

select * from final
