-- Autovacuum gathers statistics a minute or more after a big load. The next merge may come sooner, and a join
-- that is planned as if the history were as small as before takes a thousand times as long.
create function raw.analyse_history() returns void
language sql security definer set search_path = ''
as 'analyze raw.series, raw.observations';

revoke all on function raw.analyse_history() from public;
grant execute on function raw.analyse_history() to planmark_loader;
