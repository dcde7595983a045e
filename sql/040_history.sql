-- Where a delivery waits before it is merged into the history (ingest/load.py).
-- Permanent, so that no catalogue rows are made for each load; unlogged, since a load that broke off is done again.
-- They are emptied at the start of each merge, in its transaction: two merges wait for each other there.

-- The rows of one delivery as they came. No key: a repeated key is found by counting, at the end.
create unlogged table raw.load_observations (
    series_id bigint not null,
    period_start date not null,
    period_months smallint not null,
    value double precision,
    lower_bound double precision,
    upper_bound double precision,
    status text
);

-- What is to change: one row per key that is new, differs, or is no longer there.
create unlogged table raw.load_changes (
    series_id bigint not null,
    period_start date not null,
    period_months smallint not null,
    value double precision,
    lower_bound double precision,
    upper_bound double precision,
    status text,
    was_current boolean not null,
    is_delivered boolean not null,
    constraint load_changes_change_something check (was_current or is_delivered)
);

-- Only an owner may gather statistics before PostgreSQL 17, so the loader asks for them through these. Without
-- them the merge is planned as if the tables were as small as they were before the load.
create function raw.analyse_load_observations() returns void
language sql security definer set search_path = ''
as 'analyze raw.load_observations';

create function raw.analyse_load_changes() returns void
language sql security definer set search_path = ''
as 'analyze raw.load_changes';

revoke all on function raw.analyse_load_observations(), raw.analyse_load_changes() from public;
grant execute on function raw.analyse_load_observations(), raw.analyse_load_changes() to planmark_loader;
grant select, insert, truncate on raw.load_observations, raw.load_changes to planmark_loader;
