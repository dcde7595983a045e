"""What the five plans print, read by hand from their text files, against the registry."""

from __future__ import annotations

import csv
from collections import Counter

import pytest

from planmark.settings import ROOT
from tests.conftest import shared

PLANS = ROOT / "dbt_project" / "seeds" / "plans"
FRAMEWORK, GROWTH, CITY = "performance_framework", "growth_strategy", "city_strategy_2007"
MAYOR, COUNTY = "mayor_delivery_plan_2013", "county_strategic_plan_2014"


def rows(name: str, **having: str) -> list[dict[str, str]]:
    with (PLANS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return [
            row for row in csv.DictReader(file) if all(row[key] == value for key, value in having.items())
        ]


# Plan, line of its text, and of each test on that line: value, unit, kind, comparator, due date.
PRINTED = [
    # "Reduce permanent admissions ... by 5.77% to 718.7 per 100,000 pop by March 2015": one test, not two.
    (COUNTY, 223, ("718.7", "per_100k", "level", "at_most", "2015-03-31")),
    # "13.6m bus journeys", in full units.
    (COUNTY, 166, ("13600000", "journeys", "level", "at_least", "")),
    # "CO2 from road transport below 1894kt in 2020/21", in tonnes.
    (COUNTY, 153, ("1894000", "tonnes_co2", "level", "less_than", "2021-03-31")),
    # "5% reduction in total crime. 13% in domestic burglary. 14% in vehicle crime. 2% in violence with injury."
    (COUNTY, 362, ("5", "percent", "percent_change", "at_least", "")),
    (COUNTY, 362, ("13", "percent", "percent_change", "at_least", "")),
    (COUNTY, 362, ("14", "percent", "percent_change", "at_least", "")),
    (COUNTY, 362, ("2", "percent", "percent_change", "at_least", "")),
    (COUNTY, 362, ("95", "percent", "share", "at_least", "")),
    # "Stability of placements ... <9% with 3 or more moves p.a. and 70%+ in placements 2 years+. 65%+ ..."
    (COUNTY, 299, ("9", "percent", "share", "less_than", "")),
    (COUNTY, 299, ("70", "percent", "share", "at_least", "")),
    (COUNTY, 299, ("65", "percent", "share", "at_least", "")),
    # "Top 5 most improved area in relation to participation by 2018".
    (COUNTY, 281, ("5", "rank", "rank", "at_most", "2018-12-31")),
    # "adult smoking prevalence from 17.1% to 16.3%".
    (COUNTY, 260, ("16.3", "percent", "share", "at_most", "")),
    # "2013/14 - 1,062" new jobs.
    (MAYOR, 225, ("1062", "jobs", "count_in_period", "at_least", "2014-03-31")),
    # "12 sites by March 2014" with a Green Flag.
    (MAYOR, 368, ("12", "items", "level", "at_least", "2014-03-31")),
    # "2013/14 - 10-15%": a range.
    (MAYOR, 487, ("", "percent", "share", "between", "2014-03-31")),
    # "To achieve level three ... peer review in 2014/15".
    (MAYOR, 678, ("3", "level", "level", "at_least", "2015-03-31")),
    # "reduce by 25%" of the repeat homelessness list.
    (MAYOR, 519, ("25", "percent", "percent_change", "at_least", "2014-03-31")),
    # "New indicator - targets have not been set".
    (MAYOR, 489, ("", "percent", "share", "unset", "")),
    # Growth: "100 micro-enterprises and start-up businesses supported"; "10 apprenticeships"; "Four new ... links".
    (GROWTH, 31, ("100", "businesses", "count_in_period", "at_least", "2008-12-31")),
    (GROWTH, 33, ("10", "places", "count_in_period", "at_least", "2008-12-31")),
    (GROWTH, 36, ("4", "items", "count_in_period", "at_least", "2008-12-31")),
    # Table 9: "No of people gaining employment 650"; Table 10: 1215 people trained.
    (CITY, 620, ("650", "people", "count_in_period", "at_least", "2008-03-31")),
    (CITY, 630, ("1215", "people", "count_in_period", "at_least", "2007-03-31")),
]  # fmt: skip


@pytest.mark.parametrize(("plan", "line", "wanted"), PRINTED)
def test_a_target_stands_as_printed(plan: str, line: int, wanted: tuple[str, ...]):
    found = [
        tuple(row[column] for column in ("target_value", "unit", "kind", "comparator", "due_date"))
        for row in rows("targets", plan_id=plan, citation_line=str(line))
    ]
    assert found.count(wanted) == 1, found


def test_four_targets_in_a_cell_are_four_rows():
    """Line 610: households with general advice 6,000, with specialist advice 600, 85 % satisfied, 7 referrals a week."""
    found = rows("targets", plan_id=MAYOR, citation_line="610")
    assert sorted(float(row["target_value"]) for row in found) == [7, 85, 600, 6000]
    assert Counter(row["period"] for row in found) == {"2013-04-01/P12M": 3, "R/P1W": 1}


def test_areas_and_duties_of_others_are_not_the_councils():
    """Footnote 1 (line 140): LLEP targets including Leicester City. Footnote 7 (line 377): PCC accountability."""
    gva = rows("targets", plan_id=COUNTY, citation_line="128")
    assert [(row["target_value"], row["baseline_value"], row["area_code"]) for row in gva] == [
        ("23000000000", "19000000000", "E37000021")
    ]
    assert "LLEP" in gva[0]["depends_on"]
    crime = [r for r in rows("targets", plan_id=COUNTY, citation_line="362") if r["kind"] == "percent_change"]
    assert {(row["area_code"], row["provisional"]) for row in crime} == {("E23000021", "true")}
    assert all("Commissioner" in row["depends_on"] for row in crime)


def test_what_is_printed_twice_says_so():
    """Falls: lines 223 and 228. Smoking in pregnancy: lines 260 and 340. Capital grants, 400 jobs: lines 173 and 183."""
    by_id = {row["target_id"]: row for row in rows("targets")}
    for line, earlier in (("228", "223"), ("340", "260"), ("183", "173")):
        repeated = [
            by_id[row["repeats"]]["citation_line"]
            for row in rows("targets", plan_id=COUNTY, citation_line=line)
            if row["repeats"]
        ]
        assert earlier in repeated, line


def test_the_framework_is_whole():
    """Counted in the text: 26 outcomes in four themes; prioritisation 2, 1, 3 on lines 11, 12, 14, and nowhere else."""
    lines = shared("plans/000_4dc566e4093d3fdb.txt").read_text(encoding="utf-8").split("\n")
    printed = [line for line in lines if line.endswith("\t\tPrioritisation")]
    assert len(printed) == 26
    outcomes = rows("objectives", plan_id=FRAMEWORK, objective_kind="outcome")
    assert sorted(row["printed_number"] for row in outcomes) == sorted(
        line.split(" ", 1)[0] for line in printed
    )
    assert len(rows("objectives", plan_id=FRAMEWORK, objective_kind="theme")) == 4
    assert {row["citation_line"]: row["priority"] for row in rows("actions", plan_id=FRAMEWORK) if row["priority"]} == {
        "11": "2", "12": "1", "14": "3",
    }  # fmt: skip


def test_the_marks_of_the_growth_matrix_are_those_of_the_text():
    """Read again here: five cells between lead and outcome measure; line 29 lost its first cell in print."""
    lines = shared("plans/001_51506acc84420d29.txt").read_text(encoding="utf-8").split("\n")
    printed = {}
    for line in lines[13:45]:
        cells = line.split("\t")
        number = next(place for place, text in enumerate(cells) if text.isdigit())
        for place, mark in enumerate(cells[number + 2 : number + 7], start=1):
            if mark.strip():
                printed[(cells[number], f"vf{place}")] = {"X": "strong", "O": "supporting"}[mark.strip()]
    numbers = {row["action_id"]: row["printed_number"] for row in rows("actions", plan_id=GROWTH)}
    kept = {
        (numbers[row["action_id"]], row["objective_id"].split(".")[1]): row["mark"]
        for row in rows("action_marks")
    }
    assert len(numbers) == 32
    assert kept == printed


def test_every_milestone_and_indicator_of_2007_is_there():
    """Table 1 has 3 + 2 + 2, 3 + 4 + 2 and so on, 32 in all; Table 16 has 25 indicators, numbered."""
    text = shared("plans/002_c146647b0fd30100.txt").read_text(encoding="utf-8").split("\n")
    kpis = [line.split("\t")[1] for line in text[857:882]]
    assert [row["printed_number"] for row in rows("kpis")] == kpis == [str(number) for number in range(1, 26)]
    horizons = Counter(row["horizon_years"] for row in rows("milestones", plan_id=CITY))
    assert set(horizons) == {"2", "4", "6"}
    assert {row["likelihood"] for row in rows("risks", plan_id=CITY)} == {"moderate", "low"}


def test_the_administrative_budget_is_whole():
    """Lines 985 to 999 add up to the total printed on line 1000: 319,800 pounds."""
    lines = [
        row for row in rows("budget_lines", plan_id=CITY) if row["part_of"].endswith("money_admin_total")
    ]
    assert len(lines) == 15
    assert sum(float(row["amount_gbp"]) for row in lines) == 319_800


def test_known_disagreements_are_findings():
    """Employment rate 66.4 or 65; Table 14 against 15; one LSOA's claimants; a conception rate in per cent."""
    kept = {
        (row["plan_id"], frozenset((row["citation_line"], row["other_line"]))): row["finding_kind"]
        for row in rows("plan_findings")
    }
    assert kept[(CITY, frozenset(("807", "822")))] == "conflicting_values"
    assert kept[(CITY, frozenset(("817", "826")))] in ("sum_differs", "undefined_term")
    assert kept[(CITY, frozenset(("571",)))] == "sum_differs"
    assert kept[(MAYOR, frozenset(("559",)))] == "unit_cannot_be_right"
    assert kept[(COUNTY, frozenset(("125", "130")))] == "conflicting_values"
