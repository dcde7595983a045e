{#- Each published forecast beside what came: scored once the value that decides its target is published.

    Not scored: a forecast of a target that was changed since, since it answered another question; one that was shown
    when the deciding value was known already, which is no forecast; one made from demonstration figures where official
    ones decide, or the other way round; and any where the deciding value cannot be relied on, such as one of another
    definition. -#}
with

forecasts as (
    select * from {{ ref('fct_published_forecasts') }}
),

targets as (
    select * from {{ ref('dim_targets') }}
),

-- What the rules say: a position that a person set decides nothing here.
outcomes as (
    select *
    from {{ ref('fct_assessments') }}
    where
        is_due_value
        and position in ('met', 'missed')
        and evidence <> 'unreliable'
),

observations as (
    select * from {{ ref('fct_observations') }}
),

joined as (
    select
        forecasts.*,
        targets.target_title,
        targets.measure_id,
        targets.area_code,
        outcomes.value as outcome_value,
        outcomes.period_start as outcome_period_start,
        outcomes.period_months as outcome_period_months,
        outcomes.period_end as outcome_period_end,
        outcomes.position = 'met' as was_hit
    from forecasts
    inner join targets
        on
            forecasts.target_id = targets.target_id
            and forecasts.version_number = targets.version_number
            and forecasts.target_hash = targets.target_hash
            and forecasts.unit = targets.unit
            and not {{ differs('forecasts.target_value', 'targets.target_value') }}
    inner join outcomes
        on
            forecasts.target_id = outcomes.target_id
            and forecasts.is_demonstration = (outcomes.origin = 'demonstration')
            and forecasts.latest_period_end < outcomes.period_end
    left join observations
        on
            outcomes.measure_id = observations.measure_id
            and outcomes.area_code = observations.area_code
            and outcomes.period_start = observations.period_start
            and outcomes.period_months = observations.period_months
    -- A night that is told it is an earlier day publishes what was known already.
    where coalesce(forecasts.published_at < observations.known_since_at, true)
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        target_id,
        forecast_publication_id,
        published_at,
        target_title,
        measure_id,
        area_code,
        unit,
        due_date,
        days_ahead,
        latest_period_end,
        target_value,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95,
        chance,
        outcome_value,
        {{ period_label('outcome_period_start', 'outcome_period_months') }} as outcome_period_label,
        outcome_period_end,
        outcome_value between lower_80 and upper_80 as is_inside_80,
        outcome_value between lower_95 and upper_95 as is_inside_95,
        round(abs(outcome_value - forecast_value)::numeric, 6)::double precision as absolute_error,
        was_hit,
        round(power(chance - was_hit::integer, 2)::numeric, 6)::double precision as brier_score,
        is_demonstration
    from joined
)

select * from final
