"""Forecasts, compared with figures worked out by hand and with the tables of Student's t."""

from __future__ import annotations

import math
from datetime import date

import pytest

from planmark.cli.forecast_stage import Input, forecast_target
from planmark.forecasts import forecast_series, words_of

SHORT = [10.0, 12.0, 11.0, 13.0]


def test_fewer_than_four_points_carry_nothing() -> None:
    forecast = forecast_series([1.0, 2.0, 3.0], [1.0], scale="plain")
    assert (forecast.reason, forecast.points, forecast.method) == ("too few points", (), "none")


def test_a_short_series_stays_where_it_is_within_what_it_moved_so_far() -> None:
    """Moves 2, -1, 2: the root of (4 + 1 + 4)/3 is 1.7321. Student's t, 3 degrees: 1.6377 at 90 %, 3.1824 at 97.5 %."""
    forecast = forecast_series(SHORT, [1.0, 4.0], scale="plain")
    first, fourth = forecast.points
    assert forecast.method == "random walk"
    assert first.middle == fourth.middle == 13
    assert first.upper_80 == pytest.approx(13 + 1.6377 * 1.7321, abs=1e-3)
    assert first.lower_95 == pytest.approx(13 - 3.1824 * 1.7321, abs=1e-3)
    # Four steps: twice as wide.
    assert fourth.upper_80 - 13 == pytest.approx(2 * (first.upper_80 - 13))


def test_the_line_is_a_scenario_for_a_short_series() -> None:
    """Slopes of the six pairs: 2, 0.5, 1, -1, 0.5, 2; median 0.75. What it leaves: 10, 11.25, 9.5, 10.75; median
    10.375. Two years on, at time 5: 10.375 + 3.75 = 14.125."""
    assert forecast_series(SHORT, [2.0], scale="plain").scenario == pytest.approx(14.125)


def test_part_of_a_year_moves_part_of_the_way_under_the_band_of_a_year() -> None:
    whole, half = forecast_series(SHORT, [1.0, 0.5], scale="plain").points
    assert (half.lower_80, half.upper_80) == (whole.lower_80, whole.upper_80)


def test_a_steady_climb_is_carried_on_once_there_are_eight_points() -> None:
    values = [50, 51.1, 51.9, 53.2, 53.9, 55.1, 55.8, 57.2, 58.0]
    forecast = forecast_series(values, [2.0], scale="plain")
    assert 59.5 < forecast.points[0].middle < 60.5
    assert forecast.method != "random walk"


def test_the_least_width_is_that_of_two_samples() -> None:
    """A margin of 3.0 is an error of 1.5306; two of them 2.1646; t of 3 degrees at 90 %: 1.6377, so 3.5450 either side."""
    forecast = forecast_series(
        [50, 50.1, 50.0, 50.1], [1.0], scale="plain", standard_errors=[None, 1.5, 1.5, 3.0 / 1.96]
    )
    assert forecast.points[0].upper_80 - 50.1 == pytest.approx(3.5450, abs=1e-3)


def test_a_level_at_the_middle_has_an_even_chance() -> None:
    forecast = forecast_series(SHORT, [1.0], scale="plain")
    assert forecast.chance(0, level=13, sign=1) == pytest.approx(0.5)
    # One deviation away, Student's t of 3 degrees: 0.8045.
    assert forecast.chance(0, level=13 - math.sqrt(3), sign=1) == pytest.approx(0.8045, abs=1e-4)
    assert forecast.chance(0, level=13 - math.sqrt(3), sign=-1) == pytest.approx(0.1955, abs=1e-4)
    assert forecast.chance_within(0, lower=13 - math.sqrt(3), upper=13 + math.sqrt(3)) == pytest.approx(
        0.6090, abs=1e-4
    )


def test_shares_stay_between_0_and_100_and_counts_above_0() -> None:
    shares = forecast_series([97, 99, 100, 99, 100], [5.0], scale="share").points[0]
    assert 0 <= shares.lower_95 <= shares.upper_95 <= 100
    counts = forecast_series([5, 2, 0, 1], [5.0], scale="count").points[0]
    assert 0 <= counts.lower_95 <= counts.middle <= counts.upper_95


@pytest.mark.parametrize("scale", ["plain", "share", "count"])
@pytest.mark.parametrize("length", [4, 7, 8, 14, 15, 30])
def test_bands_nest_and_the_same_series_says_the_same_twice(scale: str, length: int) -> None:
    values = [30 + 5 * math.sin(n) + n / 3 for n in range(length)]
    forecast = forecast_series(values, [0.4, 1.0, 2.5, 6.0], scale=scale)  # type: ignore[arg-type]
    for point in forecast.points:
        assert point.lower_95 < point.lower_80 < point.middle < point.upper_80 < point.upper_95
    widths = [point.upper_80 - point.lower_80 for point in forecast.points]
    if scale == "plain":
        assert widths == sorted(widths)
    assert forecast == forecast_series(values, [0.4, 1.0, 2.5, 6.0], scale=scale)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "scale", "reason"),
    [
        ([], "plain", "too few points"),
        ([5.0], "share", "too few points"),
        ([5.0, 5.0, 5.0, 5.0, 5.0], "count", "the values never changed"),
        (
            [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0],
            "plain",
            "the values lie on a line without scatter",
        ),
        ([0.1 * n for n in range(12)], "plain", "the values lie on a line without scatter"),
        ([1.0, math.nan, 2.0, 3.0], "plain", "missing values"),
        ([1.0, math.inf, 2.0, 3.0], "plain", "missing values"),
    ],
)
def test_what_cannot_be_forecast_says_why(values: list[float], scale: str, reason: str) -> None:
    assert forecast_series(values, [1.0], scale=scale).reason == reason  # type: ignore[arg-type]


@pytest.mark.parametrize("scale", ["share", "count"])
def test_values_that_do_not_fit_their_scale_are_taken_as_they_are(scale: str) -> None:
    forecast = forecast_series([-2.0, -1.0, -3.0, 4.0], [1.0], scale=scale)  # type: ignore[arg-type]
    assert (forecast.reason, forecast.scale) == ("", "plain")


@pytest.mark.parametrize(
    ("chance", "words"),
    [
        (1.0, "very likely"), (0.90, "very likely"), (0.89, "likely"), (0.66, "likely"), (0.5, "about as likely as not"),
        (0.34, "about as likely as not"), (0.33, "unlikely"), (0.11, "unlikely"), (0.10, "very unlikely"),
        (0.0, "very unlikely"),
    ],
)  # fmt: skip
def test_each_chance_has_its_words(chance: float, words: str) -> None:
    assert words_of(chance) == words


def target(**given: object) -> Input:
    usual: dict[str, object] = {
        "target_id": "p.t", "measure_id": "m", "area_code": "A", "scale": "plain", "sign": 1, "level_value": 13.0,
        "lower_value": None, "upper_value": None, "is_range": False, "newest_period_end": date(2024, 2, 29),
        "spacing_months": 12, "points_count": 4, "deadline_date": date(2026, 8, 31), "horizon": 2.5,
        "status_reason": None, "series_values": SHORT, "series_errors": [None] * 4,
    }  # fmt: skip
    return Input(**(usual | given))  # type: ignore[arg-type]


def test_a_target_on_a_line_without_scatter_gets_its_reason() -> None:
    """A band of no width would divide by zero."""
    row, points = forecast_target(
        target(series_values=[10.0 * n for n in range(8)], series_errors=[None] * 8)
    )
    assert (row[1], row[2], points) == ("none", "the values lie on a line without scatter", [])


def test_a_line_of_survey_values_has_the_width_of_their_errors() -> None:
    """Errors of 1.5: the root of 2 x 2.25 is 2.1213. Two models fit; the line has 6 degrees: t of 1.4398 at 90 %."""
    point = forecast_series(
        [10.0 * n for n in range(8)], [1.0], scale="plain", standard_errors=[1.5] * 8
    ).points[0]
    assert point.middle == pytest.approx(80)
    assert point.upper_80 - point.middle == pytest.approx(1.4398 * 2.1213, abs=1e-3)


def test_a_target_gets_a_row_and_a_point_for_each_year_and_the_deadline() -> None:
    row, points = forecast_target(target())
    assert row[:6] == ("p.t", "forecast", None, "random walk", 4, date(2024, 2, 29))
    assert row[12:] == (0.5, "about as likely as not")
    # The end of February stays the end of February.
    assert [point[1] for point in points] == [date(2025, 2, 28), date(2026, 2, 28), date(2026, 8, 31)]
    assert points[-1][2:] == row[6:11]


def test_a_deadline_on_a_yearly_step_is_one_point() -> None:
    _, points = forecast_target(target(horizon=2.0, deadline_date=date(2026, 2, 28)))
    assert [point[1] for point in points] == [date(2025, 2, 28), date(2026, 2, 28)]


def test_a_range_is_hit_between_its_bounds() -> None:
    row, _ = forecast_target(
        target(is_range=True, lower_value=13.0, upper_value=1e9, sign=None, level_value=None)
    )
    assert row[12] == pytest.approx(0.5)


def test_a_single_value_has_a_forecast_and_no_chance() -> None:
    """A parity of exactly 1 is a range of one point: a chance of nothing would say that it cannot be met."""
    row, points = forecast_target(
        target(is_range=True, lower_value=13.0, upper_value=13.0, sign=None, level_value=13.0)
    )
    assert (row[1], row[12], row[13]) == ("forecast", None, None)
    assert points


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"status_reason": "the due date is past", "series_values": None}, "the due date is past"),
        ({"series_values": [1.0, 2.0]}, "too few points"),
        ({"series_values": None}, "no value is loaded"),
    ],
)
def test_a_target_without_a_forecast_says_why(given: dict[str, object], reason: str) -> None:
    row, points = forecast_target(target(**given))
    assert (row[1], row[2], row[6:], points) == ("none", reason, (None,) * 8, [])
