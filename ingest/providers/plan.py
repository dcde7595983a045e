"""Figures printed in plans: a file of the plan registry becomes observations, through the same door as all others.

One series a figure: the dimensions are the plan and the figure's id, so that it is never added up with another and
a reader finds its row, and from there the line of the plan.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from ingest.archive import DeliveryReader, DeliveryWriter, RequestMeta
from ingest.definitions import Definition, PlanDefinition
from ingest.provider import ProviderState
from ingest.rows import FIXED_COLUMNS, ParsedPage, RejectedRow
from planmark.errors import FetchError, RefusedError
from planmark.registry import declaration
from planmark.registry.files import PERIOD, CellError, cell
from planmark.settings import Settings

DIMENSIONS = ("plan", "statistic")


class PlanProvider:
    """Reads a file of the registry that `settings.plans` names. See `ingest/provider.py`."""

    name = "plan"

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.plans

    def origin(self) -> str:
        """Return `plan`: what a plan prints is neither official nor made up."""
        return "plan"

    def state(self, definition: Definition) -> ProviderState:
        """Say how the file stands: by its checksum."""
        return ProviderState(fingerprint=sha256(self._content(definition)).hexdigest())

    def fetch(self, definition: Definition, delivery: DeliveryWriter) -> None:
        """Put the file into the archive as it is. Raises: FetchError if it cannot be read."""
        content = self._content(definition)
        delivery.resume(secrets.token_hex(8))  # one answer: what a broken fetch left behind goes
        delivery.write(RequestMeta(url=self._path(definition).as_uri(), suffix="csv"), iter([content]))

    def parse(self, definition: Definition, delivery: DeliveryReader) -> Iterator[ParsedPage]:
        """Read the stored file: one page, every row in it kept or rejected.

        Raises: RefusedError if its header is not the declared one.
        """
        declared = declaration.files()[_ours(definition).source.file]
        for answer in delivery:
            with closing(delivery.open(answer)) as stream:
                lines = csv.reader(io.StringIO(stream.read().decode("utf-8"), newline=""))
            header = next(lines, [])
            if header != list(declared.columns):
                raise RefusedError(
                    "the file has another header", where=f"{definition.id}, {answer.request.url}",
                    got=", ".join(header), expected=", ".join(declared.columns), next_step="planmark plans check",
                )  # fmt: skip
            kept: list[dict[str, object]] = []
            rejected: list[RejectedRow] = []
            for number, cells in enumerate(lines, start=1):
                try:
                    kept.append(_row(dict(zip(header, cells, strict=True)), declared))
                except _FaultyCellError as fault:
                    rejected.append(
                        RejectedRow(
                            answer.number, number, fault.column, fault.found, str(fault), ",".join(cells)
                        )
                    )
                except ValueError:
                    rejected.append(
                        RejectedRow(answer.number, number, "(row)", f"{len(cells)} cells", "has too many or too few cells",
                                    ",".join(cells))
                    )  # fmt: skip
            yield ParsedPage(answer.number, DIMENSIONS, _arrow(kept), tuple(rejected))

    def _path(self, definition: Definition) -> Path:
        return (self._folder / f"{_ours(definition).source.file}.csv").absolute()

    def _content(self, definition: Definition) -> bytes:
        path = self._path(definition)
        try:
            return path.read_bytes()
        except OSError as error:
            raise FetchError(
                "the file of the plan registry cannot be read", where=f"{definition.id}, {path}", got=error.strerror,
                next_step="planmark plans check",
            ) from error  # fmt: skip


class _FaultyCellError(CellError):
    def __init__(self, column: str, found: str, allowed: str) -> None:
        super().__init__(f"allowed: {allowed}")
        self.column = column
        self.found = found


def _ours(definition: Definition) -> PlanDefinition:
    if not isinstance(definition, PlanDefinition):
        raise TypeError(f"{definition.id} is not a file of the plan registry")
    return definition


def _row(written: dict[str, str], declared: declaration.File) -> dict[str, object]:
    values: dict[str, object] = {}
    for name, column in declared.columns.items():
        try:
            values[name] = cell(written[name], column)
        except CellError as error:
            raise _FaultyCellError(name, written[name], str(error)) from None
    period = PERIOD.fullmatch(str(values["period"]))
    assert period  # noqa: S101  (the declaration says so)
    return {
        "area_code": values["area_code"],
        "plan": values["plan_id"],
        "statistic": values["statistic_id"],
        "role": "value",
        "unit": values["unit"],
        "period_start": date.fromisoformat(period[1]),
        "period_months": int(period[3] or 0),
        "value": values["value"],
        "lower_bound": None,
        "upper_bound": None,
        "status": values["comparator"] if values["comparator"] != "equal" else None,
    }


def _arrow(rows: list[dict[str, object]]) -> pa.Table:
    types = {"area_code": pa.string(), **dict.fromkeys(DIMENSIONS, pa.string()), **FIXED_COLUMNS}
    return pa.table({name: pa.array([row[name] for row in rows], type=kind) for name, kind in types.items()})
