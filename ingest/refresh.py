"""Refreshing one dataset: ask how it stands, fetch it, load it, and record what came of it.

Whatever happens, the last good version stays as it was: parsing and loading are one transaction. Every try is
a row of `raw.deliveries`, so a night can be understood afterwards.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import psycopg
import pyarrow.compute as pc

from ingest.archive import Archive, DeliveryReader, DeliveryWriter
from ingest.definitions import Definition, definition_sha256, load_definitions
from ingest.http import redact
from ingest.load import LoadCounts, load_pages
from ingest.periods import period_end
from ingest.provider import Provider, ProviderState
from ingest.providers.nomis import Nomis
from ingest.providers.ons_local import OnsLocalProvider
from ingest.providers.plan import PlanProvider
from ingest.rows import ParsedPage, RejectedRow
from planmark import __version__, database
from planmark.database import Role
from planmark.errors import (
    ArchiveError,
    DatabaseError,
    DefinitionError,
    FetchError,
    PlanmarkError,
    RefusedError,
)
from planmark.settings import Settings

log = logging.getLogger(__name__)

PROVIDERS: Mapping[str, Callable[[Settings], Provider]] = {
    "nomis": Nomis,
    "ons_local": OnsLocalProvider,
    "plan": PlanProvider,
}
#: So many faulty rows of a refused delivery are kept in `raw.rejected_rows`.
MOST_REJECTED_KEPT = 1_000
_MOST_REJECTED_SHOWN = 10


@dataclass(frozen=True)
class DeliveryReport:
    """What came of one refresh that did not fail. `outcome` is `loaded` or `unchanged`."""

    delivery_id: int
    dataset_id: str
    outcome: str
    origin: str
    why: str
    fetched: int = 0
    inserted: int = 0
    revised: int = 0
    unchanged: int = 0
    closed: int = 0
    newest_period: date | None = None


@dataclass(frozen=True)
class _Accepted:
    """The last delivery of a dataset whose content was accepted."""

    provider_state: str | None
    content_sha256: str
    content_bytes: int
    definition_sha256: str
    code_version: str
    origin: str
    rows_fetched: int
    newest_period: date | None
    archive_path: str
    started_at: datetime


@dataclass
class _Found:
    """What the parser has found so far, faulty rows included."""

    fetched: int = 0
    newest: tuple[date, int] | None = None
    rejected_count: int = 0
    rejected: list[RejectedRow] = field(default_factory=list)

    def look(self, page: ParsedPage) -> None:
        """Count a page's rows, and keep its first faulty ones."""
        self.fetched += page.fetched
        self.rejected_count += len(page.rejected)
        self.rejected += page.rejected[: MOST_REJECTED_KEPT - len(self.rejected)]
        starts, months = (page.rows[name] for name in ("period_start", "period_months"))
        given = pc.is_valid(page.rows["value"])
        newest = pc.max(starts.filter(given)).as_py()
        if newest is not None and (self.newest is None or newest > self.newest[0]):
            length = pc.max(months.filter(pc.and_(given, pc.equal(starts, newest)))).as_py()
            self.newest = (newest, length)


def refresh_dataset(
    settings: Settings,
    dataset_id: str,
    *,
    run_id: str | None = None,
    force: bool = False,
    definitions: Mapping[str, Definition] | None = None,
    provider: Provider | None = None,
) -> DeliveryReport:
    """Bring one dataset up to date and return what came of it.

    With `force` everything is fetched and compared even if the provider promises nothing new; that is also
    how a dataset is filled in anew. A second refresh of the same dataset waits for the first.
    Raises: the error that stopped it, after recording it; nothing of the delivery is loaded then.
    """
    definition = _definition(dataset_id, definitions if definitions is not None else load_definitions())
    with (
        database.connect(settings, Role.LOADER, autocommit=True) as keeper,
        _alone(keeper, settings, dataset_id),
    ):
        _close_remains(keeper, dataset_id)
        # Made only now: its deadline does not run while another refresh is waited for.
        asks = provider or PROVIDERS[definition.provider](settings)
        refresh = _Refresh(settings, definition, asks, keeper, run_id)
        return refresh.run(force=force)


def _definition(dataset_id: str, definitions: Mapping[str, Definition]) -> Definition:
    if dataset_id in definitions:
        return definitions[dataset_id]
    near = difflib.get_close_matches(dataset_id, definitions, n=3) or sorted(definitions)[:5]
    raise DefinitionError(
        "no such dataset", got=dataset_id, expected=f"one of the catalogue, for example {', '.join(near)}",
        next_step="planmark datasets list",
    )  # fmt: skip


@contextlib.contextmanager
def _alone(keeper: psycopg.Connection, settings: Settings, dataset_id: str) -> Iterator[None]:
    """Hold the dataset's lock. It ends with the connection, so a kill leaves nothing locked."""
    key = "hashtext('planmark_refresh'), hashtext(%s)"
    got = keeper.execute(f"select pg_try_advisory_lock({key})", (dataset_id,)).fetchone()
    if not got or not got[0]:
        log.warning("%s: another refresh of it is running; waiting for that to end", dataset_id)
        patience = f"{int(settings.dataset_deadline_seconds * 1000)}ms"
        keeper.execute("select set_config('lock_timeout', %s, false)", (patience,))
        try:
            keeper.execute(f"select pg_advisory_lock({key})", (dataset_id,))
        except psycopg.errors.LockNotAvailable:
            raise FetchError(
                "another refresh of it is still running", where=dataset_id,
                expected=f"an end within {settings.dataset_deadline_seconds:g} seconds",
                next_step="planmark status shows what is running",
            ) from None  # fmt: skip
        keeper.execute("select set_config('lock_timeout', '0', false)")
    try:
        yield
    finally:
        with contextlib.suppress(psycopg.Error):
            keeper.execute(f"select pg_advisory_unlock({key})", (dataset_id,))


def _close_remains(keeper: psycopg.Connection, dataset_id: str) -> None:
    """Whoever holds the lock is alone, so a delivery that still says `running` was cut off."""
    left = keeper.execute(
        "update raw.deliveries set outcome = 'failed', finished_at = now(), "
        "error = 'cut off: the task or the database ended before it was done' "
        "where dataset_id = %s and outcome = 'running'",
        (dataset_id,),
    ).rowcount
    if left:
        log.warning("%s: %d earlier refresh was cut off; starting again", dataset_id, left)


class _Refresh:
    """One try to refresh one dataset, under its lock."""

    def __init__(
        self,
        settings: Settings,
        definition: Definition,
        provider: Provider,
        keeper: psycopg.Connection,
        run_id: str | None,
    ) -> None:
        self._settings = settings
        self._definition = definition
        self._provider = provider
        self._keeper = keeper
        self._run_id = run_id
        self._definition_sha256 = definition_sha256(definition)
        self._archive: Archive | None = None
        self._writer: DeliveryWriter | None = None
        self._reader: DeliveryReader | None = None
        self._found = _Found()
        self._delivery_id = 0

    def run(self, *, force: bool) -> DeliveryReport:
        """Do it, and record the outcome whatever it is."""
        self._delivery_id = self._begin()
        try:
            return self._refresh(force=force)
        except BaseException as error:
            self._clear_up(error)
            self._record_failure(error)
            if isinstance(error, psycopg.Error):
                raise DatabaseError(
                    "the database failed during the refresh; nothing was loaded",
                    where=self._definition.id,
                    got=self._without_secrets(str(error)).strip(),
                    next_step="the next run starts again by itself",
                ) from error
            raise

    def _begin(self) -> int:
        row = self._keeper.execute(
            "insert into raw.deliveries (dataset_id, provider, origin, run_id, definition_sha256, "
            "code_version) values (%s, %s, %s, %s, %s, %s) returning delivery_id",
            (
                self._definition.id,
                self._definition.provider,
                self._provider.origin(),
                self._run_id,
                self._definition_sha256,
                __version__,
            ),
        ).fetchone()
        assert row is not None  # noqa: S101
        return int(row[0])

    def _refresh(self, *, force: bool) -> DeliveryReport:
        accepted = self._last_accepted()
        state = self._provider.state(self._definition)
        if accepted and not force and self._nothing_promised(accepted, state):
            return self._unchanged(accepted, state, "the provider has nothing new")
        reader = self._fetch()
        if accepted and self._same_bytes(accepted, reader):
            reader.archive.remove(reader.path)
            return self._unchanged(accepted, state, "the same bytes again", reader)
        return self._load(reader, state)

    def _last_accepted(self) -> _Accepted | None:
        row = self._keeper.execute(
            "select provider_state, content_sha256, content_bytes, definition_sha256, code_version, origin, "
            "rows_fetched, newest_period, archive_path, started_at from raw.deliveries "
            "where dataset_id = %s and outcome in ('loaded', 'unchanged') and content_sha256 is not null "
            "order by delivery_id desc limit 1",
            (self._definition.id,),
        ).fetchone()
        return _Accepted(*row) if row else None

    def _same_rules(self, accepted: _Accepted) -> bool:
        """The same bytes mean the same rows only under the same definition and code."""
        return (
            accepted.definition_sha256 == self._definition_sha256
            and accepted.code_version == __version__
            and accepted.origin == self._provider.origin()
        )

    def _nothing_promised(self, accepted: _Accepted, state: ProviderState) -> bool:
        """What the provider says of itself is not dependable, so it is believed for a few days only."""
        age = datetime.now(UTC) - accepted.started_at
        return (
            self._same_rules(accepted)
            and accepted.provider_state == state.fingerprint
            and age < timedelta(days=self._definition.full_check_days)
        )

    def _same_bytes(self, accepted: _Accepted, reader: DeliveryReader) -> bool:
        return self._same_rules(accepted) and accepted.content_sha256 == reader.content_sha256

    def _fetch(self) -> DeliveryReader:
        self._archive = Archive(self._settings.archive)
        self._writer = self._archive.new_delivery(self._definition.id)
        self._provider.fetch(self._definition, self._writer)
        self._reader = self._writer.finish()
        return self._reader

    def _unchanged(
        self, accepted: _Accepted, state: ProviderState, why: str, reader: DeliveryReader | None = None
    ) -> DeliveryReport:
        """Record that nothing is new. After a full comparison the checksum goes with it, so that the days
        until the next one are counted from now."""
        rows = accepted.rows_fetched if reader else 0
        self._finish(
            self._keeper,
            outcome="unchanged",
            provider_state=state.fingerprint,
            released_at=state.released_at,
            newest_period=accepted.newest_period,
            rows_fetched=rows,
            rows_unchanged=rows,
            content_sha256=accepted.content_sha256 if reader else None,
            content_bytes=accepted.content_bytes if reader else None,
            archive_path=accepted.archive_path if reader else None,
            requests=json.dumps(_requests(reader)) if reader else "[]",
        )
        log.info("%s: unchanged, %s", self._definition.id, why)
        return self._report(
            "unchanged", why, fetched=rows, unchanged=rows, newest_period=accepted.newest_period
        )

    def _load(self, reader: DeliveryReader, state: ProviderState) -> DeliveryReport:
        """Parse and load in one transaction, the outcome included."""
        with (
            database.connect(self._settings, Role.LOADER, autocommit=True) as connection,
            connection.transaction(),
        ):
            loaded_at = datetime.now(UTC)
            pages = self._provider.parse(self._definition, reader)
            counts = load_pages(
                connection,
                delivery_id=self._delivery_id,
                dataset_id=self._definition.id,
                pages=_good_pages(self._definition, pages, self._found),
                loaded_at=loaded_at,
            )
            self._check_door()
            written = counts.inserted + counts.revised + counts.closed
            outcome = "loaded" if written else "unchanged"
            newest = self._found.newest[0] if self._found.newest else None
            self._finish(
                connection,
                outcome=outcome,
                provider_state=state.fingerprint,
                released_at=state.released_at,
                loaded_at=loaded_at,
                newest_period=newest,
                content_sha256=reader.content_sha256,
                content_bytes=reader.content_bytes,
                archive_path=reader.path,
                requests=json.dumps(_requests(reader)),
                **_columns(counts),
            )
        why = "loaded" if written else "no value has changed"
        log.info("%s: %s, %s", self._definition.id, outcome, counts)
        return self._report(
            outcome,
            why,
            fetched=counts.fetched,
            inserted=counts.inserted,
            revised=counts.revised,
            unchanged=counts.unchanged,
            closed=counts.closed,
            newest_period=newest,
        )

    def _check_door(self) -> None:
        """Raise RefusedError if the delivery holds less than its definition demands."""
        door, found = self._definition.door, self._found
        faults = []
        if found.fetched < door.rows_at_least:
            faults.append(f"{found.fetched} rows, at least {door.rows_at_least} expected")
        if door.newest_period_at_least:
            least = date.fromisoformat(f"{door.newest_period_at_least}-01-01"[:10])
            newest = period_end(*found.newest) if found.newest else None
            if newest is None or newest < least:
                faults.append(f"the newest period ends {newest}, {least} or later expected")
        if faults:
            raise RefusedError(
                "the delivery holds too little; nothing of it was loaded", where=self._definition.id,
                got="; ".join(faults), expected="what `door` in the definition says",
                next_step="look at the stored answer; correct the definition if the publisher has cut back",
            )  # fmt: skip

    def _clear_up(self, error: BaseException) -> None:
        """Leave in the archive what is of use: refused answers to look at, half a fetch to go on from."""
        with contextlib.suppress(ArchiveError, OSError):
            if isinstance(error, RefusedError):
                if self._writer and not self._reader:
                    self._reader = self._writer.finish(state="refused")
            elif self._reader:
                self._reader.archive.remove(self._reader.path)
                self._reader = None
            elif self._writer and isinstance(error, ArchiveError):
                self._writer.discard()

    def _record_failure(self, error: BaseException) -> None:
        """Write the outcome on a connection of its own: the one in use may be what failed."""
        refused = isinstance(error, RefusedError)
        what = str(error) if isinstance(error, PlanmarkError) else f"{type(error).__name__}: {error}"
        rows = self._found.fetched if refused else 0
        try:
            with database.connect(self._settings, Role.LOADER) as connection:
                if refused:
                    self._keep_rejected(connection)
                self._finish(
                    connection,
                    outcome="refused" if refused else "failed",
                    error=_storable(self._without_secrets(what))[:10_000],
                    rows_fetched=rows,
                    rows_rejected=rows,
                    archive_path=self._reader.path if self._reader else None,
                    requests=json.dumps(_requests(self._reader)) if self._reader else "[]",
                )
        except (PlanmarkError, psycopg.Error) as other:
            log.error(
                "%s: the failure could not be recorded either; the next refresh will (%s)",
                self._definition.id,
                self._without_secrets(str(other)).strip(),
            )

    def _keep_rejected(self, connection: psycopg.Connection) -> None:
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into raw.rejected_rows (delivery_id, request_number, row_number, column_name, found, "
                "reason, content) values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
                [
                    (
                        self._delivery_id,
                        row.request_number,
                        row.row_number,
                        *map(_storable, (row.column_name, row.found, row.reason, row.content)),
                    )
                    for row in self._found.rejected
                ],
            )

    def _finish(self, connection: psycopg.Connection, **values: Any) -> None:  # noqa: ANN401
        """Write the outcome of the delivery; column names are those of this module."""
        values = {"origin": self._provider.origin(), **values}
        columns = ", ".join(f"{name} = %({name})s" for name in values)
        connection.execute(
            f"update raw.deliveries set finished_at = now(), {columns} where delivery_id = %(delivery_id)s",  # noqa: S608
            {**values, "delivery_id": self._delivery_id},
        )

    def _report(self, outcome: str, why: str, **counts: Any) -> DeliveryReport:  # noqa: ANN401
        return DeliveryReport(
            self._delivery_id, self._definition.id, outcome, self._provider.origin(), why, **counts
        )

    def _without_secrets(self, text: str) -> str:
        key = self._settings.nomis_uid
        return redact(database.without_password(text), [key.get_secret_value()] if key else [])


def _good_pages(definition: Definition, pages: Iterable[ParsedPage], found: _Found) -> Iterator[ParsedPage]:
    """Hand on pages until a faulty row comes; then read the rest for its faults only, and refuse.

    Raises: RefusedError with the faulty rows and what is wrong with the delivery as a whole.
    """
    whole: RefusedError | None = None
    try:
        for page in pages:
            found.look(page)
            if not found.rejected_count:
                yield page
    except RefusedError as error:
        whole = error
    if not found.rejected_count:
        if whole:
            raise whole
        return
    shown = [
        f"answer {row.request_number}, row {row.row_number}: {row.found!r} in {row.reason}"
        for row in found.rejected[:_MOST_REJECTED_SHOWN]
    ]
    if found.rejected_count > len(shown):
        shown.append(f"and {found.rejected_count - len(shown)} more, in raw.rejected_rows")
    if whole:
        shown.append(str(whole.got))
    raise RefusedError(
        f"{found.rejected_count} of {found.fetched} rows are faulty; nothing of the delivery was loaded",
        where=definition.id,
        got="\n            ".join(shown),
        expected="rows that were asked for, each once, with a possible value or a status that says why not",
        next_step="look at raw.rejected_rows and the stored answer; the last good version stays",
    )


def _requests(reader: DeliveryReader) -> list[dict[str, Any]]:
    return [
        {
            "url": answer.request.url,
            "method": answer.request.method,
            "body": answer.request.body,
            "status": answer.request.status,
            "sha256": answer.sha256,
            "bytes": answer.bytes,
            "retrieved_at": answer.request.retrieved_at.isoformat(),
        }
        for answer in reader
    ]


def _columns(counts: LoadCounts) -> dict[str, int]:
    return {
        f"rows_{name}": getattr(counts, name)
        for name in ("fetched", "inserted", "revised", "unchanged", "rejected", "closed")
    }


def _storable(text: str) -> str:
    """PostgreSQL cannot keep the character NUL."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
