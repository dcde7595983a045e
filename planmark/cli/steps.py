"""The steps of a night. The DAG calls them, and so does `planmark refresh --plain`; both get the same marts.

Every step may be run again at any moment, in another process than the one before it: what they share is in
the database, and in the `Night` that the first one returns.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import urlsplit

import psycopg

from planmark import database, publication
from planmark.cli import build_stage
from planmark.cli.progress import step
from planmark.database import Role
from planmark.errors import DatabaseError, PlanmarkError, SettingsError
from planmark.registry.check import checked
from planmark.registry.rules import Registry
from planmark.settings import Settings

if TYPE_CHECKING:
    from ingest.definitions import Definition

log = logging.getLogger(__name__)

#: dbt's views outside the candidate are shared, so only one run at a time builds; others wait for so long.
_BUILD_PATIENCE_SECONDS = 1800.0


class Night(TypedDict):
    """What a run is going to do. `as_of`, the day of assessment, is fixed once: midnight changes nothing."""

    run_id: str
    publication_id: str
    as_of: str
    datasets: dict[str, list[str]]
    skipped: dict[str, str]


@dataclass(frozen=True)
class _Outcome:
    outcome: str
    detail: str

    @property
    def is_good(self) -> bool:
        return self.outcome in ("published", "nothing_changed")


def new_run_id() -> str:
    """Return an id for a run: the time in UTC and two random bytes, `r20261122t020000_9f3c`."""
    return f"r{datetime.now(UTC):%Y%m%dt%H%M%S}_{secrets.token_hex(2)}"


def plan_night(settings: Settings, *, run_id: str = "", kind: str = "nightly") -> Night:
    """Decide what the run does, and note its start in `ops.runs`.

    Runs of the same `kind` never overlap, so an earlier one that still says `running` was cut off.
    Raises: SettingsError if demonstration mode would reach a true service, or a dataset is not known; RegistryError
    with every fault of the plan files: nothing is fetched or loaded then.
    """
    run_id = run_id or new_run_id()
    with step(settings, run_id, "plan") as note:
        _stay_on_this_machine(settings)
        registry = checked(settings).registry
        datasets, skipped = _due(settings, registry)
        night = Night(
            run_id=run_id,
            publication_id=publication.new_id(),
            as_of=settings.today.isoformat(),
            datasets=datasets,
            skipped=skipped,
        )
        with database.connect(settings, Role.LOADER) as connection:
            connection.execute(
                "update ops.runs set outcome = 'failed', finished_at = now(), detail = 'cut off' "
                "where kind = %s and outcome = 'running' and run_id <> %s",
                (kind, run_id),
            )
            connection.execute(
                "insert into ops.runs (run_id, kind, publication_id) values (%s, %s, %s) "
                "on conflict (run_id) do update set outcome = 'running', finished_at = null, "
                "publication_id = excluded.publication_id",
                (run_id, kind, night["publication_id"]),
            )
        parts = [f"{len(ids)} from {provider}" for provider, ids in datasets.items() if ids]
        note.message = "datasets: " + (", ".join(parts) or "none")
        if skipped:
            note.message += f"; {len(skipped)} skipped ({'; '.join(sorted(set(skipped.values())))})"
    return night


def _stay_on_this_machine(settings: Settings) -> None:
    if settings.mode == "demonstration" and not is_on_this_machine(settings.nomis_url):
        raise SettingsError(
            "demonstration mode reads from this machine only",
            got=f"PLANMARK_NOMIS_URL={settings.nomis_url}",
            next_step="planmark refresh starts the replica; PLANMARK_MODE=live asks the true services",
        )


def is_on_this_machine(url: str) -> bool:
    """Tell whether an address is a loopback address."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def _due(settings: Settings, registry: Registry) -> tuple[dict[str, list[str]], dict[str, str]]:
    """Return datasets to ask for, by provider, and those left out with the reason.

    Every dataset is asked for each night: one small request says whether there is anything new.
    """
    from ingest.definitions import load_definitions

    definitions = load_definitions()
    unknown = sorted(set(settings.only_datasets) - set(definitions))
    if unknown:
        raise SettingsError(
            "PLANMARK_DATASETS names datasets that do not exist",
            got=", ".join(unknown),
            expected="ids that `planmark datasets list` shows",
        )
    due: dict[str, list[str]] = {}
    skipped: dict[str, str] = {}
    tables = _tables_in(settings.ons_local_source)
    for dataset_id, definition in sorted(definitions.items()):
        due.setdefault(definition.provider, [])
        if settings.only_datasets and dataset_id not in settings.only_datasets:
            continue
        missing = _missing(definition, settings, tables, registry)
        if missing:
            skipped[dataset_id] = missing
        else:
            due[definition.provider].append(dataset_id)
    return due, skipped


def _missing(definition: Definition, settings: Settings, tables: set[str] | None, registry: Registry) -> str:
    """Return why a dataset cannot be asked for here; nothing if it can."""
    from ingest.definitions import OnsLocalDefinition, PlanDefinition

    if isinstance(definition, PlanDefinition):
        return "" if registry.rows(definition.source.file) else "the plan files print no such figures"
    if not isinstance(definition, OnsLocalDefinition):
        return ""
    if not settings.ons_local_source:
        return "PLANMARK_ONS_LOCAL_SOURCE is not set"
    if tables is not None and definition.source.table not in tables:
        return "the folder does not hold the table"
    return ""


def provider_of(dataset_id: str) -> str:
    """Return the provider of a dataset. Raises: SettingsError if there is no such dataset."""
    from ingest.definitions import load_definitions

    definitions = load_definitions()
    if dataset_id not in definitions:
        raise SettingsError(
            "no such dataset", got=dataset_id, expected="an id that `planmark datasets list` shows"
        )
    return definitions[dataset_id].provider


def _tables_in(source: str) -> set[str] | None:
    """Return the names of the tables in a folder; None if the source is an address or not set."""
    if not source or "://" in source:
        return None
    folder = Path(source)
    if not folder.is_dir():
        raise SettingsError(
            "PLANMARK_ONS_LOCAL_SOURCE is not a folder", got=source, expected="a folder or an http(s) address"
        )
    return {path.name.split(".csv")[0] for path in folder.rglob("*.csv*")}


def fetch_dataset(
    settings: Settings, dataset_id: str, run_id: str, *, force: bool = False
) -> dict[str, object]:
    """Bring one dataset up to date; return its counts.

    Raises: the error that stopped it. Its last good version stays, and the other datasets go on.
    """
    from ingest.refresh import refresh_dataset

    with step(settings, run_id, "fetch", dataset_id) as note:
        report = refresh_dataset(settings, dataset_id, run_id=run_id, force=force)
        if report.outcome == "unchanged":
            note.message, note.state = "unchanged", "skipped"
        else:
            note.message = f"{report.fetched:,} rows: {report.inserted:,} new, {report.revised:,} revised"
    return {
        "outcome": report.outcome,
        "fetched": report.fetched,
        "inserted": report.inserted,
        "revised": report.revised,
    }


def has_changed(settings: Settings, night: Night) -> bool:
    """Return False if a publication from the very same inputs is what readers see already."""
    settings = _on_the_day(settings, night)
    with step(settings, night["run_id"], "compare") as note:
        same = _published_already(settings)
        if same is None:
            note.message = "there is something new to publish"
        else:
            note.message, note.state = f"nothing changed since publication {same.publication_id}", "skipped"
        for dataset_id, until in publication.held_back(settings).items():
            note.message += f"; {dataset_id} is held back until its release at {until:%d %B %Y %H:%M %Z}"
    return same is None


def _published_already(settings: Settings) -> publication.Publication | None:
    current = publication.current(settings)
    if current is None or current.fingerprint != publication.fingerprint(settings):
        return None
    return current


def gate_raw(settings: Settings, night: Night) -> None:
    """Check what was loaded. Raises: GateError; nothing is built or published then."""
    _gate(settings, night, "raw")


def gate_marts(settings: Settings, night: Night) -> None:
    """Check the candidate. Raises: GateError; readers keep the last good publication then."""
    _gate(settings, night, "marts")


def _gate(settings: Settings, night: Night, door: str) -> None:
    settings = _on_the_day(settings, night)
    with step(settings, night["run_id"], f"gate_{door}") as note:
        from expectations.gate import check_door

        results = check_door(settings, door, night["run_id"], night["publication_id"])
        warned = [result for result in results if not result.is_met]
        note.message = f"{len(results)} checks hold" if not warned else (
            f"{len(results) - len(warned)} of {len(results)} checks hold, {len(warned)} warnings: "
            + ", ".join(result.check_id for result in warned[:5])
        )  # fmt: skip


def build_marts(settings: Settings, night: Night) -> dict[str, float]:
    """Build the candidate's marts; return the seconds that each node of dbt took.

    Raises: what `build_stage.build` raises.
    """
    settings = _on_the_day(settings, night)

    def begin(fingerprint: str) -> None:
        publication.clear_candidate(settings)
        publication.register_candidate(
            settings,
            night["publication_id"],
            night["run_id"],
            settings.today,
            fingerprint,
            publication.origin(settings),
        )

    with _building(settings):
        seconds = build_stage.build(
            settings,
            {
                "publication_id": night["publication_id"],
                "run_id": night["run_id"],
                "as_of": night["as_of"],
            },
            log_name=f"dbt-{night['run_id']}.log",
            part=lambda name: step(settings, night["run_id"], name),
            begin=begin,
        )
        publication.name_candidate(settings, night["publication_id"])
    return seconds


@contextmanager
def _building(settings: Settings) -> Iterator[None]:
    """Be the only run that builds. The lock ends with the connection, so a kill leaves nothing locked."""
    with database.connect(settings, Role.TRANSFORMER, autocommit=True) as connection:
        deadline = time.monotonic() + _BUILD_PATIENCE_SECONDS
        said = False
        while not _try_lock(connection):
            if not said:
                log.warning("another run is building; waiting for it to end")
                said = True
            if time.monotonic() > deadline:
                raise DatabaseError(
                    "another run has been building for half an hour",
                    next_step="planmark status, then run this again",
                )
            time.sleep(1)
        yield


def _try_lock(connection: psycopg.Connection) -> bool:
    row = connection.execute("select pg_try_advisory_lock(hashtext('planmark_build'))").fetchone()
    return bool(row and row[0])


def publish(settings: Settings, night: Night) -> None:
    """Make the candidate what readers see, in one transaction. Raises: PublicationError."""
    with step(settings, night["run_id"], "publish") as note:
        publication.publish(settings, night["publication_id"])
        note.message = f"readers now see {night['publication_id']}"


def finish(settings: Settings, night: Night) -> str:
    """Note how the run ended, and return its outcome.

    Raises: PlanmarkError if anything failed, naming every dataset: the run is red, whatever was published.
    """
    settings = _on_the_day(settings, night)
    with step(settings, night["run_id"], "finish") as note:
        failed = _failed_datasets(settings, night)
        result = _outcome(settings, night, failed)
        with database.connect(settings, Role.LOADER) as connection:
            connection.execute(
                "update ops.runs set outcome = %s, finished_at = now(), detail = %s where run_id = %s",
                (result.outcome, result.detail, night["run_id"]),
            )
        _tidy(settings)
        if not result.is_good:
            raise PlanmarkError(
                result.detail,
                where=f"run {night['run_id']}",
                got="\n            ".join(f"{name}: {_first_line(why)}" for name, why in failed.items())
                or None,
                next_step="mend the cause and run again: every step may be repeated",
            )
        note.message = result.detail
    return result.outcome


def _outcome(settings: Settings, night: Night, failed: Mapping[str, str]) -> _Outcome:
    candidate = publication.find(settings, night["publication_id"])
    seen = publication.current(settings)
    readers = f"readers see {seen.publication_id}" if seen else "nothing is published yet"
    if candidate and candidate.state == "published":
        if failed:
            count = f"{len(failed)} dataset{'s' if len(failed) > 1 else ''}"
            return _Outcome(
                "published_with_stale_datasets",
                f"published {candidate.publication_id}, but {count} failed and kept the last good version",
            )
        return _Outcome("published", f"published {candidate.publication_id}")
    if candidate is None and _published_already(settings):
        if failed:
            return _Outcome(
                "failed", f"{len(failed)} of the datasets failed, the others had nothing new; {readers}"
            )
        return _Outcome(
            "nothing_changed", f"nothing changed since publication {seen.publication_id if seen else ''}"
        )
    if candidate and candidate.state == "refused":
        return _Outcome("failed", f"the gate refused {candidate.publication_id}; {readers}")
    return _Outcome("failed", f"the run did not get as far as publishing; {readers}")


def _failed_datasets(settings: Settings, night: Night) -> dict[str, str]:
    """Return every planned dataset whose last try in this run did not end well, with the reason."""
    with database.connect(settings, Role.LOADER) as connection:
        rows = connection.execute(
            "select distinct on (dataset_id) dataset_id, outcome, coalesce(error, 'cut off') "
            "from raw.deliveries where run_id = %s order by dataset_id, delivery_id desc",
            (night["run_id"],),
        ).fetchall()
    tried = {dataset_id: (outcome, error) for dataset_id, outcome, error in rows}
    failed = {}
    for dataset_id in (name for names in night["datasets"].values() for name in names):
        outcome, error = tried.get(dataset_id, ("failed", "it was not tried; see the log"))
        if outcome not in ("loaded", "unchanged"):
            failed[dataset_id] = error
    return failed


def _tidy(settings: Settings) -> None:
    """Drop publications that nobody can go back to. That a reader holds one is no reason for a red run."""
    try:
        publication.drop_old(settings)
    except (PlanmarkError, psycopg.Error) as error:
        log.warning("old publications stay until the next run: %s", error)


def _first_line(text: str) -> str:
    return text.strip().splitlines()[0] if text.strip() else "no reason noted"


def _on_the_day(settings: Settings, night: Night) -> Settings:
    """Return the settings with the night's day of assessment."""
    return settings.model_copy(update={"as_of": date.fromisoformat(night["as_of"])})


def run_plain(settings: Settings, *, run_id: str = "", force: bool = False) -> str:
    """Run all steps one after another in this process, without Airflow; return the outcome.

    Raises: what `finish` raises, or the fault of the step that stopped the run.
    """
    night = plan_night(settings, run_id=run_id, kind="refresh")
    for dataset_id in (name for names in night["datasets"].values() for name in names):
        try:
            fetch_dataset(settings, dataset_id, night["run_id"], force=force)
        except Exception:  # the others go on; `finish` tells of it
            log.exception("%s failed", dataset_id)
    stopped: Exception | None = None
    try:
        if has_changed(settings, night):
            for work in (gate_raw, build_marts, gate_marts, publish):
                work(settings, night)
    except Exception as error:
        log.exception("the run stops here")
        stopped = error
    try:
        return finish(settings, night)
    except PlanmarkError as error:
        raise error from stopped
