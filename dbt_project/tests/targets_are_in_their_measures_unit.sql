-- A target and an outcome are compared only in the same unit and direction. Rows here are targets that disagree with
-- their measure, or bindings that do.
select
    targets.target_id as faulty_id,
    targets.unit as found,
    measures.unit as expected
from {{ ref('stg_plans__targets') }} as targets
inner join {{ ref('stg_plans__measures') }} as measures on targets.measure_id = measures.measure_id
where
    targets.unit is distinct from measures.unit
    or targets.polarity is distinct from measures.polarity

union all

select
    bindings.binding_id as faulty_id,
    bindings.unit as found,
    measures.unit as expected
from {{ ref('stg_plans__bindings') }} as bindings
inner join {{ ref('stg_plans__measures') }} as measures on bindings.measure_id = measures.measure_id
where bindings.unit is distinct from measures.unit
