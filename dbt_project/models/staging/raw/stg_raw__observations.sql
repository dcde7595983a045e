with

source as (
    {{ observation_versions(source('raw', 'observations'), source('raw', 'deliveries')) }}
),

final as (
    select
        series_id,
        period_start,
        period_months::integer as period_months,
        value,
        lower_bound,
        upper_bound,
        status as observation_status,
        valid_from,
        -- What a delivery under embargo would close still stands.
        case when closed_by_delivery_id in ({{ held_back() }}) then 'infinity' else valid_to end as valid_to,
        delivery_id
    from source
    where delivery_id not in ({{ held_back() }})
)

select * from final
