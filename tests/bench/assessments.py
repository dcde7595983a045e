"""All assessments of so many targets, from rows in `raw` to marts, beside a floor: a plain copy of the same values.

The council is made up (tests/evaluate/council.py); each target has a series of its own, with twenty yearly values and
their intervals. The time is that of the night's stages: plan files checked and loaded, staging, intermediate, forecast,
marts, and every data test between them. The first build of a warehouse stands apart: dbt parses the whole project then, and
keeps what it has parsed for the nights that follow.
"""

from __future__ import annotations

import itertools
import random
import resource
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from planmark import database
from planmark.database import Role
from planmark.settings import Settings
from tests.evaluate.council import PLAN, Built, Council, Value, build, warehouse

PERIODS = 20
LAST_YEAR = 2023
AS_OF = date(2024, 6, 30)
#: A council has so many targets; a hundred councils have the same measures.
TARGETS_OF_A_COUNCIL = 500
HUNDRED_COUNCILS = 50_000
SEED = 20261128
MOST_NODES = 12

FLOOR = """
create table public.floor as
select t.target_id, t.target_value, t.due_date, o.*
from reference.targets as t
inner join raw.series as s on t.area_code = s.area_code and s.dimensions ->> 'made_up' = t.measure_id || '/1'
inner join raw.observations as o on s.series_id = o.series_id
"""


@dataclass(frozen=True)
class Size:
    """What was measured for one number of targets; seconds, and MB of the largest Python process."""

    targets: int
    #: The first build, in which dbt parses everything.
    first: float
    floors: Sequence[float]
    runs: Sequence[Built]
    peak_mb: float

    @property
    def seconds(self) -> list[float]:
        return [run.seconds for run in self.runs]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)


def council(targets: int) -> Council:
    """Return a council with so many targets, or a hundred such councils: a third of each kind of measure."""
    chance = random.Random(SEED)
    made = Council()
    names = []
    for number in range(min(targets, TARGETS_OF_A_COUNCIL)):
        kind = number % 3
        unit, more = (("percent", {}), ("incidents", {"counted_as": "events"}), ("people", {"rounding": 5}))[
            kind
        ]
        names.append(
            (made.measure(f"m{number}", unit=unit, polarity="higher" if kind == 0 else "lower", **more), kind)
        )
    for number in range(targets):
        measure, kind = names[number % len(names)]
        area = made.area(f"X{number // len(names) + 1:08d}")
        level = (65.0, 120.0, 400.0)[kind]
        made.values(measure, area, _series(chance, kind, level))
        aim = (70, 90, 300)[kind]
        made.target(
            f"t{number}", measure, area, target_value=aim, due_date="2027-12-31", baseline_period="2014-01-01/P12M",
            **({"baseline_value": level} if number % 2 else {}),
        )  # fmt: skip
    return made


def _series(chance: random.Random, kind: int, level: float) -> list[Value]:
    values = []
    for year in range(LAST_YEAR - PERIODS + 1, LAST_YEAR + 1):
        if kind == 0:
            value = round(chance.gauss(level, 1.5), 1)
            values.append(Value(date(year, 1, 1), 12, value, round(value - 3, 1), round(value + 3, 1)))
        else:
            value = float(max(0, round(chance.gauss(level, level**0.5))))
            values.append(Value(date(year, 1, 1), 12, value if kind == 1 else 5 * round(value / 5)))
    return values


def measure(folder: Path, targets: int, runs: int) -> Size:
    """Measure one size in a warehouse of its own: the floor and the stages, by turns."""
    made = council(targets)
    plans = made.write(folder / f"plans_{targets}")
    with warehouse(folder / f"at_{targets}", plans) as settings:
        made.load(settings)
        built = [build(settings, AS_OF)]
        floors = [_floor(settings)]
        for _ in range(runs):
            _drop(settings, built[-1])
            built.append(build(settings, AS_OF))
            floors.append(_floor(settings))
            found = built[-1].ask(f"select count(*) from mart_plan_progress where target_id like '{PLAN}.%'")
            assert found == [{"count": targets}], found
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024 / 1e6
    return Size(targets, built[0].seconds, floors, built[1:], peak)


def _floor(settings: Settings) -> float:
    with database.connect(settings, Role.ADMIN, autocommit=True) as connection:
        connection.execute("drop table if exists public.floor")
        connection.execute("checkpoint")
        began = time.perf_counter()
        connection.execute(FLOOR.encode())
        seconds = time.perf_counter() - began
        connection.execute("drop table public.floor")
    return seconds


def _drop(settings: Settings, built: Built) -> None:
    with database.connect(settings, Role.ADMIN, autocommit=True) as connection:
        connection.execute(f"drop schema marts_{built.publication_id} cascade".encode())


def measure_all(folder: Path, targets: Sequence[int], runs: int, *, hundred: bool) -> None:
    """Measure every size, smallest first, and report. The largest is built twice only: it takes minutes."""
    folder.chmod(0o755)  # the server runs as somebody else
    sizes = []
    for count in [*sorted(targets), *([HUNDRED_COUNCILS] if hundred else [])]:
        print(f"assessing {count:,} targets", flush=True)
        sizes.append(measure(folder, count, 1 if count == HUNDRED_COUNCILS else runs))
    report(sizes)


def report(sizes: Sequence[Size]) -> None:
    """Print the table, the slope, and where the time of the largest went.

    Memory is that of the largest Python process so far: dbt, while it reads the plan files.
    """
    print(f"\nall assessments, {PERIODS} periods a target; seconds are medians (least to most)")
    print(
        f"{'targets':>8} {'first':>7} {'runs':>5} {'seconds':>22} {'a 1,000':>9} "
        f"{'floor':>8} {'times floor':>12} {'peak MB':>8}"
    )
    for size in sizes:
        spread = f"{size.median:.1f} ({min(size.seconds):.1f} to {max(size.seconds):.1f})"
        floor = statistics.median(size.floors)
        print(
            f"{size.targets:8,} {size.first:7.1f} {len(size.runs):5} {spread:>22} {1000 * size.median / size.targets:9.2f} "
            f"{floor:8.2f} {size.median / floor:12.1f} {size.peak_mb:8.0f}"
        )
    if len(sizes) > 1:
        slope, fixed = statistics.linear_regression(
            [size.targets for size in sizes], [size.median for size in sizes]
        )
        print(f"straight line through them: {fixed:.1f} s and {1000 * slope:.2f} s for each 1,000 targets")
        for before, after in itertools.pairwise(sizes):
            added = 1000 * (after.median - before.median) / (after.targets - before.targets)
            print(f"  from {before.targets:,} to {after.targets:,}: {added:.2f} s for each 1,000 more")
        print("  linear where these agree; a rising figure grows faster than the targets")
    print(
        "\nthe slowest run of each size, and what took longest in it; a plan that the database guessed badly shows here"
    )
    for size in sizes:
        slowest = max(size.runs, key=lambda run: run.seconds)
        named = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in _longest(slowest, 3))
        print(f"{size.targets:8,} {slowest.seconds:7.1f} s: {named}")
    last = sizes[-1].runs[-1]
    print(f"\nwhere the time went with {sizes[-1].targets:,} targets, {last.seconds:.1f} s in all:")
    for name, seconds in _longest(last, MOST_NODES):
        print(f"  {seconds:8.2f} s  {name}")


def _longest(run: Built, count: int) -> list[tuple[str, float]]:
    nodes = sorted(run.nodes.items(), key=lambda pair: -pair[1])[:count]
    return [(" ".join(name.split(".")[0:3:2]), seconds) for name, seconds in nodes]
