"""Every yearly series of the published tables: name, years and values, read with pandas.

All areas and all indicators. Left out: tables that are an earlier edition of another, so that no series counts twice (one
of them holds the marks of an unfinished merge); healthy life expectancy, whose three-year periods leave four
independent points.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

FEWEST_POINTS = 5
#: What a value may be: `share` between 0 and 100, `count` a number of things, `other` anything.
SHARE_UNITS = ("%", "percentage", "percent", "proportion")


@dataclass(frozen=True)
class RealSeries:
    """One published yearly series, oldest first. `errors`: standard errors from 95 % intervals, None without."""

    table: str
    indicator: str
    area: str
    is_share: bool
    years: tuple[int, ...]
    values: tuple[float, ...]
    errors: tuple[float | None, ...]


def read(folder: Path) -> list[RealSeries]:
    """Return every series of at least five yearly points, ordered by table, indicator and area."""
    found: list[RealSeries] = []
    for name, reader in READERS.items():
        path = folder / name
        if path.exists():
            table = reader(path)
            found += _series_of(path.name.split(".")[0], table)
    return found


def _series_of(name: str, table: pd.DataFrame) -> Iterator[RealSeries]:
    """Cut a table (area, indicator, unit, year, value, lower, upper) into series without gaps, from the newest back."""
    table = table.dropna(subset=["year", "value", "area"])
    table = table.drop_duplicates(["indicator", "area", "year"], keep=False)
    table = table.sort_values(["indicator", "area", "year"])
    for (indicator, area), rows in table.groupby(["indicator", "area"], sort=True):
        years = rows["year"].astype(int).tolist()
        first = len(years) - 1
        while first > 0 and years[first] - years[first - 1] == 1:
            first -= 1
        rows = rows.iloc[first:]
        if len(rows) < FEWEST_POINTS:
            continue
        values = rows["value"].astype(float).tolist()
        unit = str(rows["unit"].iloc[0]).strip().lower()
        is_share = unit in SHARE_UNITS and min(values) >= 0 and max(values) <= 100
        errors = ((rows["upper"] - rows["lower"]) / (2 * 1.96)).tolist()
        yield RealSeries(
            name, str(indicator), str(area), is_share, tuple(years[first:]), tuple(values),
            tuple(None if pd.isna(error) or error < 0 else float(error) for error in errors),
        )  # fmt: skip


def _els(path: Path) -> pd.DataFrame:
    """Read a table of ONS Explore local statistics, in its present or its earlier layout."""
    table = pd.read_csv(path, encoding="utf-8-sig", low_memory=False)
    names = {
        "areacd": "area", "AREACD": "area", "indicator": "indicator", "Indicator": "indicator", "unit": "unit",
        "Unit": "unit", "period": "period", "Period": "period", "observation": "value", "Value": "value",
        "lci_95": "lower", "uci_95": "upper", "Lower Confidence Interval (95%)": "lower",
        "Upper Confidence Interval (95%)": "upper",
    }  # fmt: skip
    table = table.rename(columns=names)[
        ["area", "indicator", "unit", "period", "value", "lower", "upper"]
    ].copy()
    period = table["period"].astype(str)
    # One year, or a day: rolling periods of three years overlap, so every third would be too few.
    table = table[~period.str.contains(r"/P(?!1Y|12M)", regex=True)]
    table["year"] = pd.to_numeric(table["period"].astype(str).str[:4], errors="coerce")
    for column in ("value", "lower", "upper"):
        table[column] = pd.to_numeric(table[column], errors="coerce")
    return table


def _defra(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    return pd.DataFrame({
        "area": table["area_code"], "indicator": table["indicator"] + " " + table["measure"], "unit": table["unit"],
        "year": pd.to_numeric(table["period"].str[:4], errors="coerce"),
        "value": pd.to_numeric(table["value"], errors="coerce"), "lower": float("nan"), "upper": float("nan"),
    })  # fmt: skip


def _fingertips(path: Path) -> pd.DataFrame:
    """Read the whole population only: parts of it are not series of an area."""
    table = pd.read_csv(path, low_memory=False)
    table = table[table["inequality"].isna() | (table["inequality"] == "NA")]
    return pd.DataFrame({
        "area": table["area_code"], "indicator": table["indicator"], "unit": table["measure"],
        "year": pd.to_numeric(table["period"].astype(str).str.fullmatch(r"\d{4}").map({True: 1, False: None})
                              * pd.to_numeric(table["period"], errors="coerce")),
        "value": pd.to_numeric(table["value"], errors="coerce"), "lower": float("nan"), "upper": float("nan"),
    })  # fmt: skip


def _cyclists(path: Path) -> pd.DataFrame:
    table = pd.read_csv(path)
    long = table.melt("la_code", [name for name in table.columns if name.startswith("ksi_2")])
    return pd.DataFrame({
        "area": long["la_code"], "indicator": "Cyclists killed or seriously injured", "unit": "people",
        "year": long["variable"].str[4:].astype(int), "value": pd.to_numeric(long["value"], errors="coerce"),
        "lower": float("nan"), "upper": float("nan"),
    })  # fmt: skip


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    "aps/els_employment_rate_la.csv.gz": _els,
    "aps/els_level3_or_above_2004_2021_la.csv.gz": _els,
    "business/els_business_demography_la.csv.gz": _els,
    "claimants/els_claimant_count_la.csv.gz": _els,
    "earnings/els_gross_median_weekly_pay_la.csv.gz": _els,
    "environment/els_greenhouse_gas_emissions_la.csv.gz": _els,
    "environment/defra_household_recycling_la.csv": _defra,
    "health/els_overweight_year6_2006_2021_la.csv.gz": _els,
    "health/fingertips_smoking_adults_la.csv": _fingertips,
    "housing/els_net_additions_la.csv.gz": _els,
    "schools/els_ks2_expected_standard_la.csv": _els,
    "schools/els_persistent_absence_la.csv": _els,
    "transport/cyclist_ksi_la_2010_2019.csv": _cyclists,
}
