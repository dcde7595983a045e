"""False "improving" and "worsening" on series in which nothing changes, and the power where something does.

The series are drawn as publishers make them: samples of people, Poisson counts, rounded cells; published with the
decimals and intervals that are published. What is counted is the word that the marts give, per target.
"""

from __future__ import annotations

import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from tests.evaluate.council import Built, Council, Value, build, warehouse
from tests.evaluate.report import Section, table

SEED = 20261128
NO_CHANGE = 2_000
WITH_CHANGE = 400
LAST_YEAR = 2023
LENGTHS = {"short": 3, "long": 12}
AS_OF = date(2024, 6, 30)
SIZES = (1, 2, 3)
GOAL = 0.05

#: What is tested: a name, and the query for (target_id, word).
#: The one place to change when a claim gets another name.
CLAIMS = {
    "direction of travel": "select target_id, direction_of_travel as word from mart_plan_progress",
    "recent trend": (
        "select t.target_id, case s.trend when 'cannot_be_calculated' then 'cannot_tell' else s.trend_judgement end as word "
        "from dim_targets as t "
        "inner join int_series_trended as s on t.measure_id = s.measure_id and t.area_code = s.area_code"
    ),
}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Kind:
    """A way in which values come about. `draw` takes the level of each year and returns what is published."""

    name: str
    unit: str
    polarity: str
    level: float
    #: Smallest significant change of two published values, in the measure's unit (methods, section 4).
    smallest: float
    draw: Callable[[np.random.Generator, list[float], int], list[Value]]
    measure: dict[str, Any]


def _survey(sample: int) -> Callable[[np.random.Generator, list[float], int], list[Value]]:
    def draw(chance: np.random.Generator, levels: list[float], first: int) -> list[Value]:
        return [
            _published(chance.binomial(sample, level / 100) / sample, sample, date(first + year, 1, 1))
            for year, level in enumerate(levels)
        ]

    return draw


def _published(share: float, sample: int, start: date) -> Value:
    half = round(196 * (share * (1 - share) / sample) ** 0.5, 1)
    value = round(100 * share, 1)
    return Value(start, 12, value, round(value - half, 1), round(value + half, 1))


def _rolling(sample: int) -> Callable[[np.random.Generator, list[float], int], list[Value]]:
    """Samples of quarters, published every quarter for the year that ends then: nine of twelve months are shared."""

    def draw(chance: np.random.Generator, levels: list[float], first: int) -> list[Value]:
        quarter = sample // 4
        found = [int(chance.binomial(quarter, level / 100)) for level in levels for _ in range(4)]
        return [
            _published(
                sum(found[n : n + 4]) / (4 * quarter), 4 * quarter, date(first + n // 4, 1 + 3 * (n % 4), 1)
            )
            for n in range(len(found) - 3)
        ]

    return draw


def _counts(chance: np.random.Generator, levels: list[float], first: int) -> list[Value]:
    return [
        Value(date(first + year, 1, 1), 12, float(chance.poisson(level))) for year, level in enumerate(levels)
    ]


def _rates(chance: np.random.Generator, levels: list[float], first: int) -> list[Value]:
    values = []
    for year, level in enumerate(levels):
        people = 40_000 + 400 * year
        cases = int(chance.binomial(people, level / 100))
        values.append(
            Value(
                date(first + year, 1, 1),
                12,
                round(100 * cases / people, 2),
                numerator=cases,
                denominator=people,
            )
        )
    return values


def _register(chance: np.random.Generator, levels: list[float], first: int) -> list[Value]:
    """A complete count of claimants, perturbed and rounded to 5 before it is published."""
    return [
        Value(date(first + year, 8, 1), 0, 5.0 * round((round(level) + chance.normal(0, 3)) / 5))
        for year, level in enumerate(levels)
    ]


def _smallest(error: float) -> float:
    return 1.96 * 2**0.5 * error


KINDS = (
    Kind("survey share, ±3 points", "percent", "higher", 65, _smallest(1.53), _survey(972), {}),
    Kind(
        "rolling survey, quarterly",
        "percent",
        "higher",
        65,
        _smallest(1.53),
        _rolling(972),
        {"usual_period": "year"},
    ),
    Kind("count, mean 20", "incidents", "lower", 20, _smallest(20**0.5), _counts, {"counted_as": "events"}),
    Kind(
        "count, mean 200", "incidents", "lower", 200, _smallest(200**0.5), _counts, {"counted_as": "events"}
    ),
    Kind("rate, 3 % of 40,000", "percent", "lower", 3, _smallest(100 * (0.03 * 0.97 / 40_000) ** 0.5), _rates,
         {"counted_as": "events", "decimals": 2}),
    Kind("rounded register count", "people", "lower", 112, _smallest((25 / 12 + 9) ** 0.5), _register,
         {"counted_as": "register", "rounding": 5, "perturbation_sd": 3}),
)  # fmt: skip


@dataclass(frozen=True)
class Set:
    """Series of one kind, one length and one true change; `shape`: none, step (the last year) or drift (five years)."""

    kind: Kind
    length: str
    shape: str
    size: int

    @property
    def measure(self) -> str:
        return f"k{KINDS.index(self.kind)}_{self.length}_{self.shape}_{self.size}"

    def sign(self, number: int) -> int:
        """Which way the value moves: up and down by turns."""
        return 1 if number % 2 == 0 else -1

    def levels(self, number: int) -> list[float]:
        """Return the true level of each year."""
        years = LENGTHS[self.length]
        change = self.sign(number) * self.size * self.kind.smallest
        if self.shape == "step":
            weights = [0.0] * (years - 1) + [1.0]
        elif self.shape == "drift":
            weights = [max(0.0, (year - years + 5) / 4) for year in range(years)]
        else:
            weights = [0.0] * years
        return [max(self.kind.level + weight * change, 0.0) for weight in weights]

    def right(self, number: int) -> str:
        """Return the word that is right if there is a change."""
        return "improving" if (self.sign(number) > 0) == (self.kind.polarity == "higher") else "worsening"


def sets() -> Iterator[tuple[Set, int]]:
    """Yield every set, with how many series it has by default."""
    for kind in KINDS:
        for length in LENGTHS:
            yield Set(kind, length, "none", 0), NO_CHANGE
            for size in SIZES:
                yield Set(kind, length, "step", size), WITH_CHANGE
                if length == "long":
                    yield Set(kind, length, "drift", size), WITH_CHANGE


def council(share: float = 1.0) -> Council:
    """Return the council with all sets; `share` takes fewer series of each, for a quick look."""
    chance = np.random.default_rng(SEED)
    made = Council()
    for group, count in sets():
        name = made.measure(
            group.measure, unit=group.kind.unit, polarity=group.kind.polarity, **group.kind.measure
        )
        first = LAST_YEAR + 1 - LENGTHS[group.length]
        for number in range(round(count * share)):
            area = made.area(f"X{number + 1:08d}")
            made.values(name, area, group.kind.draw(chance, group.levels(number), first))
            # Due after the last value, at the level that is true where nothing changes.
            made.target(
                f"{group.measure}_{number}", name, area, target_value=group.kind.level, due_date="2026-12-31",
                baseline_period=f"{first}-01-01/P12M" if group.kind.unit != "people" else f"{first}-08-01/P0D",
            )  # fmt: skip
    return made


def words(built: Built) -> dict[str, dict[str, str]]:
    """Return for each claim the word of each target."""
    found = {}
    for claim, query in CLAIMS.items():
        found[claim] = {row["target_id"]: row["word"] for row in built.ask(query)}
    return found


def shares(called: dict[str, str]) -> dict[Set, Counter[str]]:
    """Count, for each set, how its series were called: false, right, wrong, silent, cannot_tell."""
    by_measure = {group.measure: group for group, _ in sets()}
    counted: dict[Set, Counter[str]] = defaultdict(Counter)
    for target_id, word in called.items():
        measure, _, number = target_id.partition(".")[2].rpartition("_")
        group = by_measure[measure]
        if word not in ("improving", "worsening"):
            counted[group]["cannot_tell" if word == "cannot_tell" else "silent"] += 1
        elif group.shape == "none":
            counted[group][f"false_{word}"] += 1
        else:
            counted[group]["right" if word == group.right(int(number)) else "wrong"] += 1
    return counted


def run(share: float = 1.0) -> Section:
    """Simulate, build, count."""
    with tempfile.TemporaryDirectory(prefix="planmark-evaluate-") as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)
        made = council(share)
        print(f"  {len(made.series):,} series drawn; building", flush=True)
        with warehouse(folder, made.write(folder / "plans")) as settings:
            made.load(settings)
            built = build(settings, AS_OF)
            found = words(built)
    lines = [
        f"{round(NO_CHANGE * share):,} series of each kind and length in which nothing changes, and "
        f"{round(WITH_CHANGE * share):,} for each true change; up and down by turns. Seed {SEED}. Short is "
        f"{LENGTHS['short']} years, long {LENGTHS['long']}. A size of 1 is the smallest significant change, "
        "`1.96 × √2 × SE`. Step: the newest year differs. Drift: a straight line over the last five years, so much "
        f"in all. Goal: at most {GOAL:.0%} false, improving and worsening together.",
    ]
    lines.append(
        f"A test that is false exactly {GOAL:.0%} of the time shows up to {_allowed(round(NO_CHANGE * share)):.1%} in so "
        "few series by chance; up to there it says so, beyond it is above the goal."
    )
    is_good = True
    for claim, called in found.items():
        counted = shares(called)
        rows, met = _table_of(counted)
        is_good = is_good and met
        lines += [
            "",
            f"**{claim[0].upper()}{claim[1:]}**",
            "",
            *table(
                ["kind", "length", "false improving", "false worsening", "false", "cannot tell",
                 "right, step of 1", "2", "3", "right, drift of 1", "2", "3", "wrong way"],
                rows,
            ),
        ]  # fmt: skip
    return Section("simulated", "Changes that are none", lines, is_good)


def _allowed(series: int) -> float:
    """Return the largest share that a rate of exactly the goal explains: the upper end of its 95 % interval."""
    return GOAL + 1.96 * (GOAL * (1 - GOAL) / series) ** 0.5


def _verdict(false: float, series: int) -> str:
    if false <= GOAL:
        return ""
    return " (by chance)" if false <= _allowed(series) else " ABOVE THE GOAL"


def _table_of(counted: dict[Set, Counter[str]]) -> tuple[list[list[str]], bool]:
    rows, is_good = [], True
    for kind in KINDS:
        for length in LENGTHS:
            none = counted[Set(kind, length, "none", 0)]
            total = none.total()
            if not total:
                continue
            false = (none["false_improving"] + none["false_worsening"]) / total
            is_good = is_good and false <= _allowed(total)
            powers, wrong, changed = [], 0, 0
            for shape in ("step", "drift"):
                for size in SIZES:
                    group = counted.get(Set(kind, length, shape, size), Counter())
                    powers.append(f"{group['right'] / group.total():.1%}" if group.total() else "")
                    wrong += group["wrong"]
                    changed += group.total()
            rows.append([
                kind.name, length, f"{none['false_improving'] / total:.2%}", f"{none['false_worsening'] / total:.2%}",
                f"**{false:.2%}**{_verdict(false, total)}", f"{none['cannot_tell'] / total:.0%}",
                *powers, f"{wrong / changed:.2%}" if changed else "",
            ])  # fmt: skip
    return rows, is_good
