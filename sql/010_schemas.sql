-- The schemas of the warehouse (design, section 4). Roles are made beforehand, with their passwords, by
-- planmark/database.py; what each role may do stands in 060_grants.sql.
create schema raw;
create schema ops;
create schema marts;

comment on schema raw is 'Every value as it came, with all its versions. Written by planmark_loader.';
comment on schema ops is 'Deliveries aside: runs, gate results, publications.';
comment on schema marts is 'One view per mart over the current publication: the only schema that readers bind to.';

revoke all on schema public from public;
