with

counterfactuals as (
    select * from {{ ref('int_targets_counterfactual') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        comparator_code,
        comparator_name,
        comparator_type,
        comparator_rank,
        is_chosen,
        measure_id,
        area_code,
        unit,
        method,
        baseline_value,
        baseline_basis,
        baseline_period_start,
        baseline_period_end,
        period_start,
        period_months,
        period_end,
        value,
        comparator_then_value,
        comparator_now_value,
        comparator_change,
        counterfactual_value,
        difference,
        difference_error,
        errors_count,
        is_more_than_chance,
        counterfactual_reason,
        counterfactual_words
    from counterfactuals
)

select * from final
