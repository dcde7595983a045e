-- A change without a direction or a baseline period cannot become a level to reach.
select
    target_id,
    direction,
    baseline_period
from {{ ref('stg_plans__targets') }}
where
    kind in ('absolute_change', 'percent_change')
    and (direction is null or (baseline_value is null and baseline_period is null))
