"""Fetching a dataset of NOMIS: what is asked, page by page, and every answer that must not be believed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nomis_stub as stub
import pytest
from pydantic import SecretStr

from ingest.archive import Archive, DeliveryReader
from ingest.definitions import NomisDefinition
from ingest.http import Client
from ingest.providers.nomis import Nomis, compressed
from planmark.errors import DefinitionError, FetchError, RefusedError
from planmark.settings import Settings


class Fetcher:
    """One fetch after another into the same archive, as the nights do."""

    def __init__(self, home: Path, service: stub.Service, base: str) -> None:
        self.home, self.service, self.base = home, service, base
        self.changes: dict[str, Any] = {}
        self.definition = stub.definition()

    @property
    def settings(self) -> Settings:
        return stub.settings_for(self.home, self.base, **self.changes)

    def provider(self) -> Nomis:
        keys = {"uid": SecretStr("0xKEY")}
        return Nomis(self.settings, Client(self.settings, "nomis", keys=keys, sleep=lambda _: None))

    def fetch(self, definition: NomisDefinition | None = None) -> DeliveryReader:
        delivery = Archive(self.settings.archive).new_delivery("nomis_stub")
        self.provider().fetch(definition or self.definition, delivery)
        return delivery.finish()

    def values(self, reader: DeliveryReader) -> list[float | None]:
        pages = list(self.provider().parse(self.definition, reader))
        assert all(not page.rejected for page in pages)
        return [value for page in pages for value in page.rows["value"].to_pylist()]


@pytest.fixture()
def fetcher(tmp_path: Path) -> Iterator[Fetcher]:
    with stub.serving() as (service, base):
        yield Fetcher(tmp_path, service, base)


ALL = [100.0 + n for n in range(stub.CELLS)]


def test_all_pages_come_and_their_rows_are_the_table(fetcher: Fetcher) -> None:
    reader = fetcher.fetch()
    assert fetcher.values(reader) == ALL
    assert [request["RecordOffset"] for request in fetcher.service.data_requests] == ["0", "10", "20"]
    assert reader.facts["record_count"] == 24


def test_what_is_asked_is_absolute_complete_and_small(fetcher: Fetcher) -> None:
    reader = fetcher.fetch()
    first = fetcher.service.data_requests[0]
    assert first.pop("uid") == "0xKEY"
    assert first == {
        "time": "2024-01,2024-03",
        "geography": "E06000015,E06000016",
        "sex": "5,6",
        "item": "1,2",
        "measures": "20100",
        "select": "DATE,GEOGRAPHY_CODE,SEX,ITEM,MEASURES,OBS_VALUE,OBS_STATUS,RECORD_OFFSET,RECORD_COUNT",
        "RecordOffset": "0",
        "RecordLimit": "10",
    }
    assert reader.facts["latest"] == "2024-03"
    manifest = Path(fetcher.home, "archive", reader.path, "manifest.json").read_text(encoding="utf-8")
    assert "latest" not in reader.answers[0].request.url and "time=2024-01,2024-03" in manifest
    assert "0xKEY" not in manifest and "uid" not in manifest


@pytest.mark.parametrize(("uid", "limit"), [(None, "7"), (SecretStr("0xKEY"), "50")])
def test_a_guest_asks_for_smaller_pages_than_a_key_holder(
    fetcher: Fetcher, uid: SecretStr | None, limit: str
) -> None:
    fetcher.changes = {"nomis_uid": uid, "nomis_page_size": 7, "nomis_keyed_page_size": 50}
    delivery = Archive(fetcher.settings.archive).new_delivery("nomis_stub")
    Nomis(fetcher.settings).fetch(fetcher.definition, delivery)
    assert fetcher.service.data_requests[0]["RecordLimit"] == limit
    assert fetcher.values(delivery.finish()) == ALL


def test_months_that_are_not_all_months_are_listed(fetcher: Fetcher) -> None:
    fetcher.service.rows = [row for row in stub.table() if row[0] != "2024-02"]
    fetcher.fetch(stub.definition(periods={"from": "2024-01", "to": "latest", "months": [1, 3]}))
    assert fetcher.service.data_requests[0]["date"] == "2024-01,2024-03"


def test_no_period_of_those_wanted_is_refused(fetcher: Fetcher) -> None:
    with pytest.raises(RefusedError, match=r"2024-01 to 2024-03[\s\S]*2030-01 to latest"):
        fetcher.fetch(stub.definition(periods={"from": "2030-01"}))


def test_a_state_is_one_small_request_and_tells_when_something_is_new(fetcher: Fetcher) -> None:
    states = []
    for change in (lambda s: None, lambda s: None, revised, one_month_more):
        change(fetcher.service)
        fetcher.service.requests.clear()
        states.append(fetcher.provider().state(fetcher.definition))
        assert fetcher.service.paths() == ["NM_999_1.overview.json"]
    assert states[0] == states[1]
    assert len({state.fingerprint for state in states}) == 3
    assert [str(state.newest_period) for state in states] == ["2024-03-01"] * 3 + ["2024-04-01"]
    # 7 am in London on 16 April is 6 am UTC: summer time.
    assert states[0].released_at is not None
    assert states[0].released_at.isoformat() == "2024-04-16T06:00:00+00:00"


def revised(service: stub.Service) -> None:
    service.revision = "2024-05-14 07:00:00"


def one_month_more(service: stub.Service) -> None:
    service.periods.append("2024-04")


def test_code_lists_are_asked_once_while_nothing_changes(fetcher: Fetcher) -> None:
    fetcher.fetch()
    lists = {"def.sdmx.json", "sex.def.sdmx.json", "item.def.sdmx.json", "measures.def.sdmx.json"}
    assert lists <= set(fetcher.service.paths())
    fetcher.service.requests.clear()
    fetcher.fetch()
    assert lists.isdisjoint(fetcher.service.paths())
    revised(fetcher.service)
    fetcher.fetch()
    assert lists <= set(fetcher.service.paths())


def test_demonstration_is_known_by_the_address(fetcher: Fetcher) -> None:
    assert fetcher.provider().origin() == "demonstration"  # loopback
    elsewhere = stub.settings_for(fetcher.home, "https://www.nomisweb.co.uk/api/v01")
    assert Nomis(elsewhere).origin() == "official"


# --- before anything is asked -----------------------------------------------------------------------------


def test_an_unknown_code_is_an_error_before_any_cell_is_asked(fetcher: Fetcher) -> None:
    source = {
        "dataset": "NM_999_1",
        "select": {"sex": [5, 6], "item": [1, 22]},
        "measures": {
            "20100": {"role": "value", "unit": "people"},
            "20999": {"role": "numerator", "unit": "jobs"},
        },
    }
    with pytest.raises(DefinitionError) as caught:
        fetcher.fetch(stub.definition(source=source))
    text = str(caught.value)
    assert "NM_999_1, dimension item: 22 is not a code of NOMIS; near: 2 (Code 2)" in text
    assert "NM_999_1, dimension measures: 20999 is not a code of NOMIS; near: 20100 (Code 20100)" in text
    assert text.startswith("nomis_stub: ")
    assert fetcher.service.data_requests == []


def test_an_unknown_code_that_may_be_absent_is_left_out(fetcher: Fetcher) -> None:
    fetcher.service.codes["item"] = ["1"]
    fetcher.service.rows = [row for row in stub.table() if row[3] == "1"]
    fetcher.definition = stub.definition(may_be_absent=[{"select": {"item": [2]}, "reason": "discontinued"}])
    assert len(fetcher.values(fetcher.fetch())) == 12
    assert fetcher.service.data_requests[0]["item"] == "1"


def test_a_dimension_that_is_not_pinned_and_one_that_is_not_there_are_named(fetcher: Fetcher) -> None:
    fetcher.service.dimensions = ["GEOGRAPHY", "SEX", "ITEMS", "AGE", "MEASURES", "FREQ"]
    with pytest.raises(DefinitionError) as caught:
        fetcher.fetch()
    assert "NM_999_1 has no dimension item; near: items" in str(caught.value)
    assert "NM_999_1 has a dimension age that is not pinned" in str(caught.value)


def test_an_unknown_dataset_is_refused(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher.service, "document", lambda _: {"overview": None})
    with pytest.raises(RefusedError, match="NOMIS does not describe NM_999_1"):
        fetcher.fetch()


def test_an_overview_that_is_an_error_is_refused(fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetcher.service, "document", lambda _: {"error": "Cannot create query"})
    with pytest.raises(RefusedError, match="Cannot create query"):
        fetcher.provider().state(fetcher.definition)


# --- answers that must not be believed --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (stub.body(b""), r"an empty body \(0 bytes\)"),
        (
            stub.body(b"<!DOCTYPE html><html>Nomis API help</html>", "text/html"),
            "an HTML page instead of a table",
        ),
        (
            stub.body(b'{"error":"Cannot create query"}', "application/json"),
            "JSON instead of a table: Cannot c",
        ),
        (stub.body(stub.csv([])), "a header and no row"),
        (
            stub.changed(lambda right: right.replace(b"OBS_VALUE", b"VALUE")),
            "missing OBS_VALUE; not expected: VALUE",
        ),
        (stub.changed(lambda right: right.replace(b'"OBS_STATUS",', b"")), "missing OBS_STATUS"),
        (stub.changed(lambda right: right.replace(b'"ITEM"', b'"ITEM","FREQ"')), "not expected: FREQ"),
        (stub.changed(lambda right: b"\xef\xbb\xbf" + right), "a byte order mark"),
        (stub.changed(lambda right: right.replace(b"E06000015", b"E0600\xe9")), "not UTF-8"),
        (stub.changed(lambda right: right[:-9]), "the last line is not ended"),
        (stub.changed(lambda right: right.replace(b",24\n", b",many\n")), "not a number"),
    ],
)
@pytest.mark.parametrize("page", [0, 2])
def test_a_page_that_is_no_such_table_is_refused_and_kept_to_look_at(
    fetcher: Fetcher, wrong: stub.Misbehaviour, words: str, page: int
) -> None:
    fetcher.service.script.extend([*[None] * page, wrong])
    with pytest.raises(RefusedError, match=words) as caught:
        fetcher.fetch()
    text = str(caught.value)
    assert "nomis_stub, request http://127.0.0.1" in text and f"RecordOffset={page * 10}" in text
    assert "got:" in text and "expected:" in text and "next:" in text and "0xKEY" not in text
    assert len(list(fetcher.home.glob("archive/nomis_stub/*/*.csv"))) == page + 1


def test_an_answer_cut_off_short_is_fetched_to_its_end(fetcher: Fetcher) -> None:
    fetcher.service.guest_limit = 7  # whatever is asked, no more than 7 rows come, and status 200
    assert fetcher.values(fetcher.fetch()) == ALL
    assert [request["RecordOffset"] for request in fetcher.service.data_requests] == ["0", "7", "14", "21"]


def test_a_record_count_that_is_never_reached_is_refused(fetcher: Fetcher) -> None:
    fetcher.service.script.extend([None, None, stub.body(stub.csv([]))])
    with pytest.raises(RefusedError, match="a header and no row at RECORD_OFFSET 20"):
        fetcher.fetch()


def test_more_rows_than_record_count_are_refused(fetcher: Fetcher) -> None:
    fetcher.service.script.append(stub.body(stub.csv(stub.table()[:10], count=5)))
    with pytest.raises(RefusedError, match="more rows than RECORD_COUNT 5 says"):
        fetcher.fetch()


def test_the_same_page_again_is_refused(fetcher: Fetcher) -> None:
    fetcher.service.script.extend([None, stub.body(stub.csv(stub.table()[:10], count=24))])
    with pytest.raises(RefusedError, match="RECORD_OFFSET 0 to 9 in 10 rows, where 10 to 19 should be"):
        fetcher.fetch()


def test_a_release_in_the_middle_begins_the_fetch_anew(fetcher: Fetcher) -> None:
    old = stub.csv(stub.table()[:10], count=20)
    fetcher.service.script.append(stub.body(old))
    reader = fetcher.fetch()
    assert [request["RecordOffset"] for request in fetcher.service.data_requests] == [
        "0",
        "10",
        "0",
        "10",
        "20",
    ]
    assert fetcher.values(reader) == ALL


def test_a_record_count_that_keeps_changing_is_refused(fetcher: Fetcher) -> None:
    for count in (30, 31, 32, 33):
        fetcher.service.script.extend([stub.body(stub.csv(stub.table()[:10], count=count)), None])
    with pytest.raises(RefusedError, match="RECORD_COUNT changes from page to page"):
        fetcher.fetch()
    assert len(fetcher.service.data_requests) == 8


@pytest.mark.parametrize(
    "broken",
    [stub.reset_in_the_middle, stub.wrong_length, stub.truncated_gzip, stub.status(429), stub.status(504)],
)
def test_a_page_that_breaks_off_is_asked_again_and_no_other(
    fetcher: Fetcher, broken: stub.Misbehaviour
) -> None:
    fetcher.service.script.extend([None, broken])
    assert fetcher.values(fetcher.fetch()) == ALL
    assert [request["RecordOffset"] for request in fetcher.service.data_requests] == ["0", "10", "10", "20"]


def test_a_slow_server_fails_in_time_and_leaves_what_came(fetcher: Fetcher) -> None:
    fetcher.changes = {"read_timeout_seconds": 0.1, "retry_attempts": 2}
    fetcher.service.script.extend([None, stub.silence(0.3), stub.silence(0.3)])
    with pytest.raises(FetchError, match="in 2 attempts"):
        fetcher.fetch()
    assert len(list(fetcher.home.glob("archive/nomis_stub/*/*.csv"))) == 1


def test_the_next_run_goes_on_at_the_failed_page(fetcher: Fetcher) -> None:
    fetcher.service.script.extend([None, None, *[stub.status(500)] * 3])
    with pytest.raises(FetchError, match="status 500"):
        fetcher.fetch()
    fetcher.service.requests.clear()
    assert fetcher.values(fetcher.fetch()) == ALL
    # Page 2 is asked again to see that RECORD_COUNT still holds; page 1 is not.
    assert [request["RecordOffset"] for request in fetcher.service.data_requests] == ["10", "20"]


def test_pages_of_an_older_state_are_not_gone_on_from(fetcher: Fetcher) -> None:
    fetcher.service.script.extend([None, None, *[stub.status(500)] * 3])
    with pytest.raises(FetchError):
        fetcher.fetch()
    revised(fetcher.service)
    fetcher.service.rows = stub.table(lambda n: str(900 + n))
    fetcher.service.requests.clear()
    assert fetcher.values(fetcher.fetch()) == [900.0 + n for n in range(24)]
    assert fetcher.service.data_requests[0]["RecordOffset"] == "0"


def test_a_record_count_that_changed_meanwhile_begins_anew(fetcher: Fetcher) -> None:
    fetcher.service.script.extend([stub.body(stub.csv(stub.table()[:10], count=23)), *[stub.status(500)] * 3])
    with pytest.raises(FetchError):
        fetcher.fetch()
    assert fetcher.values(fetcher.fetch()) == ALL


# --- many areas -------------------------------------------------------------------------------------------


def test_only_runs_without_a_gap_become_ranges() -> None:
    codes = (
        "E01000009",
        "E01000010",
        "E01000011",
        "E01000013",
        "E01000014",
        "W01000015",
        "W01000016",
        "W01000017",
    )
    assert compressed(codes) == ["E01000009...E01000011", "E01000013", "E01000014", "W01000015...W01000017"]
    assert compressed(("E01000001",)) == ["E01000001"]
    assert compressed(("E01999999", "E02000000")) == [
        "E01999999",
        "E02000000",
    ]  # no range across letters and digits


def test_a_long_list_of_areas_goes_as_a_form_without_the_key_in_the_manifest(
    fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    areas = tuple(f"E01{n:06d}" for n in range(10_000, 11_000, 3))  # gaps: no range is exact
    rows = [[day, area, "5", "1", "20100", "5", "A"] for day in stub.PERIODS for area in areas]
    fetcher.service.rows = rows
    fetcher.changes = {"nomis_page_size": 25_000}
    monkeypatch.setattr("ingest.providers.nomis.area_codes", lambda _: areas)
    source = {
        "dataset": "NM_999_1",
        "select": {"sex": 5, "item": 1},
        "measures": {"20100": {"role": "value", "unit": "people"}},
    }
    fetcher.definition = stub.definition(source=source)
    reader = fetcher.fetch()
    assert len(fetcher.values(reader)) == len(rows)
    method, _, parameters = fetcher.service.requests[-1]
    assert method == "POST" and parameters["geography"] == ",".join(areas) and parameters["uid"] == "0xKEY"
    request = reader.answers[0].request
    assert request.method == "POST" and request.body.startswith("time=2024-01,2024-03&geography=E01010000,")
    assert "0xKEY" not in json.dumps(reader.answers[0].to_json())
