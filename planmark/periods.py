"""Periods are a first day and a length in months; 0 months is a single day."""

from __future__ import annotations

import calendar
from datetime import date


def months_before(day: date, months: int) -> date:
    """Return the first day of the month so many months before that of `day`; after it, if negative."""
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def period_end(start: date, months: int) -> date:
    """Return the last day of a period; of a point, the day itself."""
    if months == 0:
        return start
    last = months_before(start, 1 - months)
    return last.replace(day=calendar.monthrange(last.year, last.month)[1])
