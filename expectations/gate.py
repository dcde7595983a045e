"""The gate: yes or no at two doors, `raw` after loading and `marts` before publishing.

dbt tests what one table can say of itself: keys, relationships, vocabularies. The gate checks what crosses
tables and time: the history against its deliveries, the marts against the plan files and against what readers
see now.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.suites import SUITES, Check, Suite, load_suites
from expectations.tables import Written, batch_of, query_of
from planmark.database import Role, connect
from planmark.errors import GateError
from planmark.publication import schema_of
from planmark.registry.check import REFERENCE
from planmark.settings import Settings

if TYPE_CHECKING:
    from expectations.runner import Observed

log = logging.getLogger(__name__)

NOTHING_TO_COMPARE = "first publication: nothing to compare with"


@dataclass(frozen=True)
class GateResult:
    """The outcome of one check. `severity` is `fail` (stops publishing) or `warn`."""

    door: str
    suite: str
    check_id: str
    severity: str
    owner: str
    is_met: bool
    expected: str
    observed: str
    next_step: str


def check_door(
    settings: Settings,
    door: str,
    run_id: str,
    publication_id: str | None,
    *,
    suites: Path = SUITES,
    reference: Path = REFERENCE,
) -> list[GateResult]:
    """Check one door, `raw` or `marts`; record every result, and return them.

    At the door `marts` the candidate becomes `refused` if a check of severity `fail` does not hold, and a
    candidate again if, run once more, all hold. Data docs lie under `<home>/data_docs/<door>/`.
    Raises: GateError listing every failed check with its owner; DefinitionError if a suite is wrong.
    """
    started = time.monotonic()
    declared = load_suites(door, suites)
    if door == "marts" and publication_id is None:
        raise GateError("the door marts needs a publication", where="check_door")
    written = Written(settings.plans, reference)
    with connect(settings, Role.GATE) as connection:
        batches = [batch_of(connection, suite, publication_id, written) for suite in declared]
        areas = query_of(connection, "seeds.areas", publication_id, written)
    from expectations import runner  # importing Great Expectations takes seconds

    words = {"candidate": schema_of(publication_id or ""), "areas": areas}
    found = runner.run(settings, door, [batch for batch in batches if batch.checks], words)
    results = [_result(suite, check, found.get(check.id)) for suite in declared for check in suite.checks]
    stopped = [
        result
        for result in results
        if not result.is_met and (result.severity == "fail" or not found[result.check_id].could_run)
    ]
    _record(settings, run_id, publication_id, door, results, is_refused=bool(stopped))
    _tell(door, results, time.monotonic() - started)
    if stopped:
        raise _error(settings, door, publication_id, stopped)
    return results


def _result(suite: Suite, check: Check, observed: Observed | None) -> GateResult:
    return GateResult(
        door=suite.door,
        suite=suite.suite,
        check_id=check.id,
        severity=check.severity,
        owner=check.owner,
        is_met=observed.is_met if observed else True,
        expected=check.expected,
        observed=observed.found if observed else NOTHING_TO_COMPARE,
        next_step=check.next_step,
    )


def _record(
    settings: Settings,
    run_id: str,
    publication_id: str | None,
    door: str,
    results: Iterable[GateResult],
    *,
    is_refused: bool,
) -> None:
    """Write the results and what follows from them for the candidate, in one transaction."""
    with connect(settings, Role.GATE) as connection:
        connection.cursor().executemany(
            """
            insert into ops.gate_results
                (run_id, publication_id, door, suite, check_id, severity, owner, is_met, expected, observed)
            values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
            on conflict (run_id, door, suite, check_id) do update set
                publication_id = excluded.publication_id, severity = excluded.severity,
                owner = excluded.owner, is_met = excluded.is_met, expected = excluded.expected,
                observed = excluded.observed, checked_at = now()
            """,
            [
                (run_id, publication_id, door, r.suite, r.check_id, r.severity, r.owner, r.is_met, r.expected,
                 r.observed)
                for r in results
            ],
        )  # fmt: skip
        if door == "marts":
            connection.execute(
                "update ops.publications set state = %s "
                "where publication_id = %s and state in ('candidate', 'refused')",
                ("refused" if is_refused else "candidate", publication_id),
            )


def _tell(door: str, results: list[GateResult], seconds: float) -> None:
    held = sum(result.is_met for result in results)
    log.info("door %s: %d of %d checks hold, in %.0f s", door, held, len(results), seconds)
    for result in results:
        if not result.is_met and result.severity == "warn":
            log.warning(
                "%s (%s): %s; expected: %s", result.check_id, result.owner, result.observed, result.expected
            )


def _error(settings: Settings, door: str, publication_id: str | None, stopped: list[GateResult]) -> GateError:
    faults = "".join(
        f"\n    {r.check_id} ({r.owner})"
        f"\n      got:      {r.observed}"
        f"\n      expected: {r.expected}"
        f"\n      next:     {r.next_step}"
        for r in stopped
    )
    number = "1 check does" if len(stopped) == 1 else f"{len(stopped)} checks do"
    return GateError(
        f"{number} not hold; nothing is published, readers keep what they have:{faults}",
        where=f"door {door}" + (f", publication {publication_id}" if publication_id else ""),
        next_step=f"all results: {settings.home / 'data_docs' / door / 'index.html'}",
    )
