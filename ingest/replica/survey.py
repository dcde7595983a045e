"""Seeded annual population survey: rates with numerator, denominator and confidence half-width.

The level of a rate is a local level plus the national course, a slow wave and sampling noise. Noise is shared
by overlapping years, as four quarters make a rolling year. Nothing here looks at a target.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

from ingest.replica import claimants, seeds
from ingest.replica.areas import Area
from ingest.replica.periods import Period
from ingest.replica.seeds import NOT_HELD, Cell, Shape, lasting, noise, rate, round_to, wave

VALUE, NUMERATOR, DENOMINATOR, CONFIDENCE = "20599", "21001", "21002", "21003"
_DATASET = "NM_17_5"

#: Employment rate 16-64 of the country less its level in 2006, in points: the rough course of the true one.
_COURSE = Shape(
    ((2004.0, -0.1), (2006.0, 0.0), (2008.0, -0.1), (2010.0, -2.2), (2012.0, -1.8), (2014.0, 0.0),
     (2016.0, 1.5),
     (2018.0, 2.5), (2020.0, 2.8), (2021.0, 2.2), (2023.0, 2.8), (2025.0, 2.5), (2027.0, 2.5))
)  # fmt: skip
#: Unemployment relative to 2006.
_JOBLESS_COURSE = Shape(
    ((2004.0, 0.92), (2006.0, 1.0), (2008.0, 1.05), (2010.0, 1.5), (2012.0, 1.55), (2014.0, 1.2),
     (2016.0, 0.93),
     (2019.0, 0.74), (2021.0, 0.93), (2023.0, 0.72), (2025.5, 0.92), (2027.0, 0.95))
)  # fmt: skip
#: People asked in a year, by kind of area, and how that has shrunk.
_SAMPLE = {"country": 120_000, "region": 16_000, "county": 3_600, "unitary": 1_080, "district": 930}
_SAMPLE_COURSE = Shape(
    ((2004.0, 1.0), (2010.0, 0.92), (2016.0, 0.80), (2020.0, 0.66), (2024.0, 0.55), (2027.0, 0.56))
)

#: variable -> (what it is, sex). Sexes: 7 all, 5 men, 6 women.
_RATES = {
    "18": ("active", "7"), "27": ("active", "5"), "36": ("active", "6"),
    "45": ("employed", "7"), "54": ("employed", "5"), "63": ("employed", "6"),
    "84": ("jobless", "7"), "93": ("jobless", "5"), "102": ("jobless", "6"),
    "83": ("jobless 16+", "7"), "92": ("jobless 16+", "5"), "101": ("jobless 16+", "6"),
    "111": ("inactive", "7"), "120": ("inactive", "5"), "129": ("inactive", "6"),
}  # fmt: skip
#: Other shares of residents aged 16-64: variable -> (level, spread between areas, part of the sample asked).
_SHARES = {
    "46": (38.0, 5.0, 0.09), "47": (65.0, 4.0, 0.09), "48": (79.0, 3.0, 0.21), "49": (81.0, 2.5, 0.31),
    "51": (65.0, 3.5, 0.27), "74": (9.3, 1.6, 1.0), "248": (62.5, 3.0, 1.0), "249": (9.2, 1.6, 1.0),
    "1213": (14.0, 3.0, 0.12),
}  # fmt: skip
_EXCLUSIVE = ("290", "299", "308", "317", "326", "335", "344")
#: Highest qualification in percent, in the order above: Leicester, East Midlands, Great Britain as Figure 3
#: prints them for 2005; other areas lie about the East Midlands.
_QUALIFIED: dict[str, tuple[float, ...]] = {
    "E06000016": (24.4, 12.8, 5.1, 13.3, 13.0, 12.7, 18.8),
    "E12000004": (26.7, 16.3, 6.7, 15.2, 16.2, 8.0, 10.9),
    "K03000001": (30.2, 15.5, 6.1, 15.9, 14.2, 8.2, 9.9),
}
_QUALIFIED_CHANGE = (0.95, 0.05, -0.17, 0.0, -0.20, -0.15, -0.42)  # points a year
_CUMULATIVE: dict[str, tuple[float, ...]] = {
    "720": (1, 1, 0.5, 0, 0, 0, 0),
    "721": (1, 1, 1, 1, 0, 0, 0),
    "722": (1, 1, 1, 1, 1, 0, 0),
}
#: The framework of 2022 on counts differently: a break, not a revision.
_RQF: dict[str, tuple[float, ...]] = {
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
    if estimate.numerator < 500 and measures != DENOMINATOR:
        return Cell(None, status=seeds.UNDER_500)
    if measures == VALUE:
        return Cell(estimate.percent, 1, 0.1)
    if measures == CONFIDENCE:
        return Cell(_half_width(estimate.percent, estimate.sample), 1, 0.1)
    return Cell(estimate.numerator if measures == NUMERATOR else estimate.denominator, 0, 100)


def _is_collected(variable: str, period: Period) -> bool:
    """Qualifications are of calendar years, the old framework to 2021 and the new one from 2022."""
    if variable in _EXCLUSIVE or variable in _CUMULATIVE:
        return period.month == 12 and period.year <= 2021
    if variable in _RQF:
        return period.month == 12 and period.year >= 2022
    return True


@dataclass(frozen=True, slots=True)
class Estimate:
    """A percentage, the counts that it is made of, and how many people were asked."""

    percent: float
    numerator: int
    denominator: int
    sample: float


@lru_cache(maxsize=20_000)
def _estimate(area: Area, variable: str, period: Period) -> Estimate | None:
    """Return one estimate; None where too few were asked.

    The percent is that of the rounded counts, so that the three agree, unless the percent is printed.
    """
    sample = _sample(area, period) * _part_asked(area, variable, period)
    if sample < 10:
        return None
    if variable in _RATES:
        numerator, denominator = _labour_counts(area, variable, period)
    else:
        denominator = round_to(_people(area, period.time, period.year) * _part_of_people(area, variable), 100)
        numerator = _share_of(area, variable, period, denominator, sample)
    printed_numerator = _printed(area, variable, period, NUMERATOR)
    printed_denominator = _printed(area, variable, period, DENOMINATOR)
    numerator = numerator if printed_numerator is None else int(printed_numerator)
    denominator = denominator if printed_denominator is None else int(printed_denominator)
    percent = _printed(area, variable, period, VALUE)
    return Estimate(
        rate(numerator, denominator) if percent is None else percent, numerator, denominator, sample
    )


def _printed(area: Area, variable: str, period: Period, measures: str) -> float | None:
    return seeds.printed(_DATASET, area.code, period.code, (variable,), measures)


def _suppressed(area: Area, variable: str, period: Period) -> Cell:
    sample = _sample(area, period) * _part_asked(area, variable, period)
    return Cell(None, status=seeds.ZERO_OR_DISCLOSIVE if sample < 3 else seeds.SMALL_SAMPLE)


# --- how many were asked ------------------------------------------------------------------------------


@lru_cache(maxsize=10_000)
def _sample(area: Area, period: Period) -> float:
    size = _SAMPLE[area.kind] * (1 + 0.03 * lasting(f"{area.code}|sample"))
    return size * _SAMPLE_COURSE.at(period.time) * (1 + 0.02 * noise(f"{area.code}|{period.code}|sample"))


def _part_asked(area: Area, variable: str, period: Period) -> float:
    if variable in _ETHNIC:
        part = _part_of_people(area, variable)
        return part * (1 + 0.15 * noise(f"{area.code}|{variable}|{period.code}|asked"))
    if variable in _SHARES:
        return _SHARES[variable][2]
    what, sex = _RATES.get(variable, ("employed", "7"))
    return (1.0 if sex == "7" else 0.5) * (0.75 if what.startswith("jobless") else 1.0)


def _half_width(percent: float, sample: float) -> float:
    """Return half of the 95 % interval in points: 2.5 to 4 for a city's or district's employment rate."""
    proportion = min(0.98, max(0.02, percent / 100))
    return max(0.1, round(196 * math.sqrt(proportion * (1 - proportion) / sample), 1))


# --- counts -------------------------------------------------------------------------------------------


def _labour_counts(area: Area, variable: str, period: Period) -> tuple[int, int]:
    """Return numerator and denominator of a rate.

    Employed and jobless make the active, the rest is inactive.
    """
    what, sex = _RATES[variable]
    people, active, employed = _labour(area, sex, period)
    if what == "jobless 16+":
        # A few work beyond 64, and hardly any of them is out of work.
        return round_to((active - employed) * 1.01, 100), round_to(active * 1.03, 100)
    return {
        "active": (active, people),
        "employed": (employed, people),
        "jobless": (active - employed, active),
        "inactive": (people - active, people),
    }[what]


@lru_cache(maxsize=20_000)
def _labour(area: Area, sex: str, period: Period) -> tuple[int, int, int]:
    """Return people, active and employed aged 16-64, to the hundred."""
    sample = _sample(area, period) * (1.0 if sex == "7" else 0.5)
    people = round_to(_people(area, period.time, period.year) * _SEX_PART[sex], 100)
    printed_people = _printed(area, _EMPLOYED_OF[sex], period, DENOMINATOR)
    people = people if printed_people is None else int(printed_people)
    rate_employed = _printed(area, _EMPLOYED_OF[sex], period, VALUE)
    if rate_employed is None:
        level = _employed_level(area, sex, period.time)
        rate_employed = _with_sampling_error(f"{area.code}|employed|{sex}", period, level, sample)
    employed = round_to(people * rate_employed / 100, 100)
    rate_active = _printed(area, _ACTIVE_OF[sex], period, VALUE)
    if rate_active is not None:
        return people, max(employed, round_to(people * rate_active / 100, 100)), employed
    jobless = _with_sampling_error(
        f"{area.code}|jobless|{sex}", period, _jobless_level(area, sex, period.time), 0.75 * sample
    )
    return people, min(people, round_to(employed / (1 - jobless / 100), 100)), employed


def _share_of(area: Area, variable: str, period: Period, denominator: int, sample: float) -> int:
    level = _printed(area, variable, period, VALUE)
    if level is None:
        level = _share_level(area, variable, period)
        level = _with_sampling_error(f"{area.code}|{variable}", period, level, sample)
    return round_to(denominator * level / 100, 100)


@lru_cache(maxsize=10_000)
def _people(area: Area, time: float, year: int) -> float:
    """Return residents aged 16-64 as the survey counts them.

    Those in communal establishments are left out.
    """
    people = claimants.working_age(area, year - 1) * 0.965
    anchors = tuple(
        (when, figure / (claimants.working_age(area, int(when) - 1) * 0.965) - 1)
        for when, figure in seeds.printed_times(_DATASET, area.code, ("45",), DENOMINATOR)
    )
    return people * (1 + seeds.pull(time, anchors))


def _part_of_people(area: Area, variable: str) -> float:
    if variable in _ETHNIC:
        return area.minority if _ETHNIC[variable] else 1 - area.minority
    return _SHARES[variable][2] if variable in _SHARES else 1.0


_SEX_PART = {"7": 1.0, "5": 0.502, "6": 0.498}
_ACTIVE_OF = {"7": "18", "5": "27", "6": "36"}
_EMPLOYED_OF = {"7": "45", "5": "54", "6": "63"}


# --- levels -------------------------------------------------------------------------------------------


def _jobless_level(area: Area, sex: str, time: float) -> float:
    level = area.unemployment * _JOBLESS_COURSE.at(time)
    return level * (1 + 0.06 * wave(f"{area.code}|jobless", time)) * {"7": 1, "5": 1.07, "6": 0.92}[sex]


def _employed_level(area: Area, sex: str, time: float) -> float:
    return _unanchored(area, sex, time) + seeds.pull(time, _employed_anchors(area, sex))


@lru_cache(maxsize=1_000)
def _employed_anchors(area: Area, sex: str) -> tuple[tuple[float, float], ...]:
    return tuple(
        (when, figure - _unanchored(area, sex, when))
        for when, figure in seeds.printed_times(_DATASET, area.code, (_EMPLOYED_OF[sex],), VALUE)
    )


def _unanchored(area: Area, sex: str, time: float) -> float:
    level = area.employment + _COURSE.at(time) + 1.1 * wave(f"{area.code}|employment", time)
    gap = 12.0 - 0.32 * (time - 2006) + 0.8 * lasting(f"{area.code}|sexes")
    return level + {"7": 0.0, "5": gap / 2, "6": -gap / 2}[sex]


def _share_level(area: Area, variable: str, period: Period) -> float:
    if variable in _ETHNIC:
        employed = _employed_level(area, "7", period.time)
        gap = 10.5 + 1.5 * lasting(f"{area.code}|gap") - 0.15 * (period.time - 2006)
        return employed - gap * (1 - area.minority) if _ETHNIC[variable] else employed + gap * area.minority
    if variable in _SHARES:
        level, spread, _ = _SHARES[variable]
        own = (area.employment - 72.6) * level / 72.6
        place = 0.4 * lasting(f"{area.code}|{variable}") + 0.3 * wave(variable, period.time)
        return level + own + spread * place
    return _qualified(area, variable, period.year)


def _with_sampling_error(key: str, period: Period, level: float, sample: float) -> float:
    """Return a level with its sampling error, the mean of four quarters.

    Neighbouring years share three of them.
    """
    quarter = period.year * 4 + (period.month or 12) // 3
    mean = sum(lasting(f"{key}|{quarter - back}") for back in range(4)) / 2
    proportion = min(0.98, max(0.02, level / 100))
    return min(99.0, max(0.2, level + mean * 100 * math.sqrt(proportion * (1 - proportion) / sample)))


@lru_cache(maxsize=20_000)
def _highest(area: Area, year: int) -> tuple[float, ...]:
    """Return the share of each highest qualification, in percent; they add to 100."""
    shares = []
    for place, (level, change) in enumerate(zip(_qualified_in_2005(area), _QUALIFIED_CHANGE, strict=True)):
        drift = 0.4 * wave(f"{area.code}|qualified {place}", year) * min(1, abs(year - 2005))
        shares.append(max(0.8, level + change * (year - 2005) + drift))
    whole = sum(shares)
    return tuple(100 * share / whole for share in shares)


def _qualified_in_2005(area: Area) -> tuple[float, ...]:
    if area.code in _QUALIFIED:
        return _QUALIFIED[area.code]
    return tuple(
        share * (1 + 0.12 * lasting(f"{area.code}|qualified {place}"))
        for place, share in enumerate(_QUALIFIED["E12000004"])
    )


def _qualified(area: Area, variable: str, year: int) -> float:
    shares = _highest(area, year)
    if variable in _EXCLUSIVE:
        return shares[_EXCLUSIVE.index(variable)]
    if variable in _CUMULATIVE:
        return sum(weight * share for weight, share in zip(_CUMULATIVE[variable], shares, strict=True))
    *parts, factor = _RQF[variable]
    return factor * sum(weight * share for weight, share in zip(parts, shares, strict=True))
