with

findings as (
    select * from {{ ref('fct_plan_findings') }}
),

plans as (
    select * from {{ ref('dim_plans') }}
),

targets as (
    select * from {{ ref('dim_targets') }}
),

touched as (
    select
        findings.finding_id,
        count(*)::integer as targets_count,
        string_agg(targets.target_title, '; ' order by targets.target_id) as target_titles
    from findings
    cross join lateral unnest(string_to_array(findings.target_ids, '; ')) as named (target_id)
    inner join targets on named.target_id = targets.target_id
    group by findings.finding_id
),

final as (
    select
        findings.publication_id,
        findings.finding_id,
        findings.plan_id,
        plans.plan_title,
        findings.finding_kind,
        findings.finding_title,
        findings.arithmetic,
        findings.target_ids,
        touched.target_titles,
        findings.citation_section,
        findings.citation_table,
        findings.citation_row,
        findings.citation_line,
        findings.citation_quote,
        findings.other_plan_id,
        others.plan_title as other_plan_title,
        findings.other_line,
        findings.other_quote,
        findings.note,
        coalesce(touched.targets_count, 0) as targets_count
    from findings
    inner join plans on findings.plan_id = plans.plan_id
    inner join plans as others on findings.other_plan_id = others.plan_id
    left join touched on findings.finding_id = touched.finding_id
)

select * from final
