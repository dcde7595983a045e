"""Reading a NOMIS answer, and deciding whether it may be believed.

The service answers a wrong question with a normal-looking table: an unknown code by the total, an unknown
measure by nothing, too long an answer by its beginning. So every answer is compared with what was asked, code
by code.
Only the stored bytes are read here: no network, no database.
"""

from __future__ import annotations

import codecs
import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from ingest.archive import DeliveryReader, StoredAnswer, VerifiedStream
from ingest.arrow import are_null, array_of, as_numpy, texts_of
from ingest.definitions import NomisDefinition, absent_areas, absent_codes
from ingest.periods import period_of
from ingest.rows import ParsedPage, RejectedRow
from planmark.errors import RefusedError

#: An answer is read in pieces of about so many rows, so memory does not grow with the answer.
PIECE_ROWS = 40_000
#: Bytes of a piece when nothing is known of the rows: enough for PIECE_ROWS rows of 40 columns.
PIECE_BYTES = 16 << 20
SMALLEST_PIECE = 1 << 20
BLOCK_BYTES = 1 << 20
#: Units whose values cannot be negative, whatever the definition forgets to say.
NEVER_NEGATIVE = frozenset({"people", "jobs", "businesses", "percent", "percentage_points"})
_MOST_FAULTS_SHOWN = 20
_LONGEST_LINE = 1 << 16

_DATE_COLUMNS = ("DATE", "DATE_NAME", "DATE_CODE", "DATE_TYPE", "DATE_TYPECODE", "DATE_SORTORDER")
_PARTS = ("", "_NAME", "_CODE", "_TYPE", "_TYPECODE", "_SORTORDER")
_LAST_COLUMNS = (
    "MEASURES", "MEASURES_NAME", "OBS_VALUE", "OBS_STATUS", "OBS_STATUS_NAME", "OBS_CONF", "OBS_CONF_NAME",
    "URN", "RECORD_OFFSET", "RECORD_COUNT",
)  # fmt: skip
_TEXT = pa.string()
_CODE = pa.dictionary(pa.int32(), pa.string())


@dataclass(frozen=True)
class Asked:
    """What was asked, code by code; kept beside the answers, so that they can be judged at any later time."""

    dataset: str
    areas: tuple[str, ...]
    periods: tuple[str, ...]
    dimensions: Mapping[str, tuple[str, ...]]
    measures: tuple[str, ...]
    #: Number of the kind of area (298 for TYPE298), if all areas must be of one kind.
    area_type: str = ""

    @classmethod
    def of(cls, definition: NomisDefinition, *, areas: Iterable[str], periods: Iterable[str]) -> Asked:
        """Return all that a definition selects, for these areas and periods."""
        source = definition.source
        return cls(
            dataset=source.dataset,
            areas=tuple(areas),
            periods=tuple(periods),
            dimensions=dict(source.select),
            measures=tuple(source.measures),
            area_type=(source.geography_type or "").removeprefix("TYPE"),
        )

    def to_facts(self) -> dict[str, Any]:
        """Return it as it stands in the manifest."""
        return asdict(self)

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Asked:
        """Read what `to_facts` wrote."""
        return cls(
            dataset=facts["dataset"],
            areas=tuple(facts["areas"]),
            periods=tuple(facts["periods"]),
            dimensions={name: tuple(codes) for name, codes in facts["dimensions"].items()},
            measures=tuple(facts["measures"]),
            area_type=facts["area_type"],
        )

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns to select: what identifies a cell, value and status, and the proof of completeness."""
        return (
            "DATE",
            "GEOGRAPHY_CODE",
            *(("GEOGRAPHY_TYPECODE",) if self.area_type else ()),
            *(name.upper() for name in self.dimensions),
            "MEASURES",
            "OBS_VALUE",
            "OBS_STATUS",
            "RECORD_OFFSET",
            "RECORD_COUNT",
        )

    def header_fault(self, header: list[str]) -> str:
        """Say what is wrong with the columns; empty if they are the selected or the full ones."""
        if header == list(self.columns):
            return ""
        full = self._full_columns(header)
        if header == full:
            return ""
        expected = full if len(header) > len(self.columns) + 5 else list(self.columns)
        missing = [name for name in expected if name not in header]
        extra = [name for name in header if name not in expected]
        told = [f"missing {', '.join(missing)}"] if missing else []
        told += [f"not expected: {', '.join(name[:60] for name in extra[:20])}"] if extra else []
        return "the columns have changed: " + ("; ".join(told) or "another order, or one stands twice")

    def _full_columns(self, header: list[str]) -> list[str]:
        """Return the columns of an answer without `select`; dimensions stand in the dataset's own order."""
        place = {name: number for number, name in enumerate(header)}
        names = sorted((name.upper() for name in self.dimensions), key=lambda name: place.get(name, 1 << 30))
        groups = [f"{name}{part}" for name in ("GEOGRAPHY", *names) for part in _PARTS]
        return [*_DATE_COLUMNS, *groups, *_LAST_COLUMNS]


def not_csv(start: bytes, content_type: str, size: int) -> str:
    """Say why an answer with status 200 is not a table; empty if it may be one."""
    text = start.decode("utf-8", "replace").strip()
    kind = content_type.split(";")[0].strip().lower()
    if size == 0:
        return (
            "an empty body (0 bytes): the service gives it for a concept or measure the dataset does not have"
        )
    if start.startswith(codecs.BOM_UTF8) or start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return "a byte order mark before the header"
    if text[:1] == "<" or "html" in kind:
        return f"an HTML page instead of a table: {' '.join(text.split())[:120]}"
    if text[:1] == "{" or "json" in kind:
        return f"JSON instead of a table: {_json_error(text)}"
    if text.lower().startswith("error"):
        return f"an error text instead of a table: {text[:200]}"
    if kind and "xml" in kind:
        return f"content type {kind} instead of CSV"
    return ""


def _json_error(text: str) -> str:
    try:
        return str(json.loads(text)["error"])[:200]
    except (ValueError, KeyError, TypeError):
        return text[:200]


class PageWatch:
    """Looks at an answer while it streams into the archive: enough to know what to ask for next.

    The full check of every row is made by `read_answers`; this one needs no more memory than two lines.
    """

    def __init__(self, asked: Asked, content_type: str) -> None:
        self._asked = asked
        self._content_type = content_type
        self._start = b""
        self._tail = b""
        self._lines = 0
        self._size = 0
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._not_utf8 = ""

    def through(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the chunks unchanged, looking at each."""
        for chunk in chunks:
            self._look(chunk)
            yield chunk

    def _look(self, chunk: bytes) -> None:
        if len(self._start) < _LONGEST_LINE:
            self._start += chunk[: _LONGEST_LINE - len(self._start)]
        if not self._not_utf8:
            try:
                self._utf8.decode(chunk)
            except UnicodeDecodeError as error:
                self._not_utf8 = f"not UTF-8 near byte {self._size + error.start}"
        self._lines += chunk.count(b"\n")
        self._size += len(chunk)
        self._tail = (self._tail + chunk)[-_LONGEST_LINE:]

    def facts(self) -> dict[str, Any]:
        """Return `rows`, `first_offset`, `last_offset`, `record_count`, and `faults` in words."""
        wrong = not_csv(self._start, self._content_type, self._size) or self._not_utf8
        if wrong:
            return {"rows": 0, "faults": [wrong]}
        ended = self._tail.endswith(b"\n")
        rows = self._lines - 1 + (0 if ended else 1)
        first_lines = self._start.split(b"\n", 2)
        header_fault = self._asked.header_fault(read_header(first_lines[0]))
        if header_fault:
            return {"rows": max(rows, 0), "faults": [header_fault]}
        if rows < 1:
            return {"rows": 0, "faults": []}
        first = _offset_and_count(first_lines[1])
        last = _offset_and_count(self._tail.rstrip(b"\n").rsplit(b"\n", 1)[-1])
        faults = [] if ended else ["the last line is not ended: the answer may be cut off"]
        if first is None or last is None:
            return {"rows": rows, "faults": [*faults, "RECORD_OFFSET or RECORD_COUNT is not a number"]}
        if first[1] != last[1]:
            faults.append(f"RECORD_COUNT is {first[1]} in the first row and {last[1]} in the last")
        return {
            "rows": rows, "first_offset": first[0], "last_offset": last[0], "record_count": first[1],
            "faults": faults,
        }  # fmt: skip


def read_header(line: bytes) -> list[str]:
    """Return the names in a header line."""
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    return next(csv.reader([text]), [])


def _offset_and_count(line: bytes) -> tuple[int, int] | None:
    parts = line.strip().rsplit(b",", 2)[-2:]
    try:
        offset, count = (int(part.strip(b'"')) for part in parts)
    except ValueError:
        return None
    return offset, count


def read_answers(definition: NomisDefinition, delivery: DeliveryReader) -> Iterator[ParsedPage]:
    """Yield the rows of every stored answer, checked; an answer larger than PIECE_BYTES in several pages.

    In:  CSV as NOMIS sends it, with the selected or with all columns.
    Out: `ParsedPage.rows` as `ingest.rows` says: one dimension column for each of `source.select`; units from
         the definition; an empty OBS_VALUE is null with its OBS_STATUS kept as it came.
    Raises: RefusedError after the last row, with every fault of the answer as a whole (codes that did not
            come, a RECORD_COUNT that was not reached, an area without any value), or at once if the answer is
            no such table at all.
    """
    acceptance = Acceptance(definition, Asked.from_facts(delivery.facts["asked"]))
    for answer in delivery:
        if answer.request.purpose == "data":
            with delivery.open(answer) as stream:
                yield from acceptance.read(answer, stream)
    acceptance.close()


class Acceptance:
    """Judges a delivery row by row and as a whole. Feed it every answer in order, then `close` it."""

    def __init__(self, definition: NomisDefinition, asked: Asked) -> None:
        self._definition = definition
        self._asked = asked
        self._faults: list[str] = []
        self._rows = 0
        self._record_count: int | None = None
        # The axes of the table that was asked for. A cell's place in it is one number, so that what came,
        # what came twice and what did not come need one byte a cell.
        self._axes: dict[str, tuple[str, ...]] = {
            "DATE": asked.periods,
            "GEOGRAPHY_CODE": asked.areas,
            **{name.upper(): codes for name, codes in asked.dimensions.items()},
            "MEASURES": asked.measures,
        }
        self._shape = tuple(len(codes) for codes in self._axes.values())
        self._seen = np.zeros(int(np.prod(self._shape)), dtype=np.bool_)
        self._values_by_area = np.zeros(len(asked.areas), dtype=np.int64)
        self._places = {
            name: {code: number for number, code in enumerate(codes)} for name, codes in self._axes.items()
        }
        self._period_starts, self._period_months = self._periods()
        self._series_kinds()

    def _where(self, answer: StoredAnswer) -> str:
        return f"{self._definition.id}, answer {answer.number}, request {answer.request.url[:500]}"

    def _refuse(self, what: str, answer: StoredAnswer, *, expected: object = None) -> RefusedError:
        return RefusedError(
            "NOMIS' answer is not acceptable; nothing of it was loaded",
            where=self._where(answer),
            got=what,
            expected=expected,
            next_step="look at the stored answer; the last good version stays, the next run asks again",
        )

    def _periods(self) -> tuple[pa.Array, pa.Array]:
        meaning = self._definition.period
        try:
            known = [period_of(meaning, code) for code in self._asked.periods]
        except ValueError as error:
            raise RefusedError(
                "a period of the answer cannot be read", where=self._definition.id, got=error,
                next_step=f"correct period.means in the definition of {self._definition.id}",
            ) from error  # fmt: skip
        return (
            array_of(np.array([start for start, _ in known], "M8[D]").astype(np.int32), pa.date32()),
            array_of(np.array([months for _, months in known]), pa.int16()),
        )

    def _series_kinds(self) -> None:
        """Work out role, unit and bounds for every pair of MEASURES code and code of the unit's dimension."""
        source, valid = self._definition.source, self._definition.valid
        self._unit_dimension = source.units.dimension.upper() if source.units else ""
        unit_codes = self._axes[self._unit_dimension] if source.units else ("",)
        roles, units, lowest, highest = [], [], [], []
        for measure in self._asked.measures:
            for code in unit_codes:
                chosen = {source.units.dimension: code} if source.units else {}
                role, unit = source.measures[measure].role, source.unit_of(measure, chosen)
                bounds = valid.bounds(role, unit)
                low = 0.0 if bounds.minimum is None and unit in NEVER_NEGATIVE else bounds.minimum
                high = (
                    100.0
                    if bounds.maximum is None and (role, unit) == ("value", "percent")
                    else bounds.maximum
                )
                roles.append(role)
                units.append(unit)
                lowest.append(-np.inf if low is None else low)
                highest.append(np.inf if high is None else high)
        self._roles, self._units = texts_of(roles), texts_of(units)
        self._lowest, self._highest = np.array(lowest), np.array(highest)
        self._unit_codes = len(unit_codes)

    def read(self, answer: StoredAnswer, stream: VerifiedStream) -> Iterator[ParsedPage]:
        """Yield the rows of one answer. Raises: RefusedError if it is no such table."""
        header: list[str] = []
        row_number = 1
        for piece in _pieces(stream, _piece_bytes(answer)):
            rows = piece
            if not header:
                line, rows = _first_line(piece)
                header = read_header(line)
                wrong = not_csv(line, answer.request.content_type, answer.bytes)
                wrong = wrong or self._asked.header_fault(header)
                if wrong:
                    raise self._refuse(wrong, answer, expected=", ".join(self._asked.columns))
            if len(rows):
                page = self._page(answer, header, rows, row_number)
                row_number += page.fetched
                yield page
        if not header:
            raise self._refuse(not_csv(b"", "", 0), answer)

    def _page(
        self, answer: StoredAnswer, header: list[str], piece: memoryview, row_number: int
    ) -> ParsedPage:
        table, reasons, lines = self._table(answer, header, piece)
        came = len(lines) + len(reasons)
        check = _PageCheck(table, lines, reasons)
        places = {name: check.places(name, self._places[name]) for name in self._axes}
        if "GEOGRAPHY_TYPECODE" in table.column_names and self._asked.area_type:
            check.all_are("GEOGRAPHY_TYPECODE", self._asked.area_type)
        self._check_offsets(answer, table, lines)
        self._rows += came
        kinds = places["MEASURES"] * self._unit_codes
        if self._unit_dimension:
            kinds = kinds + places[self._unit_dimension]
        kinds = np.where(check.good, kinds, 0)
        numbers = check.numbers("OBS_VALUE", "OBS_STATUS")
        check.within(numbers, self._lowest[kinds], self._highest[kinds], self._units, kinds)
        self._check_keys(check, places)
        areas = places["GEOGRAPHY_CODE"][check.good & ~np.isnan(numbers)]
        self._values_by_area += np.bincount(areas, minlength=len(self._asked.areas))
        rejected = check.rejected(answer.number, row_number, piece)
        rows = self._rows_of(check, places, kinds, numbers)
        return ParsedPage(answer.number, tuple(self._asked.dimensions), rows, rejected)

    def _table(
        self, answer: StoredAnswer, header: list[str], piece: memoryview
    ) -> tuple[pa.Table, dict[int, list[tuple[str, str, str]]], np.ndarray]:
        """Read the columns that matter, all as text.

        Returns the table, the rows that have too few or too many fields, and the row index of each table row.
        """
        wanted = [name for name in self._asked.columns if name in header]
        convert = arrow_csv.ConvertOptions(
            include_columns=wanted,
            column_types={
                name: _TEXT if name in ("OBS_VALUE", "RECORD_OFFSET") else _CODE for name in wanted
            },
            strings_can_be_null=False,
        )
        broken: dict[int, list[tuple[str, str, str]]] = {}

        def keep(row: arrow_csv.InvalidRow) -> str:
            reason = f"{row.actual_columns} fields instead of {row.expected_columns}"
            broken[row.number - 1] = [("", "", reason)]
            return "skip"

        def parsed(careful: bool) -> pa.Table:
            return arrow_csv.read_csv(
                pa.BufferReader(pa.py_buffer(piece)),
                # The server is busy with the batch before: a second thread here would be in its way.
                arrow_csv.ReadOptions(column_names=header, block_size=BLOCK_BYTES, use_threads=False),
                arrow_csv.ParseOptions(
                    ignore_empty_lines=False, invalid_row_handler=keep if careful else None
                ),
                convert,
                memory_pool=pa.system_memory_pool(),  # gives back what it no longer needs, and is no slower
            )

        try:
            try:
                table = parsed(careful=False)
            except pa.ArrowInvalid as error:
                if "Expected" not in str(error):
                    raise
                table = parsed(careful=True)
        except pa.ArrowInvalid as error:
            raise self._refuse(_in_words(error, piece), answer) from error
        lines = np.arange(table.num_rows + len(broken))
        return table, broken, np.delete(lines, list(broken)) if broken else lines

    def _check_offsets(self, answer: StoredAnswer, table: pa.Table, lines: np.ndarray) -> None:
        """Rows must be numbered 0 to n-1 over all answers, and RECORD_COUNT must stay the same."""
        if not table.num_rows:
            return
        counts = pc.unique(table["RECORD_COUNT"]).to_pylist()
        if counts != [str(self._record_count)]:
            if self._record_count is None and len(counts) == 1 and str(counts[0]).isdigit():
                self._record_count = int(counts[0])
            else:
                told = self._record_count if self._record_count is not None else "one number"
                self._fault(f"answer {answer.number}: RECORD_COUNT is {', '.join(counts[:5])}, not {told}")
        expected = lines + self._rows
        try:
            offsets = as_numpy(pc.cast(table["RECORD_OFFSET"], pa.int64()))
        except pa.ArrowInvalid:
            self._fault(f"answer {answer.number}: RECORD_OFFSET is not a number everywhere")
            return
        wrong = np.nonzero(offsets != expected)[0]
        if len(wrong):
            first = wrong[0]
            self._fault(
                f"answer {answer.number}: RECORD_OFFSET {offsets[first]} stands where {expected[first]} "
                f"should, {len(wrong)} such rows"
            )

    def _check_keys(self, check: _PageCheck, places: dict[str, np.ndarray]) -> None:
        """Mark the cells that came; a cell that came before is a fault of the row."""
        cells = np.zeros(len(check.good), dtype=np.int64)
        for size, name in zip(self._shape, self._axes, strict=True):
            cells = cells * size + places[name]
        again = np.zeros(len(cells), dtype=np.bool_)
        good = np.nonzero(check.known)[0]
        mine = cells[good]
        if len(mine) and not (np.diff(mine) > 0).all():
            order = np.argsort(mine, kind="stable")
            same = np.diff(mine[order]) == 0
            again[good[order[1:][same]]] = True
        again[good] |= self._seen[mine]
        self._seen[mine] = True
        if again.any():
            check.note(again, "", "the same cell came before")

    def _rows_of(
        self, check: _PageCheck, places: dict[str, np.ndarray], kinds: np.ndarray, numbers: np.ndarray
    ) -> pa.Table:
        good = None if check.good.all() else check.good

        def chosen(values: np.ndarray) -> np.ndarray:
            return values if good is None else values[good]

        def coded(name: str) -> pa.Array:
            codes = array_of(chosen(places[name]), pa.int32())
            return pa.DictionaryArray.from_arrays(codes, texts_of(self._axes[name]))

        kind, period = (array_of(chosen(column), pa.int32()) for column in (kinds, places["DATE"]))
        values = chosen(numbers)
        none = pa.nulls(len(values), pa.float64())
        columns = {
            "area_code": coded("GEOGRAPHY_CODE"),
            **{name: coded(name.upper()) for name in self._asked.dimensions},
            "role": self._roles.take(kind),
            "unit": self._units.take(kind),
            "period_start": self._period_starts.take(period),
            "period_months": self._period_months.take(period),
            "value": array_of(values, pa.float64(), null=np.isnan(values)),
            "lower_bound": none,
            "upper_bound": none,
            "status": check.status(good),
        }
        return pa.table(columns)

    def _fault(self, what: str) -> None:
        self._faults.append(what)

    def close(self) -> None:
        """Judge the delivery as a whole. Raises: RefusedError with every fault."""
        faults = [*self._faults, *self._completeness_faults()]
        if faults:
            raise refused(self._definition.id, faults)

    def _completeness_faults(self) -> Iterator[str]:
        if self._rows == 0:
            yield "there is no row at all"
            return
        if self._record_count is not None and self._rows != self._record_count:
            yield f"RECORD_COUNT is {self._record_count}, but {self._rows} rows came"
        excused = {"GEOGRAPHY_CODE": set(absent_areas(self._definition))}
        excused |= {name.upper(): set(codes) for name, codes in absent_codes(self._definition).items()}
        table = self._seen.reshape(self._shape)
        for axis, (name, codes) in enumerate(self._axes.items()):
            others = tuple(other for other in range(table.ndim) if other != axis)
            came = np.asarray(table.any(axis=others))
            absent = [
                code
                for code, here in zip(codes, came, strict=True)
                if not here and code not in excused.get(name, ())
            ]
            if absent:
                yield f"{name}: {len(absent)} asked and not answered: {_some(absent)}"
        empty = [
            code
            for code, count in zip(self._asked.areas, self._values_by_area, strict=True)
            if not count and code not in excused["GEOGRAPHY_CODE"]
        ]
        if empty:
            yield f"GEOGRAPHY_CODE: {len(empty)} without a single value: {_some(empty)}"


class _PageCheck:
    """The rows of one piece, with what is wrong with each."""

    def __init__(
        self, table: pa.Table, lines: np.ndarray, broken: dict[int, list[tuple[str, str, str]]]
    ) -> None:
        self._table = table
        self._lines = lines
        self._reasons = broken
        #: Rows without any fault so far, and rows whose every code was asked.
        self.good = np.ones(table.num_rows, dtype=np.bool_)
        self.known = np.ones(table.num_rows, dtype=np.bool_)

    def _codes(self, name: str) -> tuple[np.ndarray, list[str]]:
        if not self._table.num_rows:
            return np.zeros(0, dtype=np.int64), []
        column = self._table[name].unify_dictionaries().combine_chunks()
        return as_numpy(column.indices), column.dictionary.to_pylist()

    def places(self, name: str, known: Mapping[str, int]) -> np.ndarray:
        """Return the place of each row's code among the asked ones; a row with another code is at fault."""
        indices, codes = self._codes(name)
        found = np.array([known.get(code, -1) for code in codes], dtype=np.int64)
        places = found[indices] if len(codes) else np.zeros(0, dtype=np.int64)
        if len(codes) and found.min() < 0:
            unknown = places < 0
            self.note(unknown, name, "was not asked for")
            self.known &= ~unknown
        return places

    def all_are(self, name: str, code: str) -> None:
        """Every row must have this one code."""
        indices, codes = self._codes(name)
        if set(codes) - {code}:
            other = np.array([found != code for found in codes])[indices]
            self.note(other, name, f"is not {code}: another kind of area")

    def numbers(self, value_name: str, status_name: str) -> np.ndarray:
        """Return the values, NaN where there is none; a text that is no number, or a gap that the status does
        not explain, is a fault."""
        text = self._table[value_name]
        missing = as_numpy(pc.binary_length(text)) == 0
        nothing = pa.nulls(len(text), _TEXT)
        given = pc.if_else(array_of(missing, pa.bool_()), nothing, text)
        try:
            cast = pc.cast(given, pa.float64())
        except pa.ArrowInvalid:
            plain = pc.match_substring_regex(given, r"^-?[0-9]+(\.[0-9]+)?([eE][-+]?[0-9]{1,2})?$")
            cast = pc.cast(pc.if_else(plain, given, nothing), pa.float64())
        numbers = np.where(are_null(cast), np.nan, as_numpy(cast))
        wrong = ~missing & ~np.isfinite(numbers)
        if wrong.any():
            self.note(wrong, value_name, "is not a finite number")
            numbers[wrong] = np.nan
        if missing.any():
            indices, codes = self._codes(status_name)
            unexplained = missing & np.isin(np.array(codes), ("", "A"))[indices]
            self.note(unexplained, value_name, "is empty, and the status does not say that it is missing")
        return numbers

    def within(
        self, numbers: np.ndarray, lowest: np.ndarray, highest: np.ndarray, units: pa.Array, kinds: np.ndarray
    ) -> None:
        """A value outside its bounds is a fault of the row."""
        for outside, limits, word in (
            (numbers < lowest, lowest, "below"),
            (numbers > highest, highest, "above"),
        ):
            outside &= self.good
            for kind in np.unique(kinds[outside]):
                chosen = outside & (kinds == kind)
                limit = limits[chosen][0]
                self.note(chosen, "OBS_VALUE", f"is {word} {limit:g}, impossible for {units[int(kind)]}")

    def status(self, good: np.ndarray | None) -> pa.Array:
        """Return the status codes of the good rows as they came; null where there was none."""
        indices, codes = self._codes("OBS_STATUS")
        kept = indices if good is None else indices[good]
        return texts_of([code or None for code in codes]).take(array_of(kept, pa.int32()))

    def note(self, rows: np.ndarray, column: str, reason: str) -> None:
        """Note a fault for the rows of a mask."""
        chosen = np.nonzero(rows)[0]
        if not len(chosen):
            return
        self.good[chosen] = False
        found = self._table[column].take(pa.array(chosen)).to_pylist() if column else [""] * len(chosen)
        for row, text in zip(self._lines[chosen].tolist(), found, strict=True):
            self._reasons.setdefault(row, []).append((column, text, reason))

    def rejected(self, request_number: int, row_number: int, piece: memoryview) -> tuple[RejectedRow, ...]:
        """Return the faulty rows in order, each once, with all that is wrong with it."""
        if not self._reasons:
            return ()
        lines = bytes(piece).split(b"\n")
        return tuple(
            RejectedRow(
                request_number=request_number,
                row_number=row_number + row,
                column_name=reasons[0][0],
                found=str(reasons[0][1]),
                reason="; ".join(f"{column} {reason}".strip() for column, _, reason in reasons),
                content=lines[row].decode("utf-8", "replace").rstrip("\r"),
            )
            for row, reasons in sorted(self._reasons.items())
        )


def refused(dataset_id: str, faults: list[str]) -> RefusedError:
    """Return the error that lists what is wrong with a delivery."""
    shown = faults[:_MOST_FAULTS_SHOWN]
    if len(faults) > len(shown):
        shown.append(f"and {len(faults) - len(shown)} more")
    return RefusedError(
        "NOMIS' answer is not what was asked for; nothing of it was loaded",
        where=dataset_id,
        got="\n            ".join(shown),
        expected="every code that was asked, each cell once, and as many rows as RECORD_COUNT says",
        next_step=f"planmark datasets show {dataset_id}: compare its codes with the publisher's",
    )


def _some(codes: list[str]) -> str:
    return ", ".join(codes[:10]) + (" ..." if len(codes) > 10 else "")


def _piece_bytes(answer: StoredAnswer) -> int:
    rows = int(answer.facts.get("rows") or 0)
    wanted = max(answer.bytes * PIECE_ROWS // rows, SMALLEST_PIECE) if rows else PIECE_BYTES
    return min(wanted, answer.bytes + 1)


def _pieces(stream: VerifiedStream, size: int) -> Iterator[memoryview]:
    """Yield whole lines, about `size` bytes at a time, in a buffer that is used again for the next piece."""
    buffer, filled = bytearray(size), 0
    view = memoryview(buffer)
    while came := stream.readinto(view[filled:]):
        filled += came
        if filled < size:
            continue
        end = buffer.rfind(b"\n", 0, filled) + 1
        if not end:
            break  # no line is so long: the rest is handed on as it is, and refused
        yield view[:end]
        buffer[: filled - end] = buffer[end:filled]
        filled -= end
    if filled:
        yield view[:filled]


def _first_line(piece: memoryview) -> tuple[bytes, memoryview]:
    start = bytes(piece[:_LONGEST_LINE])
    line, newline, _ = start.partition(b"\n")
    return line, piece[len(line) + len(newline) :]


def _in_words(error: pa.ArrowInvalid, piece: memoryview) -> str:
    content = bytes(piece)
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        return f"not UTF-8 in row {content.count(10, 0, wrong.start) + 1} of the piece, byte {wrong.start}"
    return f"not readable as CSV: {str(error)[:300]}"
