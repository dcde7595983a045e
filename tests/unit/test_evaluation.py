"""The figures of `make evaluate` stand in docs/methodology.md, and only between their markers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.evaluate import backtest, report, simulated, vectors
from tests.evaluate.__main__ import SECTIONS
from tests.evaluate.real_series import RealSeries
from tests.evaluate.report import Section


def test_the_methodology_page_holds_the_figures() -> None:
    text = report.PAGE.read_text(encoding="utf-8")
    assert text.count(report.BEGIN) == text.count(report.END) == 1
    block = report.block()
    found = re.findall(r"<!-- evaluate:section (\w+) -->", block)
    assert {"vectors", "simulated", "real"} <= set(found)
    assert [name for name in SECTIONS if name in found] == found
    assert "DIFFERS" not in block


def test_a_section_is_replaced_and_the_others_stay(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\n{report.END}\nafter\n", encoding="utf-8")
    report.keep([Section("b", "B", ["one"]), Section("a", "A", ["two"])], ("a", "b"), page)
    first = page.read_text(encoding="utf-8")
    assert first.index("### A") < first.index("### B")
    report.keep([Section("b", "B", ["three"]), Section("a", "A", ["none"], is_kept=False)], ("a", "b"), page)
    second = page.read_text(encoding="utf-8")
    assert "one" not in second
    assert "none" not in second
    assert second == first.replace("one", "three")
    assert second.startswith("before\n")
    assert second.endswith("after\n")


def test_a_page_without_markers_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match="has no"):
        report.keep([], (), page)


def test_vectors_have_names_of_their_own_and_one_way_to_be_worked_out() -> None:
    for vector in vectors.VECTORS:
        ways = [bool(vector.query), bool(vector.macro), vector.figure is not None]
        assert sum(ways) == 1, vector.name
    pairs = [(vector.name, vector.query or vector.macro) for vector in vectors.VECTORS]
    assert len(pairs) == len(set(pairs))


def test_words_are_counted_by_what_is_true() -> None:
    """Even numbers go up and odd ones down; for the survey more is better, for the counts less is."""
    survey = simulated.Set(simulated.KINDS[0], "long", "step", 2)
    count = simulated.Set(simulated.KINDS[2], "long", "none", 0)
    called = {
        f"made_up.{survey.measure}_0": "improving",
        f"made_up.{survey.measure}_1": "improving",
        f"made_up.{survey.measure}_2": "no_significant_change",
        f"made_up.{count.measure}_0": "worsening",
        f"made_up.{count.measure}_1": "cannot_tell",
    }
    counted = simulated.shares(called)
    assert counted[survey] == {"right": 1, "wrong": 1, "silent": 1}
    assert counted[count] == {"false_worsening": 1, "cannot_tell": 1}


def test_rolling_years_of_a_survey_share_nine_months() -> None:
    """Four quarters a value, published every quarter: two years give five values."""
    import numpy as np

    (rolling,) = [kind for kind in simulated.KINDS if kind.name.startswith("rolling")]
    values = rolling.draw(np.random.default_rng(1), [65.0, 65.0], 2020)
    assert [(value.start.isoformat(), value.months) for value in values] == [
        ("2020-01-01", 12), ("2020-04-01", 12), ("2020-07-01", 12), ("2020-10-01", 12), ("2021-01-01", 12),
    ]  # fmt: skip


def test_forecasts_are_compared_with_what_came() -> None:
    """One, two, three, four, then seven: with four points known the naive error is 3 steps of 1, and 7 is outside 3 to 5."""
    series = RealSeries("t", "i", "a", False, tuple(range(2000, 2005)), (1, 2, 3, 4, 7), (None,) * 5)

    def always(one: RealSeries, known: int, horizons: list[int]) -> list[backtest.Ahead]:
        return [backtest.Ahead(h, 6.0, (3, 5), (2, 8), lambda level, sign: 0.5) for h in horizons]

    out = backtest.play([series], always)
    tally = out.tallies[(4, 7), 1]
    assert (tally.inside_80, tally.inside_95) == ([False], [True])
    assert (tally.errors, tally.naive_errors) == ([1.0], [3.0])
    # Upwards 7 hits every target up to 4 + 2 steps; downwards none but those that are worse by more than it rose.
    hits = [(guess.multiple, guess.is_hit) for guess in out.guesses]
    assert hits[:6] == [(-1.0, True), (-0.5, True), (0.0, True), (0.5, True), (1.0, True), (2.0, True)]
    assert hits[6:] == [(-1.0, False), (-0.5, False), (0.0, False), (0.5, False), (1.0, False), (2.0, False)]
    assert backtest.brier(out.guesses) == 0.25


def test_the_sample_is_even_and_whole_where_it_can_be() -> None:
    assert backtest.evenly(range(5), 9) == [0, 1, 2, 3, 4]
    assert backtest.evenly(range(11), 3) == [0, 5, 10]
