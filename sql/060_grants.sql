-- Each role can do only its job.
revoke all on all tables in schema raw, ops from public;

-- Loader: adds deliveries and values, closes old versions; deletes nothing.
grant usage on schema raw, ops to planmark_loader;
grant select, insert, update on raw.deliveries, raw.observations to planmark_loader;
grant select, insert on raw.series, raw.rejected_rows to planmark_loader;
grant select, insert, update on ops.runs to planmark_loader;
grant select on ops.publications, ops.publication_events, ops.publication_deliveries to planmark_loader;

-- Transformer: reads raw and ops, makes and drops its own schemas (staging, intermediate, marts_<publication>).
grant usage on schema raw, ops to planmark_transformer;
grant select on all tables in schema raw, ops to planmark_transformer;
grant insert, update on ops.publications to planmark_transformer;
grant insert on ops.publication_deliveries to planmark_transformer;
do $$ begin execute format('grant create on database %I to planmark_transformer', current_database()); end $$;

-- Gate: reads everything, writes its results.
grant usage on schema raw, ops to planmark_gate;
grant select on all tables in schema raw, ops to planmark_gate;
grant insert on ops.gate_results to planmark_gate;
grant update (state) on ops.publications to planmark_gate;

-- Publisher: owns the views in marts.
grant usage, create on schema marts to planmark_publisher;
grant usage on schema raw, ops to planmark_publisher;
grant select on all tables in schema ops to planmark_publisher;
grant update on ops.publications, ops.runs to planmark_publisher;
grant insert on ops.publication_events to planmark_publisher;

-- Readers: the views in marts, the tables under the current ones (granted at publication), and ops.
grant usage on schema marts, ops to bi_reader;
grant select on ops.publications, ops.publication_events, ops.gate_results, ops.runs to bi_reader;
alter role bi_reader set default_transaction_read_only = on;
alter role bi_reader set search_path = marts;
alter role bi_reader set statement_timeout = '60s';
