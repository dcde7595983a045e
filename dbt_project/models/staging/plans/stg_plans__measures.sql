with

source as (
    select * from {{ ref('measures') }}
),

final as (
    select
        measure_id,
        measure_title,
        definition,
        unit,
        polarity,
        commitment,
        decimals,
        usual_period,
        rounding,
        perturbation_sd,
        uncertainty,
        counted_as,
        population_measure_id,
        standing,
        returned_by,
        note
    from source
)

select * from final
