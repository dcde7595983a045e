"""What forecasts would have been worth: every published yearly series, forecast from many earlier years.

At each origin only the values up to it are known. Outcomes are the published values, so sampling noise is in both. Series
of one table share the shocks of their years (2009, 2020), so the counts below stand for fewer independent cases than they
look.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from planmark.forecasts import forecast_series
from planmark.settings import ROOT
from tests.evaluate.real_series import RealSeries, read
from tests.evaluate.report import Section, table

DATA = ROOT.parent / "shared" / "data"
HORIZONS = (1, 2, 3, 5)
#: Areas of each indicator, evenly over the sorted codes, and origins of each series, evenly over time.
AREAS = 40
ORIGINS = 6
FEWEST_KNOWN = 4
#: Targets set at the origin: the last value and so many times the series' own scatter over the horizon, up and down.
MULTIPLES = (-1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
RUNGS = ((4, 7), (8, 14), (15, 999))
GOAL_80 = (0.75, 0.85)
BINS = (0.0, 0.1, 0.25, 0.4, 0.6, 0.75, 0.9, 1.0)


@dataclass(frozen=True)
class Ahead:
    """What is said of one year to come. `chance(level, sign)`: that the value is on the good side of a level."""

    horizon: int
    middle: float
    bounds_80: tuple[float, float]
    bounds_95: tuple[float, float]
    chance: Callable[[float, int], float]


#: Forecasts the years to come from a series and the number of its points that are known.
Forecaster = Callable[[RealSeries, int, Sequence[int]], list[Ahead]]


@dataclass(frozen=True)
class Guess:
    """One chance that was given, and whether the target was hit. `multiple` counts from worse to better."""

    horizon: int
    multiple: float
    chance: float
    is_hit: bool


@dataclass
class Tally:
    """Outcomes of one rung and one horizon; errors in units of the series' own usual step."""

    inside_80: list[bool] = field(default_factory=list)
    inside_95: list[bool] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    naive_errors: list[float] = field(default_factory=list)


@dataclass
class Outcome:
    """Everything that was counted."""

    series: int = 0
    origins: int = 0
    tallies: dict[tuple[tuple[int, int], int], Tally] = field(default_factory=lambda: defaultdict(Tally))
    by_table: dict[str, Tally] = field(default_factory=lambda: defaultdict(Tally))
    guesses: list[Guess] = field(default_factory=list)


def sample(series: Sequence[RealSeries], areas: int) -> list[RealSeries]:
    """Take so many areas of each indicator, evenly; short and long series alike."""
    groups: dict[tuple[str, str], list[RealSeries]] = defaultdict(list)
    for one in series:
        groups[one.table, one.indicator].append(one)
    return [one for group in groups.values() for one in evenly(group, areas)]


def evenly(items: Sequence, count: int) -> list:
    """Return at most so many items, evenly spaced, first and last among them."""
    if len(items) <= count:
        return list(items)
    return [items[round(n * (len(items) - 1) / (count - 1))] for n in range(count)]


def rung_of(known: int) -> tuple[int, int]:
    """Return the rung of the ladder for so many known points."""
    return next(rung for rung in RUNGS if rung[0] <= known <= rung[1])


def play(series: Iterable[RealSeries], forecaster: Forecaster) -> Outcome:
    """Forecast each series from its origins and compare with what came."""
    out = Outcome()
    for one in series:
        out.series += 1
        for known in evenly(range(FEWEST_KNOWN, len(one.values)), ORIGINS):
            horizons = [h for h in HORIZONS if known + h <= len(one.values)]
            steps = [abs(b - a) for a, b in zip(one.values[: known - 1], one.values[1:known], strict=True)]
            scale = fmean(steps)
            out.origins += 1
            for ahead in forecaster(one, known, horizons):
                came = one.values[known + ahead.horizon - 1]
                _count(out, one, known, ahead, came, scale)
    return out


def _count(out: Outcome, one: RealSeries, known: int, ahead: Ahead, came: float, scale: float) -> None:
    last = one.values[known - 1]
    for tally in (out.tallies[rung_of(known), ahead.horizon], out.by_table[one.table]):
        tally.inside_80.append(ahead.bounds_80[0] - 1e-9 <= came <= ahead.bounds_80[1] + 1e-9)
        tally.inside_95.append(ahead.bounds_95[0] - 1e-9 <= came <= ahead.bounds_95[1] + 1e-9)
        if scale > 1e-12:
            tally.errors.append(abs(came - ahead.middle) / scale)
            tally.naive_errors.append(abs(came - last) / scale)
    for sign in (1, -1):
        for multiple in MULTIPLES:
            target = last + sign * multiple * scale * ahead.horizon**0.5
            if one.is_share and not 0 <= target <= 100:
                continue
            out.guesses.append(
                Guess(ahead.horizon, multiple, ahead.chance(target, sign), sign * (came - target) >= -1e-9)
            )


def brier(guesses: Sequence[Guess]) -> float:
    """Return the mean squared distance between chance and outcome."""
    return fmean((guess.chance - guess.is_hit) ** 2 for guess in guesses)


def climatology(guesses: Sequence[Guess]) -> float:
    """Return the Brier score of one who only knows how often such targets are hit: by distance and horizon, in hindsight."""
    groups: dict[tuple[float, int], list[bool]] = defaultdict(list)
    for guess in guesses:
        groups[guess.multiple, guess.horizon].append(guess.is_hit)
    return fmean((fmean(groups[guess.multiple, guess.horizon]) - guess.is_hit) ** 2 for guess in guesses)


def planmark_forecaster(one: RealSeries, known: int, horizons: Sequence[int]) -> list[Ahead]:
    """Forecast as the product does. The one place that knows its signature."""
    if not horizons:
        return []
    scale = "share" if one.is_share else "count" if min(one.values) >= 0 else "plain"
    forecast = forecast_series(one.values[:known], horizons, scale=scale, standard_errors=one.errors[:known])
    return [
        Ahead(
            horizon, point.middle, (point.lower_80, point.upper_80), (point.lower_95, point.upper_95),
            lambda level, sign, index=index: forecast.chance(index, level=level, sign=sign),
        )
        for index, (horizon, point) in enumerate(zip(horizons, forecast.points, strict=False))
    ]  # fmt: skip


def run(areas: int = AREAS) -> Section:
    """Forecast, compare, count."""
    title = "Forecasts against what came"
    if not DATA.is_dir():
        return Section(
            "backtest", title, ["The published tables are not there: data is missing."], is_kept=False
        )
    everything = read(DATA)
    chosen = sample(everything, areas)
    print(f"  {len(chosen):,} of {len(everything):,} series", flush=True)
    began = time.perf_counter()
    out = play(chosen, planmark_forecaster)
    seconds = time.perf_counter() - began
    return Section("backtest", title, *_lines(out, len(everything), areas, seconds))


def _lines(out: Outcome, everything: int, areas: int, seconds: float) -> tuple[list[str], bool]:
    total = Tally()
    for tally in out.tallies.values():
        total.inside_80 += tally.inside_80
        total.inside_95 += tally.inside_95
        total.errors += tally.errors
        total.naive_errors += tally.naive_errors
    rows = [
        [f"{rung[0]} to {rung[1]}" if rung[1] < 999 else f"{rung[0]} or more", str(horizon), *_cells(tally)]
        for (rung, horizon), tally in sorted(out.tallies.items())
    ]
    rows.append(["all", "all", *_cells(total)])
    tables = [[name, *_cells(tally)] for name, tally in sorted(out.by_table.items())]
    inside = fmean(total.inside_80)
    own, reference = brier(out.guesses), climatology(out.guesses)
    overall = fmean(guess.is_hit for guess in out.guesses)
    header = ["cases", "inside 80 %", "inside 95 %", "error", "naive error", "error / naive"]
    lines = [
        f"{out.series:,} of {everything:,} yearly series of at least 5 points (up to {areas} areas of each indicator, "
        f"evenly), {out.origins:,} origins (up to {ORIGINS} a series, evenly, at least {FEWEST_KNOWN} points known), "
        f"horizons {', '.join(map(str, HORIZONS))} years. Error: mean absolute error in units of the mean step up to the "
        "origin; naive: the last value stays. Goal: 75 to 85 % inside the 80 % band.",
        "",
        *table(["points known", "years ahead", *header], rows),
        "",
        *table(["table", *header], tables),
        "",
        f"**Chance of hitting a target.** Targets set at the origin: the last value and {', '.join(map(str, MULTIPLES))} "
        f"times the mean step × √years, to either side: {len(out.guesses):,} of them. Brier score {own:.4f}; of one who "
        f"knows only how often targets so far away were hit: {reference:.4f}; of one who always says {overall:.0%}: "
        f"{overall * (1 - overall):.4f}. Skill over the first: {1 - own / reference:.0%}.",
        "",
        *table(["chance said", "targets", "mean said", "share hit"], _reliability(out.guesses)),
    ]  # fmt: skip
    print(f"  {seconds:.0f} s, {1000 * seconds / out.origins:.1f} ms an origin", flush=True)
    return lines, GOAL_80[0] <= inside <= GOAL_80[1]


def _cells(tally: Tally) -> list[str]:
    error = fmean(tally.errors) if tally.errors else float("nan")
    naive = fmean(tally.naive_errors) if tally.naive_errors else float("nan")
    return [
        f"{len(tally.inside_80):,}", f"{fmean(tally.inside_80):.1%}", f"{fmean(tally.inside_95):.1%}",
        f"{error:.2f}", f"{naive:.2f}", f"{error / naive:.2f}",
    ]  # fmt: skip


def _reliability(guesses: Sequence[Guess]) -> list[list[str]]:
    rows = []
    for low, high in zip(BINS, BINS[1:], strict=False):  # noqa: RUF007  (reads as it is written)
        inside = [
            guess for guess in guesses if low <= guess.chance < high or (high == 1.0 and guess.chance == 1.0)
        ]
        if inside:
            rows.append([
                f"{low:.0%} to {high:.0%}", f"{len(inside):,}", f"{fmean(g.chance for g in inside):.1%}",
                f"{fmean(g.is_hit for g in inside):.1%}",
            ])  # fmt: skip
    return rows
