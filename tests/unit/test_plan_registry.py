"""The plan files: every fault is named with file, row, column, what was found and what is allowed; nothing is repaired.

Each case begins with the template, which has no fault, and spoils it.
"""

from __future__ import annotations

import csv
import hashlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from planmark.cli.main import typer_app
from planmark.errors import RegistryError
from planmark.registry import declaration, template
from planmark.registry.check import check, checked, snapshot
from planmark.registry.files import CellError, cell
from planmark.registry.texts import figures, plain
from planmark.settings import ROOT, load_settings
from tests.conftest import SHARED

OURS = ROOT / "dbt_project" / "seeds" / "plans"


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    template.write(tmp_path / "plans")
    return tmp_path / "plans"


def faults(folder: Path) -> list[str]:
    return [str(fault) for fault in check(folder, folder / "texts").faults]


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(folder: Path, name: str, content: list[dict[str, str]]) -> None:
    text = template.text(declaration.files()[name], content)
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def change(folder: Path, name: str, row: int, **cells: str) -> None:
    """Change cells of one row; rows are counted as a spreadsheet does, the header is row 1."""
    content = rows(folder, name)
    content[row - 2].update(cells)
    write(folder, name, content)


def add(folder: Path, name: str, **cells: str) -> None:
    write(folder, name, [*rows(folder, name), cells])


def test_the_template_has_no_fault(folder: Path):
    assert faults(folder) == []


def test_our_own_plans_have_no_fault():
    """With the plans' texts where they are at hand; the quotes are not compared elsewhere."""
    texts = SHARED / "plans"
    report = check(OURS, texts if texts.is_dir() else None)
    assert [str(fault) for fault in report.faults] == []
    if not texts.is_dir():
        pytest.skip("shared material is missing: plans (quotes and figures were not compared with the texts)")
    assert report.without_text == []


# One cell each: file, row, the cells to write, and the line that must come.
CELLS = [
    ("targets", 2, {"measure_id": "employment_rat"},
     "targets.csv: row 2: measure_id: found 'employment_rat'; allowed: a value of measures.measure_id, for example "
     "employment_rate"),
    ("targets", 2, {"unit": "people"},
     "targets.csv: row 2: unit: found 'people'; allowed: percent, the unit of employment_rate for the kind share"),
    ("targets", 2, {"due_date": "2030-04-31"},
     "targets.csv: row 2: due_date: found '2030-04-31'; allowed: a date that exists (day is out of range for month)"),
    ("targets", 2, {"due_date": "2029-02-29"},
     "targets.csv: row 2: due_date: found '2029-02-29'; allowed: a date that exists (day is out of range for month)"),
    ("targets", 2, {"due_date": "31/03/2030"},
     "targets.csv: row 2: due_date: found '31/03/2030'; allowed: year-month-day, here 2030-03-31"),
    ("targets", 2, {"due_date": "03.04.2030"},
     "targets.csv: row 2: due_date: found '03.04.2030'; allowed: year-month-day, here 2030-03-04 or 2030-04-03"),
    ("targets", 2, {"baseline_period": "2023-02-29/P12M"},
     "targets.csv: row 2: baseline_period: found '2023-02-29/P12M'; allowed: a date that exists (day is out of range "
     "for month)"),
    ("targets", 3, {"period": "2027/28"},
     "targets.csv: row 3: period: found '2027/28'; allowed: first day and length in months, such as 2013-04-01/P12M "
     "(P0D for one day); or R/P1W, R/P1M, R/P3M, R/P1Y for each week, month, quarter, year"),
    ("targets", 2, {"target_value": "1,062"},
     "targets.csv: row 2: target_value: found '1,062'; allowed: a number without thousands separator, unit or other "
     "signs, here 1062"),
    ("targets", 2, {"target_value": "75%"},
     "targets.csv: row 2: target_value: found '75%'; allowed: a number without thousands separator, unit or other "
     "signs, here 75"),
    ("targets", 2, {"target_value": "105"},
     "targets.csv: row 2: target_value: found '105'; allowed: 0 to 100, for a share in percent"),
    ("targets", 2, {"target_title": "Higher employment rate "},
     "targets.csv: row 2: target_title: found 'Higher employment rate '; allowed: no blanks at either end"),
    ("targets", 2, {"owner": "Example\u00a0Council"},
     "targets.csv: row 2: owner: found 'Example\\xa0Council'; allowed: no line breaks, control characters or fixed "
     "blanks"),
    ("targets", 2, {"provisional": "FALSE"},
     "targets.csv: row 2: provisional: found 'FALSE'; allowed: true or false"),
    ("targets", 2, {"kind": "levels"},
     "targets.csv: row 2: kind: found 'levels'; allowed: level, absolute_change, percent_change, count_in_period, share, "
     "rank, quartile, benchmark, milestone, maintain"),
    ("targets", 2, {"kind": "level"},
     "targets.csv: row 2: kind: found 'level'; allowed: share, where the unit is percent"),
    ("targets", 2, {"comparator": "between", "target_value": "", "target_lower": "15", "target_upper": "10"},
     "targets.csv: row 2: target_lower: found '15'; allowed: not above target_upper, 10"),
    ("targets", 2, {"comparator": "between"},
     "targets.csv: row 2: comparator: found 'between'; allowed: between only with target_lower and target_upper, without "
     "target_value"),
    ("targets", 2, {"comparator": "at_most"},
     "targets.csv: row 2: comparator: found 'at_most'; allowed: one that goes the way that is better (higher)"),
    ("targets", 2, {"comparator": "unset"},
     "targets.csv: row 2: target_value: found '75'; allowed: empty, where the target is unset"),
    ("targets", 2, {"target_value": ""},
     "targets.csv: row 2: target_value: found ''; allowed: a value, for the kind share, or the comparator unset"),
    ("targets", 2, {"polarity": "lower"},
     "targets.csv: row 2: polarity: found 'lower'; allowed: higher, as for employment_rate"),
    ("targets", 2, {"kind": "absolute_change", "direction": "decrease"},
     "targets.csv: row 2: direction: found 'decrease'; allowed: the way that is better (higher)"),
    ("targets", 2, {"kind": "absolute_change", "direction": ""},
     "targets.csv: row 2: direction: found ''; allowed: increase or decrease, for a change"),
    ("targets", 2, {"kind": "benchmark"},
     "targets.csv: row 2: benchmark: found ''; allowed: what it is compared with, for the kind benchmark"),
    ("targets", 2, {"baseline_period": "2030-04-01/P12M"},
     "targets.csv: row 2: baseline_period: found '2030-04-01/P12M'; allowed: a baseline that ends before the due date, "
     "2030-03-31"),
    ("targets", 2, {"due_basis": ""},
     "targets.csv: row 2: due_basis: found ''; allowed: printed or read beside a due date, empty without one"),
    ("targets", 2, {"due_rule": ""},
     "targets.csv: row 2: due_rule: found ''; allowed: ends_by or contains, since there is a due date"),
    ("targets", 2, {"shape": "seasonal"},
     "targets.csv: row 2: shape: found 'seasonal'; allowed: seasonal only with all four quarters in target_profiles"),
    ("targets", 3, {"due_date": "", "due_basis": ""},
     "targets.csv: row 3: due_date: found ''; allowed: a date, such as the last day of the period, 2028-03-31"),
    ("targets", 3, {"target_id": "example_plan.employment_rate"},
     "targets.csv: row 3: target_id: found 'example_plan.employment_rate'; allowed: a key of its own; row 2 has it"),
    ("targets", 3, {"target_id": "other_plan.advice_centres"},
     "targets.csv: row 3: target_id: found 'other_plan.advice_centres'; allowed: an id that begins with example_plan."),
    ("targets", 3, {"target_id": "example_plan.Advice"},
     r"targets.csv: row 3: target_id: found 'example_plan.Advice'; allowed: text that fits [a-z][a-z0-9_]*\.[a-z0-9_]+"),
    ("targets", 3, {"repeats": "example_plan.employment_rate"},
     "targets.csv: row 3: repeats: found 'example_plan.employment_rate'; allowed: a target of the same measure, "
     "advice_centres_opened"),
    ("targets", 3, {"repeats": "example_plan.advice_centres"},
     "targets.csv: row 3: repeats: found 'example_plan.advice_centres'; allowed: another target"),
    ("targets", 2, {"area_code": "E06000016"},
     "targets.csv: row 2: area_name: found 'Example'; allowed: Leicester"),
    ("targets", 2, {"area_code": "E06009999"},
     "targets.csv: row 2: area_code: found 'E06009999'; allowed: a value of areas.area_code"),
    ("targets", 2, {"citation_quote": "to 76% by March 2030"},
     "targets.csv: row 2: citation_quote: found 'to 76% by March 2030'; allowed: words of line 4; they stand on no line"),
    ("targets", 2, {"citation_line": "5"},
     "targets.csv: row 2: citation_quote: found 'from 70% in 2024 to 75% by March 2030'; allowed: words of line 5; they "
     "stand on line 4"),
    ("targets", 2, {"citation_line": "99"},
     "targets.csv: row 2: citation_line: found '99'; allowed: a line of the text, which has 6"),
    ("targets", 2, {"citation_line": "0"}, "targets.csv: row 2: citation_line: found '0'; allowed: 1 or more"),
    ("targets", 2, {"citation_line": "4.0"}, "targets.csv: row 2: citation_line: found '4.0'; allowed: a whole number"),
    ("targets", 2, {"citation_line": ""},
     "targets.csv: row 2: citation_line: found ''; allowed: a value; this column may not be empty"),
    ("targets", 2, {"citation_quote": "one two three four five six seven eight nine ten eleven twelve thirteen"},
     "targets.csv: row 2: citation_quote: found 'one two three four five six seven eight nine ten eleven twe…'; allowed: "
     "12 words at most, not 13"),
    ("targets", 3, {"citation_quote": "advice centres in 2027/28"},
     "target_tables.csv: row 2: first_line: found 'the figure 3'; allowed: line 5 to be used by a row, or listed in "
     "unused_figures.csv"),
    ("plans", 2, {"period_start": "2030-01-01", "period_end": "2024-01-01"},
     "plans.csv: row 2: period_start: found '2030-01-01'; allowed: not after period_end, 2024-01-01"),
    ("objectives", 2, {"parent_objective_id": "example_plan.work"},
     "objectives.csv: row 2: parent_objective_id: found 'example_plan.work'; allowed: a parent that does not lie below "
     "this objective itself"),
    ("measures", 2, {"polarity": ""},
     "measures.csv: row 2: note: found ''; allowed: the reason why it cannot be decided which way is better"),
    ("measures", 3, {"returned_by": ""},
     "measures.csv: row 3: returned_by: found ''; allowed: who could return it, or a row of bindings.csv"),
    ("bindings", 2, {"unit": "people"},
     "bindings.csv: row 2: unit: found 'people'; allowed: percent, the unit of employment_rate"),
    ("bindings", 2, {"dataset_id": "ons_local_employment"},
     "bindings.csv: row 2: dataset_id: found 'ons_local_employment'; allowed: a value of datasets.dataset_id, for example "
     "ons_local_employment_rate, nomis_aps_employment, ons_local_claimant_count"),
    ("bindings", 2, {"selection": "indicator=Employment rate"},
     "bindings.csv: row 2: selection: found 'indicator=Employment rate'; allowed: a list of codes as JSON, such as "
     '[{"variable": "45"}]'),
    ("bindings", 2, {"coverage": "proxy"},
     "bindings.csv: row 2: coverage_note: found ''; allowed: how it differs from what the plan means"),
    ("bindings", 2, {"valid_from_date": "2022-01-01", "valid_to_date": "2021-12-31"},
     "bindings.csv: row 2: valid_from_date: found '2022-01-01'; allowed: not after valid_to_date, 2021-12-31"),
    ("plan_areas", 2, {"area_code": "E06000016"},
     "plan_areas.csv: row 2: area_code: found 'E06000016'; allowed: an area that is not among the reference areas already"),
    ("target_tables", 2, {"last_line": "3"},
     "target_tables.csv: row 2: last_line: found '3'; allowed: not before first_line, 4"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "row", "cells", "line"), CELLS, ids=lambda value: str(value)[:60])
def test_a_faulty_cell_is_named_where_it_stands(folder: Path, name: str, row: int, cells: dict, line: str):
    change(folder, name, row, **cells)
    assert line in faults(folder)


CITED = {
    "plan_id": "example_plan", "citation_section": "s", "citation_line": "5",
    "citation_quote": "open 3 advice centres in 2027/28",
}  # fmt: skip


def parity(folder: Path, **cells: str) -> list[str]:
    """Make the first target a parity, with these cells; return the faults of targets and measures."""
    change(folder, "measures", 2, unit="ratio", polarity="parity")
    usual = {
        "kind": "level",
        "unit": "ratio",
        "polarity": "parity",
        "baseline_value": "0.8",
        "target_value": "0.95",
    }
    change(folder, "targets", 2, **(usual | cells))
    change(folder, "bindings", 2, unit="ratio")
    return [fault for fault in faults(folder) if not fault.startswith("target_tables.csv")]


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({}, []),
        ({"kind": "maintain"}, []),
        ({"comparator": "at_least", "target_value": "1"}, []),
        ({"comparator": "at_most", "target_value": "1.05"}, []),
        ({"comparator": "equal", "target_value": "1.05"}, []),
        ({"kind": "benchmark", "benchmark": "England"},
         ["kind: found 'benchmark'; allowed: level or maintain, for a parity"]),
        ({"kind": "absolute_change"}, ["kind: found 'absolute_change'; allowed: level or maintain, for a parity"]),
        ({"target_value": "0"}, ["target_value: found '0'; allowed: more than 0, for a parity"]),
        ({"baseline_value": "-0.5"}, ["baseline_value: found '-0.5'; allowed: more than 0, for a parity"]),
        ({"target_value": "1.05"}, ["target_value: found '1.05'; allowed: 1 or less, for a parity that is at_least"]),
        ({"comparator": "more_than", "target_value": "1"},
         ["target_value: found '1'; allowed: less than 1, for a parity that is more_than"]),
        ({"comparator": "at_most"}, ["target_value: found '0.95'; allowed: 1 or more, for a parity that is at_most"]),
        ({"comparator": "less_than", "target_value": "1"},
         ["target_value: found '1'; allowed: more than 1, for a parity that is less_than"]),
        ({"comparator": "between", "target_value": "", "target_lower": "0.9", "target_upper": "1.1"},
         ["comparator: found 'between'; allowed: one that names a single value, for a parity"]),
    ],
    ids=str,
)  # fmt: skip
def test_a_parity_is_a_ratio_on_its_way_to_1(folder: Path, cells: dict, found: list[str]):
    assert parity(folder, **cells) == [f"targets.csv: row 2: {line}" for line in found]


def test_a_parity_has_no_seasons_and_no_interim_value_of_zero(folder: Path):
    target = {"target_id": "example_plan.employment_rate"}
    for quarter in "1234":
        add(folder, "target_profiles", **target, quarter=quarter, factor="1")
    add(folder, "target_points", **target, point_date="2027-03-31", point_value="0")
    found = parity(folder, shape="seasonal")
    assert "targets.csv: row 2: shape: found 'seasonal'; allowed: linear or stepped, for a parity" in found
    assert "target_points.csv: row 2: point_value: found '0'; allowed: more than 0, for a parity" in found


def test_a_parity_that_is_issued_again_is_one_still(folder: Path):
    reissue = {"target_id": "example_plan.employment_rate", "issued_date": "2026-04-01", "reason": "a review"}
    add(folder, "target_reissues", **reissue, target_value="1.2")
    assert (
        "target_reissues.csv: row 2: target_value: found '1.2'; allowed: 1 or less, for a parity that is at_least"
        in parity(folder)
    )


def test_only_a_plain_ratio_is_a_parity(folder: Path):
    change(folder, "measures", 2, polarity="parity")
    assert "measures.csv: row 2: polarity: found 'parity'; allowed: parity only for the unit ratio" in faults(
        folder
    )


def test_a_due_date_is_not_taken_from_a_list_that_does_not_match(folder: Path):
    activity = {
        **CITED, "objective_id": "example_plan.work", "action_kind": "activity", "action_title": "Open centres",
        "position": "1",
    }  # fmt: skip
    unmatched = {"by_when": "March 2028; Ongoing", "by_when_basis": "unmatched"}
    add(
        folder,
        "actions",
        action_id="example_plan.a",
        **activity,
        **unmatched,
        due_date="2028-03-31",
        due_basis="read",
    )
    add(folder, "actions", action_id="example_plan.b", **activity, by_when_basis="printed")
    assert faults(folder) == [
        "actions.csv: row 2: due_date: found '2028-03-31'; allowed: empty, where by_when is unmatched",
        "actions.csv: row 3: by_when: found ''; allowed: the printed words, or empty with the basis not_printed",
    ]


def test_quarters_of_a_seasonal_target_average_1(folder: Path):
    change(folder, "targets", 2, shape="seasonal")
    for quarter, factor in zip("1234", ("0.9", "1", "1", "1.2"), strict=True):
        add(
            folder,
            "target_profiles",
            target_id="example_plan.employment_rate",
            quarter=quarter,
            factor=factor,
        )
    assert faults(folder) == [
        "target_profiles.csv: row 2: factor: found '0.9'; allowed: four factors that average 1; these average 1.025"
    ]
    change(folder, "target_profiles", 5, factor="1.1")
    assert faults(folder) == []
    change(folder, "targets", 2, shape="linear")
    assert faults(folder) == [
        "targets.csv: row 2: shape: found 'linear'; allowed: seasonal, since target_profiles has quarters for it"
    ]


def test_a_reward_is_for_a_way_to_go(folder: Path):
    add(
        folder, "target_rewards", target_id="example_plan.employment_rate", agreement_title="Local PSA",
        without_value="66.4", least_share="0.6", pays="pro_rata", source="Schedule 4",
    )  # fmt: skip
    assert faults(folder) == []
    (target,) = (row for row in rows(folder, "targets") if row["target_id"] == "example_plan.employment_rate")
    change(folder, "target_rewards", 2, least_share="60")
    assert faults(folder) == ["target_rewards.csv: row 2: least_share: found '60'; allowed: 1 or less"]
    change(folder, "target_rewards", 2, without_value=target["target_value"], least_share="0.6")
    assert faults(folder) == [
        f"target_rewards.csv: row 2: without_value: found '{target['target_value']}'; "
        "allowed: another level than the target's own",
    ]


def test_an_override_ends_within_a_year(folder: Path):
    said = {"target_id": "example_plan.employment_rate", "position": "met", "reason": "a count came late"}
    add(folder, "overrides", **said, author="A. Officer", made_on="2028-01-01", expires_on="2029-01-02")
    assert faults(folder) == [
        "overrides.csv: row 2: expires_on: found '2029-01-02'; allowed: a day from 2028-01-01 to a year later"
    ]
    change(folder, "overrides", 2, expires_on="2028-03-31", author="")
    assert faults(folder) == [
        "overrides.csv: row 2: author: found ''; allowed: a value; this column may not be empty"
    ]


@pytest.mark.parametrize(
    ("steps", "fault"),
    [
        ([("A", "A", "U")], None),
        ([("A", "B", "S"), ("A", "C", "S")], None),
        ([("A", "C", "M"), ("B", "C", "M")], None),
        ([("A", "B", "S")], "row 2: change: found 'S, 1 to 1'; allowed: S only where one area becomes several"),
        ([("A", "A", "S"), ("A", "B", "S")],
         "row 2: to_code: found 'E01000001'; allowed: another code: an area that is not unchanged gets one (S)"),
        ([("A", "C", "M")], "row 2: change: found 'M, 1 to 1'; allowed: M only where several areas become one"),
        ([("A", "C", "U"), ("B", "C", "M")],
         "row 2: change: found 'U, 2 to 1'; allowed: U only where one area becomes one area"),
    ],
)  # fmt: skip
def test_areas_change_as_their_code_says(folder: Path, steps: list, fault: str | None):
    for before, after, change_code in steps:
        add(
            folder, "area_changes", from_code=f"E0100000{ord(before) - 64}", from_vintage="2001",
            to_code=f"E0100000{ord(after) - 64}", to_vintage="2011", change=change_code, source="made up",
        )  # fmt: skip
    assert faults(folder) == ([f"area_changes.csv: {fault}"] if fault else [])


def test_an_area_that_is_left_half_way_is_named(folder: Path):
    """Its parts would be added up without it."""
    for before, after, vintages in (("E01000001", "E01000001", (2001, 2011)), ("E01000002", "E01000002", (2001, 2011)),
                                    ("E01000001", "E01000001", (2011, 2021))):  # fmt: skip
        add(
            folder, "area_changes", from_code=before, from_vintage=str(vintages[0]), to_code=after,
            to_vintage=str(vintages[1]), change="U", source="made up",
        )  # fmt: skip
    assert faults(folder) == [
        "area_changes.csv: row 3: to_code: found 'E01000002'; allowed: a code that has a row from 2011 on too, as others of "
        "that census have"
    ]


def test_lines_of_money_add_up_or_a_finding_says_that_they_do_not(folder: Path):
    """1200 + 800 = 2000, and 2100 is printed."""
    line = {**CITED, "position": "1"}
    for name, amount, more in (
        ("total", "2100", {"line_kind": "total"}),
        ("rent", "1200", {"line_kind": "budget", "part_of": "example_plan.total"}),
        ("post", "800", {"line_kind": "budget", "part_of": "example_plan.total"}),
    ):
        add(
            folder,
            "budget_lines",
            budget_line_id=f"example_plan.{name}",
            line_title=name,
            amount_gbp=amount,
            **line,
            **more,
        )
    assert faults(folder) == [
        "budget_lines.csv: row 2: amount_gbp: found '2100'; allowed: the sum of its lines, 2000, or a finding sum_differs "
        "at this line"
    ]
    found = {
        **CITED, "finding_id": "example_plan.budget", "finding_kind": "sum_differs", "finding_title": "The sum differs",
        "other_plan_id": "example_plan", "other_line": "5", "other_quote": "3 advice centres",
    }  # fmt: skip
    add(folder, "plan_findings", **found, arithmetic="Lines: 1,200 + 800 = 2000; printed: 2100")
    assert faults(folder) == []
    change(folder, "plan_findings", 2, arithmetic="Lines: 1,200 + 800 = 2010; printed: 2100")
    assert faults(folder) == [
        "plan_findings.csv: row 2: arithmetic: found '1,200 + 800 = 2010'; allowed: 1,200 + 800 = 2000"
    ]


@pytest.mark.parametrize(
    ("written", "is_right"),
    [
        ("186,000 × 0.01 = 1860", True), ("9.4 * 186000 / 100 = 17484", True), ("1494 / (1 - 0.4) = 2490", True),
        ("718.7 / (1 - 0.0577) = 762.7", True), ("718.7 / (1 - 0.0577) = 762.71", True), ("18 + 18 = 37", False),
        ("66.4 + 3 = 69.4", True), ("1 / 0 = 1", False), ("Table 14: 386; Table 15: 392", True),
    ],
)  # fmt: skip
def test_arithmetic_is_worked_out_to_the_digits_it_gives(folder: Path, written: str, is_right: bool):
    found = {
        **CITED, "finding_id": "example_plan.f", "finding_kind": "arithmetic_differs", "finding_title": "t",
        "other_plan_id": "example_plan", "other_line": "5", "other_quote": "3 advice centres",
    }  # fmt: skip
    add(folder, "plan_findings", **found, arithmetic=written)
    assert (faults(folder) == []) is is_right


SPOILT: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("a byte order mark", lambda content: b"\xef\xbb\xbf" + content,
     "targets.csv: row 1: (file): found 'a byte order mark'"),
    ("semicolons", lambda content: content.replace(b",", b";"),
     "targets.csv: row 1: (file): found \"cells divided by ';'\""),
    ("Windows-1252", lambda content: content.replace(b"Open advice", "Open café".encode("windows-1252")),
     "targets.csv: row 3: (file): found 'é as in Windows-1252'; allowed: UTF-8; save the file as UTF-8"),
    ("a missing column", lambda content: content.replace(b"due_date,", b"", 1),
     "targets.csv: row 1: due_date: found 'a header without it'"),
    ("a new column", lambda content: content.replace(b"due_date,", b"due date,", 1),
     "targets.csv: row 1: due date: found 'a column that is not known or there twice'"),
    ("another order", lambda content: content.replace(b"target_id,plan_id", b"plan_id,target_id", 1),
     "targets.csv: row 1: (header): found 'columns in another order'"),
    ("too few cells", lambda content: content + b"one,two\n", "targets.csv: row 4: (row): found '2 cells'"),
    ("an empty row", lambda content: content + b"," * 36 + b"\n", "targets.csv: row 4: (row): found 'an empty row'"),
    ("an open quote", lambda content: content + b'"one,two\n', "targets.csv: row 4: (row): found 'unexpected end of data'"),
]  # fmt: skip


@pytest.mark.parametrize(("_what", "spoil", "line"), SPOILT, ids=[case[0] for case in SPOILT])
def test_what_a_spreadsheet_does_to_a_file_is_named(folder: Path, _what: str, spoil: Callable, line: str):
    path = folder / "targets.csv"
    path.write_bytes(spoil(path.read_bytes()))
    assert any(fault.startswith(line) for fault in faults(folder)), faults(folder)


def test_all_faults_come_at_once_whatever_happened_to_the_file(folder: Path):
    change(folder, "targets", 2, due_date="31/03/2030", target_value="1,062", provisional="no")
    path = folder / "targets.csv"
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    found = faults(folder)
    assert len([fault for fault in found if fault.startswith("targets.csv")]) == 4
    assert {fault.split(": ")[2] for fault in found} == {"(file)", "due_date", "target_value", "provisional"}


def test_a_file_that_nobody_reads_is_a_fault(folder: Path):
    (folder / "target.csv").write_text("target_id\n")
    assert any(fault.startswith("target.csv: row 1: (file)") for fault in faults(folder))


def test_a_text_that_was_changed_since_is_named(folder: Path):
    text = folder / "texts" / template.TEXT_FILE
    text.write_text(text.read_text() + "one more line\n")
    now = hashlib.sha256(text.read_bytes()).hexdigest()
    assert any(now in fault and "text_sha256" in fault for fault in faults(folder))


def test_quotes_are_not_compared_without_the_text_and_the_report_says_so(folder: Path):
    change(folder, "targets", 2, citation_quote="words that stand nowhere")
    report = check(folder, folder / "nowhere")
    assert report.faults == ()
    assert report.without_text == ["example_plan"]


def test_targets_that_can_never_be_verified_are_named_with_the_reason(folder: Path):
    change(folder, "targets", 2, comparator="unset", target_value="")
    change(folder, "targets", 3, kind="absolute_change", target_value="", direction="increase")
    change(folder, "target_tables", 2, last_line="4")
    report = check(folder, folder / "texts")
    assert report.faults == ()
    assert report.unverifiable == {
        "example_plan.employment_rate": "the plan sets no value to reach",
        "example_plan.advice_centres": "the plan says neither by how much nor from when",
    }


def test_figures_are_read_as_printed_and_years_are_none():
    text = "2013/14 – 1,062; 13.6m in 2005-09, NI93 and KS1, 5.77% to 718.7 by March 2015 (2013-14), 110m/5"
    assert figures(text) == ["1,062", "13.6", "5.77", "718.7", "110", "5"]
    assert plain("<b>Leicester\tto  Work</b> CO<sub>2</sub>") == "Leicester to Work CO2"


def test_a_missing_file_is_an_empty_one_and_dbt_gets_its_header(folder: Path, tmp_path: Path):
    (folder / "risks.csv").unlink()
    assert faults(folder) == []
    settings = load_settings(home=tmp_path / "home", plans=folder)
    copied = snapshot(settings, tmp_path / "copy")
    header = (copied / "risks.csv").read_text(encoding="utf-8")
    assert header == ",".join(declaration.files()["risks"].columns) + "\n"
    assert (copied / "targets.csv").read_bytes() == (folder / "targets.csv").read_bytes()


def test_faulty_files_are_refused_as_a_whole(folder: Path, tmp_path: Path):
    change(folder, "targets", 2, area_code="E06009999")
    change(folder, "measures", 3, returned_by="")
    settings = load_settings(home=tmp_path / "home", plans=folder)
    for refuse in (lambda: checked(settings), lambda: snapshot(settings, tmp_path / "copy")):
        with pytest.raises(RegistryError, match="2 faults; nothing is loaded") as raised:
            refuse()
        assert "targets.csv: row 2: area_code: found 'E06009999'" in str(raised.value)
        assert "measures.csv: row 3: returned_by" in str(raised.value)
    with pytest.raises(RegistryError, match="is not there"):
        check(tmp_path / "nowhere")


def test_every_rule_of_the_declaration_is_kept_by_the_cell_reader():
    """A column without `required` may be empty; one with `allowed` refuses everything else."""
    for file in declaration.files().values():
        for column in file.columns.values():
            if not column.must_be_filled:
                assert cell("", column) is None
            if column.allowed:
                assert cell(column.allowed[0], column) == column.allowed[0]
                with pytest.raises(CellError):
                    cell("nothing of the sort", column)


# --- The commands ----------------------------------------------------------------------------------


def run(*arguments: str, **environment: str):
    return CliRunner().invoke(typer_app, ["plans", *arguments], env=environment)


def test_check_prints_every_fault_and_ends_with_1(folder: Path):
    change(folder, "targets", 2, area_code="E06009999", due_date="2030-04-31")
    result = run("check", str(folder))
    assert result.exit_code == 1
    assert "targets.csv: row 2: area_code: found 'E06009999'" in result.output
    assert "targets.csv: row 2: due_date: found '2030-04-31'" in result.output
    assert "2 faults: 2 in targets.csv. Nothing is loaded." in result.output


def test_check_says_what_is_there_and_what_was_not_compared(folder: Path):
    result = run("check", str(folder))
    assert result.exit_code == 0
    assert "1 plan, no fault: 2 targets" in result.output
    assert "Quotes were not compared for example_plan" in result.output
    assert "Quotes" not in run("check", str(folder), "--texts", str(folder / "texts")).output


def test_check_of_our_own_plans_is_quick():
    """A bound of five seconds would be a timed test of the machine; this one finds a rule that is quadratic."""
    began = time.process_time()
    check(OURS, SHARED / "plans")
    assert time.process_time() - began < 20


def test_show_prints_the_tree_with_its_targets_and_lines(folder: Path):
    result = run("show", "example_plan", PLANMARK_PLANS=str(folder))
    text = " ".join(result.output.split())
    assert result.exit_code == 0
    assert "More people in work (theme)" in text
    assert "Higher employment rate: ≥ 75 %, was 70, by 2030-03-31 [line 4]" in text
    assert "Open advice centres: ≥ 3 items, by 2028-03-31 [line 5]" in text
    assert run("show", "nobodys_plan", PLANMARK_PLANS=str(folder)).exit_code == 1


def test_list_counts_what_each_plan_holds(folder: Path):
    result = run("list", "--json", PLANMARK_PLANS=str(folder))
    assert '"plan_id": "example_plan"' in result.output
    assert '"targets": 2' in result.output


def test_new_writes_over_nothing(folder: Path, tmp_path: Path):
    assert run("new", str(folder)).exit_code == 1
    result = run("new", str(tmp_path / "ours"))
    assert result.exit_code == 0
    assert faults(tmp_path / "ours") == []
    guide = (tmp_path / "ours" / "README.md").read_text(encoding="utf-8")
    for file in declaration.files().values():
        assert f"## {file.name}.csv" in guide
        assert all(f"| `{column}` |" in guide for column in file.columns)


REISSUED = {
    "target_id": "example_plan.employment_rate", "issued_date": "2027-01-01", "reason": "r", "citation_section": "s",
    "citation_line": "5", "citation_quote": "3 advice centres",
}  # fmt: skip


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({"target_value": "76"}, []),
        ({"due_date": "2031-03-31"}, []),
        ({"baseline_value": "71", "baseline_period": "2025-01-01/P12M"}, []),
        ({}, ["target_value: found ''; allowed: at least one value, date or period that changed"]),
        ({"target_lower": "70"}, ["target_lower: found '70'; allowed: empty, unless the comparator is between"]),
        ({"due_date": "2024-06-30"},
         ["due_date: found '2024-06-30'; allowed: a day after the baseline, which ends on 2024-12-31"]),
        ({"baseline_period": "2025-01-01/P12M"}, ["baseline_value: found ''; allowed: the new baseline beside its period"]),
        ({"target_value": "76", "target_id": "example_plan.other"},
         ["target_id: found 'example_plan.other'; allowed: a value of targets.target_id, for example "
          "example_plan.advice_centres, example_plan.employment_rate"]),
        ({"target_value": "76", "reason": ""},
         ["reason: found ''; allowed: a value; this column may not be empty"]),
    ],
)  # fmt: skip
def test_a_target_that_is_issued_again_changes_something(folder: Path, cells: dict, found: list[str]):
    add(folder, "target_reissues", **{**REISSUED, **cells})
    assert [fault.split(": ", 2)[2] for fault in faults(folder)] == found
