-- What publishing needs beside the tables in 030_ops.sql: what is current, and who may look at it.

-- The last event says what readers see. Empty before the first publication.
create view ops.current_publication as
select
    publications.publication_id,
    publications.schema_name,
    publications.state,
    publications.as_of,
    publications.fingerprint,
    publications.code_version,
    publications.origin,
    publications.run_id,
    publications.built_at,
    publications.published_at,
    publications.dropped_at
from ops.publications
where publications.publication_id = (
    select publication_events.publication_id
    from ops.publication_events
    order by publication_events.event_id desc
    limit 1
);

comment on view ops.current_publication is 'The publication that readers see now; one row, or none before the first.';

grant select on ops.current_publication
to bi_reader, planmark_loader, planmark_transformer, planmark_gate, planmark_publisher;

-- A candidate that is built again records again what it was built from.
grant update on ops.publication_deliveries to planmark_transformer;

-- The gate and the transformer compare a candidate with what readers see. Rights on the views themselves are
-- granted by the publisher, who owns them.
grant usage on schema marts to planmark_gate, planmark_transformer;

-- A reader who leaves a transaction open would keep every later publication away.
alter role bi_reader set idle_in_transaction_session_timeout = '60s';
