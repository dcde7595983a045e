{#- A dataset's origin is that of its last accepted delivery: a delivery is the whole table, so what is current after it
    was confirmed by it, also where the value itself did not change. -#}
with

deliveries as (
    select * from {{ ref('stg_raw__deliveries') }}
),

known as (
    select *
    from deliveries
    where
        outcome in ('loaded', 'unchanged')
        {% if var('versions') != 'current' -%}
            and known_at < {{ as_of_date(var('as_of')) }} + 1
        {%- endif %}
),

final as (
    select distinct on (dataset_id)
        dataset_id,
        provider,
        origin,
        delivery_id
    from known
    order by dataset_id asc, delivery_id desc
)

select * from final
