with

overrides as (
    select * from {{ ref('stg_plans__overrides') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        made_date,
        expires_date,
        override_position,
        override_reason,
        override_author,
        {{ as_of_date(var('as_of')) }} between made_date and expires_date as is_in_force
    from overrides
)

select * from final
