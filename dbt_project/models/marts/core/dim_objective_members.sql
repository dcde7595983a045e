with recursive

objectives as (
    select * from {{ ref('stg_plans__objectives') }}
),

nested as (
    select
        objective_id,
        objective_id as member_objective_id
    from objectives
    union all
    select
        nested.objective_id,
        objectives.objective_id as member_objective_id
    from nested
    inner join objectives on nested.member_objective_id = objectives.parent_objective_id
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        objective_id,
        member_objective_id
    from nested
)

select * from final
