"""The only module that touches Great Expectations: one process, one checkpoint a door.

Importing it costs many seconds, so nothing else imports it at the top. The context lives in memory; what
stays is the data docs. The password reaches the connection through GX's own substitution and is not written
down.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from expectations.suites import Check
from expectations.tables import Batch
from planmark.database import Role, address, password, without_password
from planmark.errors import GateError
from planmark.settings import Settings

# Read at import: GX would otherwise ask its maker's servers and show progress bars in the log.
os.environ["GX_ANALYTICS_ENABLED"] = "false"

import great_expectations as gx
from great_expectations import expectations as gx_expectations
from great_expectations.checkpoint import UpdateDataDocsAction
from great_expectations.core.expectation_validation_result import ExpectationValidationResult
from great_expectations.data_context.types.base import ProgressBarsConfig

PASSWORD_VARIABLE = "PLANMARK_GX_PASSWORD"  # noqa: S105 - the name of a variable
#: Queries of suites end here: who has a thousand faulty rows needs no further ones.
MOST_ROWS = 1000
_SEVERITY = {"fail": "critical", "warn": "warning"}


@dataclass(frozen=True)
class Observed:
    """What GX found for one check. `could_run` is False if the check itself broke."""

    is_met: bool
    found: str
    could_run: bool = True


def run(settings: Settings, door: str, batches: list[Batch], words: Mapping[str, str]) -> dict[str, Observed]:
    """Run every check of a door; return what was found, by check id.

    `words` replaces `$name` in the arguments of checks. Writes the door's data docs.
    Raises: GateError if the tables cannot be looked at.
    """
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    try:
        with _quiet():
            context = _context(settings, door)
            definitions = [_definition(context, settings, batch, words) for batch in batches]
            checkpoint = context.checkpoints.add(
                gx.Checkpoint(
                    name=door,
                    validation_definitions=definitions,
                    actions=[UpdateDataDocsAction(name="data_docs", site_names=[door])],
                    result_format={"result_format": "COMPLETE", "partial_unexpected_count": 5},
                )
            )
            result = checkpoint.run()
    except Exception as error:
        # Its messages may hold the address of the database.
        raise GateError(
            f"the gate could not look at the tables: {_clean(settings, str(error))[:1000]}",
            where=f"door {door}",
            next_step="read the log; nothing was published",
        ) from None
    found: dict[str, Observed] = {}
    for validation in result.run_results.values():
        for one in validation.results:
            found[one.expectation_config.meta["check_id"]] = _observed(settings, one)
    return found


def docs_of(settings: Settings, door: str) -> Path:
    """Return the folder of the data docs of a door."""
    return settings.home / "data_docs" / door


def _context(settings: Settings, door: str) -> Any:  # noqa: ANN401 - GX gives its contexts no public type
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    folder = docs_of(settings, door)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o755)
    for site in list(context.get_site_names()):
        context.delete_data_docs_site(site)
    context.add_data_docs_site(
        door,
        {
            "class_name": "SiteBuilder",
            "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        },
    )
    host, port = address(settings)
    os.environ[PASSWORD_VARIABLE] = quote(password(settings, Role.GATE), safe="")
    context.data_sources.add_postgres(
        name="warehouse",
        connection_string=(
            f"postgresql+psycopg://{Role.GATE}:${{{PASSWORD_VARIABLE}}}@{host}:{port}/{settings.database_name}"
        ),
    )
    return context


def _definition(context: Any, settings: Settings, batch: Batch, words: Mapping[str, str]) -> Any:  # noqa: ANN401
    source = context.data_sources.get("warehouse")
    asset = source.add_query_asset(batch.suite.suite, query=batch.query)
    suite = context.suites.add(gx.ExpectationSuite(name=batch.suite.suite))
    for check in batch.checks:
        suite.add_expectation(_expectation(check, words))
    return context.validation_definitions.add(
        gx.ValidationDefinition(name=batch.suite.suite, data=asset.add_batch_definition("whole"), suite=suite)
    )


def _expectation(check: Check, words: Mapping[str, str]) -> Any:  # noqa: ANN401
    kind = getattr(gx_expectations, check.expectation, None)
    if kind is None:
        raise GateError("no such expectation", where=check.id, got=check.expectation)
    return kind(
        **{name: _fill(value, words) for name, value in check.kwargs.items()},
        description=check.expected,
        severity=_SEVERITY[check.severity],
        meta={"check_id": check.id, "owner": check.owner, "severity": check.severity},
    )


def _fill(value: object, words: Mapping[str, str]) -> object:
    return string.Template(value).substitute(words) if isinstance(value, str) else value


def _observed(settings: Settings, one: ExpectationValidationResult) -> Observed:
    if one.exception_info and _exceptions(one.exception_info):
        why = _clean(settings, _exceptions(one.exception_info)[0])
        return Observed(False, f"the check could not run: {why}"[:1000], could_run=False)
    result = one.result or {}
    if one.success:
        return Observed(True, "as expected")
    details = result.get("details") or {}
    rows = details.get("unexpected_rows") or result.get("partial_unexpected_list") or []
    count = result.get("unexpected_count") or result.get("observed_value") or len(rows)
    number = f"at least {count}" if count == MOST_ROWS else str(count)
    return Observed(False, f"{number} {'row' if number == '1' else 'rows'}" + _first_rows(rows))


def _first_rows(rows: list[Any]) -> str:
    shown = "; ".join(
        ", ".join(f"{name} {value}" for name, value in row.items()) if isinstance(row, Mapping) else str(row)
        for row in rows[:3]
    )
    return f", first: {shown}"[:900] if shown else ""


def _exceptions(info: Mapping[str, Any]) -> list[str]:
    """GX gives one exception, or one per metric, in the same place."""
    several = (
        [info] if "raised_exception" in info else [one for one in info.values() if isinstance(one, dict)]
    )
    return [str(one.get("exception_message")) for one in several if one.get("raised_exception")]


def _clean(settings: Settings, text: str) -> str:
    secret = password(settings, Role.GATE)
    text = without_password(" ".join(text.split()))
    return text.replace(secret, "***").replace(quote(secret, safe=""), "***")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """GX prints; what it says belongs into results, not between the lines of a command."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        try:
            yield
        finally:
            os.environ.pop(PASSWORD_VARIABLE, None)
