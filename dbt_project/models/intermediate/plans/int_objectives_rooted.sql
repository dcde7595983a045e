{#- Each objective with its place in the tree: how deep, below which top objective, and the way down in words. -#}
with recursive

objectives as (
    select * from {{ ref('stg_plans__objectives') }}
),

rooted as (
    select
        objective_id,
        objective_id as root_objective_id,
        0 as depth,
        objective_title as path_title,
        array[position] as path_order
    from objectives
    where parent_objective_id is null
    union all
    select
        objectives.objective_id,
        rooted.root_objective_id,
        rooted.depth + 1 as depth,
        rooted.path_title || ' > ' || objectives.objective_title as path_title,
        rooted.path_order || objectives.position as path_order
    from rooted
    inner join objectives on rooted.objective_id = objectives.parent_objective_id
),

final as (
    select
        objectives.objective_id,
        objectives.plan_id,
        objectives.parent_objective_id,
        objectives.objective_title,
        objectives.objective_kind,
        objectives.printed_number,
        objectives.lead,
        objectives.position,
        objectives.citation_section,
        objectives.citation_table,
        objectives.citation_row,
        objectives.citation_line,
        objectives.citation_quote,
        objectives.note,
        rooted.root_objective_id,
        rooted.depth,
        rooted.path_title,
        row_number() over (
            partition by objectives.plan_id
            order by rooted.path_order, objectives.objective_id
        )::integer as tree_order
    from objectives
    inner join rooted on objectives.objective_id = rooted.objective_id
)

select * from final
