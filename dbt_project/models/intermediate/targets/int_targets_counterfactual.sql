{{ config(materialized='table') }}

{#- Where would the area stand, had it moved as the areas above it moved? From the baseline period to the period on
    which the target is assessed; same dataset, unit and stretch between breaks, and the very same periods.

    Rates move by points: baseline + (now - then). Counts and money move in proportion: baseline * now / then.
    The nearest area with an answer is chosen. -#}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

printed as (
    select * from {{ ref('stg_plans__targets') }}
),

assessments as (
    select * from {{ ref('int_targets_assessed') }}
),

observations as (
    select * from {{ ref('int_observations_weighed') }}
),

above as (
    {{ areas_above(ref('int_areas_unioned')) }}
),

-- The value that decides a target, or else the newest that speaks for it.
standing as (
    select distinct on (target_id)
        target_id,
        period_start,
        period_months,
        period_end
    from assessments
    where value is not null
    order by target_id asc, is_due_value desc, period_end desc, period_start desc
),

placed as (
    select
        targets.target_id,
        targets.measure_id,
        targets.area_code,
        targets.area_name,
        targets.unit,
        targets.decimals,
        targets.baseline_value,
        targets.baseline_basis,
        targets.baseline_date,
        {{ polarity_sign('targets.polarity') }} as sign,
        {{ is_count('targets.unit') }} or targets.unit = 'gbp' as is_proportional,
        {{ written_period_start('printed.baseline_period') }} as baseline_from_date,
        standing.period_start,
        standing.period_months,
        standing.period_end,
        observations.value,
        observations.standard_error,
        observations.unreliable_reason,
        observations.dataset_id,
        observations.segment
    from targets
    inner join printed on targets.target_id = printed.target_id
    left join standing on targets.target_id = standing.target_id
    left join observations
        on
            targets.measure_id = observations.measure_id
            and targets.area_code = observations.area_code
            and standing.period_start = observations.period_start
            and standing.period_months = observations.period_months
),

-- What the area itself is known to have stood at in the baseline period: its margin of error, and the very period.
own_baselines as (
    select distinct on (placed.target_id)
        placed.target_id,
        observations.period_start,
        observations.period_months,
        observations.standard_error
    from placed
    inner join observations
        on
            placed.measure_id = observations.measure_id
            and placed.area_code = observations.area_code
            and placed.dataset_id = observations.dataset_id
            and placed.segment = observations.segment
            and placed.period_months = observations.period_months
    where
        observations.value is not null
        and observations.period_start >= placed.baseline_from_date
        and observations.period_end <= placed.baseline_date
    order by placed.target_id asc, observations.period_end desc, observations.period_start desc
),

compared as (
    select
        placed.*,
        above.comparator_code,
        above.comparator_name,
        above.comparator_type,
        own_baselines.period_start as own_baseline_start,
        own_baselines.standard_error as baseline_error,
        row_number() over (
            partition by placed.target_id
            order by above.steps, above.comparator_code
        ) as comparator_rank
    from placed
    inner join above on placed.area_code = above.area_code
    left join own_baselines on placed.target_id = own_baselines.target_id
),

relied_on as (
    select *
    from observations
    where value is not null and unreliable_reason is null
),

thens as (
    select distinct on (compared.target_id, compared.comparator_code)
        compared.target_id,
        compared.comparator_code,
        relied_on.value,
        relied_on.standard_error,
        relied_on.period_start,
        relied_on.period_end
    from compared
    inner join relied_on
        on
            compared.measure_id = relied_on.measure_id
            and compared.comparator_code = relied_on.area_code
            and compared.dataset_id = relied_on.dataset_id
            and compared.unit = relied_on.unit
            and compared.segment = relied_on.segment
            and compared.period_months = relied_on.period_months
    where
        relied_on.period_start >= compared.baseline_from_date
        and relied_on.period_end <= compared.baseline_date
        and (compared.own_baseline_start is null or relied_on.period_start = compared.own_baseline_start)
    order by
        compared.target_id asc,
        compared.comparator_code asc,
        relied_on.period_end desc,
        relied_on.period_start desc
),

joined as (
    select
        compared.*,
        thens.value as then_value,
        thens.standard_error as then_error,
        thens.period_start as then_period_start,
        thens.period_end as then_period_end,
        nows.value as now_value,
        nows.standard_error as now_error
    from compared
    left join thens
        on
            compared.target_id = thens.target_id
            and compared.comparator_code = thens.comparator_code
    left join relied_on as nows
        on
            compared.measure_id = nows.measure_id
            and compared.comparator_code = nows.area_code
            and compared.dataset_id = nows.dataset_id
            and compared.unit = nows.unit
            and compared.segment = nows.segment
            and compared.period_start = nows.period_start
            and compared.period_months = nows.period_months
),

reasoned as (
    select
        *,
        case
            when baseline_value is null then 'the target has no baseline'
            when baseline_date is null or baseline_from_date is null then 'the baseline has no date'
            when value is null then 'there is no value since the baseline'
            when period_end <= baseline_date then 'no period has ended since the baseline'
            when unreliable_reason is not null then 'the value of ' || area_name || ' cannot be relied on'
            when now_value is null
                then
                    'no value of ' || comparator_name || ' for '
                    || {{ period_label('period_start', 'period_months') }} || ' in the same series'
            when then_value is null
                then 'no value of ' || comparator_name || ' for the baseline period in the same series'
            when is_proportional and (then_value <= 1e-9 or now_value < -1e-9 or baseline_value < -1e-9)
                then 'no proportion can be taken of a value of zero or less'
        end as counterfactual_reason
    from joined
),

worked_out as (
    select
        *,
        case
            when counterfactual_reason is not null then null
            when is_proportional then baseline_value * now_value / then_value
            else baseline_value + now_value - then_value
        end as counterfactual_value,
        -- Squared errors of the parts; in a proportion each counts by how far it moves the result.
        case
            when counterfactual_reason is not null then null
            when is_proportional
                then
                    power(now_value / then_value, 2) * coalesce(power(baseline_error, 2), 0)
                    + power(baseline_value / then_value, 2) * coalesce(power(now_error, 2), 0)
                    + power(baseline_value * now_value / power(then_value, 2), 2)
                    * coalesce(power(then_error, 2), 0)
            else
                coalesce(power(baseline_error, 2), 0) + coalesce(power(now_error, 2), 0)
                + coalesce(power(then_error, 2), 0)
        end as counterfactual_variance,
        num_nonnulls(standard_error, baseline_error, then_error, now_error) as errors_count
    from reasoned
),

differing as (
    select
        *,
        value - counterfactual_value as raw_difference,
        case
            when standard_error is not null and counterfactual_value is not null
                then sqrt(power(standard_error, 2) + counterfactual_variance)
        end as difference_error
    from worked_out
),

chosen as (
    select distinct on (target_id)
        target_id,
        comparator_code
    from differing
    where counterfactual_value is not null
    order by target_id asc, comparator_rank asc
),

final as (
    select
        differing.target_id,
        differing.comparator_code,
        differing.comparator_name,
        differing.comparator_type,
        differing.comparator_rank::integer as comparator_rank,
        chosen.comparator_code is not null as is_chosen,
        differing.measure_id,
        differing.area_code,
        differing.unit,
        case when differing.is_proportional then 'proportion' else 'points' end as method,
        differing.baseline_value,
        differing.baseline_basis,
        differing.then_period_start as baseline_period_start,
        differing.then_period_end as baseline_period_end,
        differing.period_start,
        differing.period_months,
        differing.period_end,
        differing.value,
        differing.then_value as comparator_then_value,
        differing.now_value as comparator_now_value,
        round((differing.now_value - differing.then_value)::numeric, 6)::double precision as comparator_change,
        round(differing.counterfactual_value::numeric, 6)::double precision as counterfactual_value,
        round((differing.sign * differing.raw_difference)::numeric, 6)::double precision as difference,
        round(differing.difference_error::numeric, 6)::double precision as difference_error,
        differing.errors_count,
        case
            when differing.difference_error is null or differing.difference_error <= 1e-9 then null
            when abs(differing.raw_difference) < 1.96 * differing.difference_error then false
            -- A part without a margin counts as exact, which makes the margin of the whole too small to be sure by.
            when differing.errors_count = 4 then true
        end as is_more_than_chance,
        differing.counterfactual_reason,
        case
            when differing.counterfactual_value is not null
                then
                    differing.comparator_name || ' moved from '
                    || {{ value_text('differing.then_value', 'differing.unit', 'differing.decimals') }} || ' to '
                    || {{ value_text('differing.now_value', 'differing.unit', 'differing.decimals') }}
                    || ' over the same time (' || case
                        when not differing.is_proportional
                            then
                                {{ change_text(
                                    'differing.now_value - differing.then_value', 'differing.unit', 'differing.decimals'
                                ) }}
                        else
                            {{ change_text(
                                '100 * (differing.now_value / nullif(differing.then_value, 0) - 1)', "'%'", '1'
                            ) }}
                    end
                    || '); had ' || differing.area_name || ' moved alike it would stand at '
                    || {{ value_text('differing.counterfactual_value', 'differing.unit', 'differing.decimals') }}
        end as counterfactual_words
    from differing
    left join chosen
        on
            differing.target_id = chosen.target_id
            and differing.comparator_code = chosen.comparator_code
)

select * from final
