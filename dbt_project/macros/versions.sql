{# The versions of values, with the time from and to which each holds. With the versions that publishers had released by a
   day, one holds from its own release until a later version is released, or its value is withdrawn; where a publisher
   gives no release, from and to when this warehouse had it. Releases need not come in the order in which they were
   loaded: two may bear one time, and one without a time may stand between them. So a version ends with the earliest
   release of all that came after it, and one that was never the newest is left out. #}
{% macro observation_versions(observations, deliveries) -%}
    select
        series_id, period_start, period_months, value, lower_bound, upper_bound, status, delivery_id, valid_from,
        -- What a delivery under embargo would close still stands.
        case when closed_by_delivery_id in ({{ held_back() }}) then 'infinity' else valid_to end as valid_to
    from (
    {% if var('versions') == 'released' -%}
        select
            series_id, period_start, period_months, value, lower_bound, upper_bound, status, delivery_id,
            closed_by_delivery_id, valid_from, valid_to
        from (
            select
                held.series_id, held.period_start, held.period_months, held.value, held.lower_bound, held.upper_bound,
                held.status, held.delivery_id, held.closed_by_delivery_id,
                coalesce(brought.released_at, held.valid_from) as valid_from,
                least(
                    min(coalesce(closed.released_at, held.valid_to)) over (
                        partition by held.series_id, held.period_start, held.period_months order by held.valid_from
                        rows between current row and unbounded following
                    ),
                    min(coalesce(brought.released_at, held.valid_from)) over (
                        partition by held.series_id, held.period_start, held.period_months order by held.valid_from
                        rows between 1 following and unbounded following
                    )
                ) as valid_to
            from {{ observations }} as held
            left join {{ deliveries }} as brought on held.delivery_id = brought.delivery_id
            left join {{ deliveries }} as closed on held.closed_by_delivery_id = closed.delivery_id
        ) as released
        where valid_from < valid_to
    {%- else -%}
        select
            series_id, period_start, period_months, value, lower_bound, upper_bound, status, delivery_id,
            closed_by_delivery_id, valid_from, valid_to
        from {{ observations }}
    {%- endif %}
    ) as versions
    where delivery_id not in ({{ held_back() }})
{%- endmacro %}

{# From when on a delivery counts, on a day that is looked back to. #}
{% macro delivery_known_at() -%}
    coalesce({{ 'released_at, ' if var('versions') == 'released' }}loaded_at, finished_at, started_at)
{%- endmacro %}

{# The deliveries that readers may know of. #}
{% macro seen_deliveries(deliveries) -%}
    select * from {{ deliveries }}
    where delivery_id not in ({{ held_back() }})
{%- endmacro %}

{# Deliveries that nobody may see yet, by the clock; looking back to what the warehouse held on a day, by the end of it. #}
{% macro held_back() -%}
    select held.delivery_id
    from
        {{ source('raw', 'deliveries').schema }}.held_back(
            {% if var('versions') == 'as_of' %}least({{ as_of_date(var('as_of')) }} + 1, now()){% else %}now(){% endif %}
        ) as held
{%- endmacro %}
