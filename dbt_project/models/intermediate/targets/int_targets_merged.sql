{#- Targets about an area that was merged with others: what the whole group measured in the baseline period. The change
    of the group is compared with the change that the target asks for. -#}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

bridges as (
    select distinct
        area_code,
        vintage,
        partner_codes,
        partners_count
    from {{ ref('int_area_bridges') }}
    where grade = 'M'
),

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

final as (
    select
        targets.target_id,
        bridges.vintage,
        bridges.partners_count,
        replace(bridges.partner_codes, ' ', ' and ') as partner_codes,
        case when count(observations.value) = bridges.partners_count then sum(observations.value) end as merged_baseline
    from targets
    inner join bridges on targets.area_code = bridges.area_code
    left join observations
        on
            targets.measure_id = observations.measure_id
            and targets.unit = observations.unit
            and observations.area_code = any(string_to_array(bridges.partner_codes, ' '))
            and targets.baseline_date = observations.period_end
            and coalesce(observations.boundary_grade, 'U') = 'U'
    group by targets.target_id, bridges.vintage, bridges.partners_count, bridges.partner_codes
)

select * from final
