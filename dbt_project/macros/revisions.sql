{# How far the publisher's revisions of each series go: for each period whose value was revised, the newest value less the
   first. The revisions of one value add up to that. What was withdrawn is left out, since it has no newest value. #}
{% macro revision_statistics(revisions) -%}
    select
        measure_id,
        area_code,
        unit,
        count(*) as revised_count,
        round(avg(revision)::numeric, 6)::double precision as mean_revision,
        round(avg(abs(revision))::numeric, 6)::double precision as mean_absolute_revision
    from (
        select
            measure_id, area_code, unit, sum(value_change) as revision
        from {{ revisions }}
        group by measure_id, area_code, unit, series_id, period_start, period_months
        having count(value_change) = count(*) and bool_or(abs(value_change) > 1e-9)
    ) as summed
    group by measure_id, area_code, unit
{%- endmacro %}

{# So many values of a series must have been revised before a usual revision is spoken of. #}
{% macro revisions_least() -%}3{%- endmacro %}

{# A change that is no larger than a usual revision may be gone next month. #}
{% macro is_within_revisions(change, typical_revision) -%}
    coalesce(abs({{ change }}) <= {{ typical_revision }} + 1e-9, false)
{%- endmacro %}
