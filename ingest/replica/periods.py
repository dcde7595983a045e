"""The periods of a dataset: which exist on a given day, how they are named, and when each came out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Period:
    """One DATE of a dataset. `number` is year * 16 + month, as URNs spell it; month is 0 for a whole year."""

    code: str
    name: str
    year: int
    month: int
    released: date

    @property
    def number(self) -> int:
        """Return the form that a URN holds."""
        return self.year * 16 + self.month

    @property
    def time(self) -> float:
        """Return the middle of the year or the month in years, for the smooth part of a seeded series."""
        return self.year + (0.5 if self.month == 0 else (self.month - 0.5) / 12)


@dataclass(frozen=True)
class Calendar:
    """When a dataset starts, ends and is released.

    `months` are the months of the year that have a period (none for whole years); `rolling` names a period by
    the twelve months that it ends; `lag` is how many months after the period, on day `day`, it is released.
    """

    first: tuple[int, int]
    last: tuple[int, int] | None
    months: tuple[int, ...]
    lag: int
    day: int
    rolling: bool = False

    def periods(self, today: date) -> tuple[Period, ...]:
        """Return every period out by the morning of `today`, oldest first."""
        return _periods(self, today)

    def next_release(self, today: date) -> date | None:
        """Return when the next period comes out; None once the dataset has ended."""
        if self.last is not None:
            return None
        return next(
            period.released for period in _candidates(self, today.year + 3) if period.released > today
        )


def _month_after(year: int, month: int, lag: int) -> tuple[int, int]:
    months = year * 12 + month - 1 + lag
    return months // 12, months % 12 + 1


def _candidates(calendar: Calendar, last_year: int) -> list[Period]:
    found = []
    for year in range(calendar.first[0], last_year + 1):
        for month in calendar.months or (0,):
            if (year, month) < calendar.first or (calendar.last and (year, month) > calendar.last):
                continue
            released_year, released_month = _month_after(year, month or 12, calendar.lag)
            released = date(released_year, released_month, calendar.day)
            found.append(Period(*_texts(year, month, calendar.rolling), year, month, released))
    return found


def _texts(year: int, month: int, rolling: bool) -> tuple[str, str]:
    if month == 0:
        return str(year), str(year)
    code = f"{year}-{month:02d}"
    if not rolling:
        return code, f"{_MONTHS[month - 1]} {year}"
    first_year, first_month = _month_after(year, month, -11)
    return code, f"{_MONTHS[first_month - 1][:3]} {first_year}-{_MONTHS[month - 1][:3]} {year}"


@lru_cache(maxsize=64)
def _periods(calendar: Calendar, today: date) -> tuple[Period, ...]:
    return tuple(period for period in _candidates(calendar, today.year) if period.released <= today)


EVERY_MONTH = tuple(range(1, 13))
QUARTERS_BENEFITS = (2, 5, 8, 11)
QUARTERS_SURVEY = (3, 6, 9, 12)
