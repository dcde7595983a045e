"""The real verdicts: the plans that come with Planmark, on the ONS tables, through the documented command."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from planmark import database
from planmark.cli.refresh import REAL_FIGURES
from planmark.database import Role
from planmark.settings import ROOT, load_settings
from tests.evaluate.report import Section, table

SHARED = ROOT.parent / "shared" / "data"

#: The dated targets of the 2007 plan on the employment rate of Leicester, against every calendar year from 2006 to 2010.
YEAR_BY_YEAR = """
select
    t.target_id, t.target_value, t.due_date::text as due, extract(year from o.period_start)::int as year,
    o.value, o.lower_bound, o.upper_bound, a.expected_value, a.position, a.evidence, coalesce(a.is_due_value, false),
    coalesce(a.reason, case when o.period_end > t.due_date then 'After the due date.' else 'Before the baseline.' end)
from marts.dim_targets as t
inner join marts.fct_observations as o on t.measure_id = o.measure_id and t.area_code = o.area_code
left join marts.fct_assessments as a
    on t.target_id = a.target_id and o.period_start = a.period_start and o.period_months = a.period_months
where
    t.plan_id = 'city_strategy_2007' and t.measure_id = 'employment_rate' and t.area_code = 'E06000016'
    and t.due_date is not null and o.value is not null
    and o.period_start between '2006-01-01' and '2010-01-01'
order by t.due_date, t.target_id, o.period_start
"""
OFFICIAL = """
select
    target_id, target_value, due_date::text as due, assessed_period_label, assessed_value, assessed_lower, assessed_upper,
    latest_period_label, latest_value, position, evidence, reason
from marts.mart_plan_progress
where origin = 'official' and latest_value is not null
order by target_id
"""


def run() -> Section:
    """Refresh on the ONS tables and read what readers see."""
    title = "The real verdicts"
    if not SHARED.is_dir():
        return Section(
            "real", title, ["The ONS tables are not there: data is missing."], is_good=True, is_kept=False
        )
    with tempfile.TemporaryDirectory(prefix="planmark-evaluate-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        home = folder / "home"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PLANMARK_")}
        environment["PLANMARK_HOME"] = str(home)
        ours = environment | {"PLANMARK_HOME": str(home) + REAL_FIGURES}
        try:
            _planmark(environment, "refresh", "--plain", "--ons-folder", str(SHARED))
            settings = load_settings(home=Path(ours["PLANMARK_HOME"]))
            with database.connect(settings, Role.READER) as connection:
                yearly = connection.execute(YEAR_BY_YEAR.encode()).fetchall()
                official = connection.execute(OFFICIAL.encode()).fetchall()
        finally:
            _planmark(ours, "down")
    lines = [
        "Employment rate of Leicester, ONS Explore local statistics (annual population survey), against the three dated "
        "targets of the City Strategy of 2007. A value that is decisive for its target has a star.",
        "",
        *table(
            ["target", "aim", "due", "year", "value", "95 % interval", "path", "position", "evidence", "the sentence"],
            [
                [
                    name.partition(".")[2], _number(aim), due, f"{year}" + (" *" if is_due else ""), _number(value),
                    _interval(lower, upper), _number(path), position or "", evidence or "", reason,
                ]
                for name, aim, due, year, value, lower, upper, path, position, evidence, is_due, reason in yearly
            ],
        ),
        "",
        f"Every target with an official value: {len(official)}.",
        "",
        *table(
            ["target", "aim", "due", "decided on", "value", "newest", "position", "evidence", "the sentence"],
            [
                [
                    name, _number(aim), due or "", period or "", _number(value) + _bracket(lower, upper),
                    f"{_number(latest)} ({latest_period})", position, evidence, reason,
                ]
                for name, aim, due, period, value, lower, upper, latest_period, latest, position, evidence, reason
                in official
            ],
        ),
    ]  # fmt: skip
    return Section("real", title, lines, is_good=bool(yearly))


def _planmark(environment: dict[str, str], *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "planmark", *arguments], cwd=ROOT, env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        print(done.stdout[-4000:])
        done.check_returncode()


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"


def _interval(lower: float | None, upper: float | None) -> str:
    return "" if lower is None or upper is None else f"{lower:.1f} to {upper:.1f}"


def _bracket(lower: float | None, upper: float | None) -> str:
    interval = _interval(lower, upper)
    return f" ({interval})" if interval else ""
