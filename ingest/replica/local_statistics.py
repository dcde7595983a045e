"""Tables shaped as those of the ONS "Explore local statistics" service, with seeded values."""

from __future__ import annotations

import csv
import gzip
import io
import re
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from ingest.replica.areas import Area, local_areas
from ingest.replica.claimants import population
from ingest.replica.seeds import Shape, lasting, noise, round_to, wave

BASE = "/explore-local-statistics/"
_ISO = (
    "areacd", "areanm", "geography", "indicator", "period", "observation", "measure", "unit", "lci_95",
    "uci_95",
    "status", "notes",
)  # fmt: skip
#: The heading of older editions.
_MISSIONS = (
    "AREACD", "AREANM", "Geography", "Variable Name", "Indicator", "Mission", "Category", "Period",
    "Value", "Measure",
    "Unit", "Lower Confidence Interval (95%)", "Upper Confidence Interval (95%)", "Observation Status",
    "Polarity",
    "Notes",
)  # fmt: skip
_KINDS = {
    "region": "Region",
    "unitary": "County or Unitary Authority",
    "county": "County or Unitary Authority",
    "district": "Local Authority District",
}
_NATIONS = ("E92000001", "W92000004", "S92000003", "N92000002")
_ENGLAND_AND_WALES = "K04000001"


@dataclass(frozen=True)
class Indicator:
    """One indicator of a table.

    `half_width` is that of its interval for a district, None where there is none.
    """

    name: str
    level: float
    change: float  # a year
    spread: float
    measure: str
    unit: str
    half_width: float | None = None
    decimals: int = 1
    course: Shape | None = None
    maximum: float | None = None
    per_resident: bool = False  # a count, in fives


@dataclass(frozen=True)
class Table:
    """One file. `period` is how a year's period is written; `lag_days` how long after it the file appears.

    `left_out` are kinds or codes of areas that the table does not hold; `gaps` are years without a figure.
    """

    name: str
    indicators: tuple[Indicator, ...]
    first: int
    period: str
    lag_days: int
    has_bom: bool = False
    left_out: tuple[str, ...] = ()
    gaps: tuple[int, ...] = ()
    last: int = 9999
    mission: tuple[str, str, str] | None = None  # variable name, mission and category of an older edition


_EMPLOYMENT = Shape(((2004, 0.0), (2008, -0.2), (2011, -2.2), (2016, 1.6), (2020, 2.8), (2026, 2.6)))
_CLAIMANTS = Shape(
    ((2001, 0.0), (2007, -0.2), (2009, 1.4), (2012, 1.3), (2015, -0.8), (2019, -0.3), (2020, 2.4),
     (2021, 2.2),
     (2023, 1.0), (2026, 1.4))
)  # fmt: skip
_OUTSIDE_ENGLAND = ("K02000001", "K03000001", "W92000004", "S92000003", "N92000002")
_PERCENT = ("Percentage", "%")


def _survival() -> list[Indicator]:
    words, levels = ("One", "Two", "Three", "Four", "Five"), (93.5, 76.0, 58.0, 47.0, 39.0)
    return [
        Indicator(f"{word}-year survival rate", level, 0, 1.6, *_PERCENT, maximum=100)
        for word, level in zip(words, levels, strict=True)
    ]


_TABLES = (
    Table(
        "els_employment_rate_la",
        (
            Indicator("Employment rate", 72.5, 0, 5.0, *_PERCENT, 3.1, course=_EMPLOYMENT, maximum=95),
            Indicator("Economically inactive", 23.2, 0, 3.5, *_PERCENT, 2.9),
        ),
        2004,
        "{}-01-01/P1Y",
        110,
    ),
    Table(
        "els_claimant_count_la",
        (Indicator("Claimant Count", 2.6, 0, 1.0, *_PERCENT, course=_CLAIMANTS),),
        2001,
        "{}-01-01/P1Y",
        50,
        has_bom=True,
    ),
    Table(
        "els_business_demography_la",
        (
            Indicator("Business births", 11.5, 0, 1.2, *_PERCENT),
            Indicator("Business deaths", 10.6, 0, 1.0, *_PERCENT),
            Indicator("High growth businesses", 4.4, 0, 0.4, *_PERCENT),
            *_survival(),
            Indicator(
                "Active businesses",
                0.042,
                0,
                0.004,
                "Number of enterprises",
                "Number of enterprises",
                per_resident=True,
            ),
        ),
        2019,
        "{}-01-01/P1Y",
        330,
    ),
    Table(
        "els_gross_median_weekly_pay_la",
        (Indicator("Gross median weekly pay", 330.0, 14.5, 30.0, "Pounds", "£", 21.0),),
        2008,
        "{}-04-16",
        -70,
        has_bom=True,
    ),
    Table(
        "els_greenhouse_gas_emissions_la",
        (
            Indicator(
                "Greenhouse gas emissions",
                10.6,
                -0.27,
                1.6,
                "Emissions (tCO2e) per capita",
                "Tonnes of CO2 equivalent",
                decimals=2,
            ),
        ),
        2005,
        "{}-01-01/P1Y",
        550,
        has_bom=True,
    ),
    Table(
        "els_healthy_life_expectancy_la",
        (
            Indicator("Male healthy life expectancy", 62.8, -0.03, 2.5, "Years", "yrs", 2.9),
            Indicator("Female healthy life expectancy", 63.5, -0.05, 2.7, "Years", "yrs", 3.1),
        ),
        2011,
        "{}-01-01/P3Y",
        1110,
        left_out=("district", "K03000001"),
    ),
    Table(
        "els_net_additions_la",
        (
            Indicator(
                "Net additions to the housing stock (England)",
                9.0,
                0,
                3.0,
                "Net additional dwellings per 1,000 stock",
                "Net additional dwellings per 1,000 stock",
                decimals=0,
            ),
        ),
        2001,
        "{}-04-01/P1Y",
        600,
        has_bom=True,
        left_out=_OUTSIDE_ENGLAND,
    ),
    Table(
        "els_ks2_expected_standard_la",
        (
            Indicator(
                "Pupils meeting the expected standard in reading, writing and maths",
                62.0,
                0,
                4.0,
                *_PERCENT,
                decimals=0,
                maximum=100,
            ),
        ),
        2018,
        "{}-09-01/P1Y",
        420,
        has_bom=True,
        left_out=_OUTSIDE_ENGLAND,
        gaps=(2019, 2020),
    ),
    Table(
        "els_persistent_absence_la",
        (Indicator("Persistent absences for all pupils", 17.0, 0, 3.0, *_PERCENT, decimals=5),),
        2006,
        "{}-08-01/P1Y",
        570,
        has_bom=True,
        left_out=("district", *_OUTSIDE_ENGLAND),
    ),
    Table(
        "els_level3_or_above_2004_2021_la",
        (
            Indicator(
                "Aged 16 to 64 years level 3 or above qualifications",
                43.7,
                1.0,
                5.0,
                *_PERCENT,
                4.4,
                maximum=95,
            ),
        ),
        2004,
        "{}",
        110,
        last=2021,
        mission=(
            "Proportion of the population aged 16 – 64 with level 3+ qualifications",
            "Mission 6",
            "Spreading opportunity and improving public services",
        ),
    ),
    Table(
        "els_overweight_year6_2006_2021_la",
        (
            Indicator(
                "Overweight children at Year 6 age (aged 10 to 11 years)",
                31.7,
                0.4,
                2.5,
                *_PERCENT,
                1.4,
                decimals=5,
            ),
        ),
        2006,
        "{}-08-01T00:00:00/P1Y",
        420,
        left_out=_OUTSIDE_ENGLAND,
        last=2021,
        mission=(
            "Children (10 to 11 years old) overweight and obesity prevalence",
            "Mission 7",
            "Spreading opportunity and improving public services",
        ),
    ),
)


def table(path: str, today: date) -> tuple[bytes, str] | None:
    """Return the bytes of `<name>.csv` or `<name>.csv.gz` and their type; None if there is no such table."""
    found = re.fullmatch(re.escape(BASE) + r"(\w+)\.csv(\.gz)?", path)
    declared = next((one for one in _TABLES if found and one.name == found[1]), None)
    if found is None or declared is None:
        return None
    text = _text(declared, today)
    if found[2]:
        return gzip.compress(text, mtime=0), "application/gzip"
    return text, "text/csv"


def names() -> list[str]:
    """Return the names of the tables."""
    return [declared.name for declared in _TABLES]


@lru_cache(maxsize=16)
def _text(declared: Table, today: date) -> bytes:
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\n")
    writer.writerow(_MISSIONS if declared.mission else _ISO)
    for indicator in declared.indicators:
        for area in _areas(declared):
            for year in _years(declared, today):
                writer.writerow(_row(declared, indicator, area, year))
    return (b"\xef\xbb\xbf" if declared.has_bom else b"") + written.getvalue().encode()


def _years(declared: Table, today: date) -> list[int]:
    """Return the years out by today; the lag counts from the end of the year in which the period starts."""
    years = range(declared.first, min(declared.last, today.year) + 1)
    return [
        year
        for year in years
        if year not in declared.gaps and (today - date(year, 12, 31)).days >= declared.lag_days
    ]


def _areas(declared: Table) -> list[Area]:
    held = [area for area in local_areas() if area.code != _ENGLAND_AND_WALES]
    return [
        area for area in held if area.kind not in declared.left_out and area.code not in declared.left_out
    ]


def _geography(area: Area) -> str:
    if area.kind == "country":
        return "Nation" if area.code in _NATIONS else "Country"
    return _KINDS[area.kind]


def _row(declared: Table, indicator: Indicator, area: Area, year: int) -> list[str]:
    period = declared.period.format(year)
    value: float | None = _value(indicator, area, year)
    status = ""
    small = area.kind == "district" and indicator.half_width is not None
    if small and abs(noise(f"{indicator.name}|{area.code}|{year}|held")) > 2.7:
        value, status = None, "u"
    shown = "" if value is None else _shown(value, indicator.decimals)
    low, high = ("", "") if value is None else _bounds(indicator, area, value)
    place = [area.code, area.name, _geography(area)]
    rest = [shown, indicator.measure, indicator.unit, low, high, status]
    if declared.mission is None:
        return [*place, indicator.name, period, *rest, ""]
    variable, mission, category = declared.mission
    return [*place, variable, indicator.name, mission, category, period, *rest, "1", ""]


def _value(indicator: Indicator, area: Area, year: int) -> float:
    key = f"{indicator.name}|{area.code}"
    if indicator.per_resident:
        own = indicator.spread * (_standing(indicator, area) + 0.25 * wave(key, year))
        return round_to(population(area, year) * (indicator.level + own), 5)
    value = indicator.level + indicator.change * (year - 2004)
    value += indicator.course.at(year) if indicator.course else 0.0
    value += indicator.spread * (_standing(indicator, area) + 0.25 * wave(key, year))
    if indicator.half_width and area.kind not in ("country", "region"):
        value += 0.5 * indicator.half_width * noise(f"{key}|{year}")
    value = min(value, indicator.maximum or value)
    return round(max(value, 0.1), indicator.decimals)


def _standing(indicator: Indicator, area: Area) -> float:
    """Return how far an area stands from the country, in spreads."""
    if area.kind == "country":
        return 0.0
    if indicator.name == "Employment rate":
        return (area.employment - 72.6) / indicator.spread
    if indicator.name == "Economically inactive":
        return (72.6 - area.employment) * 0.85 / indicator.spread
    if indicator.name == "Claimant Count":
        return (area.claimants - 1) * 2.2 / indicator.spread
    return 0.7 * lasting(f"{indicator.name}|{area.code}|standing")


def _bounds(indicator: Indicator, area: Area, value: float) -> tuple[str, str]:
    if indicator.half_width is None:
        return "", ""
    part = {"country": 0.07, "region": 0.25, "county": 0.55}.get(area.kind, 1.0)
    half = round(indicator.half_width * part * (1 + 0.05 * lasting(f"{area.code}|half")), indicator.decimals)
    return _shown(value - half, indicator.decimals), _shown(value + half, indicator.decimals)


def _shown(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"
