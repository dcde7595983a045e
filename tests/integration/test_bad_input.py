"""Series and targets that are not as they should be, one each, through the real SQL: a stated evidence and reason, never
a crash and never a colour that the figures do not carry.

Each case says what the rules of docs/methodology.md ask for, with the sum by hand where there is one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from planmark.registry.check import check
from tests.evaluate.council import PLAN, Built, Council, Value, build, warehouse

AS_OF = date(2024, 6, 30)
AREA = "X00000001"
POSITIONS = {"met", "missed", "on_trajectory", "within_tolerance", "off_trajectory", "not_due", "no_data"}
EVIDENCE = {"confirmed", "not_distinguishable", "too_early", "unreliable", "unverifiable", "none"}


def year(number: int, value: float | None, *bounds: float, **more: Any) -> Value:
    """A calendar year's value, with its bounds if there are any."""
    lower, upper = bounds if bounds else (None, None)
    return Value(date(number, 1, 1), 12, value, lower, upper, **more)


def survey(values: dict[int, float], half: float = 3) -> list[Value]:
    return [year(number, value, value - half, value + half) for number, value in values.items()]


@dataclass(frozen=True)
class Case:
    """One bad input: its values, what is said of the measure and of the target, and what the rules ask for."""

    name: str
    why: str
    values: list[Value]
    target: dict[str, Any]
    positions: set[str]
    evidence: set[str]
    measure: dict[str, Any] = field(default_factory=dict)
    unit: str = "percent"


#: Due in the future: 60 in 2019, 70 by the end of 2028, so 1.111 points a year; the path asks for 64.444 in 2023.
RUNNING = {
    "baseline_value": 60, "baseline_period": "2019-01-01/P12M", "target_value": 70, "due_date": "2028-12-31",
}  # fmt: skip
#: Decided: due at the end of 2022, 60 to 66.
PAST = RUNNING | {"target_value": 66, "due_date": "2022-12-31"}

CASES = (
    Case("gaps", "64.9 in 2023 is 0.456 ahead of the path; SE = 3/1.96 = 1.53, 1.645 × SE = 2.52: chance leaves it open",
         survey({2015: 60, 2018: 61, 2019: 60, 2023: 64.9}), RUNNING, {"on_trajectory"}, {"not_distinguishable"}),
    Case("one_point", "one value, after the baseline: a position, and no trend",
         survey({2023: 62}), RUNNING, {"off_trajectory"}, {"not_distinguishable"}),
    Case("no_point", "no value at all", [], RUNNING, {"no_data"}, {"none"}),
    Case("all_missing", "the publisher suppressed every value",
         [year(number, None, status="C") for number in range(2019, 2024)], RUNNING, {"no_data"}, {"none"}),
    Case("all_equal", "60 every year, as at the baseline: 4.444 behind the path, tolerance 1, 1.645 × 1.53 = 2.52",
         survey(dict.fromkeys(range(2012, 2024), 60)), RUNNING, {"off_trajectory"}, {"confirmed"}),
    Case("all_equal_without_interval", "nothing says how sure 60 is, and equal values are no proof of it",
         [year(number, 60) for number in range(2012, 2024)], RUNNING, {"off_trajectory"}, {"none"}),
    Case("zero_variance", "bounds equal to the value: a published interval of no width, so no chance to speak of",
         survey(dict.fromkeys(range(2012, 2024), 60), half=0), RUNNING, {"off_trajectory"},
         {"confirmed", "unreliable", "none"}),
    Case("negative_rate", "a share below zero cannot be, so it is not judged",
         survey({2019: 2.0, 2021: 1.0, 2023: -1.0}), RUNNING | {"baseline_value": 2, "target_value": 12},
         POSITIONS, {"unreliable"}),
    Case("missing_interval", "no margin of error is published for 2023, although earlier years have one",
         [*survey({2019: 60, 2021: 61, 2022: 62}), year(2023, 66)], RUNNING, {"on_trajectory"}, {"none"}),
    Case("one_bound", "half an interval is none",
         [year(2023, 66, 63, None)], RUNNING, {"on_trajectory"}, {"none"}),  # type: ignore[arg-type]
    Case("interval_excludes_value", "66 with an interval of 70 to 75",
         [year(2019, 60, 57, 63), year(2023, 66, 70, 75)], RUNNING, {"on_trajectory"}, {"unreliable"}),
    Case("interval_upside_down", "66 with an interval of 69 to 63",
         [year(2019, 60, 57, 63), year(2023, 66, 69, 63)], RUNNING, {"on_trajectory"}, {"unreliable"}),
    Case("baseline_after_due", "the baseline is of 2023, the target was due in 2022: no path can be drawn",
         survey({2021: 62, 2022: 63, 2023: 60}), PAST | {"baseline_period": "2023-01-01/P12M"},
         {"missed", "no_data"}, {"unreliable", "none"}),
    Case("met_at_start", "the baseline of 72 is above the 70 asked for: 71 is still on the good side",
         survey({2019: 72, 2021: 71, 2023: 71}), RUNNING | {"baseline_value": 72}, {"met", "on_trajectory"},
         {"not_distinguishable", "unverifiable"}),
    Case("met_at_start_and_lost", "72 at the start, 64 now: 6 below the target, 1.645 × 1.53 = 2.52",
         survey({2019: 72, 2021: 71, 2023: 64}), RUNNING | {"baseline_value": 72}, {"off_trajectory"}, {"confirmed"}),
    Case("baseline_is_target", "from 70 to 70: nothing to divide by, and no change that could be seen",
         survey({2019: 70, 2023: 69}), RUNNING | {"baseline_value": 70}, POSITIONS - {"no_data"},
         {"not_distinguishable", "unverifiable", "none"}),
    Case("duplicate_periods", "2023 stands there for the year and for its last quarter: the year counts once",
         [*survey({2019: 60, 2021: 62, 2022: 63, 2023: 64.9}), Value(date(2023, 10, 1), 3, 40.0, 30.0, 50.0)],
         RUNNING, POSITIONS - {"no_data"}, EVIDENCE),
    Case("population_zero", "0 of 0 people: the rate that is published with it is not judged",
         [year(2019, 60, numerator=60, denominator=100), year(2023, 0, numerator=0, denominator=0)], RUNNING,
         POSITIONS, {"unreliable"}, {"counted_as": "events"}),
    # 5 fewer, where 1.96 × √2 × √5 = 6.2 is the smallest change that such counts can show.
    Case("no_cases", "no case in 2023: Byar's interval begins at zero; nothing is divided by it",
         [year(2019, 5), year(2023, 0)],
         {"baseline_value": 5, "baseline_period": "2019-01-01/P12M", "target_value": 0, "due_date": "2023-12-31"},
         {"met"}, {"unverifiable"}, {"counted_as": "events", "polarity": "lower"}, unit="incidents"),
    Case("negative_count", "minus 3 incidents cannot be counted",
         [year(2019, 5), year(2023, -3)],
         {"baseline_value": 5, "baseline_period": "2019-01-01/P12M", "target_value": 1, "due_date": "2028-12-31"},
         POSITIONS, EVIDENCE - {"confirmed"}, {"counted_as": "events", "polarity": "lower"}, unit="incidents"),
    Case("future_only", "the only value is of a year that has not begun on the day of assessment",
         survey({2026: 65}), RUNNING, {"no_data"}, {"none"}),
    Case("due_without_a_near_value", "due at the end of 2022, newest value of 2020: too far away to decide it",
         survey({2019: 60, 2020: 61}), PAST, {"no_data"}, {"none"}),
)  # fmt: skip
#: Cases that are put together of two stretches, or that the door of the registry would not let in.
BROKEN = "break_between_baseline_and_due"
BEHIND_THE_DOOR = "baseline_after_due"


def council() -> Council:
    made = Council()
    made.area(AREA)
    for case in CASES:
        more = {"polarity": "higher"} | case.measure
        made.measure(case.name, unit=case.unit, **more)
        if case.values:
            made.values(case.name, AREA, case.values)
        made.target(case.name, case.name, AREA, **case.target)
    # Definition changed in 2022: the baseline is on the old one, the newest value on the new one.
    made.measure(BROKEN, unit="percent", bound=False)
    made.binding(BROKEN, 1, valid_to_date="2021-12-31")
    made.binding(BROKEN, 2, valid_from_date="2022-01-01")
    made.values(BROKEN, AREA, survey({2019: 60, 2020: 60.5, 2021: 61}))
    made.values(BROKEN, AREA, survey({2022: 75, 2023: 76}), segment=2)
    made.target(BROKEN, BROKEN, AREA, **RUNNING)
    return made


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return council().write(tmp_path_factory.mktemp("bad input") / "plans")


@pytest.fixture(scope="module")
def built(plans: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    """The marts of the council, built from the files as they are: the SQL must not rely on the door of the registry."""
    with (
        pytest.MonkeyPatch.context() as patch,
        warehouse(tmp_path_factory.mktemp("bad_input"), plans) as settings,
    ):
        patch.setattr("planmark.registry.check.checked", lambda settings: None)
        council().load(settings)
        yield build(settings, AS_OF)


def progress(built: Built, name: str) -> dict[str, Any]:
    (row,) = built.ask(f"select * from mart_plan_progress where target_id = '{PLAN}.{name}'")
    return row


def test_the_registry_refuses_a_baseline_after_the_due_date(plans: Path) -> None:
    faults = check(plans).faults
    assert [(fault.file, fault.column) for fault in faults] == [("targets.csv", "baseline_period")]


def test_every_target_has_a_position_evidence_and_a_reason(built: Built) -> None:
    rows = built.ask(
        "select target_id, position, evidence, reason from mart_plan_progress order by target_id"
    )
    assert len(rows) == len(CASES) + 1
    for row in rows:
        assert row["position"] in POSITIONS, row
        assert row["evidence"] in EVIDENCE, row
        assert len(row["reason"] or "") > 20, row
        assert row["reason"].endswith("."), row


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_bad_input_gets_what_the_rules_say(built: Built, case: Case) -> None:
    row = progress(built, case.name)
    assert row["position"] in case.positions, (case.why, row["position"], row["reason"])
    assert row["evidence"] in case.evidence, (case.why, row["evidence"], row["reason"])


def test_a_break_between_baseline_and_due_is_never_a_confirmed_verdict(built: Built) -> None:
    """76 on the new definition is 11.6 above the path drawn from 60 on the old one: the two may not be compared."""
    row = progress(built, BROKEN)
    assert row["evidence"] in {"unreliable", "none"}, row["reason"]


def test_nothing_is_infinite_or_no_number(built: Built) -> None:
    for model in ("mart_plan_progress", "fct_assessments", "fct_observations"):
        columns = built.ask(
            "select column_name as name from information_schema.columns "
            f"where table_schema = 'marts_{built.publication_id}' and table_name = '{model}' "
            "and data_type = 'double precision'"
        )
        wrong = " or ".join(f"{column['name']} in ('NaN', 'Infinity', '-Infinity')" for column in columns)
        assert built.ask(f"select count(*) from {model} where {wrong}") == [{"count": 0}], model
