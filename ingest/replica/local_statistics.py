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
from ingest.replica.seeds import Shape, lasting, noise, wave

BASE = "/explore-local-statistics/"
_COLUMNS = (
    "areacd", "areanm", "geography", "indicator", "period", "observation", "measure", "unit", "lci_95", "uci_95",
    "status", "notes",
)  # fmt: skip
_KINDS = {
    "region": "Region",
    "unitary": "County or Unitary Authority",
    "county": "County or Unitary Authority",
    "district": "Local Authority District",
}
_NATIONS = ("E92000001", "W92000004", "S92000003", "N92000002")
_UNITED_KINGDOM = "K02000001"


@dataclass(frozen=True)
class Indicator:
    """One indicator of a table. `half_width` is that of its interval for a district, None where there is none."""

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


@dataclass(frozen=True)
class Table:
    """One file. `period` is how the period of a year is written; `lag_days` how long after it the file appears."""

    name: str
    indicators: tuple[Indicator, ...]
    first: int
    period: str
    lag_days: int
    has_bom: bool = False
    england_only: bool = False


_EMPLOYMENT = Shape(((2004, 0.0), (2008, -0.2), (2011, -2.2), (2016, 1.6), (2020, 2.8), (2026, 2.6)))
_CLAIMANTS = Shape(
    ((2001, 0.0), (2007, -0.2), (2009, 1.4), (2012, 1.3), (2015, -0.8), (2019, -0.3), (2020, 2.4), (2021, 2.2),
     (2023, 1.0), (2026, 1.4))
)  # fmt: skip
_TABLES = (
    Table(
        "els_employment_rate_la",
        (
            Indicator(
                "Employment rate", 72.5, 0, 5.0, "Percentage", "%", 3.1, course=_EMPLOYMENT, maximum=95
            ),
            Indicator("Economically inactive", 23.2, 0, 3.5, "Percentage", "%", 2.9),
        ),
        2004,
        "{}-01-01/P1Y",
        110,
    ),
    Table(
        "els_claimant_count_la",
        (Indicator("Claimant Count", 2.6, 0, 1.0, "Percentage", "%", course=_CLAIMANTS),),
        2001,
        "{}-01-01/P1Y",
        50,
        has_bom=True,
    ),
    Table(
        "els_business_demography_la",
        (
            Indicator("Business births", 11.5, 0, 1.2, "Percentage", "%"),
            Indicator("Business deaths", 10.6, 0, 1.0, "Percentage", "%"),
            Indicator("One-year survival rate", 93.5, 0, 1.2, "Percentage", "%", maximum=100),
        ),
        2019,
        "{}-01-01/P1Y",
        330,
    ),
    Table(
        "els_gross_median_weekly_pay_la",
        (Indicator("Gross median weekly pay", 330.0, 14.5, 30.0, "Pounds", "£", 21.0),),
        2002,
        "{}-04-16",
        190,
        has_bom=True,
    ),
    Table(
        "els_greenhouse_gas_emissions_la",
        (
            Indicator(
                "Greenhouse gas emissions",
                10.6,
                -0.27,
                2.2,
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
        1450,
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
        2012,
        "{}-04-01/P1Y",
        600,
        has_bom=True,
        england_only=True,
    ),
    Table(
        "els_ks2_expected_standard_la",
        (
            Indicator(
                "Pupils meeting the expected standard in reading, writing and maths",
                62.0,
                0,
                4.0,
                "Percentage",
                "%",
                decimals=0,
                maximum=100,
            ),
        ),
        2015,
        "{}-09-01/P1Y",
        420,
        has_bom=True,
        england_only=True,
    ),
    Table(
        "els_persistent_absence_la",
        (Indicator("Persistent absences for all pupils", 17.0, 0, 3.0, "Percentage", "%", decimals=5),),
        2012,
        "{}-08-01/P1Y",
        570,
        has_bom=True,
        england_only=True,
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
    writer.writerow(_COLUMNS)
    for indicator in declared.indicators:
        for area in _areas(declared.england_only):
            for year in _years(declared, today):
                writer.writerow(_row(declared, indicator, area, year))
    return (b"\xef\xbb\xbf" if declared.has_bom else b"") + written.getvalue().encode()


def _years(declared: Table, today: date) -> range:
    """Return the years out by today; the lag counts from the end of the year in which the period starts."""
    last = max(
        y
        for y in range(declared.first, today.year + 1)
        if (today - date(y, 12, 31)).days >= declared.lag_days
    )
    return range(declared.first, last + 1)


def _areas(england_only: bool) -> list[Area]:
    found = [area for area in local_areas() if area.kind != "country" or area.code not in ("K04000001",)]
    return [a for a in found if not england_only or a.code[0] == "E"]


def _geography(area: Area) -> str:
    if area.kind == "country":
        return "Nation" if area.code in _NATIONS else "Country"
    return _KINDS[area.kind]


def _row(declared: Table, indicator: Indicator, area: Area, year: int) -> list[str]:
    start = declared.period.format(year)
    head = [area.code, area.name, _geography(area), indicator.name, start]
    key = f"{indicator.name}|{area.code}"
    if area.kind == "district" and indicator.half_width and abs(noise(f"{key}|{year}|held")) > 2.7:
        return [*head, "", indicator.measure, indicator.unit, "", "", "u", ""]
    value = _value(indicator, area, year)
    low, high = _bounds(indicator, area, value)
    return [*head, _shown(value, indicator.decimals), indicator.measure, indicator.unit, low, high, "", ""]


def _value(indicator: Indicator, area: Area, year: int) -> float:
    key = f"{indicator.name}|{area.code}"
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
