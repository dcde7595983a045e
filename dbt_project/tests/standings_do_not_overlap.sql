{#- A dataset has one standing on any day: otherwise dim_datasets would hold it twice. -#}
select
    earlier.dataset_id,
    earlier.valid_from_date,
    later.valid_from_date as overlapping_from_date
from {{ ref('stg_reference__dataset_standings') }} as earlier
inner join {{ ref('stg_reference__dataset_standings') }} as later
    on
        earlier.dataset_id = later.dataset_id
        and earlier.valid_from_date < later.valid_from_date
        and later.valid_from_date <= earlier.valid_to_date
union all
select
    dataset_id,
    valid_from_date,
    valid_to_date
from {{ ref('stg_reference__dataset_standings') }}
where valid_to_date < valid_from_date
union all
select
    dataset_id,
    valid_from_date,
    null
from {{ ref('stg_reference__dataset_standings') }}
group by dataset_id, valid_from_date
having count(*) > 1
