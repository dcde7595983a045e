"""Parsed pages as COPY wants them: series by number, rows in PostgreSQL's binary format.

Text would do too, but the server then spends as long on reading numbers as on storing them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.arrow import are_null, as_numpy
from ingest.rows import ParsedPage
from planmark.errors import LoadError

#: Rows that are sorted and sent together. More save the server little, and memory grows with them.
BATCH_ROWS = 75_000
#: Series that are remembered. Beyond that all are forgotten, and looked up in the database again.
MOST_SERIES_KNOWN = 100_000

#: Columns of the rows, in the order in which `Batch.copy_stream` gives them.
ROW_COLUMNS = ("series_id", "period_start", "period_months", "value", "lower_bound", "upper_bound", "status")

_NUMBERS = ("value", "lower_bound", "upper_bound")
_COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"
_DAY_ZERO = 10_957  # PostgreSQL counts days from 2000-01-01, Arrow from 1970-01-01
_MOMENT_ZERO = datetime(2000, 1, 1, tzinfo=UTC)
_ROW = np.dtype(
    [("series_id", "i8"), ("day", "i4"), ("months", "i2"), ("shape", "i4"), *((n, "f8") for n in _NUMBERS)]
)
_Rows = npt.NDArray[np.void]
#: The gaps of a row (bit 0: no value, 1: no lower bound, 2: no upper bound) and its status. Rows of one shape
#: are equally long in a COPY stream, and are written together.
_Shape = tuple[int, bytes | None]
_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Series:
    """One series: a row of `raw.series`, the delivery aside."""

    series_id: int
    family_id: int
    dataset_id: str
    area_code: str
    dimensions: Mapping[str, str]
    role: str
    unit: str

    @classmethod
    def of(
        cls, dataset_id: str, area_code: str, dimensions: Mapping[str, str], role: str, unit: str
    ) -> Series:
        """Return the series with its ids."""
        return cls(
            series_id(dataset_id, area_code, dimensions, role, unit),
            family_id(dataset_id, area_code, dimensions),
            dataset_id,
            area_code,
            dimensions,
            role,
            unit,
        )


def series_id(dataset_id: str, area_code: str, dimensions: Mapping[str, str], role: str, unit: str) -> int:
    """Return the id of a series: the first 8 bytes of the SHA-256 of its key, signed; the same everywhere."""
    return _hash([dataset_id, area_code, sorted(dimensions.items()), role, unit])


def family_id(dataset_id: str, area_code: str, dimensions: Mapping[str, str]) -> int:
    """Return the id that value, confidence, numerator and denominator of one quantity share."""
    return _hash([dataset_id, area_code, sorted(dimensions.items())])


def _hash(key: list[object]) -> int:
    text = json.dumps(key, ensure_ascii=False, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big", signed=True)


@dataclass(frozen=True)
class Batch:
    """Rows of several pages as a binary COPY stream, and the series that this load has not met before."""

    stream: tuple[bytes | memoryview, ...]
    rows: int
    rejected: int
    new_series: tuple[Series, ...]


@dataclass(frozen=True)
class Version:
    """What is the same in every new row of the history."""

    valid_from: datetime
    delivery_id: int


def _copy_stream(
    rows: _Rows, shapes: list[_Shape], version: Version | None
) -> tuple[bytes | memoryview, ...]:
    """Return rows as a binary COPY stream: ROW_COLUMNS, then those of the version if there is one.

    The rows of a shape are sorted by series, so that the server finds the pages of the primary key in its cache.
    """
    parts = []
    for shape in np.unique(rows["shape"]).tolist():
        places = np.flatnonzero(rows["shape"] == shape)
        # `take`, since an index into an array of records costs thirty times as much.
        chosen = rows.take(places[np.argsort(rows["series_id"].take(places))])
        parts.append(_fields(chosen, shapes[shape], version))
    return (_COPY_BEGIN, *parts, _COPY_END)


def _fields(rows: _Rows, shape: _Shape, version: Version | None) -> memoryview:
    """Return rows of one shape as COPY fields: the number of fields, then length and content of each."""
    missing, status = shape
    fields: list[tuple[str, object]] = [
        (">i8", rows["series_id"]),
        (">i4", rows["day"] - _DAY_ZERO),
        (">i2", rows["months"]),
        *(("", None) if missing >> bit & 1 else (">f8", rows[name]) for bit, name in enumerate(_NUMBERS)),
        ("", None) if status is None else (f"S{len(status)}", status),
    ]
    if version:
        fields += [(">i8", _microseconds(version.valid_from)), (">i8", version.delivery_id)]
    parts = [("count", ">i2")]
    for number, (kind, _) in enumerate(fields):
        parts += [(f"length_{number}", ">i4"), *([(f"content_{number}", kind)] if kind else [])]
    out = np.empty(len(rows), dtype=np.dtype(parts))
    out["count"] = len(fields)
    for number, (kind, content) in enumerate(fields):
        out[f"length_{number}"] = np.dtype(kind).itemsize if kind else -1
        if kind:
            out[f"content_{number}"] = content
    return out.view(np.uint8).data


def _microseconds(moment: datetime) -> int:
    since = moment - _MOMENT_ZERO
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


class Encoder:
    """Turns the pages of one delivery into batches; with a `version`, ready for `raw.observations`."""

    def __init__(self, dataset_id: str, version: Version | None = None) -> None:
        self._dataset_id = dataset_id
        self._version = version
        self._known: dict[tuple[str, ...], dict[tuple[str, ...], int]] = {}
        self._shapes: dict[_Shape, int] = {}

    def batches(self, pages: Iterable[ParsedPage], batch_rows: int = BATCH_ROWS) -> Iterator[Batch]:
        """Yield the rows of all pages, about `batch_rows` at a time; the first page by itself: the database waits.

        Raises: LoadError if a page is not as `ingest.rows` says; what `pages` raises passes through.
        """
        rows: list[_Rows] = []
        new: list[Series] = []
        rejected, enough = 0, 1
        for page in pages:
            rows.append(self._rows(page, new))
            rejected += len(page.rejected)
            if sum(map(len, rows)) >= enough:
                yield self._batch(rows, new, rejected)
                rows, new, rejected, enough = [], [], 0, batch_rows
        if rows:
            yield self._batch(rows, new, rejected)

    def _batch(self, pages: list[_Rows], new: list[Series], rejected: int) -> Batch:
        """Return the rows of all pages as one batch; `pages` is emptied, so that memory is not held twice."""
        rows = np.concatenate(pages)
        pages.clear()
        return Batch(_copy_stream(rows, list(self._shapes), self._version), len(rows), rejected, tuple(new))

    def _rows(self, page: ParsedPage, new: list[Series]) -> _Rows:
        table = page.rows.combine_chunks()
        self._check(page, table)
        out = np.empty(table.num_rows, dtype=_ROW)
        out["series_id"] = self._series_ids(page, table, new)
        out["day"] = as_numpy(table["period_start"])
        out["months"] = as_numpy(table["period_months"])
        missing = np.zeros(table.num_rows, dtype=np.int64)
        for bit, name in enumerate(_NUMBERS):
            null = are_null(table[name])
            out[name] = np.where(null, 0.0, as_numpy(table[name]))
            missing |= null.astype(np.int64) << bit
            if not np.isfinite(out[name]).all():
                raise self._wrong(page, f"{name} is not a finite number", "a number, or null")
        statuses, names = _codes(table["status"])
        out["shape"] = self._shape_numbers(missing, statuses, names)
        return out

    def _check(self, page: ParsedPage, table: pa.Table) -> None:
        for name in ("area_code", *page.dimensions, "role", "unit", "period_start", "period_months"):
            if table[name].null_count:
                raise self._wrong(page, f"{name} is null", "every part of a key is given")
        if (are_null(table["value"]) & are_null(table["status"])).any():
            raise self._wrong(page, "neither a value nor a status", "a missing value has a status")

    def _wrong(self, page: ParsedPage, got: str, expected: str) -> LoadError:
        return LoadError(
            "a parsed row cannot be kept; nothing was loaded",
            where=f"{self._dataset_id}, answer {page.request_number}", got=got, expected=expected,
            next_step="this is a fault of the parser, not of the data: report it",
        )  # fmt: skip

    def _series_ids(self, page: ParsedPage, table: pa.Table, new: list[Series]) -> _Numbers:
        """Return the series of each row. Each key is hashed once, however many rows have it."""
        columns = [_codes(table[name]) for name in ("area_code", *page.dimensions, "role", "unit")]
        combined, first_rows = _distinct(columns, table.num_rows)
        keys = list(
            zip(
                *([names[code] for code in codes[first_rows].tolist()] for codes, names in columns),
                strict=True,
            )
        )
        known = self._known.setdefault(page.dimensions, {})
        ids = list(map(known.get, keys))
        if None in ids:
            if len(known) > MOST_SERIES_KNOWN:
                known.clear()
            ids = [self._series_of(page.dimensions, key, new) for key in keys]
        return np.array(ids, dtype=np.int64)[combined]

    def _series_of(self, dimensions: tuple[str, ...], key: tuple[str, ...], new: list[Series]) -> int:
        known = self._known[dimensions]
        if key not in known:
            area, *codes, role, unit = key
            series = Series.of(self._dataset_id, area, dict(zip(dimensions, codes, strict=True)), role, unit)
            known[key] = series.series_id
            new.append(series)
        return known[key]

    def _shape_numbers(self, missing: _Numbers, statuses: _Numbers, names: list[str | None]) -> _Numbers:
        combined = statuses * 8 + missing
        distinct, places = np.unique(combined, return_inverse=True)
        numbers = []
        for code in distinct.tolist():
            status = names[code >> 3]
            shape = (code & 7, None if status is None else status.encode())
            numbers.append(self._shapes.setdefault(shape, len(self._shapes)))
        return np.array(numbers, dtype=np.int64)[places]


def _codes(column: pa.ChunkedArray) -> tuple[_Numbers, list[str | None]]:
    """Return a text column as numbers and what they stand for; the number of null stands for None."""
    if not pa.types.is_dictionary(column.type):
        column = pc.dictionary_encode(column)
    if not column.num_chunks:  # a page without rows
        return np.zeros(0, dtype=np.int64), [None]
    coded = column.unify_dictionaries().combine_chunks()
    names = coded.dictionary.to_pylist()
    codes = np.where(are_null(coded.indices), len(names), as_numpy(coded.indices))
    return codes.astype(np.int64), [*names, None]


def _distinct(columns: list[tuple[_Numbers, list[str | None]]], rows: int) -> tuple[_Numbers, _Numbers]:
    """Return, for columns of codes, the number of each row's combination and the first row of each."""
    combined, size = np.zeros(rows, dtype=np.int64), 1
    for codes, names in columns:
        if size * len(names) >= 1 << 62:
            distinct, combined = np.unique(combined, return_inverse=True)
            size = len(distinct)
        combined = combined * len(names) + codes
        size *= len(names)
    _, first_rows, places = np.unique(combined, return_index=True, return_inverse=True)
    return places, first_rows
