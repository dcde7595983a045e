-- The history of every value. Nothing here is ever deleted: a value that changes or vanishes is closed.

create table raw.deliveries (
    delivery_id bigint generated always as identity,
    dataset_id text not null,
    provider text not null,
    -- official: the publisher's own service. demonstration: the replica. plan: printed in a plan.
    -- council: a return.
    origin text not null,
    -- running: being fetched or loaded. loaded: something was written. unchanged: checked, nothing new.
    -- refused: an answer came and failed a check. failed: no usable answer came.
    outcome text not null default 'running',
    run_id text,
    started_at timestamptz not null default now(),
    finished_at timestamptz,
    -- When the publisher released these values, where it says so. Kept apart from loaded_at.
    released_at timestamptz,
    loaded_at timestamptz,
    -- What the provider says of the state of the dataset; equal means that nothing new is promised.
    provider_state text,
    content_sha256 text,
    content_bytes bigint,
    archive_path text,
    -- Requests as sent, keys removed: [{"url", "status", "sha256", "bytes", "retrieved_at"}]
    requests jsonb not null default '[]',
    rows_fetched bigint not null default 0,
    rows_inserted bigint not null default 0,
    rows_revised bigint not null default 0,
    rows_unchanged bigint not null default 0,
    rows_rejected bigint not null default 0,
    -- Values that stood in the last delivery and are no longer in the answer; not part of the sum above.
    rows_closed bigint not null default 0,
    newest_period date,
    definition_sha256 text,
    code_version text,
    error text,
    constraint deliveries_pkey primary key (delivery_id),
    constraint deliveries_origin_known check (origin in ('official', 'demonstration', 'plan', 'council')),
    constraint deliveries_outcome_known
        check (outcome in ('running', 'loaded', 'unchanged', 'refused', 'failed')),
    -- Rows fetched, kept and rejected add up, or the delivery cannot be recorded.
    constraint deliveries_rows_add_up check (
        outcome not in ('loaded', 'unchanged')
        or rows_fetched = rows_inserted + rows_revised + rows_unchanged + rows_rejected
    ),
    constraint deliveries_unchanged_writes_nothing check (
        outcome <> 'unchanged' or (rows_inserted = 0 and rows_revised = 0 and rows_closed = 0)
    ),
    constraint deliveries_refused_loads_nothing check (
        outcome not in ('refused', 'failed') or (rows_inserted = 0 and rows_revised = 0 and rows_unchanged = 0)
    )
);
create index deliveries_by_dataset on raw.deliveries (dataset_id, delivery_id desc);

-- A series is a dataset, an area and one value of every other dimension. `series_id` is the first eight bytes
-- of the SHA-256 of those, so it is the same in every warehouse and needs no sequence.
create table raw.series (
    series_id bigint not null,
    -- The same hash without the role: value, confidence, numerator and denominator of one quantity share it.
    family_id bigint not null,
    dataset_id text not null,
    area_code text not null,
    -- Every other dimension by code, for example {"gender": "0", "age": "11"}.
    dimensions jsonb not null,
    -- value | numerator | denominator | confidence_half_width | coefficient_of_variation
    role text not null,
    unit text not null,
    first_delivery_id bigint not null,
    constraint series_pkey primary key (series_id),
    constraint series_key unique (series_id, dataset_id, area_code, dimensions, role, unit)
);
create index series_by_dataset on raw.series (dataset_id, area_code);

-- One row per version of a value. [valid_from, valid_to) is when this warehouse held it as current.
create table raw.observations (
    series_id bigint not null,
    period_start date not null,
    period_months smallint not null,
    value double precision,
    lower_bound double precision,
    upper_bound double precision,
    -- The publisher's own code, kept as it came; a null value always has one.
    status text,
    valid_from timestamptz not null,
    valid_to timestamptz not null default 'infinity',
    delivery_id bigint not null,
    closed_by_delivery_id bigint,
    constraint observations_pkey primary key (series_id, period_start, period_months, valid_from),
    constraint observations_missing_has_a_status check (value is not null or status is not null),
    constraint observations_value_is_a_number check (value not in ('NaN', 'Infinity', '-Infinity'))
);

create table raw.rejected_rows (
    delivery_id bigint not null,
    request_number integer not null,
    row_number bigint not null,
    column_name text,
    found text,
    reason text not null,
    content text not null,
    constraint rejected_rows_pkey primary key (delivery_id, request_number, row_number, reason)
);
