{#- What a plan printed, beside what is known now of the same measure, area and period. -#}
with

printed as (
    select * from {{ ref('fct_printed_statistics') }}
),

plans as (
    select * from {{ ref('dim_plans') }}
),

observations as (
    select * from {{ ref('fct_observations') }}
),

final as (
    select
        printed.publication_id,
        printed.statistic_id,
        printed.plan_id,
        plans.plan_title,
        printed.measure_id,
        printed.statistic_title,
        printed.population,
        printed.area_code,
        printed.area_name,
        printed.period_start,
        printed.period_months,
        printed.period_label,
        printed.period_basis,
        printed.unit,
        printed.comparator,
        printed.printed_value,
        observations.value as known_value,
        observations.dataset_id as known_dataset_id,
        observations.origin as known_origin,
        printed.source_name,
        printed.display_order,
        printed.citation_section,
        printed.citation_table,
        printed.citation_row,
        printed.citation_line,
        printed.citation_quote,
        printed.note,
        round((observations.value - printed.printed_value)::numeric, 6)::double precision as difference,
        coalesce(observations.is_demonstration, false) as is_demonstration
    from printed
    inner join plans on printed.plan_id = plans.plan_id
    left join observations
        on
            printed.measure_id = observations.measure_id
            and printed.area_code = observations.area_code
            and printed.period_start = observations.period_start
            and printed.period_months = observations.period_months
            and printed.unit = observations.unit
            and observations.value is not null
)

select * from final
