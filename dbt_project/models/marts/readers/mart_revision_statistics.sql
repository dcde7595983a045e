with

statistics as (
    {{ revision_statistics(ref('fct_revisions')) }}
),

final as (
    select
        {{ publication_id(var('publication_id')) }} as publication_id,
        measure_id,
        area_code,
        unit,
        revised_count,
        mean_revision,
        mean_absolute_revision
    from statistics
)

select * from final
