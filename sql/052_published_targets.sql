-- What readers were shown of each target, so that a later publication can say what changed and why.
--
-- A row is added whenever readers begin to see something else: by a publication, or by a rollback to an earlier one.
-- So the newest row of a target is what readers see, and the newest up to an event what they saw then.
create table ops.published_targets (
    target_id text not null,
    event_id bigint not null,
    publication_id text not null,
    -- When readers began to see it.
    published_at timestamptz not null,
    as_of date not null,
    -- False where the publication no longer has the target; the other columns then say what was last seen.
    is_listed boolean not null,
    target_title text,
    measure_id text,
    area_code text,
    unit text,
    position text,
    evidence text,
    due_state text,
    is_overridden boolean,
    assessed_value double precision,
    assessed_lower double precision,
    assessed_upper double precision,
    assessed_period_label text,
    assessed_period_start date,
    assessed_period_months integer,
    assessed_period_end date,
    compared_value double precision,
    level_value double precision,
    latest_value double precision,
    latest_period_label text,
    latest_period_start date,
    latest_period_months integer,
    latest_period_end date,
    baseline_value double precision,
    target_value double precision,
    due_date date,
    dataset_id text,
    origin text,
    binding_id text,
    boundary_grade text,
    method_version integer,
    version_number integer,
    target_hash text,
    constraint published_targets_pkey primary key (target_id, event_id)
);

comment on table ops.published_targets is
'What readers were shown of each target: a row whenever that changed.';

grant select on ops.published_targets
to bi_reader, planmark_loader, planmark_transformer, planmark_gate, planmark_publisher;
grant insert on ops.published_targets to planmark_publisher;
