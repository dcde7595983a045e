{# The versions of values, with the time from and to which each holds. With the versions that publishers had released by a
   day, one holds from its own release to the release that replaced or withdrew it; where a publisher gives no release,
   from and to when this warehouse had it. #}
{% macro observation_versions(observations, deliveries) -%}
    {% if var('versions') == 'released' -%}
        select
            held.series_id, held.period_start, held.period_months, held.value, held.lower_bound, held.upper_bound,
            held.status, held.delivery_id,
            coalesce(brought.released_at, held.valid_from) as valid_from,
            coalesce(closed.released_at, held.valid_to) as valid_to
        from {{ observations }} as held
        left join {{ deliveries }} as brought on held.delivery_id = brought.delivery_id
        left join {{ deliveries }} as closed on held.closed_by_delivery_id = closed.delivery_id
    {%- else -%}
        select * from {{ observations }}
    {%- endif %}
{%- endmacro %}

{# From when on a delivery counts, on a day that is looked back to. #}
{% macro delivery_known_at() -%}
    coalesce({{ 'released_at, ' if var('versions') == 'released' }}loaded_at, finished_at, started_at)
{%- endmacro %}
