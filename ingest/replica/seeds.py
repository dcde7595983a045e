"""What seeded figures are made of: fixed noise, slow waves, national shapes, and what a plan prints.

Every figure is a function of its own key: any cell is computed alone, and no dataset is held in memory.
"""

from __future__ import annotations

import csv
import math
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from ingest.replica import DATA
from ingest.replica.areas import Area
from ingest.replica.periods import Period

SEED = "planmark demonstration 1"

NORMAL = "A"
MISSING = "Q"
#: The letters of the three statuses below are the replica's own: only their texts are established.
ZERO_OR_DISCLOSIVE = "G"
SMALL_SAMPLE = "H"
UNDER_500 = "L"
STATUS_NAMES = {
    NORMAL: "Normal Value",
    MISSING: "These figures are missing.",
    ZERO_OR_DISCLOSIVE: (
        "Estimate and confidence interval not available since the group sample size is zero or "
        "disclosive (0-2)"
    ),
    SMALL_SAMPLE: "Estimate and confidence interval unreliable since the group sample size is small (3-9)",
    UNDER_500: "Estimate is less than 500",
}


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure.

    `step` is the publisher's rounding; `decimals` are those printed; `value` is None if empty.
    """

    value: float | None
    decimals: int = 0
    step: float = 1
    status: str = NORMAL

    def text(self) -> str:
        """Return the figure as it stands in OBS_VALUE."""
        return "" if self.value is None else f"{self.value:.{self.decimals}f}"


NOT_HELD = Cell(None, status=MISSING)

#: A dataset's figures: area, one code a dimension (in the order of the definition), period, MEASURES code.
CellOf = Callable[[Area, tuple[str, ...], Period, str], Cell]


#: Four even numbers have a variance of 4/12.
_SPREAD_OF_FOUR = math.sqrt(3)


def unit(key: str) -> float:
    """Return a fixed number in 0..1 for a key."""
    digest = blake2b(f"{SEED}|{key}".encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)


def noise(key: str) -> float:
    """Return a fixed number for a key, about normal with standard deviation 1, never beyond 3.5."""
    bits = int.from_bytes(blake2b(f"{SEED}|{key}".encode(), digest_size=8).digest(), "big")
    whole = (bits & 0xFFFF) + (bits >> 16 & 0xFFFF) + (bits >> 32 & 0xFFFF) + (bits >> 48)
    return (whole / 65536 - 2) * _SPREAD_OF_FOUR


@lru_cache(maxsize=20_000)
def lasting(key: str) -> float:
    """Return `noise(key)`, remembered: for what is fixed for a place or a group."""
    return noise(key)


@lru_cache(maxsize=20_000)
def _phases(key: str) -> tuple[float, float]:
    return 2 * math.pi * unit(f"{key}|slow"), 2 * math.pi * unit(f"{key}|quick")


def wave(key: str, time: float) -> float:
    """Return a slow wave in -1..1 with periods of 9 and 4.3 years, its phase fixed by the key."""
    slow, quick = _phases(key)
    return 0.65 * math.sin(2 * math.pi * time / 9 + slow) + 0.35 * math.sin(2 * math.pi * time / 4.3 + quick)


@dataclass(frozen=True)
class Shape:
    """A broken line through (year, level) points; level outside them is that of the nearest end."""

    points: tuple[tuple[float, float], ...]

    def at(self, time: float) -> float:
        """Return the level at a time given in years."""
        points = self.points
        place = bisect_right(points, (time, math.inf))
        if place == 0:
            return points[0][1]
        if place == len(points):
            return points[-1][1]
        (before, low), (after, high) = points[place - 1], points[place]
        return low + (high - low) * (time - before) / (after - before)


def round_to(value: float, step: int) -> int:
    """Round half up to a multiple of `step`."""
    return math.floor(value / step + 0.5) * step


def round_up_half(value: float, decimals: int) -> float:
    """Round half up, as published tables do."""
    scale = 10**decimals
    return math.floor(value * scale + 0.5) / scale


def rate(value: float, base: float) -> float:
    """Return a percentage with one decimal; 0 where the base is 0."""
    return round_up_half(100 * value / base, 1) if base else 0.0


# --- printed figures ----------------------------------------------------------------------------------

PrintedKey = tuple[tuple[str, ...], str]


@lru_cache(maxsize=1)
def _printed() -> dict[str, dict[tuple[str, str], dict[PrintedKey, float]]]:
    found: dict[str, dict[tuple[str, str], dict[PrintedKey, float]]] = {}
    with (DATA / "printed.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            place = found.setdefault(row["dataset"], {}).setdefault((row["area_code"], row["period"]), {})
            place[(tuple(row["codes"].split(";")), row["measures"])] = float(row["value"])
    return found


def printed(dataset: str, area: str, period: str, codes: tuple[str, ...], measures: str) -> float | None:
    """Return the figure that a plan prints for a cell; None where it prints none."""
    places = _printed().get(dataset)
    if places is None:
        return None
    place = places.get((area, period))
    return None if place is None else place.get((codes, measures))


@lru_cache(maxsize=20_000)
def printed_times(
    dataset: str, area: str, codes: tuple[str, ...], measures: str
) -> tuple[tuple[float, float], ...]:
    """Return (time in years, figure) of every printed figure of one series, oldest first."""
    found = []
    for (place, period), cells in _printed().get(dataset, {}).items():
        figure = cells.get((codes, measures)) if place == area else None
        if figure is not None:
            found.append((_time(period), figure))
    return tuple(sorted(found))


def _time(period: str) -> float:
    year, _, month = period.partition("-")
    return int(year) + ((int(month) - 0.5) / 12 if month else 0.5)


def pull(time: float, anchors: tuple[tuple[float, float], ...]) -> float:
    """Return how far a series is drawn to its printed figures: all at one, a third three years away.

    `anchors` are (time, printed minus modelled); between two the nearer counts.
    """
    if not anchors:
        return 0.0
    anchor, difference = min(anchors, key=lambda found: abs(found[0] - time))
    return difference * math.exp(-abs(time - anchor) / 3)
