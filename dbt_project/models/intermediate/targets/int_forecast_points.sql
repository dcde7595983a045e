{{ config(materialized='table') }}

{#- Made empty here, with its types, and filled between the two stages: see planmark/cli/forecast_stage.py. -#}
with

final as (
    select
        null::text as target_id,
        null::date as point_date,
        null::double precision as forecast_value,
        null::double precision as lower_80,
        null::double precision as upper_80,
        null::double precision as lower_95,
        null::double precision as upper_95
    where false
)

select * from final
