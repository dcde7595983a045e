with

source as (
    select * from {{ source('raw', 'series') }}
),

final as (
    select
        series_id,
        family_id,
        dataset_id,
        area_code,
        dimensions,
        role,
        unit
    from source
)

select * from final
