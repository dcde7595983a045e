"""The replica's figures: those that the plan prints, as printed; seeded ones, plausible and consistent."""

from __future__ import annotations

import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterator

import pytest
from replica_http import TODAY, data, get, shared

from ingest.replica import local_statistics
from ingest.replica.server import serve

AREAS = "E06000015...E06000018,E07000129...E07000135,E10000018,E12000004,E92000001,K03000001"
DISTRICTS = ("E06000016", "E06000017", "E06000018", "E06000015", *(f"E070001{n}" for n in range(29, 36)))


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve(today=TODAY) as handle:
        yield handle.url


def value(base: str, dataset: str, area: str, period: str, measures: int = 20599, **codes: object) -> str:
    answer = data(base, dataset, geography=area, date=period, measures=measures, select="obs_value", **codes)
    assert len(answer.lines) == 2
    return answer.lines[1]


CLIENT_GROUP = {"sex": 7, "age": 0, "duration": 0, "children": 0, "stat_group": 0, "benefit": 0}
#: Sentences of the plan (words that stand in its text) and the cells that hold their figures.
PRINTED = [
    ("the overall employment rate for Leicester was 65%", "NM_17_5", "E06000016", "2006-03", 20599,
     {"variable": 45}, "65.0"),
    ("the working age population was 178,100", "NM_17_5", "E06000016", "2006-03", 21002,
     {"variable": 45}, "178100"),
    ("\t119,300\t65.0\t76.4\t74.3", "NM_17_5", "E12000004", "2006-03", 20599,
     {"variable": 45}, "76.4"),
    ("\t119,300\t65.0\t76.4\t74.3", "NM_17_5", "K03000001", "2006-03", 20599, {"variable": 45}, "74.3"),
    ("economic activity rate in Leicester City in 2005 was 70.2%", "NM_17_5", "E06000016", "2005-12", 20599,
     {"variable": 18}, "70.2"),
    ("female economic activity is particularly low (62.8%)", "NM_17_5", "E06000016", "2005-12", 20599,
     {"variable": 36}, "62.8"),
    ("much higher in Leicester City (4.8%)", "NM_162_1", "E06000016", "2006-06", 20100,
     {"gender": 0, "age": 0, "measure": 2}, "4.8"),
    ("regional (2.4%) and national (2.6%)", "NM_162_1", "E12000004", "2006-06", 20100,
     {"gender": 0, "age": 0, "measure": 2}, "2.4"),
    ("regional (2.4%) and national (2.6%)", "NM_162_1", "K03000001", "2006-06", 20100,
     {"gender": 0, "age": 0, "measure": 2}, "2.6"),
    ("Leicester had 8,413 Jobseekers Allowance claimants", "NM_1_1", "E06000016", "2006-12", 20100,
     {"sex": 7, "item": 1}, "8413"),
    ("representing 4.5% of the working age population", "NM_1_1", "E06000016", "2006-12", 20203,
     {"sex": 7, "item": 1}, "4.5"),
    ("Aged 18-24\t2,315\t27.6\t30.0\t29.4", "NM_18_1", "E06000016", "2006-12", 20100,
     {"age": 5, "duration": 0, "sex": 7}, "2315"),
    ("Aged 25-49\t4,540\t54.1\t51.6\t52.9", "NM_18_1", "E06000016", "2006-12", 20100,
     {"age": 2, "duration": 0, "sex": 7}, "4540"),
    ("Aged 50 and over\t1,425\t17.0\t17.4\t16.4", "NM_18_1", "E06000016", "2006-12", 20100,
     {"age": 3, "duration": 0, "sex": 7}, "1425"),
    ("Up to 6 months\t4,995\t59.5\t66.2\t65.7", "NM_18_1", "E06000016", "2006-12", 20100,
     {"age": 0, "duration": 1, "sex": 7}, "4995"),
    ("Over 6 up to 12 months\t1,725\t20.5\t17.7\t17.2", "NM_18_1", "E06000016", "2006-12", 20100,
     {"age": 0, "duration": 2, "sex": 7}, "1725"),
    ("Over 12 months\t1,675\t20.0\t16.1\t17.0", "NM_18_1", "E06000016", "2006-12", 20100,
     {"age": 0, "duration": 3, "sex": 7}, "1675"),
    ("Over 12 months\t1,675\t20.0\t16.1\t17.0", "NM_18_1", "K03000001", "2006-12", 20206,
     {"age": 0, "duration": 3, "sex": 7}, "17.0"),
    ("As at May 2006, Leicester had 15,530 Incapacity Benefit", "NM_105_1", "E06000016", "2006-05", 20100,
     CLIENT_GROUP | {"stat_group": 2}, "15530"),
    ("lone parent claimant count of 6,250", "NM_105_1", "E06000016", "2006-05", 20100,
     CLIENT_GROUP | {"stat_group": 3}, "6250"),
    ("there were 11,220 benefit claimants aged 50 or over", "NM_105_1", "E06000016", "2006-05", 20100,
     CLIENT_GROUP | {"age": 3}, "11220"),
    ("13.5% in the region and 14.8% in the country", "NM_105_1", "E12000004", "2005-11", 20203,
     CLIENT_GROUP, "13.5"),
    ("1013754 (Spinney Hills) has 120 incapacity benefit claimants, 105 JSA claimants and 75 lone parent",
     "NM_103_1", "E01013754", "2006-08", 20100, {"item": 3}, "120"),
    ("Incapacity Benefit claimants (185) than lone parents (90) or JSA claimants (80)",
     "NM_103_1", "E01013726", "2006-08", 20100, {"item": 2}, "80"),
    ("All people - working age\t186,000", "NM_31_1", "E06000016", "2005", 20100,
     {"sex": 7, "age": 203}, "186000"),
    ("With a population of 288,000", "NM_31_1", "E06000016", "2005", 20100,
     {"sex": 7, "age": 0}, "288000"),
    ("Leicester City\t24.4%\t12.8%\t5.1%\t13.3%\t13.0%\t12.7%\t18.8%", "NM_17_5", "E06000016", "2005-12",
     20599, {"variable": 344}, "18.8"),
    ("East Midlands\t26.7%\t16.3%\t6.7%\t15.2%\t16.2%\t8.0%\t10.9%", "NM_17_5", "E12000004", "2005-12", 20599,
     {"variable": 290}, "26.7"),
    ("Great Britain\t30.2%\t15.5%\t6.1%\t15.9%\t14.2%\t8.2%\t9.9%", "NM_17_5", "K03000001", "2005-12", 20599,
     {"variable": 308}, "6.1"),
]  # fmt: skip


@pytest.mark.parametrize("case", PRINTED, ids=lambda case: case[0][:40])
def test_what_the_plan_prints_is_served_as_printed(base: str, case: tuple) -> None:
    _, dataset, area, period, measures, codes, expected = case
    assert value(base, dataset, area, period, measures, **codes) == expected


def test_the_sentences_stand_in_the_plan() -> None:
    text = shared("plans/002_c146647b0fd30100.txt").read_text(encoding="utf-8")
    assert [case[0] for case in PRINTED if case[0] not in text] == []


def test_percent_is_numerator_over_denominator(base: str) -> None:
    answer = data(
        base, "NM_17_5", geography=AREAS, variable="18,45,54,63,84,111", measures="20599,21001,21002",
        uid="x", select="date_code,geography_code,variable,measures,obs_value",
    )  # fmt: skip
    cells: dict[tuple[str, ...], dict[str, float]] = defaultdict(dict)
    for row in answer.rows:
        key = (row["DATE_CODE"], row["GEOGRAPHY_CODE"], row["VARIABLE"])
        if row["OBS_VALUE"]:
            cells[key][row["MEASURES"]] = float(row["OBS_VALUE"])
    complete = {key: cell for key, cell in cells.items() if len(cell) == 3}
    assert len(complete) > 87 * 15 * 5  # all but the unemployed of the smallest areas, fewer than 500
    for key, cell in complete.items():
        percent = 100 * cell["21001"] / cell["21002"]
        assert cell["20599"] == pytest.approx(percent, abs=0.0501), key
        assert cell["21001"] % 100 == cell["21002"] % 100 == 0
        assert 0 <= cell["20599"] <= 100


def test_active_and_inactive_are_everyone(base: str) -> None:
    answer = data(base, "NM_17_5", geography=AREAS, variable="18,45,84,111", measures=21001, uid="x")
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for row in answer.rows:
        counts[row["DATE_CODE"], row["GEOGRAPHY_CODE"]][row["VARIABLE"]] = int(row["OBS_VALUE"] or -1)
    people = data(base, "NM_17_5", geography=AREAS, variable=45, measures=21002, uid="x").rows
    for row in people:
        count = counts[row["DATE_CODE"], row["GEOGRAPHY_CODE"]]
        assert count["18"] + count["111"] == int(row["OBS_VALUE"])
        assert count["84"] in (count["18"] - count["45"], -1)


def test_confidence_of_districts_and_of_england(base: str) -> None:
    answer = data(base, "NM_17_5", geography=AREAS, variable=45, measures=21003, uid="x")
    by_area: dict[str, list[float]] = defaultdict(list)
    for row in answer.rows:
        by_area[row["GEOGRAPHY_CODE"]].append(float(row["OBS_VALUE"]))
    for area in DISTRICTS:
        assert min(by_area[area]) >= 2.2 and max(by_area[area]) <= 4.2, area
    assert sum(2.5 <= half <= 4.0 for area in DISTRICTS for half in by_area[area]) > 0.8 * 87 * len(DISTRICTS)
    assert max(by_area["E92000001"]) <= 0.4


def test_small_groups_are_suppressed_now_and_then(base: str) -> None:
    answer = data(base, "NM_17_5", geography=AREAS, variable=594, measures="20599", uid="x").rows
    empty = [row for row in answer if not row["OBS_VALUE"]]
    assert 0 < len(empty) < len(answer) / 2
    texts = {row["OBS_STATUS_NAME"] for row in empty}
    assert "Estimate is less than 500" in texts
    assert {row["OBS_STATUS"] for row in empty}.isdisjoint({"A"})
    assert not [row for row in empty if row["GEOGRAPHY_CODE"] in ("E06000016", "E92000001")]


def test_qualifications_break_between_2021_and_2022(base: str) -> None:
    answer = data(base, "NM_17_5", geography="E06000016", variable="290,1902", measures=20599)
    held = {(row["VARIABLE"], row["DATE_CODE"]) for row in answer.rows if row["OBS_STATUS"] == "A"}
    assert {date for variable, date in held if variable == "290"} == {
        f"{year}-12" for year in range(2004, 2022)
    }
    assert {date for variable, date in held if variable == "1902"} == {
        f"{year}-12" for year in range(2022, 2026)
    }
    assert {row["OBS_STATUS"] for row in answer.rows if not row["OBS_VALUE"]} == {"Q"}
    more = [float(value(base, "NM_17_5", "E06000016", "2010-12", variable=v)) for v in (290, 720, 721, 722)]
    assert more == sorted(more)


def test_lsoas_add_up_to_about_the_city(base: str) -> None:
    for dataset, period, small, large, where in (
        ("NM_162_1", "2026-10", {"gender": 0, "age": 0, "measure": 1}, {}, "1778384912TYPE298"),
        ("NM_162_1", "2013-01", {"gender": 0, "age": 0, "measure": 1}, {}, "1778384912TYPE298"),
    ):
        parts = data(base, dataset, geography=where, date=period, measures=20100, **small, **large)
        city = int(value(base, dataset, "E06000016", period, 20100, **small, **large))
        counts = [int(text) for text in parts.column("OBS_VALUE")]
        assert all(count % 5 == 0 and count >= 0 for count in counts)
        assert sum(counts) == pytest.approx(city, rel=0.05)
    parts = data(base, "NM_103_1", date="2006-05", item=3, measures=20100).column("OBS_VALUE")
    assert sum(map(int, parts)) == pytest.approx(15_530, rel=0.05)


def test_totals_are_their_parts(base: str) -> None:
    query = {"geography": "E06000016", "date": "2006-12,2012-06", "sex": 7, "measures": 20100}
    answer = data(base, "NM_18_1", age="0,1,2,3", duration="0,1,2,3", **query)
    counts = {(r["DATE_CODE"], r["AGE"], r["DURATION"]): int(r["OBS_VALUE"]) for r in answer.rows}
    for period in ("2006-12", "2012-06"):
        for one in "0123":
            assert counts[period, "0", one] == sum(counts[period, age, one] for age in "123")
            assert counts[period, one, "0"] == sum(counts[period, one, duration] for duration in "123")
    assert counts["2006-12", "0", "0"] == 4_995 + 1_725 + 1_675
    joined = data(base, "NM_4_1", age_dur=0, **query).column("OBS_VALUE")
    assert joined == [str(counts["2006-12", "0", "0"]), str(counts["2012-06", "0", "0"])]
    people = data(
        base, "NM_31_1", geography="E06000016", sex="5,6,7", age=0, date="2001,2010,2025", measures=20100
    )
    rows = [int(text) for text in people.column("OBS_VALUE")]
    assert [rows[0] + rows[1], rows[3] + rows[4], rows[6] + rows[7]] == [rows[2], rows[5], rows[8]]
    bands = data(base, "NM_31_1", geography="E06000016", sex=7, age="1...18", date="2010", measures=20100)
    assert sum(map(int, bands.column("OBS_VALUE"))) == rows[5]


def test_a_printed_figure_is_no_outlier_in_its_series(base: str) -> None:
    answer = data(
        base, "NM_1_1", geography="E06000016", sex=7, item=1, measures=20100, time="2006-10,2007-02"
    )
    counts = [int(text) for text in answer.column("OBS_VALUE")]
    assert counts[2] == 8_413
    assert max(counts) / min(counts) < 1.1
    small = data(base, "NM_103_1", geography="E01013726", item=3, measures=20100, time="2006-02,2007-02")
    counts = [int(text) for text in small.column("OBS_VALUE")]
    assert counts[2] == 185
    assert max(counts) / min(counts) < 1.4


def test_two_servers_say_the_same(base: str) -> None:
    query = {"geography": AREAS, "date": "2009-06,latest", "measures": "20599,21003"}
    with serve(today=TODAY) as other:
        assert data(other.url, "NM_17_5", **query).body == data(base, "NM_17_5", **query).body


STANDARD = "areacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes"
TABLES = {
    "els_employment_rate_la": "aps/els_employment_rate_la.csv.gz",
    "els_claimant_count_la": "claimants/els_claimant_count_la.csv.gz",
    "els_business_demography_la": "business/els_business_demography_la.csv.gz",
    "els_gross_median_weekly_pay_la": "earnings/els_gross_median_weekly_pay_la.csv.gz",
    "els_greenhouse_gas_emissions_la": "environment/els_greenhouse_gas_emissions_la.csv.gz",
    "els_healthy_life_expectancy_la": "health/els_healthy_life_expectancy_la.csv.gz",
    "els_net_additions_la": "housing/els_net_additions_la.csv.gz",
    "els_ks2_expected_standard_la": "schools/els_ks2_expected_standard_la.csv",
    "els_persistent_absence_la": "schools/els_persistent_absence_la.csv",
    "els_level3_or_above_2004_2021_la": "aps/els_level3_or_above_2004_2021_la.csv.gz",
    "els_overweight_year6_2006_2021_la": "health/els_overweight_year6_2006_2021_la.csv.gz",
}


def test_every_local_table_is_compared_here() -> None:
    assert set(local_statistics.names()) == set(TABLES)


@pytest.mark.parametrize("name", TABLES)
def test_local_tables_look_like_the_published_ones(base: str, name: str) -> None:
    path = shared(f"data/{TABLES[name]}")
    genuine = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    answer = get(base, f"/explore-local-statistics/{name}.csv")
    assert answer.body.startswith(b"\xef\xbb\xbf") == genuine.startswith(b"\xef\xbb\xbf")
    theirs = list(csv.reader(io.StringIO(genuine.decode("utf-8-sig"))))
    ours = list(csv.reader(io.StringIO(answer.body.decode("utf-8-sig"))))
    assert ours[0] == theirs[0]
    texts = [
        place for place, title in enumerate(ours[0]) if title.lower() in ("indicator", "measure", "unit")
    ]

    def labels(rows: list[list[str]]) -> set[tuple[str, ...]]:
        return {tuple(row[place] for place in texts) for row in rows[1:]}

    assert labels(ours) == labels(theirs)
    assert {row[2] for row in ours[1:]} <= {row[2] for row in theirs[1:]}
    assert "E06000016" in {row[0] for row in ours[1:]}


def test_local_table_without_the_shared_folder(base: str) -> None:
    answer = get(base, "/explore-local-statistics/els_employment_rate_la.csv")
    assert answer.lines[0] == STANDARD
    leicester = [row for row in answer.rows if row["areacd"] == "E06000016"]
    assert [row["period"] for row in leicester if row["indicator"] == "Employment rate"] == [
        f"{year}-01-01/P1Y" for year in range(2004, 2026)
    ]
    for row in leicester:
        assert float(row["lci_95"]) < float(row["observation"]) < float(row["uci_95"])
    packed = get(base, "/explore-local-statistics/els_employment_rate_la.csv.gz")
    assert gzip.decompress(packed.body) == answer.body
    assert get(base, "/explore-local-statistics/els_none.csv").status == 404
