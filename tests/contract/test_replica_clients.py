"""Public NOMIS clients work against the replica, unchanged but for their base address.

UKCensusAPI (Python, on PyPI) is run itself where it is installed. For it and for nomisr (R) the requests that
they make are also made here, and the fields that they read are read, as their documentation describes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from replica_http import TODAY, Got, get

from ingest.replica.server import serve

NAMES = {
    "message": "http://www.SDMX.org/resources/SDMXML/schemas/v2_0/message",
    "structure": "http://www.SDMX.org/resources/SDMXML/schemas/v2_0/structure",
    "common": "http://www.SDMX.org/resources/SDMXML/schemas/v2_0/common",
}
PAGE = 25_000


@pytest.fixture(scope="module")
def base() -> Iterator[str]:
    with serve(today=TODAY) as handle:
        yield handle.url


def codes(answer: Got) -> list[dict[str, Any]]:
    return answer.json["structure"]["codelists"]["codelist"][0]["code"]


# --- UKCensusAPI ---------------------------------------------------------------------------------------


def test_ukcensusapi_itself(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = pytest.importorskip(
        "ukcensusapi.Nomisweb", reason="ukcensusapi is not installed; its requests are below"
    )
    monkeypatch.setenv("NOMIS_API_KEY", "0xdemonstration")
    monkeypatch.setattr(client.Nomisweb, "URL", base + "/")
    api = client.Nomisweb(str(tmp_path))
    assert not api.offline_mode
    assert api.get_lad_codes(["Leicester", "E07000129"]) == [1946157130, 1946157141]
    lsoas = api.get_geo_codes(api.get_lad_codes("Leicester"), "TYPE298")
    metadata = api.get_metadata("KS101EW")
    assert metadata["nomis_table"] == "NM_144_1"
    assert metadata["fields"]["CELL"][0] == "All usual residents"
    query = {"CELL": "0...2", "RURAL_URBAN": "0", "date": "latest", "geography": lsoas, "MEASURES": "20100"}
    table = api.get_data("KS101EW", query | {"select": "GEOGRAPHY_CODE,CELL,OBS_VALUE"})
    assert table.shape == (192 * 3, 3)
    people = table.pivot_table(index="GEOGRAPHY_CODE", columns="CELL", values="OBS_VALUE")
    assert (people[1] + people[2] - people[0]).abs().max() <= 1  # men and women, each rounded
    api.contextify("KS101EW", "CELL", table)
    assert set(table.CELL_NAME) == {"All usual residents", "Males", "Females"}
    assert api.get_data("KS101EW", {"SEX": "1", "date": "latest"}) is None  # 0 bytes: "returned no data"


def test_ukcensusapi_is_there_and_lists_of_authorities(base: str) -> None:
    assert get(base, "/").status == 200  # it asks for the root to see whether the service is up
    answer = get(base, "/api/v01/dataset/NM_144_1/geography/2092957703TYPE464.def.sdmx.json", uid="0xkey")
    by_name = {}
    for code in codes(answer):
        by_name[code["description"]["value"]] = code["value"]
        by_name[code["annotations"]["annotation"][2]["annotationtext"]] = code["value"]
    assert by_name["Leicester"] == by_name["E06000016"] == 1946157130
    inside = codes(
        get(base, "/api/v01/dataset/NM_144_1/geography/1946157130TYPE298.def.sdmx.json", uid="0xkey")
    )
    values = [code["value"] for code in inside]
    assert len(values) == 192 and values == list(
        range(values[0], values[0] + 192)
    )  # it asks for "first...last"


def test_ukcensusapi_metadata_and_table(base: str) -> None:
    found = get(base, "/api/v01/dataset/def.sdmx.json", search="*KS101EW*", uid="0xkey").json["structure"]
    family = found["keyfamilies"]["keyfamily"][0]
    assert family["name"]["value"].startswith("KS101EW")
    for dimension in family["components"]["dimension"]:
        concept = dimension["conceptref"]
        answer = get(base, f"/api/v01/dataset/{family['id']}/{concept}.def.sdmx.json", uid="0xkey")
        assert {code["value"]: code["description"]["value"] for code in codes(answer)}, concept
    types = codes(get(base, f"/api/v01/dataset/{family['id']}/geography/TYPE.def.sdmx.json", uid="0xkey"))
    assert "TYPE298" in {code["value"] for code in types}
    table = get(
        base, f"/api/v01/dataset/{family['id']}.data.tsv", CELL="0...2", MEASURES=20100, RURAL_URBAN=0,
        date="latest", geography="1946157130", select="GEOGRAPHY_CODE,CELL,OBS_VALUE", uid="0xkey",
    )  # fmt: skip
    assert table.lines[0] == '"GEOGRAPHY_CODE"\t"CELL"\t"OBS_VALUE"'
    assert [line.split("\t")[1] for line in table.lines[1:]] == ['"0"', '"1"', '"2"']
    assert (
        get(base, "/api/v01/dataset/def.sdmx.json", search="*NOTHING*").json["structure"]["keyfamilies"]
        is None
    )


# --- nomisr --------------------------------------------------------------------------------------------


def test_nomisr_data_info_and_search(base: str) -> None:
    every = get(base, "/api/v01/dataset//def.sdmx.json").json["structure"]["keyfamilies"]["keyfamily"]
    assert len(every) == 18  # the doubled slash is the client's own
    one = get(base, "/api/v01/dataset/NM_1_1/def.sdmx.json").json["structure"]["keyfamilies"]["keyfamily"][0]
    concepts = [dimension["conceptref"] for dimension in one["components"]["dimension"]]
    assert "SEX" in concepts and "C_SEX" not in concepts
    assert one["components"]["timedimension"] == {"codelist": "CL_1_1_TIME", "conceptref": "TIME"}
    query = "&search=name-*seeker*&search=keywords-Earnings&search=contenttype-sources-jd"
    found = get(base, "/api/v01/dataset/def.sdmx.json?" + query).json["structure"]["keyfamilies"]["keyfamily"]
    assert {family["id"] for family in found} == {
        "NM_1_1",
        "NM_4_1",
        "NM_18_1",
        "NM_30_1",
        "NM_99_1",
        "NM_57_1",
    }


def test_nomisr_get_data_small(base: str) -> None:
    answer = get(
        base, "/api/v01/dataset/NM_1_1.data.csv?&time=latest&geography=TYPE499&sex=5&measures=20100,20201"
    )
    assert answer.headers["Content-Type"].split(";")[0] == "text/csv"  # it refuses anything else
    assert {row["GEOGRAPHY_TYPE"] for row in answer.rows} == {"countries"}
    assert {row["SEX_NAME"] for row in answer.rows} == {"Male"}
    assert set(answer.column("MEASURES")) == {"20100", "20201"}


def test_nomisr_get_data_page_by_page(base: str) -> None:
    query = (
        "/api/v01/dataset/NM_162_1.data.csv?&time=2013-01,2026-10&geography=1778384912TYPE298&measures=20100"
    )
    query += "&gender=0&age=0&measure=1&select=GEOGRAPHY_CODE,DATE,OBS_VALUE,RECORD_OFFSET,RECORD_COUNT"
    first = get(base, query)
    count = int(first.column("RECORD_COUNT")[0])
    assert count == 192 * 166 > PAGE
    found = first.column("RECORD_OFFSET")
    for offset in range(PAGE, count + 1, PAGE):
        found += get(base, f"{query}&recordOffset={offset}").column("RECORD_OFFSET")
    assert [int(text) for text in found] == list(range(count))


def test_nomisr_overview_and_content_type(base: str) -> None:
    overview = get(base, "/api/v01/dataset/NM_1_1.overview.json?select=Units,Keywords").json["overview"]
    assert overview["units"] == {"unit": "Persons"}
    assert overview["keywords"] == {"keyword": ["Claimants", "JSA", "Rates"]}
    items = get(base, "/api/v01/contenttype/sources.json").json["contenttype"]["item"]
    assert {"id": "jsa", "name": "Jobseeker's Allowance"} in items


def _xml_codes(answer: Got) -> list[tuple[str | None, str | None]]:
    assert answer.headers["Content-Type"] == "application/xml"
    root = ElementTree.fromstring(answer.body)
    assert root.tag == f"{{{NAMES['message']}}}Structure"
    return [
        (code.get("value"), code.findtext("structure:Description", namespaces=NAMES))
        for code in root.findall("message:CodeLists/structure:CodeList/structure:Code", NAMES)
    ]


def test_nomisr_metadata_and_codelists_are_read_as_xml(base: str) -> None:
    sexes = _xml_codes(get(base, "/api/v01/codelist/CL_1_1_sex.def.sdmx.xml"))
    assert sexes == [("5", "Male"), ("6", "Female"), ("7", "Total")]
    found = _xml_codes(get(base, "/api/v01/codelist/CL_1_1_geography.def.sdmx.xml?search=*london"))
    assert found == [("2013265927", "London")]
    types = _xml_codes(get(base, "/api/v01/dataset/NM_1_1/geography/TYPE/def.sdmx.xml?"))
    assert ("TYPE480", "regions") in types
    inside = _xml_codes(get(base, "/api/v01/dataset/NM_1_1/geography/1946157130/def.sdmx.xml?"))
    assert inside[0] == ("1946157130", "Leicester")
    assert ("1946157130TYPE298", "2011 super output areas - lower layer within Leicester") in inside
    items = get(
        base, "/api/v01/dataset/NM_1_1/item/def.sdmx.xml?&search=*married*&geography=1946157130&sex=5"
    )
    assert _xml_codes(items) == [("9", "Married females")]


def test_the_annotations_of_an_area_are_in_the_xml_too(base: str) -> None:
    answer = get(base, "/api/v01/dataset/NM_1_1/geography/1946157130.def.sdmx.xml")
    code = ElementTree.fromstring(answer.body).find(
        "message:CodeLists/structure:CodeList/structure:Code", NAMES
    )
    assert code is not None
    titles = [
        one.text
        for one in code.iterfind("structure:Annotations/common:Annotation/common:AnnotationTitle", NAMES)
    ]
    assert titles == ["TypeName", "TypeCode", "GeogCode"]
