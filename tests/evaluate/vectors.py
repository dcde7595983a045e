"""The test vectors of the methods, each worked out by the SQL or Python that the marts are made with.

`VECTORS` is the one table: add a row when a rule comes into being.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import NormalDist, fmean

from planmark.cli import dbt_stage
from planmark.settings import Settings
from tests.evaluate.council import PLAN, Built, Council, Value, build, warehouse
from tests.evaluate.report import Section, table

AS_OF = date(2024, 6, 30)
AREA = "X00000001"
#: People of working age of whom 1 % is 1,860: what the 2007 plan says of Leicester.
WORKING_AGE = 186_000
#: The example of the trend function: cases and people in five years.
CASES = (1367, 1332, 1199, 1023, 994)
PEOPLE = (44701, 44064, 42811, 41527, 40299)
#: The example of the control chart.
CHART = (1, 2, 1, 2, 10, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1)


@dataclass(frozen=True)
class Vector:
    """A published figure and how the product works it out.

    `query`: SQL with one value, on the marts of the council below. `macro`: an expression of dbt macros. `figure`: a number
    worked out here, for what only explains why a rule is not used.
    """

    name: str
    expected: float | str
    tolerance: float = 0.0
    query: str = ""
    macro: str = ""
    figure: float | None = None


def _of(column: str, name: str, table_name: str = "mart_plan_progress") -> str:
    return f"select {column} from {table_name} where target_id = '{PLAN}.{name}'"


def _series(column: str, measure: str, model: str) -> str:
    return f"select {column} from {model} where measure_id = '{measure}' order by 1 desc limit 1"


def _unscreened(sign: int) -> float:
    """Return a limit of the chart above as it is without screening, which the product does not do."""
    return fmean(CHART) + sign * 2.66 * fmean(abs(b - a) for a, b in pairwise(CHART))


_NORMAL = NormalDist()
VECTORS = (
    Vector("66.4 → 69.4 in 3 years, 67.6 after 2: done share", 0.400, 5e-4, _of("done_share", "rate")),
    Vector("… expected share", 0.6667, 5e-5, _of("expected_share", "rate")),
    Vector("… pace", 0.600, 5e-4, _of("pace", "rate")),
    Vector("… growth-rate ratio", 0.606, 5e-4, _of("growth_ratio", "rate")),
    Vector("casualties 141 → 82 in 10 years, 110 after 5: pace", 1.05, 5e-3, _of("pace", "casualties")),
    Vector("… path", 111.5, 5e-7, _of("expected_value", "casualties")),
    Vector("… position", "on_trajectory", query=_of("position", "casualties")),
    Vector("… growth-rate ratio", 0.918, 5e-4, _of("growth_ratio", "casualties")),
    Vector("20 → 0 in 10 years, 10 after 5: pace", 1.00, 5e-4, _of("pace", "to_zero")),
    Vector("… growth-rate ratio, zero set to 0.001", 0.21, 5e-3, _of("growth_ratio", "to_a_thousandth")),
    Vector("… growth-rate ratio, zero set to 1", 0.50, 5e-3, _of("growth_ratio", "to_one")),
    Vector("Byar's interval of 82, lower", 65, 0.5, macro="{{ byar_lower('82.0') }}"),
    Vector("… upper", 102, 0.5, macro="{{ byar_upper('82.0') }}"),
    Vector("… of the value in the warehouse, upper", 102, 0.5,
           "select upper_bound from fct_observations where measure_id = 'events' and value = 82"),
    Vector("standard error of 64.1 to 69.3", 1.327, 5e-4, macro="{{ standard_error('64.1', '69.3') }}"),
    Vector("100 → 82 events: z", 1.33, 5e-3, _of("abs(change_z)", "events")),
    Vector("… direction of travel", "no_significant_change", query=_of("direction_of_travel", "events")),
    Vector("smallest significant change, ±3.0 points", 4.2, 0.05, _of("smallest_change", "survey")),
    Vector("… with 80 % power", 6.1, 0.05, _of("smallest_change_80", "survey", "dim_targets")),
    Vector("… 66.4 → 69.4 from such a survey: evidence", "unverifiable", query=_of("evidence", "survey")),
    Vector("“intervals do not overlap” as a test, percent", 0.56, 5e-3,
           figure=200 * (1 - _NORMAL.cdf(2 * 1.96 / 2**0.5))),
    Vector("intervals that make it a 5 % test, percent", 83.4, 0.05,
           figure=100 * (2 * _NORMAL.cdf(1.96 / 2**0.5) - 1)),
    Vector("trend of 1367, 1332, 1199, 1023, 994 cases: χ² on counts", 47.9, 0.05,
           _series("chi_squared", "proportion", "int_series_trended")),
    Vector("… χ² by weighted regression", 46.8, 0.05,
           _series("chi_squared", "estimate", "int_series_trended")),
    Vector("… fewer of them, where fewer is better", "improving",
           query=_series("trend_judgement", "estimate", "int_series_trended")),
    Vector("control chart 1,2,1,2,10,1,…: screened mean", 1.94, 5e-3,
           _series("mean_value", "chart", "int_series_charted")),
    Vector("… lower limit", -0.72, 5e-3, _series("lower_limit", "chart", "int_series_charted")),
    Vector("… upper limit", 4.60, 5e-3, _series("upper_limit", "chart", "int_series_charted")),
    Vector("… lower limit, if nothing were screened", -3.06, 5e-3, figure=_unscreened(-1)),
    Vector("… upper limit, if nothing were screened", 6.95, 5e-3, figure=_unscreened(1)),
    Vector("1 % of the people of working age", 1860, 0.5, _of("abs(people_gap)", "one_percent")),
)  # fmt: skip


def _year(year: int, value: float, lower: float | None = None, upper: float | None = None) -> Value:
    return Value(date(year, 1, 1), 12, value, lower, upper)


def _byar_error(count: int, z: float = 3.0902) -> float:
    upper = (count + 1) * (1 - 1 / (9 * (count + 1)) + z / (3 * (count + 1) ** 0.5)) ** 3
    lower = count * (1 - 1 / (9 * count) - z / (3 * count**0.5)) ** 3
    return (upper - lower) / (2 * z)


def council() -> Council:
    """Return the council that the queries above ask about: the cases of the methods, each a target."""
    made = Council()
    made.area(AREA)
    for name, unit, decimals in (("rate", "percent", 1), ("casualties", "incidents", 0), ("to_zero", "incidents", 0),
                                 ("to_a_thousandth", "incidents", 3), ("to_one", "incidents", 0)):  # fmt: skip
        made.measure(name, unit=unit, polarity="higher" if name == "rate" else "lower", decimals=decimals)
    made.values("rate", AREA, [_year(2021, 66.4), _year(2023, 67.6)])
    made.target("rate", "rate", AREA, baseline_value=66.4, baseline_period="2021-01-01/P12M", target_value=69.4,
                due_date="2024-12-31")  # fmt: skip
    for name, start, now, aim in (("casualties", 141, 110, 82), ("to_zero", 20, 10, 0),
                                  ("to_a_thousandth", 20, 10, 0.001), ("to_one", 20, 10, 1)):  # fmt: skip
        made.values(name, AREA, [_year(2018, start), _year(2023, now)])
        made.target(name, name, AREA, baseline_value=start, baseline_period="2018-01-01/P12M", target_value=aim,
                    due_date="2028-12-31")  # fmt: skip
    made.measure("events", unit="incidents", polarity="lower", decimals=0, counted_as="events")
    made.values("events", AREA, [_year(2022, 100), _year(2023, 82)])
    made.target(
        "events", "events", AREA, baseline_period="2022-01-01/P12M", target_value=50, due_date="2030-12-31"
    )
    made.measure("survey", unit="percent")
    made.values("survey", AREA, [_year(year, 66.4, 63.4, 69.4) for year in range(2019, 2024)])
    made.target("survey", "survey", AREA, baseline_value=66.4, baseline_period="2023-01-01/P12M", target_value=69.4,
                due_date="2026-12-31")  # fmt: skip
    made.measure("proportion", unit="percent", polarity="lower", decimals=3, counted_as="events")
    shares = [100 * cases / people for cases, people in zip(CASES, PEOPLE, strict=True)]
    made.values("proportion", AREA, [
        Value(date(2019 + n, 1, 1), 12, shares[n], numerator=CASES[n], denominator=PEOPLE[n]) for n in range(5)
    ])  # fmt: skip
    made.target("proportion", "proportion", AREA, target_value=2, due_date="2030-12-31")
    made.measure("estimate", unit="percent", polarity="lower", decimals=3)
    # As published with the example: Byar's 99.8 % limits, whose width is 2 × 3.0902 standard errors.
    halves = [1.96 * _byar_error(cases) * 100 / people for cases, people in zip(CASES, PEOPLE, strict=True)]
    made.values("estimate", AREA, [
        _year(2019 + n, shares[n], shares[n] - halves[n], shares[n] + halves[n]) for n in range(5)
    ])  # fmt: skip
    made.target("estimate", "estimate", AREA, target_value=2, due_date="2030-12-31")
    made.measure("chart", unit="incidents", polarity="lower", decimals=2)
    made.values("chart", AREA, [_year(2006 + n, value) for n, value in enumerate(CHART)])
    made.target("chart", "chart", AREA, target_value=0, due_date="2030-12-31")
    # A rate one point short of its target, with the people it is a share of.
    made.measure("one_percent", unit="percent", polarity="higher", decimals=1, counted_as="events")
    made.values("one_percent", AREA, [
        Value(date(2023, 1, 1), 12, 69.0, numerator=0.69 * WORKING_AGE, denominator=WORKING_AGE)
    ])  # fmt: skip
    made.target("one_percent", "one_percent", AREA, target_value=70, due_date="2023-12-31")
    return made


def run() -> Section:
    """Build the council, ask for each figure, and compare."""
    with tempfile.TemporaryDirectory(prefix="planmark-evaluate-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        made = council()
        with warehouse(folder, made.write(folder / "plans")) as settings:
            made.load(settings)
            built = build(settings, AS_OF)
            macros = _expressions(settings, [vector for vector in VECTORS if vector.macro])
            rows, good = [], True
            for vector in VECTORS:
                result, got = _compare(vector, built, macros)
                good = good and result != "DIFFERS"
                rows.append([vector.name, vector.expected, got, result])
    held = sum(row[-1] == "holds" for row in rows)
    lines = [f"{held} of {len(rows)} hold.", "", *table(["figure", "published", "here", ""], rows)]
    return Section("vectors", "The test vectors of the methods", lines, good)


def _compare(vector: Vector, built: Built, macros: dict[Vector, float]) -> tuple[str, str]:
    """Return the word and the figure, as text."""
    got: float | str | None
    if vector.figure is not None:
        got = vector.figure
    elif vector.macro:
        got = macros.get(vector)
    else:
        (row,) = built.ask(vector.query) or [{"got": None}]
        (got,) = row.values()
    if got is None:
        return "DIFFERS", "nothing"
    if isinstance(vector.expected, str):
        return ("holds" if got == vector.expected else "DIFFERS"), str(got)
    is_near = abs(float(got) - vector.expected) <= vector.tolerance + 1e-9
    return ("holds" if is_near else "DIFFERS"), f"{float(got):.4g}"


def _expressions(settings: Settings, vectors: list[Vector]) -> dict[Vector, float]:
    """Work out expressions of dbt macros in the database; macros that are not there are left out."""
    there = set(
        re.findall(
            r"macro (\w+)\(", " ".join(p.read_text() for p in (dbt_stage.PROJECT / "macros").glob("*.sql"))
        )
    )
    ready = [vector for vector in vectors if set(re.findall(r"(\w+)\(", vector.macro)) <= there]
    if not ready:
        return {}
    query = "select " + ", ".join(f"({vector.macro})::float as v{n}" for n, vector in enumerate(ready))
    target = settings.home / "dbt" / "inline"
    done = subprocess.run(
        [sys.executable, "-m", "dbt.cli.main", "--quiet", "show", "--inline", query, "--output", "json",
         "--project-dir", str(dbt_stage.PROJECT), "--profiles-dir", str(dbt_stage.PROJECT),
         "--target-path", str(target), "--log-path", str(settings.home / "dbt" / "logs")],
        env=dbt_stage._environment(settings, settings.home / "dbt" / "plans"), cwd=settings.home,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    (row,) = json.loads(done.stdout[done.stdout.index("{") :])["show"]
    return {vector: float(row[f"v{n}"]) for n, vector in enumerate(ready)}
