-- Deliveries that nobody may see yet: those whose release is still to come at that moment, and all later ones of the same
-- dataset, since what they left unchanged came with the first. The version before stays until the hour of release.
create function raw.held_back(moment timestamptz)
returns table (dataset_id text, delivery_id bigint, first_released_at timestamptz)
language sql
stable
begin atomic
select
    deliveries.dataset_id,
    deliveries.delivery_id,
    embargoed.released_at
from raw.deliveries as deliveries
inner join (
    select distinct on (dataset_id)
        dataset_id,
        delivery_id,
        released_at
    from raw.deliveries
    where outcome = 'loaded' and released_at > moment
    order by dataset_id asc, delivery_id asc
) as embargoed
    on
        deliveries.dataset_id = embargoed.dataset_id
        and deliveries.delivery_id >= embargoed.delivery_id;
end;

comment on function raw.held_back is
'Deliveries under embargo at that moment; marts and fingerprints leave them out.';
