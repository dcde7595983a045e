"""The replica's data answers: bytes as recorded, queries as the help page describes, limits as seen."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Iterator
from datetime import date

import pytest
from replica_http import RECORDED_ON, TODAY, data, get, shared

from ingest.replica.server import Handle, serve

HEADER = (
    '"DATE","DATE_NAME","DATE_CODE","DATE_TYPE","DATE_TYPECODE","DATE_SORTORDER","GEOGRAPHY","GEOGRAPHY_NAME",'
    '"GEOGRAPHY_CODE","GEOGRAPHY_TYPE","GEOGRAPHY_TYPECODE","GEOGRAPHY_SORTORDER","VARIABLE","VARIABLE_NAME",'
    '"VARIABLE_CODE","VARIABLE_TYPE","VARIABLE_TYPECODE","VARIABLE_SORTORDER","MEASURES","MEASURES_NAME",'
    '"OBS_VALUE","OBS_STATUS","OBS_STATUS_NAME","OBS_CONF","OBS_CONF_NAME","URN","RECORD_OFFSET","RECORD_COUNT"'
)
#: recorded file -> (dataset, query inferred in its provenance note)
RECORDED = {
    "nomis-aps-employment": (
        "NM_17_5",
        {
            "geography": "1774190688",
            "variable": "18,45,84,111,248,249",
            "measures": "20599,20100",
            "date": "latest",
        },
    ),
    "nomis-claimant-count": (
        "NM_162_1",
        {"geography": "1774190688", "gender": "0", "age": "0", "measures": "20100", "date": "2026-02"},
    ),
    "nomis-bres-by-industry": (
        "NM_189_1",
        {
            "geography": "E08000034",
            "industry": ",".join(str(code) for code in range(1, 10)),
            "employment_status": "1",
            "measures": "20100",
            "date": "latest",
        },
    ),
    "nomis-bres-sic-sections": (
        "NM_189_1",
        {
            "geography": "E08000034",
            "industry": "150994945...150994965",
            "employment_status": "1",
            "measures": "20100",
            "date": "latest",
        },
    ),
    "nomis-business-counts": (
        "NM_142_1",
        {
            "geography": "E08000034",
            "industry": "150994945...150994965",
            "employment_sizeband": "0",
            "legal_status": "0",
            "measures": "20100",
            "date": "latest",
        },
    ),
    "nomis-earnings": (
        "NM_30_1",
        {
            "geography": "E08000034",
            "sex": "7",
            "item": "2",
            "pay": "7",
            "measures": "20100",
            "date": "latest",
        },
    ),
    "nomis-jobs-density": (
        "NM_57_1",
        {"geography": "E08000034", "item": "1,3", "measures": "20100", "date": "latest"},
    ),
    "nomis-population": (
        "NM_31_1",
        {"geography": "E08000034", "sex": "7", "age": "0", "measures": "20100", "date": "latest"},
    ),
}
_VALUE = re.compile(r'(?<="),(-?[\d.]*),(?="[A-Z]",")')


@pytest.fixture(scope="module")
def recorded_day() -> Iterator[str]:
    with serve(today=RECORDED_ON) as handle:
        yield handle.url


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve(today=TODAY) as handle:
        yield handle.url


@pytest.fixture()
def own() -> Iterator[Handle]:
    with serve(today=TODAY) as handle:
        yield handle


def _masked(text: str) -> list[str]:
    """Replace each OBS_VALUE by its form: empty, whole number, or number with so many decimals."""

    def form(found: re.Match[str]) -> str:
        value = found[1]
        return f",<{'' if not value else 'n' + '.d' * ('.' in value)}>,"

    return [_VALUE.sub(form, line) for line in text.splitlines()]


@pytest.mark.parametrize("name", RECORDED)
def test_bytes_are_those_of_the_recorded_answer_but_for_the_value(recorded_day: str, name: str) -> None:
    genuine = shared(f"recorded/nomis/kirklees-2026/{name}.csv").read_text(encoding="utf-8")
    dataset, query = RECORDED[name]
    answer = data(recorded_day, dataset, **query)
    assert _masked(answer.text) == _masked(genuine)
    assert answer.body.endswith(b"\n") and b"\r" not in answer.body


@pytest.mark.parametrize(
    "name", ["nomis-aps-emprate", "nomis-claimant-count2", "nomis-employment-rate", "nomis-unemployment-rate"]
)
def test_a_concept_that_the_dataset_lacks_is_answered_by_nothing_as_recorded(base: str, name: str) -> None:
    assert shared(f"recorded/nomis/kirklees-2026/{name}.csv").read_bytes() == b""
    for dataset, concept in (("NM_162_1", "sex"), ("NM_17_5", "cell"), ("NM_4_1", "duration")):
        answer = data(base, dataset, geography="E06000016", date="latest", **{concept: 1})
        assert (answer.status, answer.body) == (200, b"")


def test_a_row_is_written_as_the_service_writes_it(recorded_day: str) -> None:
    answer = data(recorded_day, "NM_17_5", geography="1774190688", variable=45, measures=20599, date="latest")
    assert answer.lines[0] == HEADER
    assert answer.headers["Content-Type"] == "text/csv"
    row, _, rest = answer.lines[1].partition('"Variable",')
    assert row == (
        '"2025-09","Oct 2024-Sep 2025","2025-09","date",0,0,"1774190688","Kirklees","E08000034",'
        '"local authorities: county / unitary (as of April 2023)",423,0,'
        '"45","Employment rate - aged 16-64","45","variable",0,0,"20599",'
    )
    value, _, rest = rest.partition(",")
    assert re.fullmatch(r"\d\d\.\d", value)
    assert rest == (
        '"A","Normal Value","F","Free (free for publication)","Nm-17d5d32409e0d1774190688d28b22d20599",0,1'
    )


def test_every_answer_says_that_it_is_a_demonstration(base: str) -> None:
    for path in (
        "/",
        "/api/v01/dataset/def.sdmx.json",
        "/api/v01/dataset/NM_17_5.data.csv?variable=45&date=latest",
        "/explore-local-statistics/els_employment_rate_la.csv",
        "/explore-local-statistics/none.csv",
        "/_requests",
    ):
        assert get(base, path).headers["X-Planmark-Origin"] == "demonstration", path


def test_geography_echoes_the_form_asked_for_and_the_urn_never_does(base: str) -> None:
    query = {"variable": 45, "measures": 20599, "date": "2006-03"}
    by_gss = data(base, "NM_17_5", geography="E06000016", **query).rows[0]
    by_code = data(base, "NM_17_5", geography="1774190608", **query).rows[0]
    assert (by_gss["GEOGRAPHY"], by_code["GEOGRAPHY"]) == ("E06000016", "1774190608")
    assert by_gss["GEOGRAPHY_CODE"] == by_code["GEOGRAPHY_CODE"] == "E06000016"
    assert (
        by_gss["URN"] == by_code["URN"] == "Nm-17d5d32099e0d1774190608d28b22d20599"
    )  # 2006 * 16 + 3 = 32099


def test_asking_two_types_returns_the_area_twice(base: str) -> None:
    answer = data(
        base,
        "NM_17_5",
        geography="1774190608,1778384912",
        variable=45,
        measures=20599,
        date="latest",
        select="geography,geography_code,geography_sortorder",
    )
    assert answer.lines[1:] == ['"1774190608","E06000016",0', '"1778384912","E06000016",1']


DATES = {
    "date=first,latest": ["2004-02", "2016-11"],
    "time=first,latest": 52,  # thirteen years of four quarters
    "time=2006-02,2006-11": ["2006-02", "2006-05", "2006-08", "2006-11"],
    "time=2006-01,2006-12": ["2006-02", "2006-05", "2006-08", "2006-11"],
    "time=2006-08": ["2006-08"],
    "date=2006-08": ["2006-08"],
    "date=2006-08,2005-08": ["2005-08", "2006-08"],
    "date=latest,latestMINUS3": ["2016-02", "2016-11"],
    "date=latestMINUS2-latest": ["2016-05", "2016-08", "2016-11"],
    "date=prevyear,latestMINUS1-latest": ["2015-11", "2016-08", "2016-11"],
    "date=previous": ["2016-08"],
    "date=first&time=2006-02,2016-11": ["2004-02"],  # date wins
    "date=2006-01": [],
    "": 52,
}


@pytest.mark.parametrize("query", DATES)
def test_dates_and_their_keywords(base: str, query: str) -> None:
    path = "/api/v01/dataset/NM_103_1.data.csv?geography=E01013754&item=1&measures=20100&select=date_code&"
    answer = get(base, path + query)
    assert answer.lines[0] == '"DATE_CODE"'
    found = [line.strip('"') for line in answer.lines[1:]]
    expected = DATES[query]
    assert found == expected if isinstance(expected, list) else len(found) == expected


CODES = {
    "item=2,3": ["2", "3"],
    "item=1-3": ["1", "2", "3"],
    "item=2...4": ["2", "3", "4"],
    "item=8...99": ["8", "9"],  # unknown members of a range are dropped
    "item=default": ["1"],
    "item=total": ["1"],
    "item=77,78": ["1", "1"],  # each unknown code of a list is answered by the total
    "item=2,77": ["2", "1"],
    "item=2,2": ["2"],
    "": ["1", "2", "3", "4", "5", "6", "7", "8", "9"],
    "setallwherenotspecified=false": ["1"],
}


@pytest.mark.parametrize("query", CODES)
def test_codes_lists_and_ranges(base: str, query: str) -> None:
    path = "/api/v01/dataset/nm_103_1.data.csv?GEOGRAPHY=E01013754&Date=2006-08&measures=20100&Select=item&"
    assert [line.strip('"') for line in get(base, path + query).lines[1:]] == CODES[query]


def test_dash_goes_by_codelist_order_and_dots_by_number(base: str) -> None:
    query = {"geography": "E06000016", "gender": 0, "measure": 1, "measures": 20100, "date": "latest"}
    dash = data(base, "NM_162_1", age="9-11", **query, select="age").column("AGE")
    dots = data(base, "NM_162_1", age="9...11", **query, select="age").column("AGE")
    assert dash == dots == ["9", "10", "11"]
    # industry: the total stands first in the list though its number is the lowest
    assert data(base, "NM_18_1", age="0-5", duration=0, sex=7, geography="E06000016", measures=20100,
                date="latest", select="age").column("AGE") == ["0", "1", "2", "3", "4", "5"]  # fmt: skip


AREAS = {
    "E07000129...E07000135": 7,
    "e07000129...e07000130": 2,
    "E01013603...E01013760": 153,  # 158 numbers, of which the five that were split by 2011 are gone
    "1778384912TYPE298": 192,
    "1774190608TYPE298": 192,
    "1946157130TYPE298": 192,
    "2013265924TYPE424": 11,
    "TYPE480": 12,
    "TYPE298": 192,
    "E06000016,E99999999": 1,
    "E99999999": 0,
    "2092957697...2092957699": 3,
}


@pytest.mark.parametrize("geography", AREAS)
def test_areas_by_list_range_and_type(base: str, geography: str) -> None:
    answer = data(
        base, "NM_162_1", geography=geography, gender=0, age=0, measure=1, measures=20100, date="latest",
        select="geography_code,record_count",
    )  # fmt: skip
    found = answer.column("GEOGRAPHY_CODE")
    assert len(found) == len(set(found)) == AREAS[geography]


@pytest.mark.parametrize(
    ("dataset", "column", "item"),
    [("NM_103_1", "LSOA01CD", {"item": 1}), ("NM_2010_1", "LSOA11CD", {"gender": 0, "c_age": 200})],
)
def test_lsoas_of_each_vintage_are_all_there(
    base: str, dataset: str, column: str, item: dict[str, int]
) -> None:
    lookup = shared("data/lsoa/lsoa01_lsoa11_lad11_lookup.csv.gz")
    with gzip.open(lookup, "rt", encoding="utf-8-sig") as file:
        genuine = {row[column] for row in csv.DictReader(file) if row["LAD11CD"] == "E06000016"}
    answer = data(base, dataset, date="latest", measures=20100, select="geography_code", **item)
    assert sorted(answer.column("GEOGRAPHY_CODE")) == sorted(genuine)


def test_unknown_measures_are_dropped_and_only_unknown_ones_answer_nothing(base: str) -> None:
    query = {"geography": "E06000016", "variable": 45, "date": "latest"}
    assert data(base, "NM_17_5", measures="20599,20100", **query).column("MEASURES") == ["20599"]
    assert data(base, "NM_17_5", measures="20100", **query).body == b""


def test_omitted_dimensions_mean_all(base: str) -> None:
    answer = data(base, "NM_57_1", geography="E06000016", date="latest")
    assert answer.column("ITEM") == ["1", "2", "3"]
    answer = data(base, "NM_189_1", geography="E06000016", date="latest", recordlimit=1)
    assert answer.column("RECORD_COUNT") == ["176"]  # 22 industries, 4 statuses, 2 measures


def test_a_guest_is_cut_off_at_25000_and_only_the_count_tells(base: str) -> None:
    query = {"geography": "1778384912TYPE298", "gender": 0, "age": 0, "measure": 1, "measures": 20100}
    query |= {"select": "geography_code,date_code,record_offset,record_count", "time": "2013-01,2026-10"}
    count = 192 * 166  # January 2013 to October 2026: 13 * 12 + 10 months
    assert count == 31_872
    first = data(base, "NM_162_1", **query).rows
    assert len(first) == 25_000
    assert first[-1]["RECORD_OFFSET"] == "24999"
    assert {row["RECORD_COUNT"] for row in first} == {str(count)}
    rest = data(base, "NM_162_1", recordoffset=25_000, **query).rows
    assert [rest[0]["RECORD_OFFSET"], rest[-1]["RECORD_OFFSET"]] == ["25000", str(count - 1)]
    beyond = data(base, "NM_162_1", recordoffset=count, **query)
    assert beyond.lines == ['"GEOGRAPHY_CODE","DATE_CODE","RECORD_OFFSET","RECORD_COUNT"']
    keys = {(row["GEOGRAPHY_CODE"], row["DATE_CODE"]) for row in first + rest}
    assert len(keys) == count
    whole = data(base, "NM_162_1", uid="0xkey", **query)
    assert whole.headers.get("Transfer-Encoding") == "chunked"
    assert whole.rows == first + rest


def test_record_limit_and_offset(base: str) -> None:
    query = {"geography": "E06000016", "item": 1, "measures": 20100, "sex": 7, "select": "record_offset"}
    count = 274  # January 2004 to October 2026

    def offsets(**window: object) -> list[int]:
        return [int(text) for text in data(base, "NM_1_1", **query, **window).column("RECORD_OFFSET")]

    assert offsets() == offsets(RecordLimit=-1) == list(range(count))
    assert offsets(RecordLimit=0) == []
    assert offsets(RecordLimit=10, RecordOffset=20) == list(range(20, 30))
    assert offsets(RecordOffset=-5) == list(range(count - 5, count))
    assert offsets(RecordOffset=count) == []


def test_dropped_rows_are_still_counted(base: str) -> None:
    query = {"geography": "E06000016", "gender": 0, "age": 0, "measures": 20100, "date": "2026-01,2026-02"}
    everything = data(base, "NM_162_1", **query).rows
    assert [row["OBS_STATUS"] for row in everything] == [
        "A",
        "A",
        "A",
        "Q",
    ] * 2  # the workforce rate is not held
    assert [row["OBS_VALUE"] for row in everything if row["OBS_STATUS"] == "Q"] == ["", ""]
    kept = data(base, "NM_162_1", ExcludeMissingValues="true", **query).rows
    assert [row["RECORD_OFFSET"] for row in kept] == ["0", "1", "2", "4", "5", "6"]
    assert {row["RECORD_COUNT"] for row in kept} == {"8"}
    window = data(base, "NM_162_1", ExcludeMissingValues="true", recordlimit=4, **query).rows
    assert [row["RECORD_OFFSET"] for row in window] == ["0", "1", "2"]


def test_zero_values_are_dropped_on_request(base: str) -> None:
    query = {"geography": "E06000016", "sex": 7, "item": "1,2", "measures": 20100, "date": "latest"}
    assert data(base, "NM_1_1", **query).column("OBS_VALUE")[1] == "0"
    assert data(base, "NM_1_1", ExcludeZeroValues="true", **query).column("ITEM") == ["1"]


def test_select_queryid_and_headings(base: str) -> None:
    query = {"geography": "E06000016", "variable": 45, "measures": 20599, "date": "2006-03"}
    answer = data(base, "NM_17_5", select="obs_value,GEOGRAPHY_CODE,Date_Name", queryid="mine", **query)
    assert answer.lines == [
        '"OBS_VALUE","GEOGRAPHY_CODE","DATE_NAME","QUERY_ID"',
        '65.0,"E06000016","Apr 2005-Mar 2006","mine"',
    ]
    bare = data(base, "NM_17_5", select="obs_value", ExcludeColumnHeadings="true", **query)
    assert bare.body == b"65.0\n"


def test_post_is_as_good_as_get(base: str) -> None:
    query = {"geography": "E06000016,E12000004", "variable": "45", "measures": "20599", "date": "2006-03"}
    path = "/api/v01/dataset/NM_17_5.data.csv"
    assert get(base, path, form=query).body == get(base, path, **query).body


def test_tsv_holds_the_same_cells(base: str) -> None:
    query = {"geography": "E06000016", "variable": 45, "measures": 20599, "date": "2006-03"}
    comma = data(base, "NM_17_5", "csv", **query)
    tab = data(base, "NM_17_5", "tsv", **query)
    assert tab.headers["Content-Type"] == "text/tab-separated-values"
    assert tab.lines[0] == HEADER.replace(",", "\t")
    assert tab.lines[1].split("\t")[6:9] == ['"E06000016"', '"Leicester"', '"E06000016"']
    assert len(tab.lines[1].split("\t")) == len(comma.rows[0])


def test_json_of_the_service(base: str) -> None:
    answer = data(
        base, "NM_17_5", "json", geography="E06000016", variable=45, measures=20599, date="2006-03"
    ).json
    assert list(answer) == ["header", "obs"]
    (one,) = answer["obs"]
    assert one["geography"] == {"value": 1774190608, "description": "Leicester", "geogcode": "E06000016"}
    assert one["time"] == {"value": "2006-03", "description": "Apr 2005-Mar 2006"}
    assert one["variable"] == {"value": 45, "description": "Employment rate - aged 16-64"}
    assert one["obs_value"] == {"value": 65.0}
    assert one["obs_status"] == {"value": "A", "description": "Normal Value"}
    assert one["urn"] == "Nm-17d5d32099e0d1774190608d28b22d20599"


def test_json_stat(base: str) -> None:
    path = "/api/v01/dataset/NM_17_5.jsonstat.json"
    query = {"geography": "E06000016,E12000004", "variable": "45", "measures": "20599", "date": "2006-03"}
    answer = get(base, path, **query).json
    assert answer["value"] == [65.0, 76.4]  # both printed in the plan
    assert answer["size"] == [1, 2, 1, 1]
    assert answer["dimension"]["geography"]["category"]["index"] == {"E06000016": 0, "E12000004": 1}
    assert get(base, "/api/v01/dataset/NM_17_5/jsonstat.json", **query).json == answer
    wrong = get(base, path, sex=7)
    assert (wrong.status, wrong.json) == (200, {"error": "Cannot create query"})
    nowhere = get(base, path, geography="E99999999", variable="45", date="2006-03")
    assert (nowhere.status, nowhere.json) == (200, {"error": "Query is incomplete"})


def test_errors_come_in_the_format_asked_for(base: str) -> None:
    csv_error = data(base, "NM_17_5", geography="MAKE|mine|2013265921;2013265922", date="latest")
    assert (csv_error.status, csv_error.text.split(":")[0]) == (500, "Error")
    json_error = data(base, "NM_17_5", "json", geography="MAKE|mine|2013265921", date="latest")
    assert json_error.status == 500 and list(json_error.json) == ["error"]
    assert data(base, "NM_17_5", recordlimit="many").status == 500


def test_a_wrong_path_is_answered_by_the_help_page(base: str) -> None:
    for path in ("/api/v01/dataset/NM_2021_1.csv", "/api/v01/nonsense", "/"):
        answer = get(base, path)
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/html")
        assert answer.text.startswith("<!DOCTYPE html>")


def test_jsonp_wraps_the_answer(base: str) -> None:
    answer = get(base, "/api/v01/concept/item.def.sdmx.json", callback="ready")
    assert answer.text.startswith("ready({") and answer.text.endswith("})")


def test_a_new_month_adds_a_period_and_changes_nothing_else() -> None:
    query = {"geography": "E06000016", "gender": 0, "age": 0, "measure": 1, "measures": 20100, "uid": "x"}
    query["select"] = "date_code,obs_value"
    with serve(today=date(2026, 11, 16)) as before, serve(today=date(2026, 11, 17)) as after:
        older, newer = data(before.url, "NM_162_1", **query).lines, data(after.url, "NM_162_1", **query).lines
    assert newer[:-1] == older
    assert newer[-1].startswith('"2026-10",')


def test_requests_are_listed_without_keys(own: Handle) -> None:
    data(own.url, "NM_17_5", geography="E06000016", variable=45, date="latest", uid="0xsecret")
    get(own.url, "/api/v01/dataset/nm_17_5.overview.json")
    listed = get(own.url, "/_requests").json
    assert listed["count"] == 2
    assert [seen["path"].split("?")[0] for seen in listed["requests"]] == [
        "/api/v01/dataset/NM_17_5.data.csv",
        "/api/v01/dataset/nm_17_5.overview.json",
    ]
    assert "secret" not in str(listed) and "uid" not in str(listed)
    assert [seen.status for seen in own.requests] == [200, 200]
    own.forget_requests()
    assert own.requests == []
    get(own.url, "/")
    get(own.url, "/_requests", form={})  # a POST forgets too
    assert own.requests == []
