{#- The forecasts are made between dbt's two stages: marts built without them would be silent on whether a target will be
    reached. -#}
select targets.target_id
from {{ ref('dim_targets') }} as targets
left join {{ ref('fct_forecasts') }} as forecasts on targets.target_id = forecasts.target_id
where forecasts.target_id is null
