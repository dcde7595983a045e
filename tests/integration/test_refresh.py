"""One dataset, night after night: what is loaded, what is recorded, and how a bad night heals by itself."""

from __future__ import annotations

import errno
import itertools
import logging
import multiprocessing
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import url2pathname

import nomis_stub as stub
import pytest
from fsspec.implementations.local import LocalFileSystem
from pydantic import SecretStr

from ingest.archive import DeliveryReader
from ingest.definitions import Definition
from ingest.providers.nomis import Nomis
from ingest.refresh import DeliveryReport, refresh_dataset
from ingest.rows import ParsedPage
from planmark import database
from planmark.database import Role
from planmark.errors import (
    ArchiveError,
    DatabaseError,
    DefinitionError,
    FetchError,
    PlanmarkError,
    RefusedError,
)
from planmark.settings import Settings

KEY = "0x5ecre7key"
_numbers = itertools.count(1)


class Nights:
    """A dataset of its own in the warehouse, and a small NOMIS that it is refreshed from."""

    def __init__(self, warehouse: Settings, service: stub.Service, base: str) -> None:
        self.service = service
        self.dataset_id = f"nomis_stub_{next(_numbers)}"
        self.definition: Definition = self.defined()
        self.settings = warehouse.model_copy(
            update={
                "nomis_url": base,
                "nomis_uid": SecretStr(KEY),
                "nomis_keyed_page_size": 10,
                "retry_attempts": 2,
                "retry_first_wait_seconds": 0,
                "read_timeout_seconds": 2,
            }
        )

    def defined(self, **changes: Any) -> Definition:
        return stub.definition(id=self.dataset_id, **changes)

    def refresh(self, **options: Any) -> DeliveryReport:
        definitions = {self.definition.id: self.definition}
        return refresh_dataset(self.settings, self.definition.id, definitions=definitions, **options)

    def query(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        with database.connect(self.settings, Role.ADMIN) as connection:
            return connection.execute(text.encode(), values).fetchall()

    def current(self) -> list[float | None]:
        """Current values in the order of the stub's table."""
        rows = self.query(
            "select value from raw.observations join raw.series using (series_id) "
            "where valid_to = 'infinity' and dataset_id = %s "
            "order by period_start, area_code desc, dimensions ->> 'sex', dimensions ->> 'item'",
            self.dataset_id,
        )
        return [row[0] for row in rows]

    def versions(self) -> int:
        rows = self.query(
            "select count(*) from raw.observations join raw.series using (series_id) where dataset_id = %s",
            self.dataset_id,
        )
        return int(rows[0][0])

    def delivery(self, number: int = -1) -> dict[str, Any]:
        with database.connect(self.settings, Role.ADMIN) as connection:
            cursor = connection.execute(
                "select * from raw.deliveries where dataset_id = %s order by delivery_id", (self.dataset_id,)
            )
            names = [column.name for column in cursor.description or ()]
            return dict(zip(names, cursor.fetchall()[number], strict=True))

    @property
    def archive(self) -> Path:
        return Path(url2pathname(self.settings.archive.removeprefix("file://"))) / self.definition.id

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.archive.iterdir()) if self.archive.exists() else []


@pytest.fixture()
def nights(module_warehouse: Settings) -> Iterator[Nights]:
    with stub.serving() as (service, base):
        yield Nights(module_warehouse, service, base)


ALL = [100.0 + n for n in range(stub.CELLS)]


def test_the_first_night_loads_everything_and_records_it(nights: Nights) -> None:
    report = nights.refresh(run_id="night 1")
    assert (report.outcome, report.fetched, report.inserted, report.origin) == (
        "loaded",
        24,
        24,
        "demonstration",
    )
    assert nights.current() == ALL
    row = nights.delivery()
    assert row["outcome"] == "loaded" and row["run_id"] == "night 1" and row["origin"] == "demonstration"
    assert (row["rows_fetched"], row["rows_inserted"], row["rows_rejected"]) == (24, 24, 0)
    assert str(row["newest_period"]) == "2024-03-01"
    assert row["released_at"].isoformat() == "2024-04-16T06:00:00+00:00"
    assert row["loaded_at"] > row["released_at"]
    assert len(row["requests"]) == 3 and all(request["status"] == 200 for request in row["requests"])
    assert row["content_bytes"] == sum(request["bytes"] for request in row["requests"])
    assert nights.kept() == [row["archive_path"].split("/")[1]]


def test_a_night_on_which_nothing_is_new_costs_one_small_request_and_writes_nothing(nights: Nights) -> None:
    nights.refresh()
    nights.service.requests.clear()
    report = nights.refresh()
    assert (report.outcome, report.fetched) == ("unchanged", 0)
    assert nights.service.paths() == ["NM_999_1.overview.json"]
    assert nights.versions() == 24
    assert nights.delivery()["outcome"] == "unchanged" and nights.delivery()["error"] is None


def test_a_revision_opens_a_new_version_and_keeps_the_old(nights: Nights) -> None:
    nights.refresh()
    nights.service.revision = "2024-05-14 07:00:00"
    nights.service.rows[5][5] = "777"
    report = nights.refresh()
    assert (report.outcome, report.revised, report.unchanged, report.inserted) == ("loaded", 1, 23, 0)
    assert nights.current() == [*ALL[:5], 777.0, *ALL[6:]]
    assert nights.versions() == 25


def test_the_same_bytes_again_are_not_loaded_and_not_kept_twice(nights: Nights) -> None:
    nights.refresh()
    first = nights.kept()
    report = nights.refresh(force=True)
    assert (report.outcome, report.why) == ("unchanged", "the same bytes again")
    assert (report.fetched, report.unchanged) == (24, 24)
    assert nights.kept() == first and nights.versions() == 24
    assert nights.delivery()["archive_path"] == nights.delivery(0)["archive_path"]


def test_other_bytes_with_the_same_values_write_nothing(nights: Nights) -> None:
    nights.refresh()
    nights.service.rows[5][5] = "105.0"  # was 105
    report = nights.refresh(force=True)
    assert (report.outcome, report.unchanged, nights.versions()) == ("unchanged", 24, 24)


def test_what_the_provider_promises_is_believed_for_some_days_only(nights: Nights) -> None:
    nights.refresh()
    nights.service.rows[5][5] = "777"  # revised without a word
    assert nights.refresh().outcome == "unchanged"
    with database.connect(nights.settings, Role.ADMIN) as connection:
        connection.execute(
            "update raw.deliveries set started_at = started_at - %s where dataset_id = %s",
            (timedelta(days=8), nights.dataset_id),
        )
    assert nights.refresh().revised == 1


def test_a_changed_definition_is_loaded_anew(nights: Nights) -> None:
    nights.refresh()
    nights.definition = nights.defined(rounding=5)
    nights.service.requests.clear()
    nights.refresh()
    assert nights.service.data_requests


def test_an_unknown_dataset_is_named_with_its_neighbours(nights: Nights) -> None:
    definitions = {nights.definition.id: nights.definition}
    with pytest.raises(DefinitionError, match=r"nomis_stup[\s\S]*nomis_stub_[\s\S]*planmark datasets list"):
        refresh_dataset(nights.settings, "nomis_stup", definitions=definitions)


# --- bad nights -------------------------------------------------------------------------------------------


def value(number: int, text: str) -> stub.Misbehaviour:
    rows = stub.table()
    rows[number][5] = text
    return stub.body(stub.csv(rows[:10], count=24))


def without_area(handler: stub.Handler, _: bytes) -> None:
    handler.send(stub.csv(row for row in stub.table() if row[1] == "E06000016"))


def total_instead(handler: stub.Handler, _: bytes) -> None:
    handler.send(stub.csv([*row[:3], "0", *row[4:]] for row in stub.table()))


def twice(handler: stub.Handler, _: bytes) -> None:
    handler.send(stub.csv([*stub.table(), stub.table()[3]]))


REFUSED = {
    "empty body": stub.body(b""),
    "html": stub.body(b"<html>sorry</html>", "text/html"),
    "json error": stub.body(b'{"error":"Cannot create query"}', "application/json"),
    "header only": stub.body(stub.csv([])),
    "header changed": stub.changed(lambda right: right.replace(b"OBS_STATUS", b"STATUS")),
    "not UTF-8": stub.changed(lambda right: right.replace(b"E06000015", b"\xff\xfe0000015")),
    "NaN": value(3, "NaN"),
    "Infinity": value(3, "Infinity"),
    "1e400": value(3, "1e400"),
    "n/a": value(3, "n/a"),
    "negative": value(3, "-1"),
    "empty but normal": value(3, ""),
    "an area missing": without_area,
    "unknown code answered by the total": total_instead,
    "the same cell twice": twice,
}
FAILED = {
    "500": stub.status(500),
    "429": stub.status(429),
    "reset": stub.reset_in_the_middle,
    "wrong length": stub.wrong_length,
    "truncated gzip": stub.truncated_gzip,
    "redirects": stub.endless_redirect,
}


@pytest.mark.parametrize("name", [*REFUSED, *FAILED])
def test_a_bad_night_keeps_the_last_good_version_and_the_next_night_heals(nights: Nights, name: str) -> None:
    nights.refresh()
    nights.service.revision = "2024-05-14 07:00:00"
    nights.service.rows = stub.table(lambda n: str(200 + n))
    nights.service.always = REFUSED.get(name) or FAILED[name]
    with pytest.raises(RefusedError if name in REFUSED else FetchError) as caught:
        nights.refresh()
    assert nights.current() == ALL and nights.versions() == 24
    row = nights.delivery()
    assert row["outcome"] == ("refused" if name in REFUSED else "failed")
    assert row["finished_at"] is not None and row["error"] == str(caught.value)
    assert row["rows_fetched"] == row["rows_rejected"]
    for told in (nights.dataset_id, "got:", "next:"):
        assert told in row["error"]
    assert KEY not in row["error"] and KEY not in str(row["requests"])

    nights.service.always = None
    assert nights.refresh().revised == 24
    assert nights.current() == [200.0 + n for n in range(24)]


def test_faulty_rows_are_kept_with_their_reason_and_the_answers_to_look_at(nights: Nights) -> None:
    nights.service.rows[3][5], nights.service.rows[12][5] = "NaN", "-7"
    with pytest.raises(
        RefusedError, match=r"2 of 24 rows are faulty[\s\S]*answer 1, row 4: 'NaN' in OBS_VALUE"
    ):
        nights.refresh()
    row = nights.delivery()
    assert (row["outcome"], row["rows_fetched"], row["rows_rejected"]) == ("refused", 24, 24)
    kept = nights.query(
        "select request_number, row_number, column_name, found, content from raw.rejected_rows "
        "where delivery_id = %s",
        row["delivery_id"],
    )
    assert sorted(kept) == [
        (1, 4, "OBS_VALUE", "NaN", '"2024-01","E06000016","6","2","20100",NaN,"A",3,24'),
        (2, 3, "OBS_VALUE", "-7", '"2024-02","E06000015","5","1","20100",-7,"A",12,24'),
    ]
    assert nights.kept() == [row["archive_path"].split("/")[1]]
    assert nights.versions() == 0


def test_a_dataset_that_fails_does_not_stop_another(nights: Nights) -> None:
    bad = stub.definition(id="nomis_bad")
    nights.service.script.append(stub.body(b""))
    with pytest.raises(RefusedError):
        refresh_dataset(nights.settings, "nomis_bad", definitions={"nomis_bad": bad})
    assert nights.refresh().outcome == "loaded"


def test_too_few_rows_or_too_old_ones_are_refused_at_the_door(nights: Nights) -> None:
    nights.definition = nights.defined(door={"rows_at_least": 25, "newest_period_at_least": "2024-05"})
    with pytest.raises(RefusedError) as caught:
        nights.refresh()
    assert "24 rows, at least 25 expected" in str(caught.value)
    assert "the newest period ends 2024-03-31, 2024-05-01 or later expected" in str(caught.value)
    assert nights.versions() == 0


def test_the_next_run_of_the_night_asks_only_for_what_is_missing(nights: Nights) -> None:
    nights.service.script.extend([None, None, stub.status(503), stub.status(503)])
    with pytest.raises(FetchError):
        nights.refresh()
    nights.service.requests.clear()
    assert nights.refresh().inserted == 24
    assert [request["RecordOffset"] for request in nights.service.data_requests] == ["10", "20"]
    assert len(nights.kept()) == 1


class BreaksInParsing(Nomis):
    """After the first page somebody ends every connection of the loader: the database is gone."""

    def __init__(self, nights: Nights) -> None:
        super().__init__(nights.settings)
        self._nights = nights

    def parse(self, definition: Definition, delivery: DeliveryReader) -> Iterator[ParsedPage]:
        for number, page in enumerate(super().parse(definition, delivery)):
            if number == 1:
                self._nights.query(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = current_database() and usename = 'planmark_loader'"
                )
            yield page


def test_the_database_gone_in_the_middle_of_a_load(nights: Nights) -> None:
    nights.refresh()
    nights.service.revision = "2024-05-14 07:00:00"
    nights.service.rows = stub.table(lambda n: str(200 + n))
    with pytest.raises(DatabaseError, match="nothing was loaded"):
        nights.refresh(provider=BreaksInParsing(nights))
    assert nights.current() == ALL and nights.versions() == 24
    assert nights.delivery()["outcome"] == "failed"
    assert nights.refresh().revised == 24
    assert nights.current() == [200.0 + n for n in range(24)]
    assert len(nights.kept()) == 2  # one for each accepted delivery, none for the broken one


def test_a_refresh_that_was_killed_is_closed_by_the_next(nights: Nights) -> None:
    with database.connect(nights.settings, Role.LOADER) as connection:
        connection.execute(
            "insert into raw.deliveries (dataset_id, provider, origin) values (%s, 'nomis', 'official')",
            (nights.dataset_id,),
        )
    assert nights.refresh().outcome == "loaded"
    first = nights.delivery(0)
    assert first["outcome"] == "failed" and "cut off" in first["error"] and first["finished_at"] is not None


def test_a_kill_in_the_middle_of_a_fetch_heals(nights: Nights) -> None:
    in_fetch, go_on = threading.Event(), threading.Event()

    def held(handler: stub.Handler, right: bytes) -> None:
        in_fetch.set()
        go_on.wait(10)
        handler.close_connection = True

    nights.service.script.extend([None, None, held])
    child = multiprocessing.get_context("fork").Process(target=nights.refresh)
    child.start()
    assert in_fetch.wait(20)
    child.kill()
    child.join()
    go_on.set()
    assert nights.delivery()["outcome"] == "running"
    nights.service.requests.clear()
    assert nights.refresh().inserted == 24
    assert [request["RecordOffset"] for request in nights.service.data_requests] == ["10", "20"]
    assert nights.delivery(0)["outcome"] == "failed" and nights.current() == ALL
    assert len(nights.kept()) == 1


def test_a_full_disk_is_told_and_leaves_nothing_behind(
    nights: Nights, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_open = LocalFileSystem.open

    class FullDisk:
        def __init__(self, file: Any) -> None:
            self.close = file.close

        def write(self, _: bytes) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LocalFileSystem, "open", lambda *args, **kw: FullDisk(real_open(*args, **kw)))
        with pytest.raises(ArchiveError, match="No space left on device"):
            nights.refresh()
    assert nights.delivery()["outcome"] == "failed" and nights.kept() == [] and nights.versions() == 0
    assert nights.refresh().outcome == "loaded"


def test_two_refreshes_at_once_the_second_waits_and_nothing_is_mixed(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    in_fetch, go_on = threading.Event(), threading.Event()

    def held(handler: stub.Handler, right: bytes) -> None:
        in_fetch.set()
        go_on.wait(10)
        handler.send(right)

    nights.service.script.append(held)
    reports: list[DeliveryReport] = []
    threads = [threading.Thread(target=lambda: reports.append(nights.refresh())) for _ in range(2)]
    with caplog.at_level(logging.WARNING):
        threads[0].start()
        assert in_fetch.wait(10)
        threads[1].start()
        while "another refresh of it is running; waiting" not in caplog.text and threads[1].is_alive():
            threads[1].join(0.05)
        go_on.set()
        for thread in threads:
            thread.join(20)
    assert "another refresh of it is running; waiting" in caplog.text
    assert [report.outcome for report in reports] == ["loaded", "unchanged"]
    assert nights.current() == ALL and nights.versions() == 24


def test_waiting_for_another_refresh_ends(nights: Nights) -> None:
    nights.settings = nights.settings.model_copy(update={"dataset_deadline_seconds": 0.3})
    with database.connect(nights.settings, Role.LOADER) as other:
        other.execute(
            "select pg_advisory_lock(hashtext('planmark_refresh'), hashtext(%s))", (nights.dataset_id,)
        )
        with pytest.raises(FetchError, match="another refresh of it is still running"):
            nights.refresh()


def test_the_key_is_nowhere_in_what_is_kept(nights: Nights) -> None:
    def unkind(handler: stub.Handler, _: bytes) -> None:
        handler.send(f"Error: {handler.path}".encode(), "text/plain", 400)

    nights.refresh()
    nights.service.revision = "2024-05-14 07:00:00"
    nights.service.always = unkind
    with pytest.raises(PlanmarkError):
        nights.refresh()
    assert nights.service.data_requests[-1]["uid"] == KEY  # it was sent
    told = str(nights.delivery()) + str(nights.delivery(0))
    files = [path for path in nights.archive.rglob("*") if path.is_file()]
    caches = list((nights.settings.home / "codelists").rglob("*.json"))
    assert "uid=***" in told and KEY not in told
    assert files and caches
    assert all(KEY.encode() not in path.read_bytes() for path in [*files, *caches])
