with

source as (
    {{ seen_deliveries(source('raw', 'deliveries')) }}
),

final as (
    select
        delivery_id,
        dataset_id,
        provider,
        origin,
        outcome,
        run_id,
        started_at,
        finished_at,
        released_at,
        loaded_at,
        newest_period as newest_period_start,
        rows_fetched as rows_fetched_count,
        error as error_text,
        {{ delivery_known_at() }} as known_at
    from source
)

select * from final
