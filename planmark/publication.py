"""Publications: what readers see, changed in one transaction.

dbt builds marts in the schema `marts_candidate`, which becomes `marts_<publication_id>` when they are whole. Readers bind
to the views in schema `marts`. Publishing points every view at the new schema and commits; a reader sees one publication or
another, never a mixture, and never an error.
"""

from __future__ import annotations

import hashlib
import logging
import random
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from planmark import __version__, published_targets
from planmark.database import Role, connect
from planmark.errors import PublicationError
from planmark.settings import ROOT, Settings

log = logging.getLogger(__name__)

#: Marts in which no rows can be right: nothing was revised, nothing changed, nobody sent a return, no forecast was shown
#: or decided; or the plans hold nothing of the kind, in which case the gate compares them with the plan files. Any other
#: mart without rows is a fault.
MAY_BE_EMPTY = frozenset(
    {
        "fct_forecast_points", "fct_overrides", "fct_revisions", "fct_returns", "fct_spend", "mart_changes", "mart_quality",
        "fct_published_targets", "fct_published_forecasts", "mart_forecast_scores", "mart_revision_statistics",
        "dim_actions", "dim_kpis", "dim_milestones", "dim_reporting_duties", "dim_risks", "fct_action_marks",
        "fct_budget_lines", "fct_plan_findings", "fct_printed_statistics", "mart_actions", "mart_growth_matrix",
        "mart_plan_findings", "mart_printed_statistics", "mart_programme_monitoring", "mart_small_area_targets",
        "fct_counterfactuals", "fct_target_rewards", "mart_target_rewards",
    }
)  # fmt: skip

#: How long, in seconds, an attempt waits for the first view, and for all others together. New readers queue
#: behind us for that long. The sum stays below PostgreSQL's deadlock_timeout (1 s): in every deadlock between
#: a reader and us it is we who give way. Most attempts are short: they look for the moment at which busy
#: readers hold nothing, before others pile up behind us. One in five is long: it outlasts a slow query.
SHORT_ATTEMPT = (0.001, 0.01)
LONG_ATTEMPT = (0.3, 0.1)
LONG_ATTEMPT_SHARE = 0.2
#: Pauses between attempts are drawn up to a limit, which is a hundredth of the time spent trying.
PAUSE_SECONDS = (0.005, 2.0)
#: Longer than a reader's query or idle transaction can last (60 s each): one slow reader cannot stop us.
PATIENCE_SECONDS = 300.0

#: Where dbt builds (dbt_project/dbt_project.yml). What is left of a build that failed stays until the next one begins.
CANDIDATE = "marts_candidate"
CANDIDATE_PATIENCE_SECONDS = 60.0

_LOCK_KEY: LiteralString = "hashtext('planmark_publish')"
_SCHEMA_PATTERN = r"^marts_p\d{8}t\d{6}_[0-9a-z]+$"
_GIVE_WAY = (psycopg.errors.LockNotAvailable, psycopg.errors.DeadlockDetected, psycopg.errors.QueryCanceled)


@dataclass(frozen=True)
class Publication:
    """One version of all marts. Times are UTC; `as_of` is the day on which targets were assessed."""

    publication_id: str
    schema_name: str
    state: str  # candidate | published | refused | dropped
    as_of: date
    fingerprint: str
    code_version: str
    origin: str
    run_id: str | None
    built_at: datetime
    published_at: datetime | None
    dropped_at: datetime | None
    is_current: bool


@dataclass(frozen=True)
class Mart:
    """One table or view of a publication: its columns in order, each with its SQL type."""

    name: str
    columns: dict[str, str]


# --- Names and fingerprints ------------------------------------------------------------------------


def new_id() -> str:
    """Return an id for a new publication: the time in UTC and two random bytes, `p20261122t210814_ab12`."""
    return f"p{datetime.now(UTC):%Y%m%dt%H%M%S}_{secrets.token_hex(2)}"


def schema_of(publication_id: str) -> str:
    """Return the schema that holds the marts of a publication."""
    return f"marts_{publication_id}"


def fingerprint(settings: Settings, *, root: Path = ROOT) -> str:
    """Return a hash of everything a publication is made from: equal hashes mean that nothing changed.

    It covers the last delivery that changed each dataset, its origin, every file of `dbt_project/`, `expectations/`
    and the plan files, the version of the code, and the day of assessment.
    """
    digest = hashlib.sha256()
    digest.update(f"{__version__}\n{settings.today.isoformat()}\n".encode())
    for folder in (root / "dbt_project", root / "expectations", settings.plans):
        for path in _source_files(folder):
            digest.update(f"{path.relative_to(folder)}\n".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    for dataset_id, delivery_id, delivered_as in _latest_deliveries(settings):
        digest.update(f"{dataset_id}={delivery_id} {delivered_as}\n".encode())
    return digest.hexdigest()


def _source_files(folder: Path) -> list[Path]:
    """Return the files a person wrote: no caches, no output of dbt, nothing hidden."""
    made = {"target", "logs", "dbt_packages", "__pycache__"}
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part in made or part.startswith(".") for part in path.relative_to(folder).parts)
    )


# The delivery that last changed each dataset. Its origin is that of the last delivery that was accepted: one that
# changed nothing has confirmed every value (`int_datasets_accepted` says the same to the marts). What is under embargo does
# not count; when its hour comes, it is something new.
_LATEST: LiteralString = """
    select
        dataset_id,
        max(delivery_id) filter (where outcome = 'loaded') as delivery_id,
        (array_agg(origin order by delivery_id desc))[1] as origin
    from raw.deliveries
    where
        outcome in ('loaded', 'unchanged')
        and delivery_id not in (select held.delivery_id from raw.held_back(now()) as held)
    group by dataset_id
    having bool_or(outcome = 'loaded')
    order by dataset_id
"""


def _latest_deliveries(settings: Settings) -> list[tuple[str, int, str]]:
    with connect(settings, Role.TRANSFORMER) as connection:
        return [(row[0], row[1], row[2]) for row in connection.execute(_LATEST)]


def held_back(settings: Settings) -> dict[str, datetime]:
    """Return the datasets with a delivery that nobody may see yet, and when it may be seen."""
    with connect(settings, Role.TRANSFORMER) as connection:
        rows = connection.execute(
            "select distinct dataset_id, first_released_at from raw.held_back(now()) order by dataset_id"
        )
        return dict(rows)


def origin(settings: Settings) -> str:
    """Return where the values that stand now came from: `official`, `demonstration`, or `mixed`."""
    found = {origin for _, _, origin in _latest_deliveries(settings)} & {"official", "demonstration"}
    return found.pop() if len(found) == 1 else "mixed" if found else "official"


# --- Looking ---------------------------------------------------------------------------------------

_SELECT: LiteralString = """
    select
        p.publication_id, p.schema_name, p.state, p.as_of, p.fingerprint, p.code_version, p.origin, p.run_id,
        p.built_at, p.published_at, p.dropped_at,
        coalesce(p.publication_id = (select c.publication_id from ops.current_publication as c), false)
            as is_current
    from ops.publications as p
"""


def publications(settings: Settings) -> list[Publication]:
    """Return all publications that were ever built, newest first."""
    with (
        connect(settings, Role.READER) as connection,
        connection.cursor(row_factory=class_row(Publication)) as cursor,
    ):
        return cursor.execute(_SELECT + " order by p.built_at desc, p.publication_id desc").fetchall()


def current(settings: Settings) -> Publication | None:
    """Return the publication that readers see, or None before the first."""
    return next((publication for publication in publications(settings) if publication.is_current), None)


def find(settings: Settings, publication_id: str) -> Publication | None:
    """Return one publication, or None if it was never registered."""
    with connect(settings, Role.READER) as connection:
        return _find(connection, publication_id)


def _find(connection: psycopg.Connection, publication_id: str) -> Publication | None:
    with connection.cursor(row_factory=class_row(Publication)) as cursor:
        return cursor.execute(_SELECT + " where p.publication_id = %s", (publication_id,)).fetchone()


def _known(connection: psycopg.Connection, publication_id: str) -> Publication:
    found = _find(connection, publication_id)
    if found is None:
        raise PublicationError(
            "there is no such publication", where=publication_id, next_step="planmark publications lists them"
        )
    return found


# --- Building --------------------------------------------------------------------------------------


def register_candidate(
    settings: Settings, publication_id: str, run_id: str, as_of: date, fingerprint: str, origin: str
) -> Publication:
    """Record that a candidate is being built, and from which deliveries. Call it before dbt builds the marts.

    Calling it again for a candidate, or one that the gate refused, starts it afresh. `origin` is `official`,
    `demonstration` or `mixed`.
    Raises: PublicationError if it has been published or dropped: building it again would change what readers
    see while they read.
    """
    with connect(settings, Role.TRANSFORMER) as connection:
        row = connection.execute(
            """
            insert into ops.publications as p
                (publication_id, schema_name, as_of, fingerprint, code_version, origin, run_id)
            values (%s, %s, %s, %s, %s, %s, %s)
            on conflict (publication_id) do update set
                state = 'candidate', as_of = excluded.as_of, fingerprint = excluded.fingerprint,
                code_version = excluded.code_version, origin = excluded.origin, run_id = excluded.run_id,
                built_at = now()
            where p.state in ('candidate', 'refused')
            returning p.publication_id
            """,
            (publication_id, schema_of(publication_id), as_of, fingerprint, __version__, origin, run_id),
        ).fetchone()
        if row is None:
            state = _known(connection, publication_id).state
            raise PublicationError(
                "this publication cannot be built again",
                where=publication_id,
                got=f"state {state}",
                expected="a candidate, or one that the gate refused",
                next_step="planmark refresh starts a new run, with a publication of its own",
            )
        connection.execute(
            sql.SQL(
                "insert into ops.publication_deliveries (publication_id, dataset_id, delivery_id) "
                "select {}, latest.dataset_id, latest.delivery_id from ({}) as latest "
                "on conflict (publication_id, dataset_id) do update set delivery_id = excluded.delivery_id"
            ).format(publication_id, sql.SQL(_LATEST))
        )
        return _known(connection, publication_id)


def clear_candidate(settings: Settings, *, patience: float = CANDIDATE_PATIENCE_SECONDS) -> None:
    """Drop what a build that failed has left, so that none of it gets into the next. Only one build at a time may run.

    Raises: PublicationError if somebody has been reading it for `patience` seconds.
    """
    with _replacing(settings, CANDIDATE, patience):
        pass


def name_candidate(
    settings: Settings, publication_id: str, *, patience: float = CANDIDATE_PATIENCE_SECONDS
) -> None:
    """Give the marts that dbt has built the name of their publication, in the place of an earlier build of it.

    Raises: PublicationError if somebody has been reading that for `patience` seconds.
    """
    schema = schema_of(publication_id)
    with _replacing(settings, schema, patience) as connection:
        connection.execute(
            sql.SQL("alter schema {} rename to {}").format(sql.Identifier(CANDIDATE), sql.Identifier(schema))
        )


@contextmanager
def _replacing(settings: Settings, schema: str, patience: float) -> Iterator[psycopg.Connection]:
    """Drop a candidate's schema, in one transaction with what takes its place."""
    with connect(settings, Role.TRANSFORMER, autocommit=True) as connection:
        try:
            with connection.transaction():
                connection.execute(
                    sql.SQL("set local lock_timeout = {}").format(f"{max(1, round(patience * 1000))}ms")
                )
                _drop_schema(connection, schema)
                yield connection
        except psycopg.errors.LockNotAvailable as error:
            raise PublicationError(
                "somebody reads an earlier candidate, which is in the way of this one",
                where=schema,
                got=_holders(connection, schema) or "no one now",
                expected=f"nobody within {patience:.0f} s",
                next_step="end those sessions, or run the step build_marts again",
            ) from error


# --- Publishing ------------------------------------------------------------------------------------


def publish(settings: Settings, publication_id: str, *, patience: float = PATIENCE_SECONDS) -> Publication:
    """Make a candidate what readers see; do nothing if it already is.

    Waits up to `patience` seconds for readers who hold a view in a long query or an open transaction.
    Raises: PublicationError if it is not a candidate, if a mart is missing, empty, mixed up, or has broken
    its contract, or if readers did not let go. Readers then go on with what they had.
    """
    with connect(settings, Role.PUBLISHER, autocommit=True) as connection:
        _one_at_a_time(connection)
        publication = _known(connection, publication_id)
        if publication.is_current:
            log.info("%s is already what readers see", publication_id)
            return publication
        _refuse_unless_candidate(publication)
        _check_rights(connection, publication)
        marts = _marts(connection, publication.schema_name)
        _check_contents(connection, publication, marts)
        _check_contract(publication, marts, _marts(connection, "marts"))
        _switch(connection, publication, "published", patience)
        return _known(connection, publication_id)


def rollback(
    settings: Settings, publication_id: str | None = None, *, patience: float = PATIENCE_SECONDS
) -> Publication:
    """Make an earlier publication what readers see; without an id, the one that they saw before the current.

    Columns and marts that came later stay in the views, without values, so that no query breaks.
    Raises: PublicationError if there is nothing to go back to, or the tables are gone.
    """
    with connect(settings, Role.PUBLISHER, autocommit=True) as connection:
        _one_at_a_time(connection)
        publication = _known(connection, publication_id or _previous(connection))
        if publication.is_current:
            log.info("%s is already what readers see", publication.publication_id)
            return publication
        if publication.state != "published":
            raise PublicationError(
                "cannot roll back to this publication",
                where=publication.publication_id,
                got=f"state {publication.state}",
                expected="published before, and not dropped since",
                next_step="planmark publications lists them",
            )
        _switch(connection, publication, "rolled_back_to", patience)
        return _known(connection, publication.publication_id)


def _one_at_a_time(connection: psycopg.Connection) -> None:
    """Hold, until the connection ends, the lock that only one publisher has."""
    connection.execute("set lock_timeout = '120s'")
    try:
        connection.execute(f"select pg_advisory_lock({_LOCK_KEY})")
    except psycopg.errors.LockNotAvailable as error:
        raise PublicationError(
            "another publication or rollback has been under way for two minutes",
            next_step="planmark status, then run this again",
        ) from error


def _refuse_unless_candidate(publication: Publication) -> None:
    if publication.state == "candidate":
        return
    reasons = {
        "refused": (
            "the gate refused it",
            "read mart_quality or the data docs, mend the cause, start a new run",
        ),
        "published": ("it was published before", f"planmark rollback {publication.publication_id}"),
        "dropped": ("its tables are gone", "planmark refresh builds a new one"),
    }
    why, next_step = reasons[publication.state]
    raise PublicationError(
        f"this publication cannot be published: {why}",
        where=publication.publication_id,
        got=f"state {publication.state}",
        expected="state candidate",
        next_step=next_step,
    )


def _previous(connection: psycopg.Connection) -> str:
    """Return the publication that readers saw before the current one was published.

    Rolling back twice goes back two steps; what was rolled back from is never returned to.
    """
    events = connection.execute(
        "select e.publication_id, e.event, p.state from ops.publication_events as e "
        "join ops.publications as p on p.publication_id = e.publication_id order by e.event_id"
    ).fetchall()
    before: dict[str, str] = {}
    states: dict[str, str] = {}
    seen = ""
    for publication_id, event, state in events:
        if event == "published":
            before[publication_id] = seen
        seen, states[publication_id] = publication_id, state
    wanted = before.get(seen, "")
    while wanted and states[wanted] != "published":
        wanted = before.get(wanted, "")
    if not wanted:
        raise PublicationError(
            "there is no earlier publication to go back to",
            where=seen or "marts",
            next_step="planmark publications lists them",
        )
    return wanted


# --- What is in a schema, and whether it may be published ------------------------------------------


def _marts(connection: psycopg.Connection, schema: str) -> dict[str, Mart]:
    """Return the tables and views of a schema by name, in one fixed order."""
    rows = connection.execute(
        """
        select c.relname, a.attname, format_type(a.atttypid, a.atttypmod)
        from pg_class as c
        join pg_namespace as n on n.oid = c.relnamespace
        join pg_attribute as a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where n.nspname = %s and c.relkind in ('r', 'p', 'v', 'm') and c.relname not like '%%\\_\\_dbt\\_%%'
        order by c.relname collate "C", a.attnum
        """,
        (schema,),
    ).fetchall()
    marts: dict[str, Mart] = {}
    for table, column, type_ in rows:
        marts.setdefault(table, Mart(table, {})).columns[column] = type_
    return marts


def _check_rights(connection: psycopg.Connection, publication: Publication) -> None:
    """Make sure that the publisher may hand on the right to read: a plain GRANT would only warn."""
    missing = connection.execute(
        """
        select n.nspname || case when c.relname is null then '' else '.' || c.relname end
        from pg_namespace as n
        left join pg_class as c
            on c.relnamespace = n.oid and c.relkind in ('r', 'p', 'v', 'm')
            and c.relname not like '%%\\_\\_dbt\\_%%'
        where n.nspname = %s and (
            not has_schema_privilege(n.oid, 'usage with grant option')
            or not has_table_privilege(c.oid, 'select with grant option')
        )
        order by 1
        """,
        (publication.schema_name,),
    ).fetchall()
    if missing:
        raise PublicationError(
            "the publisher may not hand on the right to read",
            where=publication.publication_id,
            got=", ".join(row[0] for row in missing),
            expected="usage and select for planmark_publisher with grant option",
            next_step="check the grants of dbt_project/dbt_project.yml",
        )


def _check_contents(
    connection: psycopg.Connection, publication: Publication, marts: Mapping[str, Mart]
) -> None:
    """Every mart has rows, and every row is of this publication."""
    if not marts:
        raise PublicationError(
            "the candidate holds no marts",
            where=publication.schema_name,
            next_step="build the marts first; read the log of the step build_marts",
        )
    faults = [fault for mart in marts.values() if (fault := _fault_in_rows(connection, publication, mart))]
    if faults:
        raise PublicationError(
            "the candidate is not whole:\n    " + "\n    ".join(faults),
            where=publication.publication_id,
            next_step="read the log of the step build_marts; start a new run",
        )


def _fault_in_rows(connection: psycopg.Connection, publication: Publication, mart: Mart) -> str:
    if "publication_id" not in mart.columns:
        return f"{mart.name}: has no column publication_id"
    table = sql.Identifier(publication.schema_name, mart.name)
    other = connection.execute(
        sql.SQL("select publication_id from {} where publication_id is distinct from %s limit 1").format(
            table
        ),
        (publication.publication_id,),
    ).fetchone()
    if other:
        return f"{mart.name}: holds rows of another publication ({other[0]})"
    if (
        mart.name not in MAY_BE_EMPTY
        and not connection.execute(sql.SQL("select 1 from {} limit 1").format(table)).fetchone()
    ):
        return f"{mart.name}: has no rows"
    return ""


def _check_contract(publication: Publication, new: Mapping[str, Mart], old: Mapping[str, Mart]) -> None:
    """Marts are a contract: what readers bind to stays, with its name and its type."""
    faults = [f"{name}: the mart is gone" for name in old if name not in new]
    for name, mart in old.items():
        for column, type_ in mart.columns.items() if name in new else ():
            found = new[name].columns.get(column)
            if found is None:
                faults.append(f"{name}.{column}: the column is gone")
            elif found != type_:
                faults.append(f"{name}.{column}: the type is now {found}, readers bind to {type_}")
    if faults:
        raise PublicationError(
            "the candidate breaks the contract with readers:\n    " + "\n    ".join(faults),
            where=publication.publication_id,
            expected="every published mart and column, of the same type; new ones may be added",
            next_step="put them back in dbt_project/models/marts; a new column goes beside the old one",
        )


# --- The switch ------------------------------------------------------------------------------------


def _switch(connection: psycopg.Connection, publication: Publication, event: str, patience: float) -> None:
    """Point every view at the publication in one transaction; give way to readers and try again meanwhile."""
    with connection.transaction():
        _hold(connection, publication)
        marts, old = _marts(connection, publication.schema_name), _marts(connection, "marts")
        _grant(connection, publication)
        statements = [
            _view(publication, name, marts.get(name), old.get(name))
            for name in sorted(marts.keys() | old.keys())
        ]
        attempts = _lock_views(connection, publication, list(old), patience)
        connection.execute(sql.SQL("; ").join(statements))
        _grant_views(connection, sorted(marts.keys() - old.keys()))
        event_id, happened_at = _record(connection, publication, event)
        published_targets.remember(
            connection,
            publication.schema_name,
            marts[published_targets.MART].columns if published_targets.MART in marts else (),
            publication_id=publication.publication_id,
            as_of=publication.as_of,
            event_id=event_id,
            happened_at=happened_at,
        )
    log.info("%s: %s at attempt %d", publication.publication_id, event, attempts)


def _lock_views(
    connection: psycopg.Connection, publication: Publication, names: list[str], patience: float
) -> int:
    """Lock all views for the transaction, trying again while readers hold one; return the attempts."""
    started = time.monotonic()
    attempts = 0
    while True:
        attempts += 1
        try:
            with connection.transaction():  # a savepoint: going back to it lets go of every view
                connection.execute(_lock(names))
                return attempts
        except _GIVE_WAY as error:
            spent = time.monotonic() - started
            if spent > patience:
                raise PublicationError(
                    "readers held the views for too long; they go on with what they had",
                    where=publication.publication_id,
                    got=_holders(connection, "marts") or f"no one now, after {attempts} attempts",
                    expected=f"every view free for a moment within {patience:.0f} s",
                    next_step="end those sessions, or run the step publish again",
                ) from error
        shortest, longest = PAUSE_SECONDS
        time.sleep(random.uniform(0, min(max(spent / 100, shortest), longest)))  # noqa: S311


def _lock(names: list[str]) -> sql.Composed:
    """Return one message that locks all views, or raises one of `_GIVE_WAY` soon.

    `lock table` would lock the tables below as well, and ask for rights to write them. Giving a view to the
    owner it has locks that view alone, exclusively. Views are taken in one fixed order and all are held until
    the commit: a reader who holds one of them keeps us from the commit, and a reader who comes later waits.
    So each transaction of a reader sees one publication. A reader who holds a view that we have yet to take,
    and waits for one that we have, goes on as soon as we give way.
    """
    is_long = random.random() < LONG_ATTEMPT_SHARE  # noqa: S311 - spreads attempts, guards nothing
    first, others = LONG_ATTEMPT if is_long else SHORT_ATTEMPT
    waits = [first] + [others / len(names) for _ in names[1:]]
    parts = [
        sql.SQL("set local lock_timeout = {}; alter view {} owner to current_user").format(
            f"{max(1, round(wait * 1000))}ms", sql.Identifier("marts", name)
        )
        for wait, name in zip(waits, names, strict=False)
    ]
    return sql.SQL("; ").join([*parts, sql.SQL("set local lock_timeout = '60s'")])


def _hold(connection: psycopg.Connection, publication: Publication) -> None:
    """Keep the gate and the clean-up from changing the publication's state until we are done."""
    held = connection.execute(
        "select 1 from ops.publications where publication_id = %s and state = %s for update",
        (publication.publication_id, publication.state),
    ).fetchone()
    if held is None:
        raise PublicationError(
            "the publication changed its state meanwhile; readers go on with what they had",
            where=publication.publication_id,
            expected=f"state {publication.state}",
            next_step="planmark publications shows the state",
        )


def _record(connection: psycopg.Connection, publication: Publication, event: str) -> tuple[int, datetime]:
    """Note the change of what readers see; return the number and the time of the event."""
    connection.execute(
        "update ops.publications "
        "set state = 'published', published_at = coalesce(published_at, clock_timestamp()) "
        "where publication_id = %s",
        (publication.publication_id,),
    )
    rows = connection.execute(
        "insert into ops.publication_events (publication_id, event, happened_at) "
        "values (%s, %s, clock_timestamp()) returning event_id, happened_at",
        (publication.publication_id, event),
    ).fetchall()
    return int(rows[0][0]), rows[0][1]


def _grant(connection: psycopg.Connection, publication: Publication) -> None:
    schema = sql.Identifier(publication.schema_name)
    connection.execute(sql.SQL("grant usage on schema {} to bi_reader").format(schema))
    connection.execute(sql.SQL("grant select on all tables in schema {} to bi_reader").format(schema))


def _grant_views(connection: psycopg.Connection, names: Iterable[str]) -> None:
    for name in names:
        connection.execute(
            sql.SQL("grant select on {} to bi_reader, planmark_gate, planmark_transformer").format(
                sql.Identifier("marts", name)
            )
        )


def _view(publication: Publication, name: str, new: Mart | None, old: Mart | None) -> sql.Composed:
    """Return the statement that points one view at a publication.

    Columns that readers know come first, in the order that they know; new ones follow. After a rollback, what
    the older publication does not have is null, or has no rows.
    """
    known = old.columns if old else {}
    have = new.columns if new else {}
    added = {column: type_ for column, type_ in have.items() if column not in known}
    columns = [
        sql.Identifier(column)
        if column in have
        else sql.SQL("null::{} as {}").format(_type(type_), sql.Identifier(column))
        for column, type_ in {**known, **added}.items()
    ]
    source = (
        sql.SQL("from {}").format(sql.Identifier(publication.schema_name, name))
        if new
        else sql.SQL("where false")
    )
    return sql.SQL("create or replace view {} as select {} {}").format(
        sql.Identifier("marts", name), sql.SQL(", ").join(columns), source
    )


def _type(name: str) -> sql.SQL:
    return sql.SQL(name)  # the database's own format_type, never a person's text


def _holders(connection: psycopg.Connection, schema: str) -> str:
    rows = connection.execute(
        """
        select distinct a.pid, coalesce(a.usename, '?'), c.relname
        from pg_locks as l
        join pg_class as c on c.oid = l.relation
        join pg_namespace as n on n.oid = c.relnamespace
        left join pg_stat_activity as a on a.pid = l.pid
        where n.nspname = %s and l.granted and l.pid <> pg_backend_pid()
        order by 1, 3
        """,
        (schema,),
    ).fetchall()
    sessions: dict[str, list[str]] = {}
    for pid, user, view in rows:
        sessions.setdefault(f"process {pid} of {user}", []).append(view)
    return "; ".join(f"{who} reads {', '.join(views)}" for who, views in sessions.items())


# --- Clearing away ---------------------------------------------------------------------------------


def drop_old(settings: Settings, keep: int = 7) -> list[str]:
    """Drop the tables of publications that nobody can go back to; return the schemas dropped.

    Kept: what readers see, the last `keep` published, and what is newer than the current publication (it may
    be under way, or refused and wanted for inspection). A schema that is still read stays until next time.
    """
    dropped = []
    with connect(settings, Role.TRANSFORMER, autocommit=True) as connection:
        for schema in _to_drop(connection, keep):
            try:
                with connection.transaction():
                    _drop(connection, schema)
            except (psycopg.errors.DependentObjectsStillExist, *_GIVE_WAY) as error:
                log.warning(
                    "%s is still in use and stays until the next time: %s", schema, str(error).strip()
                )
            else:
                dropped.append(schema)
    return dropped


def _to_drop(connection: psycopg.Connection, keep: int) -> Iterable[str]:
    """Return schemas to drop: published long ago, left over from a run that failed, or known to nobody."""
    rows = connection.execute(
        """
        with ranked as (
            select
                p.*,
                row_number() over (
                    partition by p.state order by p.published_at desc, p.publication_id desc
                ) as place
            from ops.publications as p
        )
        select n.nspname
        from pg_namespace as n
        left join ranked as p on p.schema_name = n.nspname
        left join ops.runs as r on r.run_id = p.run_id and r.outcome = 'running'
            and r.started_at > now() - interval '1 day'
        cross join ops.current_publication as c
        where n.nspname ~ %s
            and pg_get_userbyid(n.nspowner) = current_user
            and n.nspname <> c.schema_name
            and case
                when p.publication_id is null or p.state = 'dropped' then true
                when p.state = 'published' then p.place > %s
                else p.built_at < c.published_at and r.run_id is null
            end
        order by n.nspname
        """,
        (_SCHEMA_PATTERN, keep),
    ).fetchall()
    return [row[0] for row in rows]


def _drop(connection: psycopg.Connection, schema: str) -> None:
    """Drop the schema of a publication."""
    connection.execute("set local lock_timeout = '500ms'")
    # First the row, which a rollback takes first as well: then one of the two sees what the other did.
    connection.execute(
        "update ops.publications set state = 'dropped', dropped_at = clock_timestamp() "
        "where schema_name = %s",
        (schema,),
    )
    _drop_schema(connection, schema)


def _drop_schema(connection: psycopg.Connection, schema: str) -> None:
    """Drop a schema, if there, and what is in it. Never `cascade`: it would take a view from under the readers."""
    for kind, kinds in (("view", ["v"]), ("materialized view", ["m"]), ("table", ["r", "p"])):
        names = connection.execute(
            "select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
            'where n.nspname = %s and c.relkind = any(%s::"char"[]) order by c.relname',
            (schema, kinds),
        ).fetchall()
        if names:
            listed = sql.SQL(", ").join(sql.Identifier(schema, row[0]) for row in names)
            connection.execute(sql.SQL("drop " + kind + " {} restrict").format(listed))
    connection.execute(sql.SQL("drop schema if exists {} restrict").format(sql.Identifier(schema)))
