{#- How far the publisher's revisions go: for each period whose value was revised, the newest value less the first.
    The revisions of one value add up to that. What was withdrawn is left out, since it has no newest value. -#}
with

revisions as (
    select * from {{ ref('fct_revisions') }}
),

summed as (
    select
        measure_id,
        area_code,
        unit,
        series_id,
        period_start,
        period_months,
        sum(value_change) as revision
    from revisions
    group by measure_id, area_code, unit, series_id, period_start, period_months
    having count(value_change) = count(*) and bool_or(abs(value_change) > 1e-9)
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        measure_id,
        area_code,
        unit,
        count(*) as revised_count,
        round(avg(revision)::numeric, 6)::double precision as mean_revision,
        round(avg(abs(revision))::numeric, 6)::double precision as mean_absolute_revision
    from summed
    group by measure_id, area_code, unit
)

select * from final
