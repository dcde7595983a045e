"""The night as a whole: the second refresh, and Airflow beside the same steps without it.

Each measured command is a process of its own, with a home of its own.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from planmark.settings import ROOT


def planmark(home: Path, *arguments: str) -> float:
    """Run a `planmark` command and return its seconds. Raises: CalledProcessError with its output."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PLANMARK_")}
    environment["PLANMARK_HOME"] = str(home)
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "planmark", *arguments],
        cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
    )  # fmt: skip
    seconds = time.perf_counter() - began
    if done.returncode:
        print(done.stdout[-4000:])
        done.check_returncode()
    return seconds


def prepare(home: Path) -> None:
    """Start the database of a home, and migrate Airflow's: done once on a machine, and no part of a night."""
    code = (
        "from planmark.cli import airflow_home, refresh; from planmark.settings import load_settings; "
        "airflow_home.make_ready(refresh.start_database(load_settings()))"
    )
    subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, env=os.environ | {"PLANMARK_HOME": str(home)}
    )


def second_refresh(folder: Path, times: int = 3) -> None:
    """Measure (c): a refresh from nothing, then refreshes with nothing new."""
    home = folder / "through_airflow"
    try:
        print(f"first refresh                     {planmark(home, 'refresh'):10.1f} s", flush=True)
        again = [planmark(home, "refresh") for _ in range(times)]
        print(f"second refresh, median of {times}       {statistics.median(again):10.1f} s", flush=True)
    finally:
        planmark(home, "down")


def airflow_beside_plain(folder: Path, times: int = 3) -> None:
    """Measure (d): the same work through Airflow and as plain steps, by turns, everything fetched and built.

    Both begin from an empty warehouse each time: a forced refresh that finds nothing changed would build nothing.
    The databases are made beforehand.
    """
    ratios = []
    for number in range(times):
        seconds = {}
        for name, arguments in (("plain", ["--plain"]), ("airflow", [])):
            home = folder / f"{name}_{number}"
            try:
                prepare(home)
                seconds[name] = planmark(home, "refresh", *arguments)
            finally:
                planmark(home, "down")
        ratios.append(seconds["airflow"] / seconds["plain"])
        print(
            f"pair {number + 1}: Airflow {seconds['airflow']:.1f} s, plain {seconds['plain']:.1f} s, "
            f"ratio {ratios[-1]:.2f}",
            flush=True,
        )
    print(f"Airflow beside plain steps, median {statistics.median(ratios):10.2f}")
