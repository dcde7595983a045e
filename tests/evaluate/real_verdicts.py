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

#: The three targets of the 2007 plan, against every calendar year that is published from 2004 to 2010.
YEAR_BY_YEAR = """
select
    t.due_date::text as due, t.target_value, a.period_start, a.value, a.lower_bound, a.upper_bound,
    a.expected_value, a.position, a.evidence, a.is_due_value, a.reason
from marts.fct_assessments as a
inner join marts.dim_targets as t on a.target_id = t.target_id
where t.plan_id = 'city_strategy_2007' and t.measure_id = 'employment_rate' and t.area_code = 'E06000016'
order by t.due_date, a.period_end
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
        "Employment rate of Leicester, ONS Explore local statistics (annual population survey), against the three targets "
        "of the City Strategy of 2007. A value that is decisive for its target has a star.",
        "",
        *table(
            [
                "due",
                "target",
                "year",
                "value",
                "95 % interval",
                "path",
                "position",
                "evidence",
                "the sentence",
            ],
            [
                [
                    due, _number(aim), f"{start:%Y}" + (" *" if is_due else ""), _number(value),
                    _interval(lower, upper), _number(path), position, evidence, reason,
                ]
                for due, aim, start, value, lower, upper, path, position, evidence, is_due, reason in yearly
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
