"""Data answers: the rows of a selection as CSV, TSV, JSON and JSON-stat, byte for byte in the shape recorded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ingest.replica import seeds
from ingest.replica.datasets import Code
from ingest.replica.periods import Period
from ingest.replica.query import Place, Selection
from ingest.replica.seeds import Cell

#: Rows rendered at a time: a page of a million rows takes no more memory than this many.
BLOCK = 2_000
_PARTS = ("", "_NAME", "_CODE", "_TYPE", "_TYPECODE", "_SORTORDER")
_OBSERVATION = ("OBS_VALUE", "OBS_STATUS", "OBS_STATUS_NAME", "OBS_CONF", "OBS_CONF_NAME", "URN")
_WINDOW = ("RECORD_OFFSET", "RECORD_COUNT")
_CONFIDENTIAL = ("F", "Free (free for publication)")


@dataclass(frozen=True, slots=True)
class Row:
    """One cell of an answer. `codes` are in the order of the definition, the numbers are places in the answer."""

    offset: int
    period: Period
    place: Place
    codes: tuple[Code, ...]
    measure: Code
    cell: Cell
    positions: tuple[int, ...]  # date, area, one a dimension in CSV order, measures


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
    order = selection.dataset.csv_order()
    listed = [selection.codes[place] for place in order]
    sizes = [len(selection.periods), len(selection.places), *map(len, listed), len(selection.measures)]
    back = sorted(range(len(order)), key=order.__getitem__)
    cell_of = selection.dataset.cell
    for offset in range(selection.start, selection.stop):
        positions = _unravel(offset, sizes)
        period, place = selection.periods[positions[0]], selection.places[positions[1]]
        codes = tuple(listed[one][positions[one + 2]] for one in back)
        measure = selection.measures[positions[-1]]
        values = tuple([code.value for code in codes])
        cell = cell_of(place.member.area, values, period, measure.value)
        if revision:
            cell = _revised(
                cell, f"{selection.dataset.id}|{place.member.area.code}|{values}|{period.code}", revision
            )
        yield Row(offset, period, place, codes, measure, cell, positions)


def _unravel(offset: int, sizes: list[int]) -> tuple[int, ...]:
    found = []
    for size in reversed(sizes):
        offset, position = divmod(offset, size)
        found.append(position)
    return tuple(found[::-1])


def _revised(cell: Cell, key: str, revision: int) -> Cell:
    """Return the cell as the source revised it: one in two hundred cells moves by one step of its rounding."""
    if cell.value is None or seeds.unit(f"revision {revision}|{key}") >= 0.005:
        return cell
    step = -cell.step if cell.value >= 2 * cell.step else cell.step
    return Cell(cell.value + step, cell.decimals, cell.step, cell.status)


# --- CSV and TSV -----------------------------------------------------------------------------------------------


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
    """Renders rows. Neighbouring columns of one part (date, area, dimension) are joined once a code, not a row."""

    def __init__(self, selection: Selection, names: list[str], separator: str) -> None:
        self._selection = selection
        self._separator = separator
        self._concepts = self._parts()
        self._runs: list[Callable[[Row], str]] = []
        waiting: list[str] = []
        owner: int | None = None
        for name in [*names, ""]:
            part = self._owner(name)
            if waiting and (part != owner or part is None):
                self._runs.append(self._run(owner, tuple(waiting)))
                waiting = []
            owner = part
            if name:
                waiting.append(name)

    def line(self, row: Row) -> str:
        """Return one line, without its end."""
        return self._separator.join([run(row) for run in self._runs])

    def _parts(self) -> list[str]:
        dataset = self._selection.dataset
        return [
            "DATE",
            "GEOGRAPHY",
            *(dataset.dimensions[place].concept for place in dataset.csv_order()),
            "MEASURES",
        ]

    def _owner(self, name: str) -> int | None:
        """Return which part of a row a column belongs to; None for those of the observation."""
        for place, concept in enumerate(self._concepts):
            if name in {f"{concept}{part}" for part in _PARTS}:
                return place
        return None

    def _run(self, owner: int | None, names: tuple[str, ...]) -> Callable[[Row], str]:
        if owner is None:
            return self._observed(names[0])
        remembered: dict[int, str] = {}

        def run(row: Row) -> str:
            position = row.positions[owner]
            text = remembered.get(position)
            if text is None:
                fields = self._fields(row, owner)
                text = remembered[position] = self._separator.join(fields[name] for name in names)
            return text

        return run

    def _fields(self, row: Row, owner: int) -> dict[str, str]:
        concept, position = self._concepts[owner], row.positions[owner]
        if concept == "MEASURES":
            return {"MEASURES": _quoted(row.measure.value), "MEASURES_NAME": _quoted(row.measure.name)}
        values = self._six(row, owner)
        texts = [*(_quoted(value) for value in values[:4]), values[4], str(position)]
        return {f"{concept}{part}": text for part, text in zip(_PARTS, texts, strict=True)}

    def _six(self, row: Row, owner: int) -> tuple[str, str, str, str, str]:
        if owner == 0:
            period = row.period
            return period.code, period.name, period.code, "date", "0"
        if owner == 1:
            member = row.place.member
            return row.place.echo, member.area.name, member.area.code, member.type_name, str(member.type_code)
        code = row.codes[self._selection.dataset.csv_order()[owner - 2]]
        return code.value, code.name, code.short, code.type, str(code.type_code)

    def _observed(self, name: str) -> Callable[[Row], str]:
        selection = self._selection
        makers: dict[str, Callable[[Row], str]] = {
            "OBS_VALUE": lambda row: row.cell.text(),
            "OBS_STATUS": lambda row: _quoted(row.cell.status),
            "OBS_STATUS_NAME": lambda row: _quoted(seeds.STATUS_NAMES[row.cell.status]),
            "OBS_CONF": lambda row: _quoted(_CONFIDENTIAL[0]),
            "OBS_CONF_NAME": lambda row: _quoted(_CONFIDENTIAL[1]),
            "URN": lambda row: _quoted(urn(selection, row)),
            "RECORD_OFFSET": lambda row: str(row.offset),
            "RECORD_COUNT": lambda row: str(selection.count),
            "QUERY_ID": lambda row: _quoted(selection.query_id or ""),
        }
        return makers[name]


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def urn(selection: Selection, row: Row) -> str:
    """Return the address of a row's cell: it always holds the internal code of the area."""
    codes = tuple([code.value for code in row.codes])
    return selection.dataset.urn_of(row.period, row.place.member.code, codes, row.measure.value)


# --- JSON ------------------------------------------------------------------------------------------------------


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
    for dimension, code in zip(selection.dataset.dimensions, row.codes, strict=True):
        found[dimension.concept.lower()] = {"value": _number(code.value), "description": code.name}
    found["measures"] = {"value": _number(row.measure.value), "description": row.measure.name}
    value: dict[str, Any] = {} if row.cell.value is None else {"value": _plain(row.cell)}
    found["obs_value"] = value
    found["obs_status"] = {"value": row.cell.status, "description": seeds.STATUS_NAMES[row.cell.status]}
    found["obs_conf"] = {"value": _CONFIDENTIAL[0], "description": _CONFIDENTIAL[1]}
    found["urn"] = urn(selection, row)
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
