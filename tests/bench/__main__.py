"""`make bench`: speed and memory, always beside a floor in the same run. How to read it: docs/benchmarks.md."""

from __future__ import annotations

import argparse
import platform
import subprocess
import tempfile
from datetime import date
from pathlib import Path

from planmark import embedded
from tests.bench import assessments, loads, nights


def main() -> None:
    """Run what was asked for, in a temporary folder."""
    asked = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    asked.add_argument("--rows", type=int, default=1_000_000, help="rows of the load; a multiple of 5,000")
    asked.add_argument("--pairs", type=int, default=5)
    asked.add_argument(
        "--slope-rows", type=int, default=4_000_000, help="the size to compare with; 0: leave out"
    )
    asked.add_argument("--slope-pairs", type=int, default=1)
    asked.add_argument("--only", choices=("loads", "night", "airflow", "assessment"), help="one part")
    asked.add_argument(
        "--targets", type=int, nargs="+", default=[500, 2_000, 8_000], help="sizes of the assessment"
    )
    asked.add_argument("--assessment-runs", type=int, default=3)
    asked.add_argument(
        "--hundred-councils", action="store_true", help="the assessment of 50,000 targets as well, once"
    )
    asked.add_argument("--folder", type=Path, help="where to work, about 3 GB; default: a temporary folder")
    wanted = asked.parse_args()
    print(f"{date.today()}, Python {platform.python_version()}, {embedded_version()}")
    with tempfile.TemporaryDirectory(prefix="planmark-bench-", dir=wanted.folder) as temporary:
        folder = Path(temporary)
        if wanted.only in (None, "loads"):
            measure_loads(folder, wanted)
        if wanted.only in (None, "night"):
            print("\nthe second refresh")
            nights.second_refresh(folder)
        if wanted.only in (None, "airflow"):
            print("\nthe night through Airflow, beside the same steps without it")
            nights.airflow_beside_plain(folder)
        if wanted.only in (None, "assessment"):
            assessments.measure_all(
                folder, wanted.targets, wanted.assessment_runs, hundred=wanted.hundred_councils
            )


def embedded_version() -> str:
    """Return the version of the PostgreSQL that is measured."""
    program = str(embedded.binaries() / "postgres")
    return subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()


def measure_loads(folder: Path, wanted: argparse.Namespace) -> None:
    """Measure (a), (b) and the slope."""
    settings = loads.start(folder / "home")
    try:
        pairs = loads.measure(settings, folder, wanted.rows, wanted.pairs, revise=True)
        more = (
            loads.measure(settings, folder, wanted.slope_rows, wanted.slope_pairs, revise=False)
            if wanted.slope_rows
            else []
        )
        print()
        loads.summary(pairs, wanted.rows)
        if more:
            print()
            loads.summary(more, wanted.slope_rows)
    finally:
        embedded.stop(settings)


if __name__ == "__main__":
    main()
