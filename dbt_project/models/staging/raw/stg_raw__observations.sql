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
        valid_to,
        delivery_id
    from source
)

select * from final
