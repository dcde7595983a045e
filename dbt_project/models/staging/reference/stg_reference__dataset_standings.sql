with

source as (
    select * from {{ ref('dataset_standings') }}
),

final as (
    select
        dataset_id,
        standing,
        source,
        coalesce(valid_from_date, '-infinity'::date) as valid_from_date,
        coalesce(valid_to_date, 'infinity'::date) as valid_to_date
    from source
)

select * from final
