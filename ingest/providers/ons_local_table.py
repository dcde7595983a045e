"""Reading one ONS local table: bytes, header, rows, and whether it may be believed as a whole."""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from ingest.archive import StoredAnswer, VerifiedStream
from ingest.columns import Edition, check_columns
from ingest.definitions import CATALOGUE, OnsLocalDefinition, absent_areas, area_codes
from ingest.periods import published_period
from ingest.rows import FIXED_COLUMNS, ParsedPage, RejectedRow
from planmark.errors import RefusedError

DIMENSION = "indicator"
CHUNK_BYTES = 1 << 18
_LONGEST_LINE = 1 << 20
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_CONFLICT = re.compile(r"<<<<<<< |=======$|>>>>>>> |\|\|\|\|\|\|\| ")
# A bound and its value are printed with rounding noise (64.10000000000001).
_TOLERANCE = 1e-6


@dataclass
class Counts:
    """What became of the rows of a table; all of them stand in one of these."""

    rows_in_table: int = 0
    rows_for_us: int = 0
    rows_of_other_areas: int = 0
    rows_of_other_indicators: int = 0
    rows_of_other_periods: int = 0

    def __str__(self) -> str:
        return (
            f"{self.rows_in_table} rows in the table, {self.rows_for_us} asked for; outside the definition: "
            f"{self.rows_of_other_areas} of other areas, {self.rows_of_other_indicators} "
            f"of other indicators, {self.rows_of_other_periods} of other periods"
        )


@dataclass(frozen=True)
class Row:
    """An observation as it stands in the table."""

    area_code: str
    indicator: str
    unit: str
    period_start: date
    period_months: int
    value: float | None
    lower_bound: float | None
    upper_bound: float | None
    status: str | None


class _FaultyRowError(Exception):
    """A row cannot be an observation: which column, what it holds, why not."""

    def __init__(self, column: str, found: str, reason: str) -> None:
        self.column, self.found, self.reason = column, found, f"{column}: {reason}" if column else reason


class OnsLocalTable:
    """One stored table, read once."""

    def __init__(self, definition: OnsLocalDefinition, answer: StoredAnswer) -> None:
        self.counts = Counts()
        self._definition = definition
        self._answer = answer
        self._areas = frozenset(area_codes(definition))
        self._seen: set[tuple[str, str]] = set()

    def page(self, stream: VerifiedStream) -> ParsedPage:
        """Return every row that is asked for, good or rejected."""
        good, rejected = [], []
        for row in self.rows(stream):
            if isinstance(row, RejectedRow):
                rejected.append(row)
            else:
                good.append(row)
        return ParsedPage(self._answer.number, (DIMENSION,), _arrow(good), tuple(rejected))

    def rows(self, stream: VerifiedStream) -> Iterator[Row | RejectedRow]:
        """Yield every row that is asked for.

        Raises: RefusedError if the answer is not such a table, or stops being one.
        """
        table = csv.reader(self._lines(stream), strict=True)
        try:
            header = next(table, None)
            ours = self._header(header)
            for number, cells in enumerate(table, start=1):
                if cells:
                    self.counts.rows_in_table += 1
                    found = self._row(number, cells, ours)
                    if found:
                        self.counts.rows_for_us += 1
                        yield found
        except csv.Error as error:
            raise self._refusal(
                "is not readable as CSV", f"line {table.line_num}: {error}", "rows of comma-separated text"
            ) from error

    def check(self) -> None:
        """Check the table as a whole, once it is read.

        Raises: RefusedError if an indicator, or an area of one, is missing in full.
        """
        may_lack = absent_areas(self._definition)
        for indicator in self._definition.source.indicators:
            areas = {area for area, of in self._seen if of == indicator}
            if not areas:
                raise self._refusal(
                    "has no row of an indicator", f"none of {indicator!r}", "at least one row"
                )
            missing = sorted(self._areas - areas - may_lack.keys())
            if missing:
                raise self._refusal(
                    f"lacks areas for {indicator!r}",
                    f"no row for {', '.join(missing[:10])}{' ...' if len(missing) > 10 else ''}",
                    f"{len(self._areas) - len(may_lack)} areas, or a reason under may_be_absent",
                )

    def _lines(self, stream: VerifiedStream) -> Iterator[str]:
        """Yield the lines of the text, unpacked and decoded; refuse what is no such text."""
        rest, number = "", 0
        for text in self._text(stream):
            *lines, rest = (rest + text).split("\n")
            if len(rest) > _LONGEST_LINE:
                raise self._refusal(
                    "has a line without end", f"more than {_LONGEST_LINE} characters", "lines of a table"
                )
            for line in lines:
                number += 1
                yield self._line(line + "\n", number)
        if rest:
            yield self._line(rest, number + 1)
        elif not number:
            raise self._refusal("is empty", f"{self._answer.bytes} bytes", "a header and rows")

    def _line(self, line: str, number: int) -> str:
        if _CONFLICT.match(line.rstrip("\r\n")):
            raise self._refusal(
                "holds the marks of an unfinished merge: two versions stand in one file",
                f"line {number}: {line.strip()}",
                "one version; ask the publisher, or take an earlier file",
            )
        if number == 1 and line.lstrip("\ufeff \t\r\n").startswith("<"):
            raise self._refusal("is a web page, not a table", line.strip()[:80], "a header of column names")
        return line

    def _text(self, stream: VerifiedStream) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        size = 0
        try:
            for chunk in self._unpacked(stream):
                size += len(chunk)
                yield decoder.decode(chunk)
            yield decoder.decode(b"", final=True)
        except UnicodeDecodeError as error:
            found = f"{error.object[error.start : error.end]!r} before byte {size}"
            raise self._refusal(
                "is not UTF-8 text", found, "UTF-8, with or without a byte order mark"
            ) from error

    def _unpacked(self, stream: VerifiedStream) -> Iterator[bytes]:
        """Yield the bytes, unpacked if they are gzip: a name or a header may say otherwise."""
        first = stream.read(CHUNK_BYTES)
        if not first.startswith(b"\x1f\x8b"):
            while first:
                yield first
                first = stream.read(CHUNK_BYTES)
            return
        unzip = zlib.decompressobj(wbits=31)
        try:
            while first and not unzip.eof:
                yield unzip.decompress(first, CHUNK_BYTES)
                first = unzip.unconsumed_tail or stream.read(CHUNK_BYTES)
        except zlib.error as error:
            raise self._refusal("is a broken gzip file", error, "a whole gzip file") from error
        if not unzip.eof:
            raise self._refusal(
                "is a gzip file that is cut short", f"{self._answer.bytes} bytes", "a whole gzip file"
            )
        if first or unzip.unused_data:
            raise self._refusal(
                "has bytes after the end of its gzip stream", f"{self._answer.bytes} bytes", "one stream"
            )

    def _header(self, header: list[str] | None) -> dict[str, int]:
        """Return the place of each of our columns, by the edition whose headers these are."""
        if not header:
            raise self._refusal("has no header", header, "a header of column names")
        editions = _editions(self._definition)
        for edition in editions:
            if set(edition.ours_by_header) == set(header) and len(set(header)) == len(header):
                places = {edition.ours_by_header[name]: place for place, name in enumerate(header)}
                return places | {"": len(header)}
        nearest = min(editions, key=lambda edition: sum(map(len, edition.difference(header))))
        missing, unknown = nearest.difference(header)
        raise self._refusal(
            "has a header that no known edition has",
            f"nearest is edition {nearest.name!r}, missing: {', '.join(missing) or 'none'}; "
            f"unknown or repeated: {', '.join(unknown) or _repeated(header) or 'none'}",
            f"an edition of {self._definition.source.columns}.columns.csv",
            next_step="if the publisher changed it, add a column to that file",
        )

    def _row(self, number: int, cells: list[str], ours: dict[str, int]) -> Row | RejectedRow | None:
        """Return a row, or why it is none; None if it is not asked for."""
        if len(cells) != ours[""]:
            fault = _FaultyRowError("", str(len(cells)), f"has {len(cells)} cells; the header has {ours['']}")
            return self._rejected(number, cells, fault)
        cell = {name: cells[place] for name, place in ours.items() if name and name != "ignored"}
        try:
            return self._observation(cell)
        except _FaultyRowError as fault:
            return self._rejected(number, cells, fault)

    def _rejected(self, number: int, cells: list[str], fault: _FaultyRowError) -> RejectedRow:
        line = io.StringIO()
        csv.writer(line, lineterminator="").writerow(cells)
        return RejectedRow(
            self._answer.number, number, fault.column, fault.found, fault.reason, line.getvalue()
        )

    def _observation(self, cell: dict[str, str]) -> Row | None:
        area, name = cell["area_code"], cell["indicator"]
        if area not in self._areas:
            self.counts.rows_of_other_areas += 1
            return None
        indicator = self._definition.source.indicators.get(name)
        if not indicator:
            self.counts.rows_of_other_indicators += 1
            return None
        self._seen.add((area, name))
        start, months = _period(cell["period"])
        periods = self._definition.periods
        if start < periods.first or (periods.last and start > periods.last):
            self.counts.rows_of_other_periods += 1
            return None
        for column, expected in (("measure", indicator.measure), ("unit", indicator.unit_label)):
            if cell[column] != expected:
                raise _FaultyRowError(column, cell[column], f"the definition says {expected!r}")
        value = self._value(cell, indicator.unit)
        lower, upper = _bounds(cell, value)
        status = cell.get("status") or None
        return Row(area, name, indicator.unit, start, months, value, lower, upper, status)

    def _value(self, cell: dict[str, str], unit: str) -> float | None:
        value = _number("value", cell["value"])
        if value is None:
            if not cell.get("status"):
                raise _FaultyRowError("value", "", "is empty without a status that says why")
            return None
        bounds = self._definition.valid.bounds("value", unit)
        if not bounds.allow(value):
            allowed = f"{bounds.minimum} to {bounds.maximum}"
            raise _FaultyRowError("value", cell["value"], f"cannot be true; allowed: {allowed} {unit}")
        return value

    def _refusal(self, what: str, got: object, expected: object, *, next_step: str = "") -> RefusedError:
        return RefusedError(
            f"the table {what}",
            where=f"{self._definition.id}, {self._answer.request.url}",
            got=got,
            expected=expected,
            next_step=next_step or "the last good version stays; the next run tries again",
        )


def _period(text: str) -> tuple[date, int]:
    try:
        return published_period(text)
    except ValueError as error:
        raise _FaultyRowError("period", text, str(error)) from None


def _number(column: str, text: str) -> float | None:
    """Return a number, None for an empty cell; NaN, 1e400, n/a and 1,234 are faults."""
    if text == "":
        return None
    number = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not math.isfinite(number):
        raise _FaultyRowError(column, text, "is not a finite number")
    return number


def _bounds(cell: dict[str, str], value: float | None) -> tuple[float | None, float | None]:
    lower, upper = (_number(name, cell.get(name, "")) for name in ("lower_bound", "upper_bound"))
    slack = _TOLERANCE * max(1.0, abs(value or 0.0))
    if lower is not None and upper is not None and lower > upper:
        raise _FaultyRowError(
            "lower_bound", cell["lower_bound"], f"is above the upper bound {cell['upper_bound']}"
        )
    if value is not None and lower is not None and lower > value + slack:
        raise _FaultyRowError("lower_bound", cell["lower_bound"], f"is above its value {cell['value']}")
    if value is not None and upper is not None and upper < value - slack:
        raise _FaultyRowError("upper_bound", cell["upper_bound"], f"is below its value {cell['value']}")
    return lower, upper


def _editions(definition: OnsLocalDefinition) -> tuple[Edition, ...]:
    editions, _ = check_columns(CATALOGUE / definition.provider / f"{definition.source.columns}.columns.csv")
    return editions


def _repeated(header: Iterable[str]) -> str:
    names = list(header)
    return ", ".join(sorted({name for name in names if names.count(name) > 1}))


def _arrow(rows: list[Row]) -> pa.Table:
    columns: dict[str, list[object]] = {
        "area_code": [row.area_code for row in rows],
        DIMENSION: [row.indicator for row in rows],
        "role": ["value"] * len(rows),
        **{name: [getattr(row, name) for row in rows] for name in list(FIXED_COLUMNS)[2:]},
    }
    types = FIXED_COLUMNS | {DIMENSION: pa.string()}
    return pa.table({name: pa.array(values, type=types[name]) for name, values in columns.items()})
