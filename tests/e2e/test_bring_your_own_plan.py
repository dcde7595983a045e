"""The walk of docs/how-to/bring-your-own-plan.md, done as the page says it: its commands, its text, its rows."""

from __future__ import annotations

import csv
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from planmark.registry import declaration, template
from planmark.settings import ROOT
from tests.e2e.conftest import Installation

pytestmark = pytest.mark.timeout(600)

PAGE = (ROOT / "docs" / "how-to" / "bring-your-own-plan.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: A night of two datasets is enough: one that measures a target of the plan, and the plan's own figures.
FEW = "nomis_aps_employment,plan_printed_statistics"


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, str]]:
    """Do the walk in a folder of its own; return where it happened and what was printed."""
    folder = tmp_path_factory.mktemp("another council")
    made = Installation(folder / "planmark home")
    (folder / "planmark").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m planmark "$@"\n')
    (folder / "planmark").chmod(0o755)
    commands: list[str] = []
    printed = ""
    for kind, name, content in BLOCK.findall(PAGE):
        if kind == "sh":
            commands.append(content)
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", "\n".join([*(c for c in commands[:-1] if "export" in c), content])],
                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=500, check=False,
                env={**os.environ, "PATH": f"{folder}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT),
                     "PLANMARK_HOME": str(made.home), "PLANMARK_DATASETS": FEW, "COLUMNS": "120"},
            )  # fmt: skip
            printed += done.stdout
            assert done.returncode == 0, printed[-4000:]
        elif kind == "text":
            (folder / name).write_text(content, encoding="utf-8")
        elif kind == "row":
            write(folder / "millbrook" / name, dict(line.split(": ", 1) for line in content.splitlines()))
    yield made, printed
    made.planmark("down")


def write(path: Path, row: dict[str, str]) -> None:
    """Put a row in place of the example, or below the rows that were written before."""
    declared = declaration.files()[path.stem]
    assert set(row) <= set(declared.columns), path.name
    with path.open(encoding="utf-8", newline="") as file:
        kept = [
            r
            for r in csv.DictReader(file)
            if "millbrook" in "".join(r.values()).lower() or path.stem == "measures"
        ]
    if path.stem == "measures":
        kept = [r for r in kept if r["note"] == "" and r["measure_id"] != row["measure_id"]]
        kept = [] if row["measure_id"] == "young_people_without_work_or_training" else kept
    path.write_text(template.text(declared, [*kept, row]), encoding="utf-8")


def test_the_walk_ends_with_the_plan_in_the_marts(walked: tuple[Installation, str]):
    made, printed = walked
    assert "1 plan, no fault: 6 targets" in printed
    assert "Fewer young people without work or training: < 6 %, was 8.4, by 2029-03-31 [line 5]" in " ".join(
        printed.split()
    )
    progress = {row[0]: row[1:] for row in made.rows(
        "select target_id, position, reason, target_value, due_date::text from marts.mart_plan_progress"
    )}  # fmt: skip
    assert len(progress) == 6
    assert {key.split(".")[0] for key in progress} == {"millbrook_plan"}
    young = progress["millbrook_plan.young_people_2029"]
    assert young == (
        "no_data",
        "No published statistic supplies this measure: only those who run the programme can say how it stands "
        "(Millbrook's youth service).",
        6.0,
        "2029-03-31",
    )
    # The region's rate comes from the demonstration service, through the row of bindings.csv.
    assert progress["millbrook_plan.employment_rate_2030"][0] != "no_data"
    assert made.rows("select plan_id from marts.dim_plans") == [("millbrook_plan",)]
    assert made.rows("select area_name from marts.dim_areas where area_code = 'X10000001'") == [
        ("Millbrook",)
    ]


def test_figures_and_money_and_findings_of_the_plan_are_there(walked: tuple[Installation, str]):
    from planmark.database import Role

    made, _ = walked
    figures = made.rows(
        "select o.value, o.period_start::text, d.origin, d.rows_fetched, d.rows_inserted "
        "from raw.observations as o inner join raw.deliveries as d on o.delivery_id = d.delivery_id "
        "where d.dataset_id = 'plan_printed_statistics'",
        Role.TRANSFORMER,
    )
    assert figures == [(8.4, "2024-01-01", "plan", 1, 1)]
    assert made.rows("select amount_gbp, period_label from marts.fct_budget_lines") == [
        (1200000.0, "April 2026 to March 2027")
    ]
    assert made.rows("select arithmetic, targets_count from marts.mart_plan_findings") == [
        ("One in twelve: 100 / 12 = 8.3; printed: 8.4", 1)
    ]


def test_faulty_files_load_nothing_and_readers_keep_what_they_had(walked: tuple[Installation, str]):
    made, _ = walked
    folder = made.home.parent / "millbrook"
    before = made.rows("select distinct publication_id from marts.mart_plan_progress")
    deliveries = "select count(*) from raw.deliveries"
    from planmark.database import Role

    count = made.rows(deliveries, Role.TRANSFORMER)
    text = (folder / "targets.csv").read_text(encoding="utf-8")
    (folder / "targets.csv").write_text(text.replace("2029-03-31", "2029-02-29"), encoding="utf-8")
    try:
        done = made.planmark("refresh", "--plain", PLANMARK_PLANS=str(folder), PLANMARK_DATASETS=FEW)
    finally:
        (folder / "targets.csv").write_text(text, encoding="utf-8")
    assert done.returncode == 1
    said = " ".join(done.stdout.split())
    assert "targets.csv: row 2: due_date: found '2029-02-29'; allowed: a date that exists" in said
    assert made.rows("select distinct publication_id from marts.mart_plan_progress") == before
    assert made.rows(deliveries, Role.TRANSFORMER) == count
