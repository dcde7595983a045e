{%- set as_of = as_of_date(var('as_of')) -%}
with

targets as (
    select * from {{ ref('dim_targets') }}
),

measures as (
    select * from {{ ref('dim_measures') }}
),

areas as (
    select * from {{ ref('dim_areas') }}
),

observations as (
    select * from {{ ref('fct_observations') }}
),

assessments as (
    select * from {{ ref('fct_assessments') }}
),

forecasts as (
    select * from {{ ref('fct_forecasts') }}
),

datasets as (
    select * from {{ ref('dim_datasets') }}
),

trends as (
    select * from {{ ref('fct_trends') }}
),

counterfactuals as (
    select *
    from {{ ref('fct_counterfactuals') }}
    where is_chosen
),

overrides as (
    select distinct on (target_id) *
    from {{ ref('fct_overrides') }}
    where is_in_force
    order by target_id asc, made_date desc
),

-- The value that decides a target, or else the newest that speaks for it.
standing as (
    select distinct on (target_id) *
    from assessments
    order by target_id asc, is_due_value desc, period_end desc, period_start desc
),

latest as (
    select distinct on (measure_id, area_code) *
    from observations
    where value is not null
    order by measure_id asc, area_code asc, period_end desc, period_start desc
),

stated as (
    select
        targets.target_id,
        case
            when targets.due_date is null then 'none'
            when {{ as_of }} <= targets.due_date then 'upcoming'
            when standing.is_due_value then 'past'
            when
                standing.period_end > targets.due_date - interval '12 months'
                and {{ as_of }} <= targets.due_date + interval '12 months'
                then 'awaiting_data'
            else 'past'
        end as due_state
    from targets
    left join standing on targets.target_id = standing.target_id
),

joined as (
    select
        targets.*,
        measures.measure_title,
        measures.returned_by,
        measures.awaited_sources,
        stated.due_state,
        areas.area_name as current_area_name,
        latest.value as latest_value,
        latest.lower_bound as latest_lower,
        latest.upper_bound as latest_upper,
        latest.period_start as latest_period_start,
        latest.period_months as latest_period_months,
        latest.period_end as latest_period_end,
        latest.dataset_id,
        latest.origin,
        standing.value as assessed_value,
        standing.lower_bound as assessed_lower,
        standing.upper_bound as assessed_upper,
        standing.period_start as assessed_period_start,
        standing.period_months as assessed_period_months,
        standing.is_due_value,
        standing.position,
        standing.evidence,
        standing.expected_value,
        standing.done_share,
        standing.expected_share,
        standing.pace,
        standing.gap,
        standing.target_gap,
        standing.reason,
        standing.period_end as assessed_period_end,
        standing.direction_of_travel,
        standing.change_z,
        standing.population as people_base,
        standing.people_gap,
        standing.growth_ratio,
        standing.growth_class,
        standing.typical_revision,
        standing.error_basis,
        standing.boundary_grade,
        standing.binding_id,
        standing.compared_value,
        standing.level_value,
        standing.compared_with,
        overrides.override_position,
        overrides.override_reason,
        overrides.override_author,
        overrides.expires_date as override_expires_date,
        forecasts.forecast_value,
        forecasts.lower_80,
        forecasts.upper_80,
        forecasts.lower_95,
        forecasts.upper_95,
        forecasts.chance,
        forecasts.chance_words,
        forecasts.status_reason as forecast_reason,
        forecasts.points_count as forecast_points_count,
        datasets.standing,
        datasets.standing_since_date,
        trends.trend,
        trends.trend_judgement,
        counterfactuals.counterfactual_value,
        counterfactuals.difference as counterfactual_difference,
        counterfactuals.is_more_than_chance as is_unlike_comparator,
        counterfactuals.counterfactual_words,
        measures.decimals,
        coalesce(latest.binding_coverage, measures.coverage) as coverage,
        -- Past its due date, and no value is near enough to decide it.
        stated.due_state = 'past' and not coalesce(standing.is_due_value, false) as is_undecidable
    from targets
    inner join measures on targets.measure_id = measures.measure_id
    inner join areas on targets.area_code = areas.area_code
    inner join stated on targets.target_id = stated.target_id
    left join standing on targets.target_id = standing.target_id
    left join latest
        on
            targets.measure_id = latest.measure_id
            and targets.area_code = latest.area_code
    left join overrides on targets.target_id = overrides.target_id
    left join forecasts on targets.target_id = forecasts.target_id
    left join counterfactuals on targets.target_id = counterfactuals.target_id
    left join trends
        on
            targets.measure_id = trends.measure_id
            and targets.area_code = trends.area_code
    left join datasets on latest.dataset_id = datasets.dataset_id
),

-- A target never gets a colour without a value, whoever asks for it.
overridden as (
    select
        *,
        case when is_undecidable then 'no_data' else coalesce(position, 'no_data') end as computed_position,
        case when is_undecidable then 'none' else coalesce(evidence, 'none') end as shown_evidence,
        override_position is not null and not is_undecidable and coalesce(position, 'no_data') <> 'no_data'
            as is_overridden
    from joined
),

final as (
    select
        publication_id,
        target_id,
        plan_id,
        objective_id,
        target_title,
        measure_id,
        measure_title,
        area_code,
        area_name,
        population,
        unit,
        polarity,
        kind,
        baseline_value,
        baseline_period,
        baseline_basis,
        target_value,
        target_printed_value,
        due_date,
        due_state,
        latest_value,
        latest_lower,
        latest_upper,
        latest_period_start,
        latest_period_months,
        {{ period_label('latest_period_start', 'latest_period_months') }} as latest_period_label,
        case when not is_undecidable then assessed_value end as assessed_value,
        case when not is_undecidable then assessed_lower end as assessed_lower,
        case when not is_undecidable then assessed_upper end as assessed_upper,
        case
            when not is_undecidable
                then {{ period_label('assessed_period_start', 'assessed_period_months') }}
        end as assessed_period_label,
        case when is_overridden then override_position else computed_position end as position,
        shown_evidence as evidence,
        case when not is_undecidable then done_share end as done_share,
        case when not is_undecidable then expected_share end as expected_share,
        case when not is_undecidable then expected_value end as expected_value,
        case when not is_undecidable then pace end as pace,
        case when not is_undecidable then gap end as gap,
        case when not is_undecidable then target_gap end as target_gap,
        case
            when latest_value is null and unverifiable_reason is not null
                then 'This cannot be verified as printed: ' || unverifiable_reason || '.'
            when latest_value is null and coverage = 'local'
                then
                    'No published statistic supplies this measure: only those who run the programme can say how it '
                    || 'stands' || coalesce(' (' || returned_by || ')', '') || '.'
            when latest_value is null and awaited_sources is not null
                then
                    'A published statistic supplies this measure, but it is not loaded yet (' || awaited_sources
                    || ').'
            when latest_value is null then 'No value has been loaded for this measure and area.'
            when is_undecidable
                then
                    'No value is near enough to ' || {{ due_label('due_date') }} || ' to decide this target: the '
                    || 'newest is of ' || {{ period_label('latest_period_start', 'latest_period_months') }} || '.'
            when is_overridden
                then
                    'Set by ' || override_author || ' until ' || to_char(override_expires_date, 'FMDD FMMonth YYYY')
                    || ', since ' || override_reason || '. The rules say ' || replace(computed_position, '_', ' ')
                    || ': ' || reason
            when reason is null
                then
                    'No value since the baseline (' || coalesce(baseline_period, 'undated') || '): the newest is of '
                    || {{ period_label('latest_period_start', 'latest_period_months') }} || '.'
            else reason
        end as reason,
        caveat,
        owner,
        is_provisional,
        coverage,
        dataset_id,
        origin,
        coalesce(origin = 'demonstration', false) as is_demonstration,
        citation_section,
        citation_table,
        citation_row,
        citation_line,
        citation_quote,
        note,
        {{ as_of }} as as_of,
        comparator,
        direction,
        target_lower_value,
        target_upper_value,
        target_printed_unit,
        benchmark,
        target_period,
        unverifiable_reason,
        case when not is_undecidable then direction_of_travel else 'cannot_tell' end as direction_of_travel,
        case when not is_undecidable then people_gap end as people_gap,
        case when not is_undecidable then growth_ratio end as growth_ratio,
        case when not is_undecidable then growth_class end as growth_class,
        detectability,
        required_change,
        smallest_change,
        -- What happened after the value that decided it.
        case
            when is_due_value and not is_undecidable and latest_period_end > assessed_period_end
                then
                    'Since then: ' || {{ value_text('latest_value', 'unit', 'decimals') }} || ' '
                    || {{ period_phrase('latest_period_start', 'latest_period_months') }}
                    || coalesce(
                        case
                            when abs(latest_value - target_value) <= 1e-9 then ', at the target.'
                            when polarity = 'parity' and latest_value <= 0 then '.'
                            -- Of a parity 0.97 is nearer to 1 than 1.05 is.
                            when
                                polarity = 'parity'
                                and {{ parity_distance('latest_value') }} < {{ parity_distance('target_value') }} - 1e-9
                                then ', nearer to 1 than the target.'
                            when
                                polarity = 'parity'
                                and {{ parity_distance('latest_value') }} > {{ parity_distance('target_value') }} + 1e-9
                                then ', further from 1 than the target.'
                            when polarity = 'parity' then ', as near to 1 as the target.'
                            when {{ polarity_sign('polarity') }} * (latest_value - target_value) > 0
                                then
                                    ', ' || {{ difference_text('latest_value - target_value', 'unit', 'decimals') }}
                                    || ' better than the target.'
                            else
                                ', ' || {{ difference_text('latest_value - target_value', 'unit', 'decimals') }}
                                || ' short of the target.'
                        end, '.'
                    )
        end as since_due_words,
        computed_position,
        is_overridden,
        case when is_overridden then override_reason end as override_reason,
        case when is_overridden then override_author end as override_author,
        case when is_overridden then override_expires_date end as override_expires_date,
        binding_id,
        boundary_grade,
        {{ var('method_version') }} as method_version,
        error_basis,
        case when not is_undecidable then compared_value end as compared_value,
        case when not is_undecidable then level_value end as level_value,
        compared_with,
        forecast_value,
        lower_80,
        upper_80,
        lower_95,
        upper_95,
        chance,
        chance_words,
        forecast_reason,
        -- Will we get there? One sentence, out of the same numbers.
        case
            when chance is not null
                then
                    initcap(left(chance_words, 1)) || substr(chance_words, 2) || ' to reach it ('
                    || {{ chance_text('chance') }} || '): carried forward, the series stands at '
                    || {{ value_text('forecast_value', 'unit', 'decimals') }} || ' by ' || {{ due_label('due_date') }}
                    || ', with 8 chances in 10 between ' || {{ number_text('lower_80', 'decimals') }} || ' and '
                    || {{ number_text('upper_80', 'decimals') }} || '.'
            when due_state = 'upcoming' and latest_value is not null and forecast_reason is not null
                then 'No forecast: ' || forecast_reason || '.'
        end as outlook_words,
        trend,
        trend_judgement,
        assurance,
        case when not is_undecidable then counterfactual_value end as counterfactual_value,
        case when not is_undecidable then counterfactual_difference end as counterfactual_difference,
        case when not is_undecidable then is_unlike_comparator end as is_unlike_comparator,
        case when not is_undecidable then counterfactual_words || '.' end as counterfactual_words,
        case when not is_undecidable then change_z end as change_z,
        standing,
        case
            when standing ilike '%suspended%'
                then
                    'The accreditation of this source has been suspended since '
                    || to_char(standing_since_date, 'FMDD FMMonth YYYY') || '.'
        end as standing_words,
        version_number,
        version_issued_date,
        version_reason,
        target_hash,
        latest_period_end,
        case when not is_undecidable then assessed_period_start end as assessed_period_start,
        case when not is_undecidable then assessed_period_months end as assessed_period_months,
        case when not is_undecidable then assessed_period_end end as assessed_period_end,
        case when not is_undecidable then typical_revision end as typical_revision
    from overridden
)

select * from final
