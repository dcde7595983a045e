{{ config(materialized='table') }}

{#- How far the publisher's revisions of a series usually go, where enough of its values were revised to say so: a
    change that is no larger is not announced. -#}
with

statistics as (
    {{ revision_statistics(ref('int_observations_revised')) }}
),

final as (
    select
        measure_id,
        area_code,
        unit,
        mean_absolute_revision as typical_revision
    from statistics
    where revised_count >= {{ revisions_least() }}
)

select * from final
