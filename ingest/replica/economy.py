"""Seeded jobs, employees by industry, businesses and earnings."""

from __future__ import annotations

from functools import lru_cache

from ingest.replica import claimants, seeds
from ingest.replica.areas import Area
from ingest.replica.periods import Period
from ingest.replica.seeds import NOT_HELD, Cell, Shape, lasting, noise, rate, round_to, round_up_half, wave

Codes = tuple[str, ...]

TOTAL_INDUSTRY = "37748736"
_FIRST_SECTION = 150994945
#: Employees by section A..U in percent, and businesses likewise.
_EMPLOYEES = (
    0.3,
    0.1,
    9.5,
    0.4,
    0.8,
    4.6,
    15.2,
    5.2,
    6.6,
    3.6,
    3.0,
    1.5,
    7.8,
    9.0,
    4.8,
    9.6,
    13.6,
    2.2,
    2.1,
    0.05,
    0.05,
)
_BUSINESSES = (
    4.6, 0.05, 5.6, 0.3, 0.5, 13.6, 15.0, 5.2, 6.6, 6.4, 2.4, 3.9, 13.4, 8.8, 0.2, 1.8, 4.2, 2.4, 4.6,
    0.2, 0.05,
)  # fmt: skip
_DENSITY = Shape(
    ((2000.0, -0.01), (2008.0, 0.0), (2011.0, -0.03), (2016.0, 0.03), (2019.0, 0.06), (2025.0, 0.08))
)


def _jobs(area: Area, year: int) -> float:
    density = area.jobs_density + _DENSITY.at(year + 0.5) + 0.015 * wave(f"{area.code}|jobs", year)
    return density * claimants.working_age(area, year)


def jobs_density_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_57_1: item. Jobs to the thousand; density in jobs per resident aged 16-64, two decimals."""
    (item,) = codes
    if area.kind == "lsoa" or measures != "20100":
        return NOT_HELD
    jobs = round_to(_jobs(area, period.year), 1000)
    if item == "3":
        return Cell(round_up_half(jobs / claimants.working_age(area, period.year), 2), 2, 0.01)
    return Cell(jobs if item == "1" else round_to(jobs * 0.87, 1000), 0, 1000)


@lru_cache(maxsize=20_000)
def _mix(area: Area, of_businesses: bool) -> tuple[float, ...]:
    """Return the share of each section in an area; they add to 1."""
    national = _BUSINESSES if of_businesses else _EMPLOYEES
    word = "businesses" if of_businesses else "employees"
    weights = [
        share * max(0.3, 1 + 0.3 * lasting(f"{area.code}|{word} {place}"))
        for place, share in enumerate(national)
    ]
    whole = sum(weights)
    return tuple(weight / whole for weight in weights)


def _employees(area: Area, industry: str, year: int, status: str) -> float:
    everyone = _jobs(area, year) * 0.87
    if industry != TOTAL_INDUSTRY:
        section = int(industry) - _FIRST_SECTION
        drift = 1 + 0.05 * wave(f"{area.code}|section {section}", year)
        everyone *= _mix(area, False)[section] * drift
    return everyone * {"1": 1.0, "2": 0.68, "3": 0.32, "4": 1.06}[status]


def _bres_step(area: Area, count: float) -> int:
    """Return the rounding of the true one: finer for smaller figures."""
    if count >= 10_000:
        return 1000
    return 500 if count >= 2_000 else 100 if count >= 100 else 5


def bres_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_189_1: industry, employment_status, measure (1 count, 2 percent of all industries)."""
    industry, status, measure = codes
    if area.kind == "lsoa" or measures != "20100":
        return NOT_HELD
    count = _employees(area, industry, period.year, status)
    if measure == "2":
        whole = _employees(area, TOTAL_INDUSTRY, period.year, status)
        return Cell(rate(count, whole), 1, 0.1)
    step = _bres_step(area, count)
    return Cell(round_to(count, step), 0, step)


_SIZE = {"10": 0.893, "20": 0.087, "30": 0.016, "40": 0.004}
_LEGAL = {"1": 0.735, "2": 0.155, "3": 0.075, "4": 0.0004, "5": 0.0003, "6": 0.0013, "7": 0.033}


def business_counts_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_142_1: industry, employment_sizeband, legal_status; rounded to 5, true zeros are Normal."""
    industry, size, legal = codes
    if area.kind == "lsoa" or measures != "20100":
        return NOT_HELD
    growth = 1 + 0.021 * (period.year - 2010)
    everyone = claimants.population(area, 2011) * 0.034 * growth * (1 + 0.1 * (area.pay - 1))
    if industry != TOTAL_INDUSTRY:
        everyone *= _mix(area, True)[int(industry) - _FIRST_SECTION]
    everyone *= 1 + 0.02 * wave(f"{area.code}|businesses {industry}", period.year)
    return Cell(round_to(everyone * _SIZE.get(size, 1.0) * _LEGAL.get(legal, 1.0), 5), 0, 5)


_WEEKLY = Shape(
    ((2002.0, 324.0), (2006.0, 366.0), (2010.0, 404.0), (2014.0, 418.0), (2018.0, 460.0), (2020.0, 480.0),
     (2022.0, 533.0), (2024.0, 608.0), (2026.0, 670.0))
)  # fmt: skip
_SEX_FACTOR = {
    "1": 1.33,
    "2": 0.44,
    "3": 1.12,
    "4": 0.46,
    "5": 1.19,
    "6": 0.80,
    "7": 1.0,
    "8": 1.24,
    "9": 0.455,
}
_ITEM_FACTOR = {"2": 1.0, "3": 1.18, "6": 0.36, "8": 0.63, "12": 1.46, "15": 2.02}
_HOURS = {"1": 39.5, "2": 19.0, "3": 37.5, "4": 18.5, "5": 37.5, "6": 31.0, "7": 35.0, "8": 38.5, "9": 18.6}
_SAMPLE = {"country": 150_000, "region": 12_000, "county": 2_800, "unitary": 900, "district": 330}
_SEX_SAMPLE = {
    "1": 0.40,
    "2": 0.09,
    "3": 0.28,
    "4": 0.20,
    "5": 0.50,
    "6": 0.50,
    "7": 1.0,
    "8": 0.70,
    "9": 0.30,
}


def earnings_cell(workplace: bool) -> seeds.CellOf:
    """Return the figures of NM_30_1 (where people live) or NM_99_1 (where they work): sex, item, pay."""

    def cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
        sex, item, pay = codes
        if area.kind == "lsoa":
            return NOT_HELD
        sample = _SAMPLE[area.kind] * _SEX_SAMPLE[sex] * (1 + 0.2 * lasting(f"{area.code}|{sex}|ashe"))
        variation = 92 / sample**0.5 * (1.5 if item in ("6", "15") else 1.0)
        if measures == "20701":
            return Cell(round_up_half(min(variation, 19.9), 1), 1, 0.1) if variation <= 20 else NOT_HELD
        if variation > 20:
            return NOT_HELD
        return _pay(_weekly(area, sex, item, period, workplace, variation), sex, pay)

    return cell


def _weekly(area: Area, sex: str, item: str, period: Period, workplace: bool, variation: float) -> float:
    level = _WEEKLY.at(period.year) * area.pay * _SEX_FACTOR[sex] * _ITEM_FACTOR[item]
    if workplace:
        level *= _workplace_premium(area)
    where = "work" if workplace else "home"
    key = f"{area.code}|{where}|{sex}|{item}"
    return level * (1 + 0.012 * wave(key, period.year) + 0.003 * variation * noise(f"{key}|{period.code}"))


def _workplace_premium(area: Area) -> float:
    """Return pay by workplace over pay by residence: cities draw in people who earn more and live outside."""
    if area.kind in ("country", "region"):
        return 1.0
    return 1.0 + 0.45 * (area.jobs_density - 0.74) + 0.015 * lasting(f"{area.code}|premium")


def _pay(weekly: float, sex: str, pay: str) -> Cell:
    if pay == "7":
        return Cell(round(weekly * 51.2), 0, 1)
    if pay == "1":
        return Cell(round_up_half(weekly, 1), 1, 0.1)
    hourly = weekly / _HOURS[sex] * (1.0 if pay == "5" else 0.992)
    return Cell(round_up_half(hourly, 2), 2, 0.01)


_CENSUS = {"0": 1.0, "1": 0.493, "2": 0.507, "3": 0.982, "4": 0.018}


def census_2011_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_144_1: rural_urban, cell."""
    return _census(area, _CENSUS[codes[1]], 2011, measures)


def census_2021_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_2021_1: residence type."""
    return _census(area, {"0": 1.0, "1": 0.982, "2": 0.018}[codes[0]], 2021, measures)


def _census(area: Area, share: float, year: int, measures: str) -> Cell:
    if measures == "20301":
        return Cell(round_up_half(100 * share, 1), 1, 0.1)
    return Cell(round(claimants.population(area, year) * share))
