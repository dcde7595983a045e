{{ config(materialized='view') }}

{#- The one view among the marts: the gate writes its results after the tables are built. It reads the source itself and
    no staging view, since staging is made anew every night and would take this view with it. -#}
with

gate_results as (
    select * from {{ source('ops', 'gate_results') }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        run_id,
        door,
        suite,
        check_id,
        severity,
        owner,
        is_met,
        expected,
        observed,
        checked_at
    from gate_results
    where
        publication_id = {{ publication_id(var('publication_id')) }}
        or (publication_id is null and run_id = '{{ var('run_id') }}')
)

select * from final
