{{ config(materialized='table') }}

{#- Could the change that a target asks for be seen at all? Judged when it is set: by the error of the value in the
    baseline period, or else of the value nearest to it. Not of a range, nor of a parity: a change across 1 can be large and
    bring it no nearer. -#}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

valued as (
    select * from {{ ref('int_targets_valued') }}
    where standard_error is not null and unreliable_reason is null
),

nearest as (
    select distinct on (valued.target_id)
        valued.target_id,
        valued.standard_error
    from valued
    inner join targets on valued.target_id = targets.target_id
    order by
        valued.target_id asc, abs(valued.period_end - targets.baseline_date) asc nulls last,
        valued.period_end asc, valued.period_start asc
),

required as (
    select
        targets.target_id,
        abs(targets.target_value - targets.baseline_value) as required_change,
        coalesce(targets.baseline_error, nearest.standard_error) as entry_error
    from targets
    left join nearest on targets.target_id = nearest.target_id
    where
        targets.is_assessable
        and not targets.is_range
        and not coalesce(targets.is_parity, false)
        and targets.kind in ('level', 'share', 'absolute_change', 'percent_change')
),

final as (
    select
        target_id,
        entry_error,
        round(required_change::numeric, 6)::double precision as required_change,
        round({{ smallest_change('entry_error') }}::numeric, 6)::double precision as smallest_change,
        round({{ smallest_change_80('entry_error') }}::numeric, 6)::double precision as smallest_change_80,
        case
            when required_change is null or entry_error is null then 'unknown'
            when required_change < {{ smallest_change('entry_error') }} - 1e-9 then 'unverifiable'
            when required_change < {{ smallest_change_80('entry_error') }} - 1e-9 then 'weak'
            else 'detectable'
        end as detectability
    from required
)

select * from final
