"""Which small areas replaced which: the rows of `area_changes.csv`, out of the lookups that ONS publishes.

ONS issues one lookup for each census ("LSOA (2001) to LSOA (2011)", "LSOA (2011) to LSOA (2021) exact fit"), with a change
code in `CHGIND`: U unchanged, S split, M merged, X neither.
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

from planmark.errors import RegistryError

_CODE = re.compile(r"LSOA(\d\d)CD")
CHANGE_COLUMN = "CHGIND"


@dataclass(frozen=True, order=True)
class Step:
    """One row: an area, one that replaced it, and the kind of change. Vintages are census years."""

    from_vintage: int
    from_code: str
    to_vintage: int
    to_code: str
    change: str
    source: str


def read_lookup(path: Path) -> list[Step]:
    """Read one lookup as ONS publishes it, .csv or .csv.gz.

    Raises: RegistryError if it does not have two columns of LSOA codes and one of change codes.
    """
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8-sig")
    rows = csv.DictReader(io.StringIO(text))
    columns = sorted(
        (2000 + int(found[1]), name) for name in rows.fieldnames or () if (found := _CODE.fullmatch(name))
    )
    if len(columns) != 2 or CHANGE_COLUMN not in (rows.fieldnames or ()):
        raise RegistryError(
            "this is not a lookup between two sets of small areas",
            where=str(path),
            got=", ".join(rows.fieldnames or ()) or "no header",
            expected=f"two columns such as LSOA11CD and LSOA21CD, and {CHANGE_COLUMN}",
            next_step="take the lookup from the ONS Open Geography Portal as it comes",
        )
    (before, from_column), (after, to_column) = columns
    source = f"ONS, LSOA ({before}) to LSOA ({after}) lookup"
    return [Step(before, row[from_column], after, row[to_column], row[CHANGE_COLUMN], source) for row in rows]


def steps_for(areas: Iterable[str], lookups: Sequence[Sequence[Step]]) -> list[Step]:
    """Return every step that bears on `areas`: what they became, what that was merged with, and what became of it."""
    touching: dict[tuple[int, str], list[Step]] = defaultdict(list)
    for step in (step for lookup in lookups for step in lookup):
        touching[step.from_vintage, step.from_code].append(step)
        touching[step.to_vintage, step.to_code].append(step)
    wanted = set(areas)
    waiting = [place for place in touching if place[1] in wanted]
    seen = set(waiting)
    found: set[Step] = set()
    while waiting:
        for step in touching[waiting.pop()]:
            found.add(step)
            for place in ((step.from_vintage, step.from_code), (step.to_vintage, step.to_code)):
                if place not in seen:
                    seen.add(place)
                    waiting.append(place)
    return sorted(found)


def as_csv(steps: Iterable[Step]) -> str:
    """Return the text of `area_changes.csv`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["from_code", "from_vintage", "to_code", "to_vintage", "change", "source"])
    for from_vintage, from_code, to_vintage, to_code, change, source in map(astuple, steps):
        writer.writerow([from_code, from_vintage, to_code, to_vintage, change, source])
    return text.getvalue()
