"""The replica's definitions, codelists, overviews and date metadata, beside genuine ones."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from replica_http import TODAY, Got, get, shared

from ingest.replica.server import serve

NOMIS = "/api/v01"


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve(today=TODAY) as handle:
        yield handle.url


def families(answer: Got) -> list[dict[str, Any]]:
    return answer.json["structure"]["keyfamilies"]["keyfamily"]


def codes(answer: Got) -> list[dict[str, Any]]:
    return answer.json["structure"]["codelists"]["codelist"][0]["code"]


def annotations(found: dict[str, Any]) -> dict[str, Any]:
    return {one["annotationtitle"]: one["annotationtext"] for one in found["annotations"]["annotation"]}


def shape(found: Any) -> Any:
    """Return keys and types, values aside."""
    if isinstance(found, dict):
        return {key: shape(value) for key, value in sorted(found.items())}
    if isinstance(found, list):
        return [shape(found[0])] if found else []
    return type(found).__name__


def test_one_definition_has_the_keys_of_a_genuine_one(base: str) -> None:
    genuine = json.loads(
        shared("recorded/nomis/mcp-geo-2026/NM_2021_1.def.sdmx.json").read_text(encoding="utf-8")
    )
    ours = get(base, f"{NOMIS}/dataset/NM_2021_1/def.sdmx.json").json
    theirs = genuine["structure"]["keyfamilies"]["keyfamily"][0]
    mine = ours["structure"]["keyfamilies"]["keyfamily"][0]
    assert set(ours["structure"]) == set(genuine["structure"])
    # Of this dataset the genuine definition has no description; the catalogue of 2020 shows that others have.
    assert set(mine) - {"description"} == set(theirs)
    assert mine["components"]["dimension"] == theirs["components"]["dimension"]
    assert mine["components"]["timedimension"] == theirs["components"]["timedimension"]
    assert shape(mine["components"]["attribute"]) == shape(theirs["components"]["attribute"])
    assert set(annotations(theirs)) - set(annotations(mine)) <= {
        "contenttype/geoglevel",
        "MetadataTitle1",
        "MetadataText1",
    }
    assert mine["name"] == theirs["name"]


def test_dimensions_are_those_of_the_recorded_catalogue(base: str) -> None:
    path = "recorded/nomis/census-test-2020/dataset.def.sdmx.from-notebook.json"
    genuine = json.loads(shared(path).read_text("utf-8"))["structure"]["keyfamilies"]["keyfamily"]
    known = {family["id"]: family for family in genuine}
    ours = families(get(base, f"{NOMIS}/dataset/def.sdmx.json"))
    compared = 0
    for family in ours:
        if family["id"] in known:
            theirs = known[family["id"]]
            assert family["components"] == {
                **family["components"],
                "dimension": theirs["components"]["dimension"],
                "timedimension": theirs["components"]["timedimension"],
            }
            assert family["name"] == theirs["name"]
            assert annotations(family)["Mnemonic"] == annotations(theirs)["Mnemonic"]
            compared += 1
    assert compared == 10  # those of ours with an id up to NM_131_1


def test_dimensions_without_the_shared_folder(base: str) -> None:
    expected = {
        "NM_1_1": ["GEOGRAPHY", "SEX", "ITEM", "MEASURES", "FREQ"],
        "NM_4_1": ["GEOGRAPHY", "SEX", "AGE_DUR", "MEASURES", "FREQ"],
        "NM_17_5": ["GEOGRAPHY", "VARIABLE", "MEASURES", "FREQ"],
        "NM_18_1": ["GEOGRAPHY", "AGE", "DURATION", "SEX", "MEASURES", "FREQ"],
        "NM_105_1": [
            "GEOGRAPHY", "SEX", "AGE", "DURATION", "CHILDREN", "STAT_GROUP", "BENEFIT", "MEASURES", "FREQ",
        ],
        "NM_162_1": ["GEOGRAPHY", "GENDER", "AGE", "MEASURE", "MEASURES", "FREQ"],
        "NM_189_1": ["GEOGRAPHY", "INDUSTRY", "EMPLOYMENT_STATUS", "MEASURE", "MEASURES", "FREQ"],
    }  # fmt: skip
    for dataset, concepts in expected.items():
        (family,) = families(get(base, f"{NOMIS}/dataset/{dataset}.def.sdmx.json"))
        assert [one["conceptref"] for one in family["components"]["dimension"]] == concepts
        assert family["components"]["dimension"][-1]["isfrequencydimension"] == "true"


def test_unknown_things_are_null(base: str) -> None:
    assert get(base, f"{NOMIS}/dataset/NM_9999_1/def.sdmx.json").json["structure"]["keyfamilies"] is None
    for path in (
        "codelist/CL_1_1_NONE",
        "codelist/CL_9999_1_ITEM",
        "dataset/NM_1_1/none",
        "dataset/NM_9999_1/sex",
    ):
        assert get(base, f"{NOMIS}/{path}.def.sdmx.json").json["structure"]["codelists"] is None, path


def test_annotations_lag_behind_the_data_as_on_the_true_service(base: str) -> None:
    ended = annotations(families(get(base, f"{NOMIS}/dataset/NM_105_1/def.sdmx.json"))[0])
    assert ended["Status"] == "Current (being actively updated)"
    assert ended["LastUpdated"] == "2017-05-17 09:30:00"
    earnings = annotations(families(get(base, f"{NOMIS}/dataset/NM_30_1/def.sdmx.json"))[0])
    assert earnings["LastUpdated"] == "2018-11-25 09:30:00"
    assert earnings["MetadataCount"] == 1  # a number, not a text


SEARCHES = {
    "*claimant*": {"NM_1_1", "NM_4_1", "NM_18_1", "NM_103_1", "NM_105_1", "NM_162_1"},
    "name-*seeker*": {"NM_1_1", "NM_4_1", "NM_18_1"},
    "keywords-ethnic*": {"NM_17_5"},
    "keywords-*density,name-*earnings*": {"NM_57_1", "NM_30_1", "NM_99_1"},
    "units-enterprises": {"NM_142_1"},
    "contenttype-sources-jsa": {"NM_1_1", "NM_4_1", "NM_18_1"},
    "JOBS DENSITY": {"NM_57_1"},
    "density": {"NM_57_1"},  # one of its keywords
    "densit": set(),
}


@pytest.mark.parametrize("search", SEARCHES)
def test_search(base: str, search: str) -> None:
    answer = get(base, f"{NOMIS}/dataset/def.sdmx.json", search=search)
    found = answer.json["structure"]["keyfamilies"]
    assert {one["id"] for one in (found or {"keyfamily": []})["keyfamily"]} == SEARCHES[search]


@pytest.mark.parametrize("country", [2092957699, 2092957700])
def test_areas_of_a_codelist_are_written_as_recorded(base: str, country: int) -> None:
    path = f"recorded/nomis/census-test-2020/NM_1404_1.geography-{country}.def.sdmx.from-notebook.json"
    content = json.loads(shared(path).read_text(encoding="utf-8"))
    genuine = {code["value"]: code for code in content["structure"]["codelists"]["codelist"][0]["code"]}
    answer = codes(get(base, f"{NOMIS}/dataset/NM_144_1/geography/{country}.def.sdmx.json"))
    ours = {code["value"]: code for code in answer}
    assert ours[country] == genuine[country]  # a number for its code
    abstract = [value for value in ours if value != country]
    assert abstract
    for value in abstract:
        assert shape(ours[value]) == shape(genuine[value])
        assert list(annotations(ours[value])) == list(annotations(genuine[value]))
        assert ours[value]["description"] == genuine[value]["description"]


def test_child_count_is_how_many_a_type_query_returns(base: str) -> None:
    for parent, type_code, expected in ((1778384912, 298, 192), (2013265924, 424, 11), (1774190735, 424, 7)):
        listed = codes(get(base, f"{NOMIS}/dataset/NM_162_1/geography/{parent}.def.sdmx.json"))
        abstract = next(code for code in listed if code["value"] == f"{parent}TYPE{type_code}")
        assert annotations(abstract)["ChildCount"] == expected
        members = codes(
            get(base, f"{NOMIS}/dataset/NM_162_1/geography/{parent}TYPE{type_code}.def.sdmx.json")
        )
        assert len(members) == expected
        assert all(isinstance(code["value"], int) for code in members)


def test_geography_from_the_top_the_types_and_a_search(base: str) -> None:
    top = codes(get(base, f"{NOMIS}/dataset/NM_17_5/geography.def.sdmx.json"))
    assert {annotations(code)["GeogCode"] for code in top} >= {"K02000001", "K03000001", "E92000001"}
    types = codes(get(base, f"{NOMIS}/dataset/NM_17_5/geography/TYPE.def.sdmx.json"))
    assert [code["value"] for code in types] == ["TYPE499", "TYPE480", "TYPE423", "TYPE424", "TYPE464"]
    found = codes(get(base, f"{NOMIS}/dataset/NM_17_5/geography/TYPE480.def.sdmx.json", search="*midlands"))
    assert [code["description"]["value"] for code in found] == ["East Midlands", "West Midlands"]


def test_codelists_and_concepts(base: str) -> None:
    sexes = codes(get(base, f"{NOMIS}/dataset/nm_1_1/SEX.def.sdmx.json"))
    assert [(code["value"], code["description"]["value"]) for code in sexes] == [
        (5, "Male"), (6, "Female"), (7, "Total"),
    ]  # fmt: skip
    assert codes(get(base, f"{NOMIS}/codelist/CL_1_1_SEX.def.sdmx.json")) == sexes
    region = codes(get(base, f"{NOMIS}/codelist/CL_1_1_GEOGRAPHY/2013265921.def.sdmx.json"))
    assert [code["description"]["value"] for code in region] == ["North East"]
    named = codes(get(base, f"{NOMIS}/codelist/CL_1_1_GEOGRAPHY.def.sdmx.json", search="*Midlands"))
    assert {code["description"]["value"] for code in named} == {"East Midlands", "West Midlands"}
    concept = get(base, f"{NOMIS}/concept/ITEM.def.sdmx.json").json["structure"]["concepts"]["concept"][0]
    assert concept["id"] == "ITEM"
    times = codes(get(base, f"{NOMIS}/dataset/NM_103_1/time.def.sdmx.json"))
    assert (times[0]["value"], times[-1]["value"]) == ("2004-02", "2016-11")


def test_overview_says_what_is_asked_for_and_lists_of_one_are_bare(base: str) -> None:
    path = f"{NOMIS}/dataset/nm_162_1.overview.json"
    small = get(base, path, select="DateMetadata,Dimension-time,Codes-time").json["overview"]
    assert set(small) == {"id", "firstreleased", "lastupdated", "lastrevised", "nextupdate", "dimensions"}
    dimension = small["dimensions"]["dimension"]  # one element: the bare object
    assert dimension["concept"] == "time"
    newest = dimension["codes"]["code"][-1]
    assert (newest["value"], newest["name"]) == ("2026-10", "October 2026")
    assert newest["revisions"] == {
        "version": 1,
        "status": "current",
        "released": "2026-11-17 09:30:00",
        "scheduled": "2026-11-17 09:30:00",
    }
    assert small["nextupdate"] == "2026-12-17 09:30:00"
    whole = get(base, path).json["overview"]
    assert {"name", "description", "status", "mnemonic", "coverage", "units", "contact", "dimensions"} <= set(
        whole
    )
    assert [one["concept"] for one in whole["dimensions"]["dimension"]] == [
        "time", "geography", "gender", "age", "measure", "measures",
    ]  # fmt: skip
    types = whole["dimensions"]["dimension"][1]["types"]["type"]
    assert types[0] == {"name": "countries", "value": "TYPE499"}


def test_an_ended_dataset_promises_nothing(base: str) -> None:
    overview = get(base, f"{NOMIS}/dataset/NM_105_1.overview.json", select="DateMetadata").json["overview"]
    assert "nextupdate" not in overview


def test_date_metadata(base: str) -> None:
    every = get(base, f"{NOMIS}/dataset/NM_17_5/time.metadata.json").json["structure"]["metadata"]
    assert every["date"][-1]["value"] == "2026-06"
    assert every["nextupdate"] == "2027-01-16 09:30:00"
    one = get(base, f"{NOMIS}/dataset/NM_17_5/time/2006-03.metdata.json").json["structure"]["metadata"][
        "date"
    ]
    assert [date["description"]["value"] for date in one] == ["Apr 2005-Mar 2006"]


def test_classifications_and_summary(base: str) -> None:
    listed = get(base, f"{NOMIS}/contenttype/index.json").json["contenttype"]["item"]
    assert listed == [{"id": "sources", "name": "Sources"}]
    (one,) = get(base, f"{NOMIS}/contenttype/sources/id/cc.json").json["contenttype"]["item"]
    assert one == {"id": "cc", "name": "Claimant Count"}
    page = get(base, f"{NOMIS}/dataset/NM_162_1/summary", sex=7, gender=99).text
    assert (
        "Invalid concept: sex" in page
        and "Invalid code of GENDER: 99" in page
        and "Not filtered: AGE" in page
    )


LATEST = {
    "NM_162_1": "2026-10",
    "NM_17_5": "2026-06",
    "NM_18_1": "2018-12",
    "NM_105_1": "2016-11",
    "NM_103_1": "2016-11",
    "NM_31_1": "2025",
    "NM_2010_1": "2020",
    "NM_189_1": "2025",
    "NM_142_1": "2026",
    "NM_30_1": "2026",
}


@pytest.mark.parametrize("dataset", LATEST)
def test_living_datasets_run_to_today_and_dead_ones_end_where_they_ended(base: str, dataset: str) -> None:
    assert codes(get(base, f"{NOMIS}/dataset/{dataset}/time.def.sdmx.json"))[-1]["value"] == LATEST[dataset]
