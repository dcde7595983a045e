{{ config(materialized='table', indexes=[{'columns': ['measure_id', 'area_code', 'period_end']}]) }}

{#- How sure each value is. The publisher's interval wins. Without one, a count of events has the interval of Byar, and
    its rate the same in proportion; rounding and perturbation of the published cells are added. A complete count
    (`register`) has no other uncertainty than these.

    The index keeps what joins on it fast whatever the planner guesses: without it one guess in three took minutes. -#}
with

observations as (
    select * from {{ ref('int_observations_bridged') }}
),

measures as (
    select * from {{ ref('stg_plans__measures') }}
),

qualified as (
    select
        observations.*,
        measures.counted_as,
        -- The count behind the value: the value itself, or the numerator of a rate.
        case
            when observations.numerator is not null then observations.numerator
            when {{ is_count('observations.unit') }} then observations.value
        end as events,
        observations.cells_count * (
            coalesce({{ rounding_variance('measures.rounding') }}, 0) + coalesce(power(measures.perturbation_sd, 2), 0)
        ) as cell_variance,
        coalesce(measures.rounding, measures.perturbation_sd) is not null as is_disturbed,
        observations.lower_bound is not null and observations.upper_bound is not null as has_interval
    from observations
    inner join measures on observations.measure_id = measures.measure_id
),

scaled as (
    select
        *,
        -- From counts to the value's own unit.
        case when events > 0 then value / events else 1 end as scale,
        case
            when has_interval then 'published'
            when counted_as = 'events' and events >= 0 then 'events'
            when is_disturbed or counted_as = 'register' then 'cells'
        end as error_basis
    from qualified
),

final as (
    select
        measure_id,
        area_code,
        period_start,
        period_months,
        period_end,
        value,
        case error_basis
            when 'published' then lower_bound
            when 'events' then round((scale * {{ byar_lower('events') }})::numeric, 6)::double precision
        end as lower_bound,
        case error_basis
            when 'published' then upper_bound
            when 'events' then round((scale * {{ byar_upper('events') }})::numeric, 6)::double precision
        end as upper_bound,
        numerator,
        denominator,
        observation_status,
        unit,
        dataset_id,
        binding_id,
        segment,
        origin,
        is_sum,
        values_count,
        known_since_at,
        released_at,
        boundary_grade,
        cells_count,
        error_basis,
        round(
            case error_basis
                when 'published' then {{ standard_error('lower_bound', 'upper_bound') }}
                when 'events' then scale * sqrt(greatest(events, 1) + cell_variance)
                when 'cells' then scale * sqrt(cell_variance)
            end::numeric, 6
        )::double precision as standard_error,
        -- A register is exact about its day, and says less about the level from which it moves by chance: for the
        -- direction of travel its count is taken as one of events.
        round(
            case
                when error_basis = 'published' then {{ standard_error('lower_bound', 'upper_bound') }}
                when error_basis is not null then scale * sqrt(greatest(events, 1) + cell_variance)
            end::numeric, 6
        )::double precision as change_error,
        case
            when has_interval and (value < lower_bound - 1e-9 or value > upper_bound + 1e-9)
                then 'its published interval does not contain it'
            when has_interval and upper_bound < lower_bound then 'its published interval is upside down'
            when unit = 'percent' and (value < -1e-9) then 'a share below zero cannot be'
            when observation_status in ('U', 'u') then 'its publisher marks it as unreliable'
            when denominator <= 0 then 'the population it is a share of is zero'
        end as unreliable_reason
    from scaled
)

select * from final
