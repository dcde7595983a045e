-- The forecasts that readers were shown, so that they can be scored once what they were about is known.
--
-- They are for the row's `due_date`. Rows of before this file was applied have none: what was shown then was not kept.
alter table ops.published_targets
add column forecast_value double precision,
add column lower_80 double precision,
add column upper_80 double precision,
add column lower_95 double precision,
add column upper_95 double precision,
add column chance double precision;

comment on column ops.published_targets.forecast_value is
'Middle of the forecast for the due date, as it was shown.';
