{#- Will the process, as it runs, pass the target? Answered by the limits of its chart: a target beyond them on the good
    side is passed whatever chance does, one beyond them on the bad side is failed, and one between is a matter of
    chance. The limits as worked out count, not those cut off for drawing. What a process does now says nothing of a day
    that is past. -#}
with

targets as (
    select * from {{ ref('int_targets_resolved') }}
),

-- The limits of a p- or u-chart differ from point to point; those of the newest are nearest to what comes.
charts as (
    select
        measure_id,
        area_code,
        unit,
        chart_status,
        chart_reason,
        lower_limit,
        upper_limit
    from {{ ref('int_series_charted') }}
    where point_number = points_count
),

joined as (
    select
        targets.target_id,
        targets.target_value,
        targets.polarity,
        targets.is_assessable,
        charts.chart_status,
        charts.lower_limit,
        charts.upper_limit,
        case
            when targets.target_value is null then 'there is no level to reach'
            when not targets.is_assessable then 'the target is not assessed'
            when targets.polarity = 'parity' then 'it is best at 1, from either side'
            when coalesce(targets.polarity, '') not in ('higher', 'lower') then 'nobody says which way is better'
            when targets.due_date < {{ as_of_date(var('as_of')) }} then 'the due date is past'
            when charts.measure_id is null then 'there are no values'
            else charts.chart_reason
        end as assurance_reason,
        case targets.polarity when 'higher' then 1 else -1 end as sign
    from targets
    left join charts
        on
            targets.measure_id = charts.measure_id
            and targets.area_code = charts.area_code
            and targets.unit = charts.unit
),

final as (
    select
        target_id,
        assurance_reason,
        chart_status,
        case
            when assurance_reason is not null then 'none'
            when target_value > upper_limit + 1e-9
                then case sign when 1 then 'consistently_fail' else 'consistently_pass' end
            when target_value < lower_limit - 1e-9
                then case sign when 1 then 'consistently_pass' else 'consistently_fail' end
            else 'hit_and_miss'
        end as assurance,
        case when assurance_reason is null then lower_limit end as lower_limit,
        case when assurance_reason is null then upper_limit end as upper_limit
    from joined
)

select * from final
