"""The headers of a table, edition by edition: drift is a new column in a small file, not a branch in code.

`<name>.columns.csv` has one row per column of ours and one column per edition; -1 says that the edition lacks
it. A header that is not listed, or a listed one that is missing, is a fault of the answer.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingest.faults import Fault

OUR_COLUMNS = (
    "area_code",
    "area_name",
    "area_kind",
    "indicator",
    "period",
    "value",
    "measure",
    "unit",
    "lower_bound",
    "upper_bound",
    "status",
    "notes",
    "ignored",
)
REQUIRED = ("area_code", "indicator", "period", "value", "measure", "unit")
ABSENT = "-1"


@dataclass(frozen=True)
class Edition:
    """The headers of one edition: theirs to ours; several of theirs may be `ignored`."""

    name: str
    ours_by_header: Mapping[str, str]

    def difference(self, header: Iterable[str]) -> tuple[list[str], list[str]]:
        """Return the columns that are missing from `header`, and those that it has too many."""
        found = set(header)
        return sorted(self.ours_by_header.keys() - found), sorted(found - self.ours_by_header.keys())


def check_columns(path: Path) -> tuple[tuple[Edition, ...], list[Fault]]:
    """Read a `.columns.csv` file: its editions, newest first as written, and every fault of the file."""
    shown = f"{path.parent.name}/{path.name}"
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.reader(file) if row]
    except FileNotFoundError:
        return (), [Fault(shown, "(file)", "is missing; a definition names it in source.columns")]
    except UnicodeDecodeError as error:
        return (), [Fault(shown, "(file)", f"is not UTF-8 text at byte {error.start}")]
    if not rows or rows[0][0] != "column" or len(rows[0]) < 2:
        return (), [Fault(shown, "(header)", "is not `column` and one edition or more")]
    faults = [
        Fault(shown, row[0], f"has {len(row)} fields; allowed: {len(rows[0])}")
        for row in rows
        if len(row) != len(rows[0])
    ]
    faults += [
        Fault(shown, row[0], f"is not a column of ours; allowed: {', '.join(OUR_COLUMNS)}")
        for row in rows[1:]
        if row[0] not in OUR_COLUMNS
    ]
    if faults:
        return (), faults
    editions = []
    for place, name in enumerate(rows[0][1:], start=1):
        edition, found = _edition(name, [(row[0], row[place]) for row in rows[1:] if row[place] != ABSENT])
        editions.append(edition)
        faults += [Fault(shown, name, what) for what in found]
    return tuple(editions), faults


def _edition(name: str, pairs: list[tuple[str, str]]) -> tuple[Edition, list[str]]:
    headers = [theirs for _, theirs in pairs]
    ours = [mine for mine, _ in pairs if mine != "ignored"]
    faults = [f"lists the header {theirs!r} twice" for theirs in sorted(_repeated(headers))]
    faults += [f"fills {mine} twice" for mine in sorted(_repeated(ours))]
    faults += [f"has no header for {mine}; it is required" for mine in REQUIRED if mine not in ours]
    return Edition(name, {theirs: mine for mine, theirs in pairs}), faults


def _repeated(items: list[str]) -> set[str]:
    return {item for item in items if items.count(item) > 1}
