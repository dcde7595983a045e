"""Data answers.

The rows of a selection as CSV, TSV, JSON and JSON-stat, byte for byte in the shape recorded.
"""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ingest.replica import seeds
from ingest.replica.datasets import Code, Dataset
from ingest.replica.periods import Period
from ingest.replica.query import Place, Selection
from ingest.replica.seeds import Cell

#: Rows rendered at a time: a page of a million rows takes no more memory than this many.
BLOCK = 2_000
#: Most combinations and texts of one answer that are remembered.
KEPT = 5_000
_PARTS = ("", "_NAME", "_CODE", "_TYPE", "_TYPECODE", "_SORTORDER")
_OBSERVATION = ("OBS_VALUE", "OBS_STATUS", "OBS_STATUS_NAME", "OBS_CONF", "OBS_CONF_NAME", "URN")
_WINDOW = ("RECORD_OFFSET", "RECORD_COUNT")
_CONFIDENTIAL = ("F", "Free (free for publication)")


@dataclass(slots=True)
class Cross:
    """One combination of all dimensions and MEASURES. `codes` are in the order of the definition."""

    number: int
    codes: tuple[Code, ...]
    values: tuple[str, ...]
    measure: Code
    positions: tuple[int, ...]  # in the answer, one a dimension in CSV order
    urn: str


@dataclass(slots=True)
class Row:
    """One cell of an answer. The positions are those in the answer."""

    offset: int
    period: Period
    place: Place
    cross: Cross
    cell: Cell
    date_position: int
    area_position: int


def columns_of(selection: Selection) -> list[str]:
    """Return the columns of the answer in order."""
    everything = _all_columns(selection)
    chosen = [name for name in selection.select if name in everything] or everything
    return [*chosen, "QUERY_ID"] if selection.query_id is not None else chosen


def _all_columns(selection: Selection) -> list[str]:
    dataset = selection.dataset
    concepts = ["DATE", "GEOGRAPHY", *(dataset.dimensions[place].concept for place in dataset.csv_order())]
    names = [f"{concept}{part}" for concept in concepts for part in _PARTS]
    return [*names, "MEASURES", "MEASURES_NAME", *_OBSERVATION, *_WINDOW]


def rows(selection: Selection, revision: int = 0) -> Iterator[Row]:
    """Yield the rows of the window, missing and zero ones left out where asked for, though still counted."""
    for row in _every_row(selection, revision):
        if selection.without_missing and row.cell.value is None:
            continue
        if selection.without_zero and row.cell.value == 0:
            continue
        yield row


def _every_row(selection: Selection, revision: int) -> Iterator[Row]:
    """Yield every row of the window: dates run slowest, then areas, dimensions and measures."""
    crosses = _Crosses(selection)
    cell_of = selection.dataset.cell
    periods, places = selection.periods, selection.places
    for offset in range(selection.start, selection.stop):
        outer, number = divmod(offset, crosses.size)
        date_position, area_position = divmod(outer, len(places))
        period, place, cross = periods[date_position], places[area_position], crosses.at(number)
        cell = cell_of(place.member.area, cross.values, period, cross.measure.value)
        if revision:
            key = f"{place.member.area.code}|{cross.values}|{cross.measure.value}|{period.code}"
            cell = _revised(cell, f"{revision}|{selection.dataset.id}|{key}")
        yield Row(offset, period, place, cross, cell, date_position, area_position)


class _Crosses:
    """The combinations of dimensions and measures, made when first met and a limited number of them kept."""

    def __init__(self, selection: Selection) -> None:
        self._dataset = selection.dataset
        self._measures = selection.measures
        self._order = selection.dataset.csv_order()
        self._listed = [selection.codes[place] for place in self._order]
        self._kept: dict[int, Cross] = {}
        self.size = math.prod(map(len, self._listed)) * len(self._measures)

    def at(self, number: int) -> Cross:
        """Return one combination by its number in the answer."""
        found = self._kept.get(number)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            found = self._kept[number] = self._make(number)
        return found

    def _make(self, number: int) -> Cross:
        rest, measure = divmod(number, len(self._measures))
        positions = []
        for codes in reversed(self._listed):
            rest, position = divmod(rest, len(codes))
            positions.append(position)
        positions.reverse()
        by_place = {
            place: codes[position]
            for place, codes, position in zip(self._order, self._listed, positions, strict=True)
        }
        codes = tuple(by_place[place] for place in sorted(by_place))
        values = tuple(code.value for code in codes)
        chosen = self._measures[measure]
        urn = self._dataset.urn_tail(values, chosen.value)
        return Cross(number, codes, values, chosen, tuple(positions), urn)


def _revised(cell: Cell, key: str) -> Cell:
    """Return the cell as the source revised it: one in two hundred moves by one step of its rounding."""
    if cell.value is None or seeds.unit(f"revision {key}") >= 0.005:
        return cell
    step = -cell.step if cell.value >= 2 * cell.step else cell.step
    return Cell(cell.value + step, cell.decimals, cell.step, cell.status)


# --- CSV and TSV --------------------------------------------------------------------------------------


def separated(selection: Selection, separator: str, revision: int = 0) -> Iterator[bytes]:
    """Yield the answer as CSV (",") or TSV (tab) in blocks; the first holds the heading.

    Texts and codes are quoted, numbers are bare and a missing value is empty; lines end with LF.
    """
    names = columns_of(selection)
    lines = [] if selection.without_heading else [separator.join(f'"{name}"' for name in names)]
    render = _Renderer(selection, names, separator)
    for row in rows(selection, revision):
        lines.append(render.line(row))
        if len(lines) >= BLOCK:
            yield ("\n".join(lines) + "\n").encode()
            lines.clear()
    if lines:
        yield ("\n".join(lines) + "\n").encode()


class _Renderer:
    """Renders rows.

    What only depends on the date, the area or the combination is joined once, not for each row.
    """

    def __init__(self, selection: Selection, names: list[str], separator: str) -> None:
        self._selection = selection
        self._separator = separator
        order = selection.dataset.csv_order()
        self._concepts = [selection.dataset.dimensions[place].concept for place in order]
        self._order = order
        runs = itertools.groupby(names, key=self._owner)
        self._runs = [run for owner, columns in runs for run in self._make(owner, list(columns))]

    def line(self, row: Row) -> str:
        """Return one line, without its end."""
        return self._separator.join([run(row) for run in self._runs])

    def _owner(self, name: str) -> str:
        """Return what a column depends on: date, area, cross (dimensions and MEASURES) or row."""
        parts = {f"{concept}{part}": concept for concept in self._concepts for part in _PARTS}
        if name in parts or name in ("MEASURES", "MEASURES_NAME"):
            return "cross"
        if name.startswith("DATE"):
            return "date"
        if name.startswith("GEOGRAPHY"):
            return "area"
        return "status" if name.startswith(("OBS_STATUS", "OBS_CONF")) else "row"

    def _make(self, owner: str, names: list[str]) -> list[_Run]:
        if owner == "row":
            return [self._observed(name) for name in names]
        if owner == "cross":
            parts = itertools.groupby(names, key=self._concept_of)
            runs = [self._of_one_concept(concept, list(columns)) for concept, columns in parts]
            join = self._separator.join
            return [_remembering(lambda row: row.cross.number, lambda row: join([run(row) for run in runs]))]
        if owner == "date":
            return [_remembering(lambda row: row.date_position, self._joining(self._date_fields, names))]
        if owner == "area":
            return [_remembering(lambda row: row.area_position, self._joining(self._area_fields, names))]
        return [_remembering(lambda row: row.cell.status, self._joining(self._status_fields, names))]

    def _concept_of(self, name: str) -> str:
        return next((c for c in self._concepts if name in {f"{c}{part}" for part in _PARTS}), "MEASURES")

    def _of_one_concept(self, concept: str, names: list[str]) -> _Run:
        if concept == "MEASURES":
            fields = self._joining(self._measure_fields, names)
            return _remembering(lambda row: row.cross.measure.value, fields)
        column = self._concepts.index(concept)
        place = self._order[column]

        def fields_of(row: Row) -> dict[str, str]:
            code, position = row.cross.codes[place], row.cross.positions[column]
            return _six(concept, code.value, code.name, code.short, code.type, code.type_code, position)

        return _remembering(lambda row: row.cross.positions[column], self._joining(fields_of, names))

    def _joining(self, fields_of: Callable[[Row], dict[str, str]], names: list[str]) -> _Run:
        def run(row: Row) -> str:
            fields = fields_of(row)
            return self._separator.join([fields[name] for name in names])

        return run

    def _date_fields(self, row: Row) -> dict[str, str]:
        period = row.period
        return _six("DATE", period.code, period.name, period.code, "date", 0, row.date_position)

    def _area_fields(self, row: Row) -> dict[str, str]:
        member = row.place.member
        area = member.area
        return _six(
            "GEOGRAPHY",
            row.place.echo,
            area.name,
            area.code,
            member.type_name,
            member.type_code,
            row.area_position,
        )

    def _measure_fields(self, row: Row) -> dict[str, str]:
        measure = row.cross.measure
        return {"MEASURES": _quoted(measure.value), "MEASURES_NAME": _quoted(measure.name)}

    def _status_fields(self, row: Row) -> dict[str, str]:
        return {
            "OBS_STATUS": _quoted(row.cell.status),
            "OBS_STATUS_NAME": _quoted(seeds.STATUS_NAMES[row.cell.status]),
            "OBS_CONF": _quoted(_CONFIDENTIAL[0]),
            "OBS_CONF_NAME": _quoted(_CONFIDENTIAL[1]),
        }

    def _observed(self, name: str) -> _Run:
        dataset, count = self._selection.dataset, str(self._selection.count)
        query_id = _quoted(self._selection.query_id or "")
        makers: dict[str, _Run] = {
            "OBS_VALUE": lambda row: row.cell.text(),
            "URN": lambda row: f'"{urn(dataset, row)}"',
            "RECORD_OFFSET": lambda row: str(row.offset),
            "RECORD_COUNT": lambda row: count,
            "QUERY_ID": lambda row: query_id,
        }
        return makers[name]


_Run = Callable[[Row], str]


def _remembering(key_of: Callable[[Row], int | str], make: _Run) -> _Run:
    """Return a run that makes the text of a key once."""
    kept: dict[int | str, str] = {}

    def run(row: Row) -> str:
        key = key_of(row)
        text = kept.get(key)
        if text is None:
            if len(kept) >= KEPT:
                kept.clear()
            text = kept[key] = make(row)
        return text

    return run


def _six(concept: str, *values: str | int) -> dict[str, str]:
    """Return the six columns of a concept: code, name, display code and type quoted, the two numbers bare."""
    texts = [str(value) if isinstance(value, int) else _quoted(value) for value in values]
    return {f"{concept}{part}": text for part, text in zip(_PARTS, texts, strict=True)}


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def urn(dataset: Dataset, row: Row) -> str:
    """Return the address of a row's cell: it always holds the internal code of the area."""
    return f"{dataset.urn_head}{row.period.number}e{dataset.edition}d{row.place.member.code}{row.cross.urn}"


# --- JSON ---------------------------------------------------------------------------------------------


def observations(selection: Selection, header: dict[str, Any], revision: int = 0) -> bytes:
    """Return the service's own JSON: an array `obs`, every key in lower case."""
    found = [_observation(selection, row) for row in rows(selection, revision)]
    return json.dumps({"header": header, "obs": found}).encode()


def _observation(selection: Selection, row: Row) -> dict[str, Any]:
    member = row.place.member
    found: dict[str, Any] = {
        "geography": {
            "value": member.code,
            "description": member.area.name,
            "geogcode": member.area.code,
        },
        "time": {"value": row.period.code, "description": row.period.name},
    }
    for dimension, code in zip(selection.dataset.dimensions, row.cross.codes, strict=True):
        found[dimension.concept.lower()] = {"value": _number(code.value), "description": code.name}
    found["measures"] = {"value": _number(row.cross.measure.value), "description": row.cross.measure.name}
    value: dict[str, Any] = {} if row.cell.value is None else {"value": _plain(row.cell)}
    found["obs_value"] = value
    found["obs_status"] = {"value": row.cell.status, "description": seeds.STATUS_NAMES[row.cell.status]}
    found["obs_conf"] = {"value": _CONFIDENTIAL[0], "description": _CONFIDENTIAL[1]}
    found["urn"] = urn(selection.dataset, row)
    return found


def _number(text: str) -> int | str:
    return int(text) if text.isdigit() else text


def _plain(cell: Cell) -> int | float | None:
    if cell.value is None:
        return None
    return float(cell.text()) if cell.decimals else int(cell.value)


def json_stat(selection: Selection, updated: str, revision: int = 0) -> bytes:
    """Return the answer as JSON-stat: every value in one array, the last dimension running fastest."""
    dataset = selection.dataset
    dimensions: dict[str, Any] = {
        "time": _category("time", {p.code: p.name for p in selection.periods}),
        "geography": _category("geography", {p.echo: p.member.area.name for p in selection.places}),
    }
    for place in dataset.csv_order():
        concept = dataset.dimensions[place].concept.lower()
        dimensions[concept] = _category(concept, {c.value: c.name for c in selection.codes[place]})
    dimensions["measures"] = _category("measures", {m.value: m.name for m in selection.measures})
    found = list(_every_row(selection, revision))
    document = {
        "version": "2.0",
        "class": "dataset",
        "label": dataset.name,
        "source": "Nomis",
        "updated": updated,
        "id": list(dimensions),
        "size": [len(dimension["category"]["index"]) for dimension in dimensions.values()],
        "dimension": dimensions,
        "value": [_plain(row.cell) for row in found],
        "status": {str(place): row.cell.status for place, row in enumerate(found) if row.cell.value is None},
        "extension": {
            "subdescription": dataset.sub_description,
            "contact": {"name": "Nomis", "email": "support@nomisweb.co.uk"},
            "metadata": [],
        },
    }
    return json.dumps(document).encode()


def _category(name: str, labels: dict[str, str]) -> dict[str, Any]:
    index = {code: place for place, code in enumerate(labels)}
    return {"label": name, "category": {"index": index, "label": labels}}
