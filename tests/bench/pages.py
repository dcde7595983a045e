"""Pages of a NOMIS answer, made by the million: the claimant count (NM_162_1) as the service returns it.

40 columns, texts quoted, numbers bare, DATE first and the small dimensions last, 25,000 rows a page. Values
come from a fixed seed, so every run loads the same bytes. Column names, texts and URN follow a genuine row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

PAGE_ROWS = 25_000
MONTHS = 250  # 2004-01 to 2024-10
GENDERS = {0: "Total", 1: "Male"}
AGES = {0: "All categories: Age 16+", 2: "Aged 18-24", 3: "Aged 25-49", 4: "Aged 50+", 5: "Aged 16-17"}
MEASURES = {1: "Claimant count", 2: "Claimants as a proportion of residents aged 16-64"}
CELLS = len(GENDERS) * len(AGES) * len(MEASURES)
MONTH_NAMES = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
COLUMNS = (
    *(f"DATE{part}" for part in ("", "_NAME", "_CODE", "_TYPE", "_TYPECODE", "_SORTORDER")),
    *(
        f"{concept}{part}"
        for concept in ("GEOGRAPHY", "GENDER", "AGE", "MEASURE")
        for part in ("", "_NAME", "_CODE", "_TYPE", "_TYPECODE", "_SORTORDER")
    ),
    "MEASURES", "MEASURES_NAME", "OBS_VALUE", "OBS_STATUS", "OBS_STATUS_NAME", "OBS_CONF", "OBS_CONF_NAME",
    "URN", "RECORD_OFFSET", "RECORD_COUNT",
)  # fmt: skip
HEADER = ",".join(f'"{name}"' for name in COLUMNS) + "\n"


@dataclass(frozen=True)
class Answer:
    """One answer of `rows` rows. `changed` is the share of values that a later release revised."""

    rows: int
    changed: float = 0.0

    @property
    def areas(self) -> int:
        """Number of areas: months and cells are fixed, so a bigger answer covers more places."""
        areas, left = divmod(self.rows, MONTHS * CELLS)
        if left:
            raise ValueError(f"rows must be a multiple of {MONTHS * CELLS:,}")
        return areas

    @property
    def area_codes(self) -> tuple[str, ...]:
        """Area codes in the order of the answer, shaped like 2011 LSOAs."""
        return tuple(f"E01{13000 + number:06d}" for number in range(self.areas))


def pages(answer: Answer) -> Iterator[tuple[bytes, bytes]]:
    """Yield each page twice: as the service returns it, and the same rows cut to the 8 useful columns.

    The second has no header: DATE (as a day), GEOGRAPHY_CODE, GENDER, AGE, MEASURE, MEASURES, OBS_VALUE,
    OBS_STATUS.
    """
    full: list[str] = []
    narrow: list[str] = []
    for number, (whole, cut) in enumerate(_rows(answer), start=1):
        full.append(whole)
        narrow.append(cut)
        if number % PAGE_ROWS == 0 or number == answer.rows:
            yield (HEADER + "".join(full)).encode(), "".join(narrow).encode()
            full.clear()
            narrow.clear()


def _rows(answer: Answer) -> Iterator[tuple[str, str]]:
    codes = answer.area_codes
    cells = [
        (gender, age, measure, _cell_text(gender, age, measure))
        for gender in GENDERS
        for age in AGES
        for measure in MEASURES
    ]
    offset = 0
    values = np.random.default_rng(20261122)
    revisions = np.random.default_rng(20261123)
    per_month = answer.areas * CELLS
    for month in range(MONTHS):
        counts = values.integers(0, 400, per_month) * 5
        missing = values.random(per_month) < 0.002
        revised = revisions.random(per_month) < answer.changed
        year, index = 2004 + month // 12, month % 12
        date = f"{year}-{index + 1:02d}"
        date_text = f'"{date}","{MONTH_NAMES[index]} {year}","{date}","date",0,{month}'
        position = 0
        for place, code in enumerate(codes):
            geography = 1249900000 + place
            place_text = (
                f'"{geography}","Leicester {place:04d}A","{code}",'
                f'"2011 super output areas - lower layer",298,{place}'
            )
            for gender, age, measure, cell_text in cells:
                count = int(counts[position])
                # An even revision of a count, and a rate with one decimal that moves by 0.1.
                value = (
                    str(count + 5 * revised[position])
                    if measure == 1
                    else f"{count / 100 + revised[position]:.1f}"
                )
                status, status_name = ("A", "Normal Value")
                if missing[position]:
                    value, status, status_name = "", "Q", "These figures are missing."
                tail = (
                    f'"20100","Value",{value},"{status}","{status_name}","F","Free (free for publication)",'
                    f'"Nm-162d1d{33000 + month}e0d{geography}d{gender}d{age}d{measure}d20100",'
                    f"{offset},{answer.rows}\n"
                )
                yield (
                    f"{date_text},{place_text},{cell_text},{tail}",
                    f"{date}-01,{code},{gender},{age},{measure},20100,{value},{status}\n",
                )
                position += 1
                offset += 1


def _cell_text(gender: int, age: int, measure: int) -> str:
    return (
        f'"{gender}","{GENDERS[gender]}","{gender}","Sex",1000,{list(GENDERS).index(gender)},'
        f'"{age}","{AGES[age]}","{age}","Ageband",2000,{list(AGES).index(age)},'
        f'"{measure}","{MEASURES[measure]}","{measure}","measures",1000,{list(MEASURES).index(measure)}'
    )
