"""The merge of a delivery into the history: unchanged values are not written again, nothing is ever deleted.

The first delivery of a dataset is copied straight into `raw.observations`. Any later one goes through the
staging tables of `sql/040_history.sql`: one join works out what differs, then an `update` closes the old
versions and an `insert` opens the new ones.
"""

# ruff: noqa: S608 - the statements are put together from the constants below; every value is bound.
from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import LiteralString

import psycopg
from psycopg.rows import tuple_row
from psycopg.types.json import Json

from ingest.load_rows import Batch, Encoder, Series, Version, family_id, series_id
from ingest.rows import ParsedPage
from planmark.errors import LoadError, RefusedError

__all__ = ["LoadCounts", "family_id", "load_pages", "series_id"]

log = logging.getLogger(__name__)

#: Advisory locks take two keys: this one says that it is a load, the other is a hash of the dataset.
LOCK_SPACE = 1_819_238_756
#: For the join of all rows; with less it goes through temporary files.
WORK_MEMORY = "256MB"
_SERIES_AT_ONCE = 10_000
#: Bytes of one write. libpq moves what is left after each piece that the socket takes, so no more; and after
#: each write this thread waits for its turn beside the parser, so no less.
_COPY_BYTES = 1 << 20
_NEXT_STEP = "the last good version stays; look at the stored answers of this delivery"

_SAME_KEY: LiteralString = """
    {one}.series_id = {other}.series_id
    and {one}.period_start = {other}.period_start
    and {one}.period_months = {other}.period_months
"""
_CURRENT: LiteralString = """
    select o.*
    from raw.observations as o
    inner join raw.series as s on o.series_id = s.series_id
    where s.dataset_id = %(dataset)s and o.valid_to = 'infinity'
"""
_COPY_COLUMNS: LiteralString = (
    "series_id, period_start, period_months, value, lower_bound, upper_bound, status"
)
_COPY_TO_HISTORY: LiteralString = f"""
copy raw.observations ({_COPY_COLUMNS}, valid_from, delivery_id) from stdin (format binary)
"""
_COPY_TO_STAGING: LiteralString = f"copy raw.load_observations ({_COPY_COLUMNS}) from stdin (format binary)"
# One text of JSON instead of arrays: psycopg quotes the elements of an array one by one.
_SERIES_ROWS: LiteralString = """
    select *
    from json_to_recordset(%(series)s) as n (
        series_id bigint, family_id bigint, area_code text, dimensions jsonb, role text, unit text
    )
"""
_ADD_SERIES: LiteralString = f"""
insert into raw.series (
    series_id, family_id, dataset_id, area_code, dimensions, role, unit, first_delivery_id
)
select n.series_id, n.family_id, %(dataset)s, n.area_code, n.dimensions, n.role, n.unit, %(delivery)s
from ({_SERIES_ROWS}) as n
order by n.series_id
on conflict (series_id) do nothing
"""
_COLLISION: LiteralString = f"""
select
    n.series_id,
    jsonb_build_array(%(dataset)s::text, n.area_code, n.dimensions, n.role, n.unit)::text,
    jsonb_build_array(s.dataset_id, s.area_code, s.dimensions, s.role, s.unit)::text
from ({_SERIES_ROWS}) as n
inner join raw.series as s on n.series_id = s.series_id
where
    (s.dataset_id, s.area_code, s.dimensions, s.role, s.unit)
    is distinct from (%(dataset)s, n.area_code, n.dimensions, n.role, n.unit)
order by n.series_id, n.area_code, n.dimensions, n.role, n.unit
limit 1
"""
# Three values of one comparison: equal bits and two nulls are equal, everything else differs.
_FIND_CHANGES: LiteralString = f"""
insert into raw.load_changes ({_COPY_COLUMNS}, was_current, is_delivered)
select
    coalesce(d.series_id, c.series_id),
    coalesce(d.period_start, c.period_start),
    coalesce(d.period_months, c.period_months),
    d.value, d.lower_bound, d.upper_bound, d.status,
    c.series_id is not null,
    d.series_id is not null
from raw.load_observations as d
full join ({_CURRENT}) as c on {_SAME_KEY.format(one="d", other="c")}
where
    d.series_id is null
    or c.series_id is null
    or (d.value, d.lower_bound, d.upper_bound, d.status)
    is distinct from (c.value, c.lower_bound, c.upper_bound, c.status)
"""
_CLOSE: LiteralString = f"""
update raw.observations as o
set valid_to = %(loaded_at)s, closed_by_delivery_id = %(delivery)s
from raw.load_changes as x
where {_SAME_KEY.format(one="o", other="x")} and o.valid_to = 'infinity' and x.was_current
"""
_OPEN: LiteralString = f"""
insert into raw.observations ({_COPY_COLUMNS}, valid_from, delivery_id)
select {_COPY_COLUMNS}, %(loaded_at)s, %(delivery)s
from raw.load_changes
where is_delivered
order by series_id, period_start, period_months
"""
_PLANNED: LiteralString = """
select
    count(*) filter (where is_delivered and not was_current),
    count(*) filter (where is_delivered and was_current),
    count(*) filter (where not is_delivered)
from raw.load_changes
"""
_DONE: LiteralString = f"""
select
    count(*) filter (where o.delivery_id = %(delivery)s and not x.was_current),
    count(*) filter (where o.delivery_id = %(delivery)s and x.was_current),
    count(*) filter (where o.closed_by_delivery_id = %(delivery)s and not x.is_delivered)
from raw.load_changes as x
inner join raw.observations as o on {_SAME_KEY.format(one="o", other="x")}
"""
_LATER_VERSION: LiteralString = f"""
select max(greatest(o.valid_from, nullif(o.valid_to, 'infinity')))
from raw.load_changes as x
inner join raw.observations as o on {_SAME_KEY.format(one="o", other="x")}
where o.valid_from >= %(loaded_at)s or (o.valid_to > %(loaded_at)s and o.valid_to <> 'infinity')
"""
# As autovacuum judges it; but autovacuum may not have come by since a big load.
_STALE_STATISTICS: LiteralString = """
select count(*)
from pg_stat_all_tables as t
inner join pg_class as c on t.relid = c.oid
where
    t.schemaname = 'raw' and t.relname in ('series', 'observations')
    and t.n_mod_since_analyze > 1000 + greatest(c.reltuples, 0) / 10
"""
_REPEATED: LiteralString = """
select series_id, period_start::text, period_months
from raw.load_observations
group by series_id, period_start, period_months
having count(*) > 1
order by series_id, period_start, period_months
limit 1
"""


@dataclass(frozen=True)
class LoadCounts:
    """What became of the rows of a delivery: fetched = inserted + revised + unchanged + rejected.

    `closed` counts values that stood before and are no longer delivered; they are no rows of the delivery.
    """

    fetched: int
    inserted: int
    revised: int
    unchanged: int
    rejected: int
    closed: int


def load_pages(
    connection: psycopg.Connection,
    *,
    delivery_id: int,
    dataset_id: str,
    pages: Iterable[ParsedPage],
    loaded_at: datetime,
) -> LoadCounts:
    """Merge all rows of a dataset into the history, inside the caller's transaction.

    `pages` hold the dataset as a whole: a value that is not among them is closed. Another thread parses them,
    one batch ahead of the database. `loaded_at` must be later than that of the dataset's last load.
    Another load of the same dataset waits until the caller's transaction ends.
    Raises: RefusedError if a key comes twice, or the id of a series belongs to another one; LoadError if the
            counts do not add up; what `pages` raises passes through. In each case nothing of the delivery
            stays, and the caller's transaction can go on.
    """
    load = _Load(connection, delivery_id, dataset_id, loaded_at)
    with connection.transaction():
        counts = load.run(pages)
    log.info("%s: %s", dataset_id, counts)
    return counts


def _one_ahead(batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yield every batch while a thread works on the next."""
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="parse") as worker:
        coming = worker.submit(next, batches, None)
        while (batch := coming.result()) is not None:
            coming = worker.submit(next, batches, None)
            yield batch


class _Load:
    """One load: its bound values, and its statements in their order."""

    def __init__(
        self, connection: psycopg.Connection, delivery_id: int, dataset_id: str, loaded_at: datetime
    ) -> None:
        self._connection = connection
        self._cursor = connection.cursor(row_factory=tuple_row)
        self._delivery_id = delivery_id
        self._dataset_id = dataset_id
        self._loaded_at = loaded_at
        self._bound = {"dataset": dataset_id, "delivery": delivery_id, "loaded_at": loaded_at}
        self._delivered = 0
        self._rejected = 0

    def run(self, pages: Iterable[ParsedPage]) -> LoadCounts:
        """Load all pages, and prove that what is current now is what was delivered."""
        self._cursor.execute("select pg_advisory_xact_lock(%s, hashtext(%s))", (LOCK_SPACE, self._dataset_id))
        self._cursor.execute("select set_config('work_mem', %s, true)", (WORK_MEMORY,))
        known = self._numbers("select count(*) from raw.series where dataset_id = %(dataset)s")[0]
        inserted, revised, closed = self._merge(pages) if known else self._copy_first(pages)
        return LoadCounts(
            fetched=self._delivered + self._rejected,
            inserted=inserted,
            revised=revised,
            unchanged=self._delivered - inserted - revised,
            rejected=self._rejected,
            closed=closed,
        )

    def _numbers(self, query: LiteralString) -> tuple[int, ...]:
        row = self._cursor.execute(query, self._bound).fetchone()
        assert row is not None  # noqa: S101 - aggregates always give a row
        return row

    def _copy_first(self, pages: Iterable[ParsedPage]) -> tuple[int, int, int]:
        """Copy into the history of a dataset that has none; the primary key finds what comes twice."""
        encoder = Encoder(self._dataset_id, Version(self._loaded_at, self._delivery_id))
        for batch in _one_ahead(encoder.batches(pages)):
            try:
                with self._connection.transaction():
                    self._take_in(batch, _COPY_TO_HISTORY)
            except psycopg.errors.UniqueViolation as error:
                found = re.search(r"=\((-?\d+), ([\d-]+), (\d+), ", error.diag.message_detail or "")
                self._add_series(batch.new_series)  # the error names one of them
                raise self._repeated(found.groups() if found else None) from error
        (written,) = self._numbers("select count(*) from raw.observations where delivery_id = %(delivery)s")
        if written != self._delivered:
            raise self._does_not_add_up(f"{written} values written", f"{self._delivered}, as delivered")
        return written, 0, 0

    def _merge(self, pages: Iterable[ParsedPage]) -> tuple[int, int, int]:
        """Write the difference between the delivery and what is current.

        Returns the numbers of values inserted, revised and closed, counted in the history afterwards.
        """
        self._cursor.execute("truncate raw.load_observations, raw.load_changes")
        for batch in _one_ahead(Encoder(self._dataset_id).batches(pages)):
            self._take_in(batch, _COPY_TO_STAGING)
        self._cursor.execute("select raw.analyse_load_observations()")
        if self._numbers(_STALE_STATISTICS)[0]:
            self._cursor.execute("select raw.analyse_history()")
        self._cursor.execute(_FIND_CHANGES, self._bound)
        planned = self._numbers(_PLANNED)
        if any(planned):
            self._cursor.execute("select raw.analyse_load_changes()")
            self._check_clock()
            self._cursor.execute(_CLOSE, self._bound)
            try:
                with self._connection.transaction():
                    self._cursor.execute(_OPEN, self._bound)
            except psycopg.errors.UniqueViolation as error:
                raise self._repeated(self._first_repeated()) from error
            done = self._numbers(_DONE)
            if done != planned:
                raise self._does_not_add_up(f"inserted, revised, closed: {done}", str(planned))
        self._check_current()
        return planned[0], planned[1], planned[2]

    def _take_in(self, batch: Batch, statement: LiteralString) -> None:
        """Write a batch, its series first: dimensions come before facts."""
        for start in range(0, len(batch.new_series), _SERIES_AT_ONCE):
            self._add_series(batch.new_series[start : start + _SERIES_AT_ONCE])
        with self._cursor.copy(statement) as copy:
            for part in batch.stream:
                for start in range(0, len(part), _COPY_BYTES):
                    copy.write(part[start : start + _COPY_BYTES])
        self._delivered += batch.rows
        self._rejected += batch.rejected

    def _add_series(self, series: tuple[Series, ...]) -> None:
        bound = self._bound | {"series": Json([asdict(one) for one in series])}
        self._cursor.execute(_ADD_SERIES, bound)
        collision = self._cursor.execute(_COLLISION, bound).fetchone()
        if collision:
            number, ours, theirs = collision
            raise RefusedError(
                "two series have the same id; nothing was loaded",
                where=self._dataset_id, got=f"{ours} with id {number}",
                expected=f"an id of its own; {number} belongs to {theirs}",
                next_step="rename the dataset, which changes the ids of all its series",
            )  # fmt: skip

    def _check_clock(self) -> None:
        """A version must begin after the one before it."""
        later = self._cursor.execute(_LATER_VERSION, self._bound).fetchone()
        if later and later[0]:
            raise LoadError(
                "the history holds versions that are not older than this load", where=self._dataset_id,
                got=f"load time {self._loaded_at.isoformat()}", expected=f"later than {later[0].isoformat()}",
                next_step="set the clock of this machine right, then refresh again",
            )  # fmt: skip

    def _check_current(self) -> None:
        """Every delivered value must be current now, and nothing else of the dataset.

        There are fewer only if a key came twice and both rows are equal to what was current before.
        """
        (current,) = self._numbers(f"select count(*) from ({_CURRENT}) as c")
        if current != self._delivered:
            repeated = self._first_repeated()
            if repeated:
                raise self._repeated(repeated)
            raise self._does_not_add_up(f"{current} current values", f"{self._delivered}, as delivered")

    def _first_repeated(self) -> tuple[str, str, str] | None:
        return self._cursor.execute(_REPEATED).fetchone()

    def _repeated(self, key: tuple[str, ...] | None) -> RefusedError:
        """Return the error that names a key that came twice: id of the series, first day, months."""
        got = "a key of this delivery"
        if key:
            row = self._cursor.execute(
                "select area_code, dimensions, role, unit from raw.series where series_id = %s",
                (int(key[0]),),
            ).fetchone()
            area, dimensions, role, unit = row or ("", {}, "", "")
            codes = "".join(f", {name} {code}" for name, code in dimensions.items())
            got = f"area {area}{codes}, {role} in {unit}, period from {key[1]} of {key[2]} months"
        return RefusedError(
            "the same key comes more than once; nothing was loaded",
            where=self._dataset_id, got=f"{got}, twice or more",
            expected="one row for each area, dimension codes, role, unit and period", next_step=_NEXT_STEP,
        )  # fmt: skip

    def _does_not_add_up(self, got: str, expected: str) -> LoadError:
        return LoadError(
            "the counts of this load do not add up; nothing was loaded",
            where=self._dataset_id, got=got, expected=expected,
            next_step="refresh again; if it stays so, another program writes to raw.observations",
        )  # fmt: skip
