-- Who published what, from which deliveries, at which version of the code.

create table ops.runs (
    run_id text not null,
    kind text not null,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    -- running | published | nothing_changed | published_with_stale_datasets | failed
    outcome text not null default 'running',
    publication_id text,
    detail text,
    constraint runs_pkey primary key (run_id),
    constraint runs_outcome_known check (
        outcome in ('running', 'published', 'nothing_changed', 'published_with_stale_datasets', 'failed')
    )
);

create table ops.publications (
    publication_id text not null,
    schema_name text not null,
    -- candidate: built. published: was or is current. refused: the gate said no. dropped: tables are gone.
    state text not null default 'candidate',
    as_of date not null,
    -- Equal fingerprints mean equal inputs: deliveries, plans, code and day.
    fingerprint text not null,
    code_version text not null,
    origin text not null,
    run_id text,
    built_at timestamptz not null default now(),
    published_at timestamptz,
    dropped_at timestamptz,
    constraint publications_pkey primary key (publication_id),
    constraint publications_schema_key unique (schema_name),
    constraint publications_state_known check (state in ('candidate', 'published', 'refused', 'dropped')),
    constraint publications_origin_known check (origin in ('official', 'demonstration', 'mixed'))
);

-- The deliveries that each publication was built from.
create table ops.publication_deliveries (
    publication_id text not null,
    dataset_id text not null,
    delivery_id bigint not null,
    constraint publication_deliveries_pkey primary key (publication_id, dataset_id)
);

-- Every change of what readers see, rollbacks included. The last row is what is current.
create table ops.publication_events (
    event_id bigint generated always as identity,
    publication_id text not null,
    event text not null,
    happened_at timestamptz not null default now(),
    happened_by text not null default current_user,
    constraint publication_events_pkey primary key (event_id),
    constraint publication_events_known check (event in ('published', 'rolled_back_to'))
);

create table ops.gate_results (
    run_id text not null,
    publication_id text,
    -- raw: after load. marts: before publishing.
    door text not null,
    suite text not null,
    check_id text not null,
    severity text not null,
    owner text not null,
    is_met boolean not null,
    expected text not null,
    observed text,
    checked_at timestamptz not null default now(),
    constraint gate_results_pkey primary key (run_id, door, suite, check_id),
    constraint gate_results_door_known check (door in ('raw', 'marts')),
    constraint gate_results_severity_known check (severity in ('fail', 'warn'))
);
