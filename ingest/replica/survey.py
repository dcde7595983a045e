"""Seeded annual population survey: rates with numerator, denominator and confidence half-width.

The level of a rate is a local level plus the national course, a slow wave and sampling noise. Noise is shared
by overlapping years, as four quarters make a rolling year. Nothing here looks at a target.
"""

from __future__ import annotations

import math
from functools import lru_cache

from ingest.replica import claimants, seeds
from ingest.replica.areas import Area
from ingest.replica.periods import Period
from ingest.replica.seeds import NOT_HELD, Cell, Shape, lasting, noise, rate, round_to, wave

VALUE, NUMERATOR, DENOMINATOR, CONFIDENCE = "20599", "21001", "21002", "21003"
_DATASET = "NM_17_5"

#: Employment rate 16-64 of the country less its level in 2006, in points: the rough course of the true one.
_COURSE = Shape(
    ((2004.0, -0.1), (2006.0, 0.0), (2008.0, -0.1), (2010.0, -2.2), (2012.0, -1.8), (2014.0, 0.0), (2016.0, 1.5),
     (2018.0, 2.5), (2020.0, 2.8), (2021.0, 2.2), (2023.0, 2.8), (2025.0, 2.5), (2027.0, 2.5))
)  # fmt: skip
#: Unemployment relative to 2006.
_JOBLESS_COURSE = Shape(
    ((2004.0, 0.92), (2006.0, 1.0), (2008.0, 1.05), (2010.0, 1.5), (2012.0, 1.55), (2014.0, 1.2), (2016.0, 0.93),
     (2019.0, 0.74), (2021.0, 0.93), (2023.0, 0.72), (2025.5, 0.92), (2027.0, 0.95))
)  # fmt: skip
#: People asked in a year, by kind of area, and how that has shrunk.
_SAMPLE = {"country": 120_000, "region": 16_000, "county": 3_600, "unitary": 1_150, "district": 950}
_SAMPLE_COURSE = Shape(
    ((2004.0, 1.0), (2010.0, 0.92), (2016.0, 0.80), (2020.0, 0.66), (2024.0, 0.55), (2027.0, 0.56))
)

#: variable -> (what it is, sex). Sexes: 7 all, 5 men, 6 women.
_RATES = {
    "18": ("active", "7"), "27": ("active", "5"), "36": ("active", "6"),
    "45": ("employed", "7"), "54": ("employed", "5"), "63": ("employed", "6"),
    "84": ("jobless", "7"), "93": ("jobless", "5"), "102": ("jobless", "6"),
    "83": ("jobless", "7"), "92": ("jobless", "5"), "101": ("jobless", "6"),
    "111": ("inactive", "7"), "120": ("inactive", "5"), "129": ("inactive", "6"),
}  # fmt: skip
#: Other shares of residents aged 16-64: variable -> (level, spread between areas, part of the sample asked).
_SHARES = {
    "46": (38.0, 5.0, 0.09), "47": (65.0, 4.0, 0.09), "48": (79.0, 3.0, 0.21), "49": (81.0, 2.5, 0.31),
    "51": (65.0, 3.5, 0.27), "74": (9.3, 1.6, 1.0), "248": (62.5, 3.0, 1.0), "249": (9.2, 1.6, 1.0),
    "1213": (14.0, 3.0, 0.12),
}  # fmt: skip
_EXCLUSIVE = ("290", "299", "308", "317", "326", "335", "344")
#: Highest qualification in percent, in the order above: Leicester, East Midlands and Great Britain as Figure 3
#: prints them for 2005; other areas lie about the East Midlands.
_QUALIFIED = {
    "E06000016": (24.4, 12.8, 5.1, 13.3, 13.0, 12.7, 18.8),
    "E12000004": (26.7, 16.3, 6.7, 15.2, 16.2, 8.0, 10.9),
    "K03000001": (30.2, 15.5, 6.1, 15.9, 14.2, 8.2, 9.9),
}
_QUALIFIED_CHANGE = (0.95, 0.05, -0.17, 0.0, -0.20, -0.15, -0.42)  # points a year
_CUMULATIVE = {
    "720": (1, 1, 0.5, 0, 0, 0, 0),
    "721": (1, 1, 1, 1, 0, 0, 0),
    "722": (1, 1, 1, 1, 1, 0, 0),
}
#: The framework of 2022 on counts differently: a break, not a revision.
_RQF = {
    "1902": (1, 0, 0, 0, 0, 0, 0, 1.03),
    "1911": (1, 1, 0.5, 0, 0, 0, 0, 1.05),
    "1920": (1, 1, 1, 1, 0, 0, 0, 1.06),
    "1929": (1, 1, 1, 1, 1, 0, 0, 1.03),
    "1938": (0, 0, 0, 0, 0, 1, 0, 0.80),
    "1947": (0, 0, 0, 0, 0, 0, 1, 0.95),
}
_ETHNIC = {"594": True, "866": False}


def survey_cell(area: Area, codes: tuple[str, ...], period: Period, measures: str) -> Cell:
    """NM_17_5: variable. Percent with one decimal; numerators and denominators to the hundred."""
    (variable,) = codes
    if area.kind == "lsoa" or not _is_collected(variable, period):
        return NOT_HELD
    estimate = _estimate(area, variable, period)
    if estimate is None:
        return _suppressed(area, variable, period)
    percent, numerator, denominator, sample = estimate
    if measures == VALUE:
        return Cell(percent, 1, 0.1)
    if measures == CONFIDENCE:
        return Cell(_half_width(area, percent, sample), 1, 0.1)
    return Cell(numerator if measures == NUMERATOR else denominator, 0, 100)


def _is_collected(variable: str, period: Period) -> bool:
    """Qualifications are of calendar years, the old framework to 2021 and the new one from 2022."""
    if variable in _EXCLUSIVE or variable in _CUMULATIVE:
        return period.month == 12 and period.year <= 2021
    if variable in _RQF:
        return period.month == 12 and period.year >= 2022
    return True


@lru_cache(maxsize=20_000)
def _estimate(area: Area, variable: str, period: Period) -> tuple[float, int, int, float] | None:
    """Return percent, numerator, denominator and sample of one estimate; None where it is suppressed.

    The percent is that of the rounded counts, so that the three agree, unless the percent is printed.
    """
    sample = _sample(area, period) * _part_asked(area, variable, period)
    if sample < 10:
        return None
    base = _base(area, variable, period)
    denominator = int(_printed(area, variable, period, DENOMINATOR) or round_to(base, 100))
    level = _printed(area, variable, period, VALUE)
    if level is None:
        level = _level(area, variable, period)
        level = min(99.0, max(0.2, level + _sampling(area, variable, period, level, sample)))
    numerator = int(_printed(area, variable, period, NUMERATOR) or round_to(denominator * level / 100, 100))
    percent = _printed(area, variable, period, VALUE)
    return percent if percent is not None else rate(numerator, denominator), numerator, denominator, sample


def _printed(area: Area, variable: str, period: Period, measures: str) -> float | None:
    return seeds.printed(_DATASET, area.code, period.code, (variable,), measures)


def _suppressed(area: Area, variable: str, period: Period) -> Cell:
    sample = _sample(area, period) * _part_asked(area, variable, period)
    return Cell(None, status=seeds.ZERO_OR_DISCLOSIVE if sample < 3 else seeds.SMALL_SAMPLE)


def _sample(area: Area, period: Period) -> float:
    size = _SAMPLE[area.kind] * (1 + 0.06 * lasting(f"{area.code}|sample"))
    return size * _SAMPLE_COURSE.at(period.time) * (1 + 0.02 * noise(f"{area.code}|{period.code}|sample"))


def _part_asked(area: Area, variable: str, period: Period) -> float:
    if variable in _ETHNIC:
        share = area.minority if _ETHNIC[variable] else 1 - area.minority
        return share * (1 + 0.15 * noise(f"{area.code}|{variable}|{period.code}|asked"))
    if variable in _SHARES:
        return _SHARES[variable][2]
    what, sex = _RATES.get(variable, ("employed", "7"))
    part = 1.0 if sex == "7" else 0.5
    return part * (0.75 if what == "jobless" else 1.0)


def _half_width(area: Area, percent: float, sample: float) -> float:
    """Return half of the 95 % interval in points; a whole city or district lies in 2.5..4 at a rate near 65."""
    proportion = min(0.98, max(0.02, percent / 100))
    return max(0.1, round(196 * math.sqrt(proportion * (1 - proportion) / sample), 1))


def _base(area: Area, variable: str, period: Period) -> float:
    """Return the people that a percentage is of: the survey leaves out those in communal establishments."""
    people = claimants.working_age(area, period.year - 1) * 0.965
    anchors = tuple(
        (time, figure / (claimants.working_age(area, int(time) - 1) * 0.965) - 1)
        for time, figure in seeds.printed_times(_DATASET, area.code, ("45",), DENOMINATOR)
    )
    people *= 1 + seeds.pull(period.time, anchors)
    if variable in _ETHNIC:
        return people * (area.minority if _ETHNIC[variable] else 1 - area.minority)
    if variable in _SHARES:
        return people * _SHARES[variable][2]
    what, sex = _RATES.get(variable, ("employed", "7"))
    part = {"7": 1.0, "5": 0.502, "6": 0.498}[sex]
    return people * part * (_level(area, _ACTIVE_OF[sex], period) / 100 if what == "jobless" else 1.0)


_ACTIVE_OF = {"7": "18", "5": "27", "6": "36"}
_EMPLOYED_OF = {"7": "45", "5": "54", "6": "63"}


def _level(area: Area, variable: str, period: Period) -> float:
    """Return what the percentage would be without sampling noise."""
    if variable in _RATES:
        return _labour(area, *_RATES[variable], period)
    if variable in _ETHNIC:
        employed = _labour(area, "employed", "7", period)
        gap = 10.5 + 1.5 * lasting(f"{area.code}|gap") - 0.15 * (period.time - 2006)
        share = area.minority
        return employed - gap * (1 - share) if _ETHNIC[variable] else employed + gap * share
    if variable in _SHARES:
        level, spread, _ = _SHARES[variable]
        own = (area.employment - 72.6) * level / 72.6
        return (
            level
            + own
            + spread * (0.4 * lasting(f"{area.code}|{variable}") + 0.3 * wave(variable, period.time))
        )
    return _qualified(area, variable, period.year)


def _labour(area: Area, what: str, sex: str, period: Period) -> float:
    employed = _employed(area, sex, period.time)
    jobless = area.unemployment * _JOBLESS_COURSE.at(period.time)
    jobless *= (1 + 0.06 * wave(f"{area.code}|jobless", period.time)) * {"7": 1, "5": 1.07, "6": 0.92}[sex]
    if what == "employed":
        return employed
    if what == "jobless":
        return jobless
    active = employed / (1 - jobless / 100)
    return active if what == "active" else 100 - active


def _employed(area: Area, sex: str, time: float) -> float:
    level = area.employment + _COURSE.at(time) + 1.1 * wave(f"{area.code}|employment", time)
    gap = 12.0 - 0.32 * (time - 2006) + 0.8 * lasting(f"{area.code}|sexes")
    level += {"7": 0.0, "5": gap / 2, "6": -gap / 2}[sex]
    anchors = tuple(
        (when, figure - _unanchored(area, sex, when))
        for when, figure in seeds.printed_times(_DATASET, area.code, (_EMPLOYED_OF[sex],), VALUE)
    )
    return level + seeds.pull(time, anchors)


def _unanchored(area: Area, sex: str, time: float) -> float:
    level = area.employment + _COURSE.at(time) + 1.1 * wave(f"{area.code}|employment", time)
    gap = 12.0 - 0.32 * (time - 2006) + 0.8 * lasting(f"{area.code}|sexes")
    return level + {"7": 0.0, "5": gap / 2, "6": -gap / 2}[sex]


def _sampling(area: Area, variable: str, period: Period, level: float, sample: float) -> float:
    """Return the sampling error: the mean of four quarters, so neighbouring rolling years share three of them.

    Active and inactive are two sides of one answer and share their error.
    """
    what, sex = _RATES.get(variable, (variable, "7"))
    sign = -1.0 if what == "inactive" else 1.0
    key = f"{area.code}|{'active' if what == 'inactive' else what}|{sex}"
    quarter = period.year * 4 + (period.month or 12) // 3
    mean = sum(noise(f"{key}|{quarter - back}") for back in range(4)) / 2
    proportion = min(0.98, max(0.02, level / 100))
    return sign * mean * 100 * math.sqrt(proportion * (1 - proportion) / sample)


@lru_cache(maxsize=20_000)
def _highest(area: Area, year: int) -> tuple[float, ...]:
    """Return the share of each highest qualification, in percent; they add to 100."""
    base = _QUALIFIED.get(area.code)
    if base is None:
        base = tuple(
            share * (1 + 0.12 * lasting(f"{area.code}|qualified {place}"))
            for place, share in enumerate(_QUALIFIED["E12000004"])
        )
    years = year - 2005
    shares = [
        max(
            0.8,
            share + change * years + 0.4 * wave(f"{area.code}|qualified {place}", year) * min(1, abs(years)),
        )
        for place, (share, change) in enumerate(zip(base, _QUALIFIED_CHANGE, strict=True))
    ]
    whole = sum(shares)
    return tuple(100 * share / whole for share in shares)


def _qualified(area: Area, variable: str, year: int) -> float:
    shares = _highest(area, year)
    if variable in _EXCLUSIVE:
        return shares[_EXCLUSIVE.index(variable)]
    weights = _CUMULATIVE.get(variable)
    if weights is not None:
        return sum(weight * share for weight, share in zip(weights, shares, strict=True))
    *parts, factor = _RQF[variable]
    return factor * sum(weight * share for weight, share in zip(parts, shares, strict=True))
