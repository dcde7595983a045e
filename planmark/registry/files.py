"""Reading the files of the registry: text to typed rows, every fault of a cell named where it stands.

Nothing is repaired: a file that a spreadsheet mangled is read as far as it can be, so that its other faults are
shown too, but it has faults and is not loaded.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from planmark.registry.declaration import Column, File

PERIOD = re.compile(r"(\d{4}-\d\d-\d\d)/P(?:(0)D|([1-9]\d*)M)")
EACH = re.compile(r"R/P[1-9]\d*[WMY]")
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?")
_TURNED = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")
_INVISIBLE = re.compile(r"[\u0000-\u001f\u007f-\u009f\u00a0\u200b-\u200f\u2028\u2029\ufeff\ufffd]")
_MOST_SHOWN = 60


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong: the file, the row as a spreadsheet counts it (the header is 1), the column."""

    file: str
    row: int
    column: str
    found: str
    allowed: str

    def __str__(self) -> str:
        found = self.found if len(self.found) <= _MOST_SHOWN else f"{self.found[: _MOST_SHOWN - 1]}…"
        return f"{self.file}: row {self.row}: {self.column}: found {found!r}; allowed: {self.allowed}"


@dataclass(frozen=True)
class Row:
    """One row: its typed cells by column; a cell that is empty or faulty is None."""

    file: str
    number: int
    cells: Mapping[str, Any]
    faulty: frozenset[str] = frozenset()

    def __getitem__(self, column: str) -> Any:  # noqa: ANN401  (the declaration says which type)
        return self.cells[column]

    def fault(self, column: str, allowed: str, found: object = None) -> Fault:
        """Return a fault of one of its cells; `found` is the cell's value unless given."""
        value = self.cells.get(column) if found is None else found
        return Fault(self.file, self.number, column, "" if value is None else shown(value), allowed)


@dataclass
class Table:
    """The rows of one file, and every fault of its cells."""

    declared: File
    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)

    @property
    def file(self) -> str:
        """The file's name."""
        return f"{self.declared.name}.csv"


def shown(value: object) -> str:
    """Return a value as it would be written in a file: 5 and not 5.0."""
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def read(path: Path, declared: File) -> Table:
    """Read one file. A missing file is an empty table: a plan need not have risks."""
    table = Table(declared)
    if path.exists():
        text = _text(path.read_bytes(), table)
        _rows(text, table)
    return table


def _text(content: bytes, table: Table) -> str:
    """Decode the bytes, naming what a spreadsheet may have done to them."""
    if content.startswith(b"\xef\xbb\xbf"):
        table.faults.append(
            Fault(
                table.file, 1, "(file)", "a byte order mark", "UTF-8 without one (not 'CSV UTF-8' of Excel)"
            )
        )
        content = content[3:]
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        wrong = content[error.start : error.end].decode("windows-1252", errors="replace")
        table.faults.append(
            Fault(table.file, row, "(file)", f"{wrong} as in Windows-1252", "UTF-8; save the file as UTF-8")
        )
        return content.decode("windows-1252", errors="replace")


def _rows(text: str, table: Table) -> None:
    first = text.split("\n", 1)[0]
    delimiter = next((mark for mark in (";", "\t") if mark in first and "," not in first), ",")
    if delimiter != ",":
        table.faults.append(
            Fault(table.file, 1, "(file)", f"cells divided by {delimiter!r}", "cells divided by commas")
        )
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(lines, [])]
        if not _header(header, table):
            return
        for cells in lines:
            _row(cells, header, lines.line_num, table)
    except csv.Error as error:
        table.faults.append(
            Fault(
                table.file, lines.line_num, "(row)", str(error), "quotes around a whole cell, doubled inside"
            )
        )


def _header(header: list[str], table: Table) -> bool:
    """Name the columns that are missing, unknown, twice there or out of order; False if nothing can be read."""
    wanted = list(table.declared.columns)
    faults = [
        Fault(table.file, 1, name, "a header without it", "every column of the declaration")
        for name in wanted
        if name not in header
    ]
    faults += [
        Fault(
            table.file, 1, name or "(no name)", "a column that is not known or there twice", ", ".join(wanted)
        )
        for place, name in enumerate(header)
        if name not in wanted or name in header[:place]
    ]
    if not faults and header != wanted:
        faults = [Fault(table.file, 1, "(header)", "columns in another order", ", ".join(wanted))]
    table.faults += faults
    return any(name in wanted for name in header)


def _row(cells: list[str], header: list[str], number: int, table: Table) -> None:
    if not any(cells):
        table.faults.append(Fault(table.file, number, "(row)", "an empty row", "no empty rows"))
        return
    if len(cells) != len(header):
        table.faults.append(
            Fault(
                table.file,
                number,
                "(row)",
                f"{len(cells)} cells",
                f"{len(header)} cells, one for each column",
            )
        )
        return
    written = dict(zip(header, cells, strict=True))
    values: dict[str, Any] = {}
    faulty = set()
    for column in table.declared.columns.values():
        text = written.get(column.name, "")
        values[column.name] = None
        if column.name not in written:
            faulty.add(column.name)
            continue
        try:
            values[column.name] = cell(text, column)
        except CellError as error:
            faulty.add(column.name)
            table.faults.append(Fault(table.file, number, column.name, text, str(error)))
    table.rows.append(Row(table.file, number, values, frozenset(faulty)))


class CellError(ValueError):
    """A cell that breaks a rule of its column. The message is what is allowed."""


def cell(text: str, column: Column) -> Any:  # noqa: ANN401
    """Return the typed value of a cell, None if it is empty. Raises: CellError saying what is allowed."""
    if text != text.strip():
        raise CellError("no blanks at either end")
    if _INVISIBLE.search(text):
        raise CellError("no line breaks, control characters or fixed blanks")
    if text == "":
        if column.must_be_filled:
            raise CellError("a value; this column may not be empty")
        return None
    value = _TYPES[column.type](text)
    for part in text.split("; ") if column.list else (text,):
        if column.allowed and part not in column.allowed:
            raise CellError(_one_of(column.allowed))
    if column.pattern and not re.fullmatch(column.pattern, text):
        raise CellError(f"text that fits {column.pattern}")
    if column.form:
        _check_form(text, column.form)
    if column.words is not None and len(text.split()) > column.words:
        raise CellError(f"{column.words} words at most, not {len(text.split())}")
    if column.minimum is not None and value < column.minimum:
        raise CellError(f"{shown(column.minimum)} or more")
    if column.maximum is not None and value > column.maximum:
        raise CellError(f"{shown(column.maximum)} or less")
    return value


def _one_of(allowed: tuple[str, ...]) -> str:
    return ", ".join(allowed)


def _check_form(text: str, form: str) -> None:
    found = PERIOD.fullmatch(text)
    if found:
        day(found[1])
        return
    each = "; or R/P1W, R/P1M, R/P3M, R/P1Y for each week, month, quarter, year"
    if form == "period_or_each" and EACH.fullmatch(text):
        return
    raise CellError(
        "first day and length in months, such as 2013-04-01/P12M (P0D for one day)"
        + (each if form == "period_or_each" else "")
    )


def day(text: str) -> date:
    """Return a date written as 2014-03-31. Raises: CellError saying how to write it, or why it is no date."""
    turned = _TURNED.fullmatch(text)
    if turned:
        first, second, year = (int(part) for part in turned.groups())
        readings = sorted({r for r in (_iso(year, second, first), _iso(year, first, second)) if r})
        raise CellError(f"year-month-day, here {' or '.join(readings) or 'a date that exists'}")
    if not re.fullmatch(r"\d{4}-\d\d-\d\d", text):
        raise CellError("a date such as 2014-03-31 (year-month-day)")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise CellError(f"a date that exists ({error})") from None


def _iso(year: int, month: int, day_: int) -> str | None:
    try:
        return date(year, month, day_).isoformat()
    except ValueError:
        return None


def _number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        plain = text.strip("£%€ ").replace(",", "").replace(" ", "")
        hint = f", here {plain}" if _NUMBER.fullmatch(plain) else ""
        raise CellError(f"a number without thousands separator, unit or other signs{hint}")
    return float(text)


def _whole(text: str) -> int:
    value = _number(text)
    if not re.fullmatch(r"-?\d+", text):
        raise CellError("a whole number")
    return int(value)


def _truth(text: str) -> bool:
    if text not in ("true", "false"):
        raise CellError("true or false")
    return text == "true"


def _json(text: str) -> list[dict[str, str]]:
    try:
        value = json.loads(text)
    except ValueError:
        value = None
    if (
        not isinstance(value, list)
        or not value
        or not all(
            isinstance(part, dict) and all(isinstance(code, str) for code in part.values()) for part in value
        )
    ):
        raise CellError('a list of codes as JSON, such as [{"variable": "45"}]')
    return value


_TYPES: Mapping[str, Callable[[str], Any]] = {
    "text": str,
    "date": day,
    "double precision": _number,
    "integer": _whole,
    "boolean": _truth,
    "jsonb": _json,
}


def periods(rows: list[Row], column: str) -> Iterator[tuple[Row, date, int]]:
    """Yield each row that has a dated period in a column, with its first day and months (0: a single day)."""
    for row in rows:
        found = PERIOD.fullmatch(row[column] or "")
        if found:
            yield row, date.fromisoformat(found[1]), int(found[3] or 0)
