{{ config(materialized='table') }}

{#- Made empty here, with its types, and filled between the two stages: see planmark/cli/forecast_stage.py. -#}
with

final as (
    select
        null::text as target_id,
        null::text as status,
        null::text as status_reason,
        null::text as method,
        null::integer as points_count,
        null::date as newest_period_end,
        null::double precision as forecast_value,
        null::double precision as lower_80,
        null::double precision as upper_80,
        null::double precision as lower_95,
        null::double precision as upper_95,
        null::double precision as scenario_value,
        null::double precision as chance,
        null::text as chance_words
    where false
)

select * from final
