with

targets as (
    select * from {{ ref('dim_targets') }}
),

observations as (
    select * from {{ ref('fct_observations') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

forecasts as (
    select * from {{ ref('fct_forecast_points') }}
),

observed as (
    select
        targets.target_id,
        observations.period_end as point_date,
        observations.period_start,
        observations.period_months,
        -- The path of a parity is one of distances from 1: drawn on the side from which it starts.
        case
            when targets.polarity = 'parity'
                then
                    {{ parity_ratio(
                        'assessments.expected_value', 'coalesce(targets.baseline_value, targets.target_value) < 1'
                    ) }}
            else assessments.expected_value
        end as expected_value,
        observations.value as actual_value,
        observations.lower_bound as actual_lower,
        observations.upper_bound as actual_upper,
        coalesce(assessments.is_due_value, false) as is_due_value,
        'observed' as point_kind
    from targets
    inner join observations
        on
            targets.measure_id = observations.measure_id
            and targets.area_code = observations.area_code
    left join assessments
        on
            targets.target_id = assessments.target_id
            and observations.period_start = assessments.period_start
            and observations.period_months = assessments.period_months
),

baselines as (
    select
        target_id,
        baseline_date as point_date,
        baseline_date as period_start,
        0 as period_months,
        baseline_value as expected_value,
        null::double precision as actual_value,
        null::double precision as actual_lower,
        null::double precision as actual_upper,
        false as is_due_value,
        'baseline' as point_kind
    from targets
    where baseline_date is not null and baseline_value is not null
),

dues as (
    select
        target_id,
        due_date as point_date,
        due_date as period_start,
        0 as period_months,
        target_value as expected_value,
        null::double precision as actual_value,
        null::double precision as actual_lower,
        null::double precision as actual_upper,
        false as is_due_value,
        'due' as point_kind
    from targets
    where due_date is not null and target_value is not null
),

points as (
    select * from observed
    union all
    select * from baselines
    union all
    select * from dues
),

banded as (
    select
        target_id,
        point_kind,
        point_date,
        period_start,
        period_months,
        expected_value,
        actual_value,
        actual_lower,
        actual_upper,
        is_due_value,
        null::double precision as forecast_value,
        null::double precision as lower_80,
        null::double precision as upper_80,
        null::double precision as lower_95,
        null::double precision as upper_95
    from points
    union all
    select
        target_id,
        'forecast' as point_kind,
        point_date,
        point_date as period_start,
        0 as period_months,
        null::double precision as expected_value,
        null::double precision as actual_value,
        null::double precision as actual_lower,
        null::double precision as actual_upper,
        false as is_due_value,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95
    from forecasts
),

final as (
    select
        targets.publication_id,
        banded.target_id,
        banded.point_kind,
        banded.period_start,
        banded.period_months,
        banded.point_date,
        case
            when banded.point_kind = 'observed'
                then {{ period_label('banded.period_start', 'banded.period_months') }}
            when banded.point_kind = 'baseline' then targets.baseline_period
            else {{ due_label('banded.point_date') }}
        end as point_label,
        targets.plan_id,
        targets.measure_id,
        targets.area_code,
        targets.unit,
        banded.expected_value,
        banded.actual_value,
        banded.actual_lower,
        banded.actual_upper,
        banded.is_due_value,
        banded.forecast_value,
        banded.lower_80,
        banded.upper_80,
        banded.lower_95,
        banded.upper_95
    from banded
    inner join targets on banded.target_id = targets.target_id
)

select * from final
