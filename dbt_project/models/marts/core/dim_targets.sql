with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

detectable as (
    select * from {{ ref('int_targets_detectable') }}
),

assured as (
    select * from {{ ref('int_targets_assured') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        targets.target_id,
        targets.plan_id,
        targets.objective_id,
        targets.measure_id,
        targets.target_title,
        targets.population,
        targets.area_code,
        targets.area_name,
        targets.unit,
        targets.polarity,
        targets.kind,
        targets.direction,
        targets.comparator,
        targets.comparator_basis,
        targets.baseline_value,
        targets.baseline_basis,
        targets.baseline_date,
        targets.baseline_period,
        targets.target_value,
        targets.target_printed_value,
        targets.due_date,
        targets.due_basis,
        targets.tolerance_share,
        targets.is_assessable,
        targets.owner,
        targets.depends_on,
        targets.is_provisional,
        targets.repeats as repeats_target_id,
        targets.contradicts as contradicts_target_id,
        targets.citation_section,
        targets.citation_table,
        targets.citation_row,
        targets.citation_line,
        targets.citation_quote,
        targets.caveat,
        targets.note,
        targets.target_lower as target_lower_value,
        targets.target_upper as target_upper_value,
        targets.printed_unit as target_printed_unit,
        targets.benchmark,
        targets.period as target_period,
        targets.unverifiable_reason,
        targets.due_rule,
        targets.shape,
        targets.tolerance_value,
        targets.benchmark_area_code,
        detectable.required_change,
        detectable.smallest_change,
        detectable.smallest_change_80,
        coalesce(detectable.detectability, 'unknown') as detectability,
        assured.assurance,
        assured.assurance_reason,
        targets.version_number,
        targets.version_issued_date,
        targets.version_reason,
        targets.target_hash
    from targets
    left join detectable on targets.target_id = detectable.target_id
    left join assured on targets.target_id = assured.target_id
)

select * from final
