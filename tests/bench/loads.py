"""Loading beside its floor: `psql \\copy` of the same rows, already cut to 8 typed columns, into a keyed table."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planmark import database, embedded
from planmark.database import Role
from planmark.settings import ROOT, Settings, ensure_secrets, load_settings
from tests.bench.deliveries import Stored, store
from tests.bench.pages import Answer

FLOOR_TABLE = """
drop table if exists public.floor;
create table public.floor (
    date date not null, geography_code text not null, gender smallint not null, age smallint not null,
    measure smallint not null, measures integer not null, obs_value double precision, obs_status text,
    primary key (date, geography_code, gender, age, measure, measures)
);
checkpoint;
"""


@dataclass(frozen=True)
class Load:
    """One measured load."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    written: int
    closed: int


@dataclass(frozen=True)
class Pair:
    """One pair: the floor and the load of the same rows, and the load of the revised rows after it."""

    floor: float
    first: Load
    revised: Load | None

    @property
    def ratio(self) -> float:
        """The speed of the load as a share of the speed of the floor."""
        return self.floor / self.first.seconds


def start(home: Path) -> Settings:
    """Start a PostgreSQL of its own for the measurement."""
    ensure_secrets(home)
    settings = load_settings(home=home)
    embedded.start(settings)
    database.set_up(settings)
    return settings


def floor_seconds(settings: Settings, narrow: Path) -> float:
    """Return the time of psql for its whole run; the table is new, and the checkpoint before it is not timed."""
    with database.connect(settings, Role.ADMIN, autocommit=True) as connection:
        for statement in FLOOR_TABLE.split(";")[:-1]:
            connection.execute(statement.encode())
    host, port = database.address(settings)
    file = str(narrow).replace("'", "''")
    command = [
        str(embedded.binaries() / "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", host, "-p", str(port),
        "-U", settings.admin_user, "-d", settings.database_name,
        "-c", f"\\copy public.floor from '{file}' with (format csv)",
    ]  # fmt: skip
    environment = {**os.environ, "PGPASSWORD": database.password(settings, Role.ADMIN)}
    began = time.perf_counter()
    subprocess.run(command, check=True, env=environment)
    return time.perf_counter() - began


def empty_history(settings: Settings) -> None:
    """Forget everything that was loaded, so that the next load is the first."""
    with database.connect(settings, Role.ADMIN, autocommit=True) as connection:
        connection.execute("truncate raw.observations, raw.series, raw.deliveries")
        connection.execute("checkpoint")


def load(settings: Settings, stored: Stored) -> Load:
    """Load a stored delivery in a process of its own, and count in the database what it wrote."""
    folder = stored.narrow.parent
    command = [sys.executable, "-m", "tests.bench.load_one", str(settings.home), str(folder), stored.path]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT)
    result = json.loads(done.stdout)
    with database.connect(settings, Role.LOADER) as connection:
        row = connection.execute(
            "select count(*) filter (where delivery_id = %(id)s), "
            "count(*) filter (where closed_by_delivery_id = %(id)s) from raw.observations",
            {"id": result["delivery_id"]},
        ).fetchone()
    assert row is not None
    return Load(result["seconds"], result["cpu_seconds"], result["peak_mb"], *row)


def pair(settings: Settings, stored: Stored, revised: Stored | None, *, floor_first: bool) -> Pair:
    """Measure the floor and the load, in this order or the other, then the revised delivery on top."""
    floor = floor_seconds(settings, stored.narrow) if floor_first else 0.0
    empty_history(settings)
    first = load(settings, stored)
    if not floor_first:
        floor = floor_seconds(settings, stored.narrow)
    return Pair(floor, first, load(settings, revised) if revised else None)


def measure(settings: Settings, folder: Path, rows: int, pairs: int, *, revise: bool) -> list[Pair]:
    """Measure `pairs` pairs at a size, printing each as it is done."""
    print(f"\nmaking {rows:,} rows ...", flush=True)
    stored = store(folder, Answer(rows))
    revised = store(folder, Answer(rows, changed=0.005)) if revise else None
    print(f"{stored.page_count} pages of {stored.page_bytes / 1e6:.1f} MB, 40 columns")
    print(
        "pair  floor s  load s  floor/load  cpu s  peak MB"
        + ("  revised s  written  closed" if revise else "")
    )
    found = []
    for number in range(1, pairs + 1):
        one = pair(settings, stored, revised, floor_first=number % 2 == 1)
        found.append(one)
        line = (
            f"{number:4d}  {one.floor:7.2f}  {one.first.seconds:6.2f}  {one.ratio:10.2f}  "
            f"{one.first.cpu_seconds:5.2f}  {one.first.peak_mb:7.0f}"
        )
        if one.revised:
            line += f"  {one.revised.seconds:9.2f}  {one.revised.written:7d}  {one.revised.closed:6d}"
        print(line, flush=True)
    return found


def summary(pairs: Sequence[Pair], rows: int) -> None:
    """Print median, least and most of what was measured."""

    def line(name: str, values: Sequence[float], places: int = 2) -> None:
        shown = (statistics.median(values), min(values), max(values))
        print(f"{name:<34}" + "".join(f"{value:>10,.{places}f}" for value in shown))

    print(f"{f'{rows:,} rows':<34}{'median':>10}{'least':>10}{'most':>10}")
    line("floor: psql \\copy, seconds", [one.floor for one in pairs])
    line("load with history, seconds", [one.first.seconds for one in pairs])
    line("speed as a share of the floor's", [one.ratio for one in pairs])
    line("peak memory, MB", [one.first.peak_mb for one in pairs], 0)
    line("rows a second", [rows / one.first.seconds for one in pairs], 0)
    revised = [one.revised for one in pairs if one.revised]
    if revised:
        line("revised delivery, seconds", [one.seconds for one in revised])
        line(
            "  beside the first load",
            [one.revised.seconds / one.first.seconds for one in pairs if one.revised],
        )
        line("  rows written, percent", [100 * one.written / rows for one in revised], 3)
        line("  peak memory, MB", [one.peak_mb for one in revised], 0)
