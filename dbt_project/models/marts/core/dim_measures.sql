with

measures as (
    select * from {{ ref('stg_plans__measures') }}
),

bindings as (
    select * from {{ ref('stg_plans__bindings') }}
),

-- Published tables that the catalogue does not load yet.
awaited as (
    select
        measure_id,
        string_agg(distinct provider || ': ' || source_table, '; ') as sources
    from bindings
    where dataset_id is null
    group by measure_id
),

supplied as (
    select
        measure_id,
        count(*) as bindings_count,
        bool_and(coverage = 'proxy') as is_proxy_only,
        string_agg(distinct nullif(coverage_note, ''), ' ') as coverage_note
    from bindings
    group by measure_id
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        measures.measure_id,
        measures.measure_title,
        measures.definition,
        measures.unit,
        measures.polarity,
        measures.commitment,
        measures.decimals,
        measures.usual_period,
        measures.rounding as rounded_to,
        measures.uncertainty,
        measures.standing,
        case
            when supplied.bindings_count is null then 'local'
            when supplied.is_proxy_only then 'proxy'
            else 'official'
        end as coverage,
        supplied.coverage_note,
        measures.note,
        measures.returned_by,
        awaited.sources as awaited_sources
    from measures
    left join supplied on measures.measure_id = supplied.measure_id
    left join awaited on measures.measure_id = awaited.measure_id
)

select * from final
