"""Forecasts of one yearly series to a day in the future, and the chance of reaching a level by then.

Few points carry little, so the ladder begins with a walk that goes nowhere and admits more only with more points. It is
this project's proposal, built on Hyndman and Athanasopoulos, Forecasting: Principles and Practice (3rd ed., 13.7, very
short series); docs/methodology.md has it in words, `make evaluate` scores it.

    fewer than 4   none
    4 to 7         random walk: the last value stays
    8 to 14        random walk with drift, Theil-Sen line, ETS(A,N,N), ETS(A,Ad,N): by AICc; those within 2 of the best
                   are averaged with equal weights
    15 or more     the same, with a local linear trend, ETS(A,A,N), beside them
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Scale = Literal["share", "count", "plain"]
Numbers = npt.NDArray[np.float64]

FEWEST_POINTS = 4
#: From here on more than the walk is tried, and from here on a local linear trend too.
SEVERAL_FROM, TREND_FROM = 8, 15
#: A damped trend has six parameters; statsforecast does not fit it to fewer points than this and one more.
DAMPED_ABOVE = 9
#: Models whose AICc is within so much of the best are averaged.
CLOSE = 2.0
#: A model whose errors are no larger than this, in units of the range of the series, fits by rounding alone: a band of no
#: width would be a claim of certainty.
NO_SCATTER = 1e-6
#: A share of exactly 0 or 100 % has no logit: shares are squeezed into the middle 99.9 %.
EDGE = 0.0005

#: The words for a chance, the highest first. The ends are those of the methods; the middle is our choice. A chance of just
#: 90 % is very likely and one of just 10 % very unlikely, so the upper words begin at their number, the lower ones above.
FROM = ((0.90, "very likely"), (0.66, "likely"))
ABOVE = ((0.33, "about as likely as not"), (0.10, "unlikely"))
LEAST_WORDS = "very unlikely"


@dataclass(frozen=True)
class Point:
    """One day ahead, in the unit of the series: the middle and the 80 % and 95 % bands."""

    middle: float
    lower_80: float
    upper_80: float
    lower_95: float
    upper_95: float


@dataclass(frozen=True)
class Forecast:
    """A series carried forward. `reason` says why there is none; then `points` is empty.

    `scenario`: where the Theil-Sen line would lead at the last horizon, shown where the series is too short to believe it.
    """

    reason: str
    method: str
    horizons: tuple[float, ...]
    points: tuple[Point, ...]
    scenario: float | None
    scale: Scale
    means: tuple[float, ...]
    deviations: tuple[float, ...]
    freedom: float

    def chance(self, index: int, *, level: float, sign: int) -> float:
        """Return the probability of a value on the good side of `level` (`sign` +1: at or above) at that horizon."""
        return _below(self, index, level) if sign < 0 else 1 - _below(self, index, level)

    def chance_within(self, index: int, *, lower: float, upper: float) -> float:
        """Return the probability of a value between two levels at that horizon."""
        return max(0.0, _below(self, index, upper) - _below(self, index, lower))


def forecast_series(
    values: Sequence[float],
    horizons: Sequence[float],
    *,
    scale: Scale,
    standard_errors: Sequence[float | None] = (),
) -> Forecast:
    """Carry a series forward by its own past.

    `values`: oldest first, evenly spaced, no gaps. `horizons`: how far past the newest value, in spacings, above 0; parts
    of a spacing are read off between whole ones. `scale`: shares (0 to 100) are modelled on the logit, counts on
    log(y + 1/2), all else as it is; values that do not fit their scale (a count below 0) as they are. `standard_errors`:
    of the values, in their unit; the newest known sets the least width: two published values differ by their own
    sampling alone.
    """
    numbers = np.asarray(values, dtype=float)
    scale = _fitting(scale, numbers)
    reason = _reason_for_none(numbers)
    if reason or not horizons:
        return _nothing(reason or "no day ahead", scale)
    series = _scaled(numbers, scale)
    steps = math.ceil(max(horizons) - 1e-9)
    slope, intercept = _theil_sen(series)
    models = _ladder(series, steps, slope, intercept)
    best = min(model.aicc for model in models)
    chosen = [model for model in models if model.aicc <= best + CLOSE]
    means = np.mean([model.means for model in chosen], axis=0)
    within = np.mean([model.variances for model in chosen], axis=0)
    variances = within + np.var([model.means for model in chosen], axis=0)
    variances = np.maximum(variances, 2 * _newest_error(numbers, standard_errors, scale) ** 2)
    if np.min(variances) <= (NO_SCATTER * np.ptp(series)) ** 2:
        return _nothing("the values lie on a line without scatter", scale)
    # Within the first spacing the middle moves there in a straight line; the band is that of a whole one.
    at_means = np.interp(horizons, np.arange(steps + 1.0), np.insert(means, 0, series[-1]))
    at_variances = np.interp(np.maximum(horizons, 1.0), np.arange(1.0, steps + 1), variances)
    deviations = np.sqrt(at_variances)
    freedom = float(min(model.freedom for model in chosen))
    return Forecast(
        reason="",
        method=" + ".join(model.name for model in chosen),
        horizons=tuple(float(h) for h in horizons),
        points=tuple(_point(m, d, freedom, scale) for m, d in zip(at_means, deviations, strict=True)),
        scenario=_unscaled(intercept + slope * (len(series) - 1 + max(horizons)), scale),
        scale=scale,
        means=tuple(float(m) for m in at_means),
        deviations=tuple(float(d) for d in deviations),
        freedom=freedom,
    )


def _nothing(reason: str, scale: Scale) -> Forecast:
    return Forecast(reason, "none", (), (), None, scale, (), (), 0.0)


def words_of(chance: float) -> str:
    """Return the words for a chance between 0 and 1."""
    reached = [words for least, words in FROM if chance >= least]
    passed = [words for least, words in ABOVE if chance > least]
    return next(iter(reached + passed), LEAST_WORDS)


# --- The models ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Model:
    """A fitted model on the scale: means and variances of 1, 2, ... steps ahead."""

    name: str
    means: Numbers
    variances: Numbers
    aicc: float
    freedom: int


def _ladder(series: Numbers, steps: int, slope: float, intercept: float) -> list[_Model]:
    if len(series) < SEVERAL_FROM:
        return [_walk(series, steps)]
    drift = _walk_with_drift(series, steps)
    models = [_walk(series, steps), drift, _line(series, steps, slope, intercept, drift.variances)]
    models += [_ets(series, steps, "level", "ANN", damped=False, parameters=3)]
    if len(series) > DAMPED_ABOVE:
        models += [_ets(series, steps, "damped trend", "AAN", damped=True, parameters=6)]
    if len(series) >= TREND_FROM:
        models += [_ets(series, steps, "local linear trend", "AAN", damped=False, parameters=5)]
    return [model for model in models if np.isfinite(model.aicc)] or [_walk(series, steps)]


def _walk(series: Numbers, steps: int) -> _Model:
    """The last value stays; a step is as large as the steps so far."""
    moves = np.diff(series)
    variance = float(np.mean(moves**2))
    ahead = np.arange(1.0, steps + 1)
    return _Model(
        "random walk", np.full(steps, series[-1]), variance * ahead, _aicc(moves, len(series), 2), len(moves)
    )


def _walk_with_drift(series: Numbers, steps: int) -> _Model:
    moves = np.diff(series)
    drift = float(np.mean(moves))
    variance = float(np.sum((moves - drift) ** 2)) / (len(moves) - 1)
    ahead = np.arange(1.0, steps + 1)
    return _Model(
        "random walk with drift",
        series[-1] + drift * ahead,
        variance * ahead * (1 + ahead / len(moves)),
        _aicc(moves - drift, len(series), 3),
        len(moves) - 1,
    )


def _line(series: Numbers, steps: int, slope: float, intercept: float, at_least: Numbers) -> _Model:
    """The Theil-Sen line, with the width of a prediction from a fitted line.

    That width takes it that the future keeps to the line. Published series do not: without the width of a walk with
    drift as the least, 63 to 71 of 100 outcomes lay inside the 80 % band.
    """
    count = len(series)
    time = np.arange(float(count))
    errors = series - intercept - slope * time
    variance = float(np.sum(errors**2)) / (count - 2)
    ahead = np.arange(float(count), count + steps)
    spread = 1 + 1 / count + (ahead - time.mean()) ** 2 / np.sum((time - time.mean()) ** 2)
    return _Model(
        "Theil-Sen line",
        intercept + slope * ahead,
        np.maximum(variance * spread, at_least),
        _aicc(errors, count, 3),
        count - 2,
    )


def warm_up() -> None:
    """Import the libraries and run each model once: four seconds that can pass while something else is waited for."""
    forecast_series([float(number % 3) for number in range(TREND_FROM)], [1.0], scale="plain")


def _ets(series: Numbers, steps: int, name: str, model: str, *, damped: bool, parameters: int) -> _Model:
    """Exponential smoothing, fitted by statsforecast; its 95 % band gives the variance back."""
    spread = float(np.std(series))
    said = _auto_ets(model, damped).forecast(y=series / spread, h=steps, level=[95], fitted=True)
    deviations = (np.asarray(said["hi-95"]) - np.asarray(said["lo-95"])) / (2 * 1.959964) * spread
    errors = series - np.asarray(said["fitted"]) * spread
    return _Model(
        f"exponential smoothing, {name}",
        np.asarray(said["mean"]) * spread,
        deviations**2 + np.zeros(steps),
        _aicc(errors, len(series), parameters),
        max(1, len(series) - parameters),
    )


@cache
def _auto_ets(model: str, damped: bool) -> Any:  # noqa: ANN401  (statsforecast has no types)
    from statsforecast.models import AutoETS

    return AutoETS(season_length=1, model=model, damped=damped)


def _theil_sen(series: Numbers) -> tuple[float, float]:
    """Return slope, the median of all pairs', and intercept, the median of what it leaves. Time is 0, 1, 2, ..."""
    from scipy.stats import theilslopes

    slope = float(theilslopes(series).slope)
    return slope, float(np.median(series - slope * np.arange(len(series))))


def _aicc(errors: Numbers, count: int, parameters: int) -> float:
    """Akaike's criterion for small samples out of one-step errors, the same way for every model.

    `parameters` counts coefficients, initial states and the variance. Without room for them it is infinite.
    """
    room = count - parameters - 1
    squares = float(np.sum(errors**2))
    if room <= 0 or not math.isfinite(squares):
        return math.inf
    return (
        count * math.log(max(squares / count, 1e-18))
        + 2 * parameters
        + 2 * parameters * (parameters + 1) / room
    )


# --- Scales ----------------------------------------------------------------------------------------


def _reason_for_none(numbers: Numbers) -> str:
    if len(numbers) < FEWEST_POINTS:
        return "too few points"
    if not np.all(np.isfinite(numbers)):
        return "missing values"
    if np.ptp(numbers) <= 1e-9 * max(1.0, float(np.max(np.abs(numbers)))):
        return "the values never changed"
    return ""


def _fitting(scale: Scale, numbers: Numbers) -> Scale:
    """Return the scale, or `plain` where a value lies outside what it can hold."""
    lowest, highest = {"share": (0.0, 100.0), "count": (0.0, math.inf), "plain": (-math.inf, math.inf)}[scale]
    fits = bool(np.all((numbers >= lowest) & (numbers <= highest)))
    return scale if fits else "plain"


def _scaled(numbers: Numbers, scale: Scale) -> Numbers:
    if scale == "share":
        shares = EDGE + (1 - 2 * EDGE) * numbers / 100
        return np.log(shares / (1 - shares))
    if scale == "count":
        return np.log(numbers + 0.5)
    return numbers


def _unscaled(number: float, scale: Scale) -> float:
    if scale == "share":
        share = 1 / (1 + math.exp(-min(max(number, -700.0), 700.0)))
        return min(100.0, max(0.0, (share - EDGE) / (1 - 2 * EDGE) * 100))
    if scale == "count":
        return max(0.0, math.exp(min(number, 700.0)) - 0.5)
    return number


def _newest_error(numbers: Numbers, standard_errors: Sequence[float | None], scale: Scale) -> float:
    """Return the standard error of the newest value that has one, on the scale; 0 where none has."""
    for value, error in zip(numbers[::-1], list(standard_errors)[::-1], strict=False):
        if error is not None and math.isfinite(error) and error > 0:
            if scale == "share":
                share = EDGE + (1 - 2 * EDGE) * float(value) / 100
                return error / 100 / (share * (1 - share))
            return error / (float(value) + 0.5) if scale == "count" else error
    return 0.0


@cache
def _quantile(probability: float, freedom: float) -> float:
    from scipy.stats import t

    return float(t.ppf(probability, freedom))


def _point(mean: float, deviation: float, freedom: float, scale: Scale) -> Point:
    def at(probability: float) -> float:
        return _unscaled(float(mean + _quantile(probability, freedom) * deviation), scale)

    return Point(_unscaled(float(mean), scale), at(0.10), at(0.90), at(0.025), at(0.975))


def _below(forecast: Forecast, index: int, level: float) -> float:
    """Return the probability of a value below a level, by Student's t on the scale."""
    from scipy.special import stdtr

    if forecast.scale == "share" and not 0 <= level <= 100:
        return 0.0 if level < 0 else 1.0
    if forecast.scale == "count" and level < 0:
        return 0.0
    at = float(_scaled(np.array([level]), forecast.scale)[0])
    return float(stdtr(forecast.freedom, (at - forecast.means[index]) / forecast.deviations[index]))
