{#- Targets with the values that are in force on the as-of day. The citation stays that of the first print;
    `fct_target_versions` has that of each version. -#}
with

targets as (
    select * from {{ ref('stg_plans__targets') }}
),

versions as (
    select *
    from {{ ref('int_targets_versioned') }}
    where valid_to_date is null
),

-- Whatever decides how a target is judged, in one short text: when it differs, the target was changed.
ways as (
    select
        target_id,
        string_agg(way, '; ' order by way) as way
    from (
        select
            target_id,
            point_date::text || ' ' || point_value::text as way
        from {{ ref('stg_plans__target_points') }}
        union all
        select
            target_id,
            quarter::text || ' ' || factor::text as way
        from {{ ref('stg_plans__target_profiles') }}
    ) as written
    group by target_id
),

final as (
    select
        targets.target_id,
        targets.plan_id,
        targets.objective_id,
        targets.measure_id,
        targets.target_title,
        targets.population,
        targets.area_code,
        targets.area_name,
        versions.baseline_value,
        versions.baseline_period,
        versions.target_value,
        versions.target_lower,
        versions.target_upper,
        targets.comparator,
        targets.comparator_basis,
        targets.benchmark,
        targets.benchmark_area_code,
        targets.kind,
        targets.direction,
        targets.polarity,
        targets.unit,
        targets.period,
        versions.due_date,
        versions.due_basis,
        targets.due_rule,
        targets.shape,
        targets.tolerance_share,
        targets.tolerance_value,
        targets.owner,
        targets.depends_on,
        targets.is_provisional,
        targets.repeats,
        targets.contradicts,
        targets.citation_section,
        targets.citation_table,
        targets.citation_row,
        targets.citation_line,
        targets.citation_quote,
        targets.caveat,
        targets.note,
        versions.version_number,
        versions.issued_date as version_issued_date,
        versions.reason as version_reason,
        md5(
            concat_ws(
                '|', targets.measure_id, targets.area_code, targets.kind, targets.direction, targets.comparator,
                targets.polarity, targets.unit, targets.period, targets.due_rule, targets.shape,
                targets.benchmark, targets.benchmark_area_code, 'value ' || versions.target_value,
                'lower ' || versions.target_lower, 'upper ' || versions.target_upper, 'due ' || versions.due_date,
                'baseline ' || versions.baseline_value, 'of ' || versions.baseline_period,
                'tolerance ' || targets.tolerance_value, 'share ' || targets.tolerance_share, 'way ' || ways.way
            )
        ) as target_hash
    from targets
    inner join versions on targets.target_id = versions.target_id
    left join ways on targets.target_id = ways.target_id
)

select * from final
