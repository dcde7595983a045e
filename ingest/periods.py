"""Periods: the first day and a length in months, from the date that a publisher writes."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from planmark.periods import months_before, period_end

__all__ = ["PeriodMeaning", "period_end", "period_of", "published_period"]


def _month_day(text: str) -> str:
    try:
        date.fromisoformat(f"2001-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is not a day of every year; allowed: month-day like 06-30") from None
    return text


class PeriodMeaning(BaseModel):
    """What the publisher's date stands for. `at` (month-day) is the day of a point given as a year.

    `published`: each row says its own period, as the tables of ONS do.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    means: Literal["month", "quarter", "calendar_year", "year_ending", "point", "published"]
    at: Annotated[str, AfterValidator(_month_day)] | None = None

    @model_validator(mode="after")
    def _at_is_for_points(self) -> PeriodMeaning:
        if self.at and self.means != "point":
            raise PydanticCustomError("at_without_point", "`at` is set; allowed with `means: point` only")
        return self


def period_of(meaning: PeriodMeaning, code: str) -> tuple[date, int]:
    """Return first day and length in months of the period that a publisher's date code stands for.

    `code` is a year (2004), a month (2004-01) or, for a point, a day (2004-01-31). A point has 0 months.
    Raises: ValueError if the code is none of these, or not one that this meaning allows.
    """
    if not re.fullmatch(r"\d{4}(-(0[1-9]|1[0-2])(-\d\d)?)?", code):
        raise ValueError(f"{code!r} is not a period; allowed: 2004, 2004-01 or 2004-01-31")
    parts = code.count("-")
    if meaning.means == "point":
        return date.fromisoformat((f"{code}-{meaning.at or '01-01'}", f"{code}-01", code)[parts]), 0
    if meaning.means == "calendar_year":
        if parts == 0:
            return date(int(code), 1, 1), 12
    elif parts == 1:
        last = date.fromisoformat(f"{code}-01")
        months = {"month": 1, "quarter": 3, "year_ending": 12}.get(meaning.means, 0)
        if months:
            return months_before(last, months - 1), months
    raise ValueError(f"{code!r} does not stand for a {meaning.means.replace('_', ' ')}")


_PUBLISHED = re.compile(
    r"(?P<start>\d{4}-\d\d-\d\d)(?:T00:00:00)?(?:/P(?=\d)(?:(?P<years>\d{1,2})Y)?(?:(?P<months>\d{1,3})M)?)?"
)


def published_period(text: str) -> tuple[date, int]:
    """Return first day and length in months of a period as ONS tables write it.

    A start and a duration (2004-01-01/P1Y, /P3Y, /P1M), a day (a point, 0 months), or a year (12 months).
    Raises: ValueError if it is none of these.
    """
    if re.fullmatch(r"\d{4}", text):
        return date(int(text), 1, 1), 12
    found = _PUBLISHED.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is not a period; allowed: 2004-01-01/P1Y, 2004-01-01 or 2004")
    months = int(found["years"] or 0) * 12 + int(found["months"] or 0)
    if "/" in text and not months:
        raise ValueError(f"{text!r} is a period of no length")
    return date.fromisoformat(found["start"]), months
