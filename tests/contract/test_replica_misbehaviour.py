"""The replica misbehaves on request: each kind does what its name says, as often as asked, and no more."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPConnection, IncompleteRead

import pytest
from replica_http import TODAY, Got, data, get

from ingest.replica.misbehaviour import KINDS
from ingest.replica.server import Handle, serve

PATH = "/api/v01/dataset/NM_162_1.data.csv"
QUERY = {
    "geography": "E06000016,E06000015",
    "gender": "0,1,2",
    "age": 0,
    "measure": "1,2",
    "measures": "20100,20301",
    "date": "2026-01,2026-02",
}
COUNT = 48  # two dates, two areas, three genders, two measures, two MEASURES


@pytest.fixture()
def replica() -> Iterator[Handle]:
    with serve(today=TODAY) as handle:
        yield handle


def ask(replica: Handle, **more: object) -> Got:
    return data(replica.url, "NM_162_1", **QUERY, **more)


def spoilt(replica: Handle, kind: str, **more: object) -> tuple[Got, Got]:
    """Return the answer as it should be, and the same one misbehaving."""
    right = ask(replica, **more)
    replica.misbehave(kind)
    wrong = ask(replica, **more)
    assert ask(replica, **more).body == right.body, "it should misbehave once only"
    return right, wrong


def test_empty_html_and_json_with_status_200(replica: Handle) -> None:
    assert spoilt(replica, "0-byte")[1].body == b""
    page = spoilt(replica, "html")[1]
    assert (page.status, page.text[:9]) == (200, "<!DOCTYPE")
    error = spoilt(replica, "json-error-200")[1]
    assert (error.status, error.json) == (200, {"error": "Cannot create query"})


def test_header_only(replica: Handle) -> None:
    right, wrong = spoilt(replica, "header-only")
    assert wrong.lines == right.lines[:1]


def test_columns_renamed_dropped_added(replica: Handle) -> None:
    right, wrong = spoilt(replica, "header-changed")
    assert wrong.lines[0] == right.lines[0].replace('"OBS_VALUE"', '"OBSERVATION"')
    assert wrong.lines[1:] == right.lines[1:]
    right, wrong = spoilt(replica, "missing-column")
    assert list(wrong.rows[0]) == [name for name in right.rows[0] if name != "OBS_STATUS"]
    right, wrong = spoilt(replica, "extra-column")
    assert list(wrong.rows[0]) == [*right.rows[0], "OBS_NOTE"]
    assert len(wrong.rows) == COUNT


def test_counts_that_change_or_are_not_reached(replica: Handle) -> None:
    right, wrong = spoilt(replica, "record-count-changes")
    assert set(right.column("RECORD_COUNT")) == {str(COUNT)}
    assert set(wrong.column("RECORD_COUNT")) == {str(COUNT + 7)}
    right, wrong = spoilt(replica, "record-count-not-reached")
    assert wrong.lines == right.lines[:-1]
    right, wrong = spoilt(replica, "cut")
    assert wrong.lines == right.lines[: 1 + COUNT // 2]


def test_unknown_codes_as_total_and_a_dropped_measure(replica: Handle) -> None:
    wrong = spoilt(replica, "unknown-codes-as-total")[1]
    assert set(wrong.column("GENDER")) == {"0"} and len(wrong.rows) == COUNT
    wrong = spoilt(replica, "dropped-measure")[1]
    assert set(wrong.column("MEASURES")) == {"20100"}
    assert set(wrong.column("RECORD_COUNT")) == {str(COUNT // 2)}


def test_a_key_that_comes_twice(replica: Handle) -> None:
    right, wrong = spoilt(replica, "duplicate-keys")
    key = ("DATE", "GEOGRAPHY", "GENDER", "AGE", "MEASURE", "MEASURES")
    keys = [tuple(row[name] for name in key) for row in wrong.rows]
    assert len(set(keys)) == COUNT - 1
    assert wrong.column("RECORD_OFFSET") == right.column("RECORD_OFFSET")


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e400", "n/a", "-1", "101"])
def test_values_that_are_no_observations(replica: Handle, value: str) -> None:
    right, wrong = spoilt(replica, f"bad-value:{value}")
    assert wrong.column("OBS_VALUE") == [value, *right.column("OBS_VALUE")[1:]]
    assert f",{value}," in wrong.lines[1]  # bare, as numbers are


def test_an_unknown_status(replica: Handle) -> None:
    assert spoilt(replica, "unknown-status")[1].column("OBS_STATUS")[0] == "Z9"
    assert spoilt(replica, "unknown-status:~")[1].column("OBS_STATUS")[0] == "~"


def test_bytes_that_are_no_utf8_and_a_bom(replica: Handle) -> None:
    wrong = spoilt(replica, "non-utf8")[1]
    with pytest.raises(UnicodeDecodeError):
        wrong.body.decode()
    right, wrong = spoilt(replica, "bom")
    assert wrong.body == b"\xef\xbb\xbf" + right.body


def test_a_gzip_that_ends_early(replica: Handle) -> None:
    wrong = spoilt(replica, "truncated-gzip")[1]
    assert wrong.headers["Content-Encoding"] == "gzip"
    assert wrong.body[:2] == b"\x1f\x8b"

    with pytest.raises(EOFError):
        gzip.decompress(wrong.body)


def test_a_length_that_is_not_kept(replica: Handle) -> None:
    replica.misbehave("wrong-length")
    with pytest.raises(IncompleteRead):
        ask(replica)


def test_a_reset_in_the_middle_of_a_page(replica: Handle) -> None:
    replica.misbehave("reset-mid-page")
    with pytest.raises((ConnectionResetError, IncompleteRead)):
        ask(replica)
    assert len(ask(replica).rows) == COUNT


def test_a_slow_answer(replica: Handle) -> None:
    replica.misbehave("slow:0.4")
    start = time.monotonic()
    assert len(ask(replica).rows) == COUNT
    assert time.monotonic() - start >= 0.4


def test_closing_does_not_wait_for_a_slow_answer() -> None:
    handle = serve(today=TODAY)
    handle.misbehave("slow:60")
    connection = HTTPConnection("127.0.0.1", handle.port, timeout=30)
    connection.request("GET", PATH)
    start = time.monotonic()
    handle.close()
    assert time.monotonic() - start < 5
    connection.close()


@pytest.mark.parametrize("status", [429, 500, 502, 504])
def test_statuses(replica: Handle, status: int) -> None:
    wrong = spoilt(replica, str(status))[1]
    assert wrong.status == status
    assert "Retry-After" not in wrong.headers


def test_429_may_say_when_to_come_back(replica: Handle) -> None:
    assert spoilt(replica, "429:2")[1].headers["Retry-After"] == "2"


def test_an_endless_redirect(replica: Handle) -> None:
    replica.misbehave("redirect-loop", times=None)
    with pytest.raises(urllib.request.HTTPError, match="redirect"):
        urllib.request.urlopen(replica.url + PATH + "?date=latest", timeout=10)
    replica.misbehave("none")
    assert len(ask(replica).rows) == COUNT


def test_a_revision_at_the_source_lasts_until_cleared(replica: Handle) -> None:
    query = {"geography": "1778384912TYPE298", "gender": 0, "age": 0, "measure": 1, "measures": 20100}
    query |= {"time": "2024-01,2026-10", "select": "obs_value"}
    before = data(replica.url, "NM_162_1", **query).lines
    replica.misbehave("revise")
    once, again = data(replica.url, "NM_162_1", **query).lines, data(replica.url, "NM_162_1", **query).lines
    assert once == again
    changed = [(old, new) for old, new in zip(before, once, strict=True) if old != new]
    assert len(before) == 1 + 192 * 34
    assert 0.0025 < len(changed) / len(before) < 0.0075  # 0.5 %, give or take three standard deviations
    assert {abs(int(old) - int(new)) for old, new in changed} == {5}
    replica.misbehave("revise")
    assert data(replica.url, "NM_162_1", **query).lines != once
    replica.misbehave("none")
    assert data(replica.url, "NM_162_1", **query).lines == before


def test_a_period_that_vanishes(replica: Handle) -> None:
    query = {"geography": "E06000016", "gender": 0, "age": 0, "measure": 1, "measures": 20100}
    query |= {"select": "date_code"}
    before = data(replica.url, "NM_162_1", **query).lines
    replica.misbehave("vanish")
    assert data(replica.url, "NM_162_1", **query).lines == before[:-1]
    overview = get(replica.url, "/api/v01/dataset/NM_162_1.overview.json", select="Dimension-time,Codes-time")
    assert overview.json["overview"]["dimensions"]["dimension"]["codes"]["code"][-1]["value"] == "2026-09"
    replica.misbehave("vanish:2020-05", path="NM_162_1")
    assert '"2020-05"' not in data(replica.url, "NM_162_1", **query).lines
    replica.misbehave("none")
    assert data(replica.url, "NM_162_1", **query).lines == before


def test_only_answers_that_hold_the_path_misbehave_and_only_so_often(replica: Handle) -> None:
    replica.misbehave("500", times=2, path="recordoffset=24")
    assert ask(replica).status == 200
    assert [ask(replica, RecordOffset=24).status for _ in range(3)] == [500, 500, 200]
    replica.misbehave("504", path="/dataset/NM_162_1.overview")
    assert ask(replica).status == 200
    assert get(replica.url, "/api/v01/dataset/NM_162_1.overview.json").status == 504
    assert [seen.misbehaviour for seen in replica.requests].count("500") == 2


def test_without_a_path_only_data_misbehaves(replica: Handle) -> None:
    replica.misbehave("0-byte")
    assert get(replica.url, "/api/v01/dataset/NM_162_1.overview.json").body
    assert ask(replica).body == b""


def test_the_form_of_a_post_counts_as_its_address(replica: Handle) -> None:
    replica.misbehave("500", path="geography=E06000015")
    form = {"geography": "E06000015", "gender": "0", "age": "0", "date": "latest"}
    assert get(replica.url, PATH, form=form).status == 500
    assert get(replica.url, PATH, form=form).status == 200


def test_local_tables_misbehave_too(replica: Handle) -> None:
    path = "/explore-local-statistics/els_claimant_count_la.csv"
    replica.misbehave("bad-value:n/a")
    right = get(replica.url, path.replace("claimant_count", "none"))
    assert right.status == 404
    replica.misbehave("none")
    replica.misbehave("header-only")
    assert get(replica.url, path).body.count(b"\n") == 1
    replica.misbehave("extra-column")
    assert get(replica.url, path).lines[0].endswith("notes,OBS_NOTE")


def test_misbehaviour_is_asked_for_over_http(replica: Handle) -> None:
    def post(content: object) -> Got:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        request = urllib.request.Request(replica.url + "/_misbehave", data=body)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return Got(answer.status, dict(answer.headers), answer.read())
        except urllib.error.HTTPError as error:
            return Got(error.code, dict(error.headers), error.read())

    assert post({"kind": "0-byte", "times": 2, "path_contains": "NM_162_1"}).json == {"ok": True}
    assert [ask(replica).body == b"" for _ in range(3)] == [True, True, False]
    post({"kind": "500", "times": None})
    assert [ask(replica).status for _ in range(3)] == [500, 500, 500]
    post({"kind": "none"})
    assert ask(replica).status == 200
    for wrong in ({"kind": "unheard-of"}, {"kind": "500", "times": 0}, {}, [], b"{"):
        assert post(wrong).status == 400
    assert "0-byte" in post({"kind": "unheard-of"}).json["error"]


def test_an_unknown_kind_is_refused(replica: Handle) -> None:
    with pytest.raises(ValueError, match="unknown kind"):
        replica.misbehave("unheard-of")


def test_every_kind_is_tried_here() -> None:
    tried = {
        "0-byte", "html", "json-error-200", "header-only", "header-changed", "missing-column", "extra-column",
        "record-count-changes", "record-count-not-reached", "cut", "unknown-codes-as-total", "bad-value",
        "dropped-measure", "duplicate-keys", "unknown-status", "non-utf8", "bom", "truncated-gzip", "slow",
        "wrong-length", "reset-mid-page", "429", "500", "502", "504", "redirect-loop", "revise", "vanish",
    }  # fmt: skip
    assert set(KINDS) == tried


def test_a_connection_is_kept_for_the_next_request(replica: Handle) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", replica.port, timeout=10)
    for _ in range(3):
        connection.request("GET", PATH + "?geography=E06000016&gender=0&age=0&date=latest")
        assert connection.getresponse().read()
    assert isinstance(connection.sock, socket.socket)
    connection.close()
