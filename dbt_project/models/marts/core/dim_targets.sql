with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        plan_id,
        objective_id,
        measure_id,
        target_title,
        population,
        area_code,
        area_name,
        unit,
        polarity,
        kind,
        direction,
        comparator,
        comparator_basis,
        baseline_value,
        baseline_basis,
        baseline_date,
        baseline_period,
        target_value,
        target_printed_value,
        due_date,
        due_basis,
        tolerance_share,
        is_assessable,
        owner,
        depends_on,
        is_provisional,
        repeats as repeats_target_id,
        contradicts as contradicts_target_id,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        caveat,
        note,
        target_lower as target_lower_value,
        target_upper as target_upper_value,
        printed_unit as target_printed_unit,
        benchmark,
        period as target_period,
        unverifiable_reason
    from targets
)

select * from final
