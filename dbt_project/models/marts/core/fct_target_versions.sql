with

versions as (
    select * from {{ ref('int_targets_versioned') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        version_number,
        issued_date,
        valid_to_date,
        target_value as target_printed_value,
        target_lower as target_lower_value,
        target_upper as target_upper_value,
        due_date,
        baseline_value,
        {{ period_label(written_period_start('baseline_period'), written_period_months('baseline_period')) }}
            as baseline_period,
        reason as version_reason,
        valid_to_date is null as is_in_force,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note
    from versions
)

select * from final
