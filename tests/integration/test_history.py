"""The history of every value: what a load writes, what it leaves alone, and what it refuses.

Each test runs on the embedded PostgreSQL and, where one is installed, on a stock server of the system.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pyarrow as pa
import pytest

from ingest import load, load_rows
from ingest.load import LoadCounts, load_pages, series_id
from ingest.rows import FIXED_COLUMNS, ParsedPage, RejectedRow
from planmark import database, embedded
from planmark.database import Role
from planmark.errors import LoadError, RefusedError
from planmark.settings import Settings, ensure_secrets, load_settings

DATASET = "nomis_claimant_count"
LEICESTER, RUTLAND = "E06000016", "E06000017"
JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)
NIGHTS = [datetime(2026, 11, day, 2, tzinfo=UTC) for day in range(1, 10)]
STOCK = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))


@pytest.fixture(scope="session")
def stock_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A server of the system's own PostgreSQL, started as the embedded one is."""
    if not STOCK:
        pytest.skip("no stock PostgreSQL is installed below /usr/lib/postgresql")
    home = tmp_path_factory.mktemp("stock")
    ensure_secrets(home)
    settings = load_settings(home=home)
    run = embedded._run

    def run_stock(cluster: embedded.Cluster, program: str, *arguments: str) -> None:
        # PostgreSQL before 17 has no locales of its own.
        run(cluster, program, *(argument.replace("=builtin", "=libc") for argument in arguments))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "binaries", lambda: STOCK[-1].parent)
        patch.setattr(embedded, "_run", run_stock)
        embedded.start(settings)
        database.set_up(settings)
        yield settings
        embedded.stop(settings)


@pytest.fixture(params=["embedded", "stock"], scope="module")
def kept_warehouse(request: pytest.FixtureRequest) -> Iterator[Settings]:
    """A warehouse of its own on each kind of server."""
    server = request.getfixturevalue("cluster" if request.param == "embedded" else "stock_cluster")
    with database.connect(server, Role.ADMIN, database="postgres", autocommit=True) as connection:
        connection.execute("create database history template planmark")
        yield load_settings(home=server.home, database_name="history")
        connection.execute("drop database history with (force)")


@pytest.fixture()
def history(kept_warehouse: Settings) -> Settings:
    """The same, with no delivery in it yet."""
    with database.connect(kept_warehouse, Role.ADMIN, autocommit=True) as connection:
        connection.execute("truncate raw.deliveries, raw.series, raw.observations")
    return kept_warehouse


class Row(dict):
    """One row of a page; what is not given is a plain count of people in Leicester in January 2024."""

    def __init__(self, value: float | None = 8413.0, **given: object) -> None:
        super().__init__(
            {
                "area_code": LEICESTER, "gender": "0", "age": "0", "role": "value", "unit": "people",
                "period_start": JANUARY, "period_months": 1, "value": value, "lower_bound": None,
                "upper_bound": None, "status": "A", **given,
            }
        )  # fmt: skip


DIMENSIONS = ("gender", "age")


def page(*rows: Row, number: int = 1, rejected: tuple[RejectedRow, ...] = ()) -> ParsedPage:
    names = ("area_code", *DIMENSIONS, *list(FIXED_COLUMNS)[1:])
    columns = {
        name: pa.array([row[name] for row in rows], FIXED_COLUMNS.get(name, pa.string())) for name in names
    }
    return ParsedPage(number, DIMENSIONS, pa.table(columns), rejected)


def loaded(
    settings: Settings,
    *pages: ParsedPage,
    night: datetime = NIGHTS[0],
    dataset: str = DATASET,
) -> tuple[int, LoadCounts]:
    with database.connect(settings, Role.LOADER) as connection:
        delivery = new_delivery(connection, dataset)
        counts = load_pages(
            connection, delivery_id=delivery, dataset_id=dataset, pages=iter(pages), loaded_at=night
        )
    return delivery, counts


def new_delivery(connection: psycopg.Connection, dataset: str = DATASET) -> int:
    row = connection.execute(
        "insert into raw.deliveries (dataset_id, provider, origin) values (%s, 'nomis', 'demonstration') "
        "returning delivery_id",
        (dataset,),
    ).fetchone()
    return int(row[0])


def versions(settings: Settings) -> list[tuple]:
    """Every version: area, gender, period, value, status, from and to as night numbers (0 the first)."""
    nights = {night: number for number, night in enumerate(NIGHTS)}
    with database.connect(settings, Role.LOADER) as connection:
        found = connection.execute(
            "select area_code, dimensions ->> 'gender', period_start, value, status, valid_from, "
            "nullif(valid_to, 'infinity') "
            "from raw.observations join raw.series using (series_id) order by 1, 2, 3, 6"
        ).fetchall()
    return [(*row[:5], nights[row[5]], nights.get(row[6])) for row in found]


def fingerprint(settings: Settings) -> list[tuple]:
    """Where every row of the history lies: a row that was written again lies elsewhere."""
    with database.connect(settings, Role.ADMIN) as connection:
        return connection.execute(
            "select 'observation', ctid::text, xmin::text from raw.observations union all "
            "select 'series', ctid::text, xmin::text from raw.series order by 1, 2"
        ).fetchall()


# --- what a load writes -------------------------------------------------------------------------------------


def test_the_first_load_opens_one_version_of_every_value(history: Settings) -> None:
    delivery, counts = loaded(
        history,
        page(Row(8413.0), Row(2.5, unit="percent")),
        page(Row(None, area_code=RUTLAND, status="Q"), number=2),
    )
    assert counts == LoadCounts(fetched=3, inserted=3, revised=0, unchanged=0, rejected=0, closed=0)
    with database.connect(history, Role.LOADER) as connection:
        rows = connection.execute(
            "select s.dataset_id, s.area_code, s.dimensions, s.role, s.unit, s.first_delivery_id, "
            "o.period_start, o.period_months, o.value, o.lower_bound, o.upper_bound, o.status, o.valid_from, "
            "o.valid_to::text, o.delivery_id, o.closed_by_delivery_id "
            "from raw.observations o join raw.series s using (series_id) order by s.area_code, s.unit"
        ).fetchall()
    key = (DATASET, LEICESTER, {"age": "0", "gender": "0"}, "value")
    rest = (NIGHTS[0], "infinity", delivery, None)
    assert rows == [
        (*key, "people", delivery, JANUARY, 1, 8413.0, None, None, "A", *rest),
        (*key, "percent", delivery, JANUARY, 1, 2.5, None, None, "A", *rest),
        (DATASET, RUTLAND, *key[2:], "people", delivery, JANUARY, 1, None, None, None, "Q", *rest),
    ]


def test_the_same_delivery_again_writes_nothing(history: Settings) -> None:
    pages = [
        page(Row(8413.0), Row(None, area_code=RUTLAND, status="Q"), Row(64.9, gender="1", lower_bound=61.2))
    ]
    loaded(history, *pages)
    before = fingerprint(history)
    _, counts = loaded(history, *pages, night=NIGHTS[1])
    assert counts == LoadCounts(fetched=3, inserted=0, revised=0, unchanged=3, rejected=0, closed=0)
    assert fingerprint(history) == before


def test_a_revision_closes_the_old_version_and_opens_the_new_one_at_the_same_moment(
    history: Settings,
) -> None:
    loaded(history, page(Row(8413.0), Row(120.0, area_code=RUTLAND)))
    second, counts = loaded(history, page(Row(8415.0), Row(120.0, area_code=RUTLAND)), night=NIGHTS[1])
    assert counts == LoadCounts(fetched=2, inserted=0, revised=1, unchanged=1, rejected=0, closed=0)
    assert versions(history) == [
        (LEICESTER, "0", JANUARY, 8413.0, "A", 0, 1),
        (LEICESTER, "0", JANUARY, 8415.0, "A", 1, None),
        (RUTLAND, "0", JANUARY, 120.0, "A", 0, None),
    ]
    with database.connect(history, Role.LOADER) as connection:
        closed = connection.execute(
            "select value from raw.observations where closed_by_delivery_id = %s", (second,)
        ).fetchall()
    assert closed == [(8413.0,)]


@pytest.mark.parametrize(
    "change",
    [
        {"value": 8413.0000000000018},  # the next number that a double can hold
        {"value": None, "status": "Q"},
        {"status": "R"},
        {"lower_bound": 8000.0},
        {"upper_bound": 9000.0},
    ],
    ids=str,
)
def test_every_part_of_a_value_can_be_revised(history: Settings, change: dict) -> None:
    loaded(history, page(Row()))
    _, counts = loaded(history, page(Row(**{"value": 8413.0, **change})), night=NIGHTS[1])
    assert (counts.revised, counts.unchanged) == (1, 0)


def test_a_new_period_is_added_and_the_rest_is_left_alone(history: Settings) -> None:
    loaded(history, page(Row(10.0)))
    _, counts = loaded(history, page(Row(10.0), Row(20.0, period_start=FEBRUARY)), night=NIGHTS[1])
    assert counts == LoadCounts(fetched=2, inserted=1, revised=0, unchanged=1, rejected=0, closed=0)
    assert [version[2:4] for version in versions(history)] == [(JANUARY, 10.0), (FEBRUARY, 20.0)]


def test_periods_of_another_length_are_other_values(history: Settings) -> None:
    _, counts = loaded(history, page(Row(10.0), Row(20.0, period_months=12), Row(30.0, period_months=0)))
    assert counts.inserted == 3


def test_a_value_that_vanishes_is_closed_and_opens_anew_when_it_returns(history: Settings) -> None:
    both = page(Row(10.0), Row(20.0, area_code=RUTLAND))
    loaded(history, both)
    _, vanished = loaded(history, page(Row(10.0)), night=NIGHTS[1])
    assert vanished == LoadCounts(fetched=1, inserted=0, revised=0, unchanged=1, rejected=0, closed=1)
    _, returned = loaded(history, both, night=NIGHTS[3])
    assert returned == LoadCounts(fetched=2, inserted=1, revised=0, unchanged=1, rejected=0, closed=0)
    assert versions(history) == [
        (LEICESTER, "0", JANUARY, 10.0, "A", 0, None),
        (RUTLAND, "0", JANUARY, 20.0, "A", 0, 1),
        (RUTLAND, "0", JANUARY, 20.0, "A", 3, None),
    ]


def test_as_of_any_time_there_is_at_most_one_version_of_a_value(history: Settings) -> None:
    story = [[1.0, 2.0], [1.5], [1.5, 2.0], [1.0, 2.5], []]
    for night, values in zip(NIGHTS, story, strict=False):
        loaded(
            history,
            page(*(Row(value, gender=str(number)) for number, value in enumerate(values))),
            night=night,
        )
    with database.connect(history, Role.LOADER) as connection:
        for night, values in zip(NIGHTS, story, strict=False):
            then = night + timedelta(hours=1)
            found = connection.execute(
                "select value from raw.observations join raw.series using (series_id) "
                "where valid_from <= %s and %s < valid_to order by dimensions ->> 'gender'",
                (then, then),
            ).fetchall()
            assert [value for (value,) in found] == values


def test_a_missing_value_stays_null_and_keeps_its_status(history: Settings) -> None:
    loaded(history, page(Row(None, status="#"), Row(0.0, gender="1"), Row(5.0, gender="2", status="")))
    assert [version[3:5] for version in versions(history)] == [(None, "#"), (0.0, "A"), (5.0, "")]


def test_values_come_back_bit_by_bit(history: Settings) -> None:
    values = [0.1, -0.0, 1e308, 5e-324, -12.5, 66.7, math.pi, 1 / 3]
    rows = [
        Row(value, gender=str(number), lower_bound=value, upper_bound=None if number % 2 else value)
        for number, value in enumerate(values)
    ]
    loaded(
        history, page(*rows, *(Row(1.0, age=str(n), status=text) for n, text in enumerate(["é✓", None], 1)))
    )
    with database.connect(history, Role.LOADER) as connection:
        found = connection.execute(
            "select value, lower_bound, upper_bound from raw.observations join raw.series using (series_id) "
            "where dimensions ->> 'age' = '0' order by dimensions ->> 'gender'"
        ).fetchall()
        statuses = connection.execute(
            "select status from raw.observations join raw.series using (series_id) "
            "where dimensions ->> 'age' <> '0' order by dimensions ->> 'age'"
        ).fetchall()
    assert [[repr(number) for number in row] for row in found] == [
        [repr(value), repr(value), repr(None if number % 2 else value)] for number, value in enumerate(values)
    ]
    assert statuses == [("é✓",), (None,)]


@pytest.mark.parametrize("day", [date(1900, 1, 1), date(1999, 12, 31), date(2000, 2, 29), date(2099, 12, 31)])
def test_days_before_and_after_2000_come_back(history: Settings, day: date) -> None:
    loaded(history, page(Row(1.0, period_start=day)))
    assert versions(history)[0][2] == day


def test_datasets_do_not_touch_each_other(history: Settings) -> None:
    loaded(history, page(Row(1.0)))
    loaded(history, page(Row(2.0)), dataset="nomis_jsa_rates")
    loaded(history, page(Row(3.0)), dataset="nomis_jsa_rates", night=NIGHTS[1])
    assert sorted(version[3:] for version in versions(history)) == [
        (1.0, "A", 0, None),
        (2.0, "A", 0, 1),
        (3.0, "A", 1, None),
    ]


def test_counts_add_up_with_rejected_rows(history: Settings) -> None:
    bad = (RejectedRow(1, 2, "OBS_VALUE", "n/a", "is not a number", "..."),)
    loaded(history, page(Row(1.0), Row(2.0, gender="1")))
    _, counts = loaded(
        history, page(Row(1.5), Row(2.0, gender="1"), Row(3.0, gender="2"), rejected=bad), night=NIGHTS[1]
    )
    assert counts == LoadCounts(fetched=4, inserted=1, revised=1, unchanged=1, rejected=1, closed=0)
    assert counts.fetched == counts.inserted + counts.revised + counts.unchanged + counts.rejected


def test_a_delivery_over_many_batches_is_one_load(history: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_rows.Encoder.batches, "__defaults__", (3,))
    monkeypatch.setattr(load_rows, "MOST_SERIES_KNOWN", 2)
    monkeypatch.setattr(load, "_SERIES_AT_ONCE", 2)

    def pages(shift: float) -> list[ParsedPage]:
        return [
            page(*(Row(month + area + shift * (month == 7), area_code=f"E0100000{area}",
                       period_start=date(2024, month, 1)) for area in range(5)), number=month)
            for month in range(1, 13)
        ]  # fmt: skip

    _, first = loaded(history, *pages(0))
    assert first.inserted == 60
    _, second = loaded(history, *pages(0.5), night=NIGHTS[1])
    assert (second.revised, second.unchanged) == (5, 55)


def test_an_empty_delivery_closes_everything_and_an_empty_first_one_writes_nothing(history: Settings) -> None:
    _, nothing = loaded(history)
    assert nothing == LoadCounts(0, 0, 0, 0, 0, 0)
    loaded(history, page(Row(1.0)))
    _, empty = loaded(history, page(), night=NIGHTS[1])
    assert empty == LoadCounts(0, 0, 0, 0, 0, closed=1)


# --- what is refused ----------------------------------------------------------------------------------------

REPEATED = {
    "in one page": [page(Row(1.0), Row(2.0, gender="1"), Row(1.0))],
    "in two pages": [page(Row(1.0)), page(Row(2.0, gender="1"), Row(7.0), number=2)],
}


@pytest.mark.parametrize("pages", REPEATED.values(), ids=REPEATED.keys())
@pytest.mark.parametrize("batch_rows", [1, 1000])
def test_a_key_that_comes_twice_is_refused_at_the_first_load(
    history: Settings, pages: list[ParsedPage], batch_rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_rows.Encoder.batches, "__defaults__", (batch_rows,))
    with pytest.raises(RefusedError, match="comes more than once") as caught:
        loaded(history, *pages)
    assert str(caught.value.got).startswith(
        "area E06000016, age 0, gender 0, value in people, period from 2024-01-01 of 1 months"
    )
    assert versions(history) == []
    assert fingerprint(history) == []


@pytest.mark.parametrize(
    "again",
    [[1.0, 1.0], [1.0, 2.0], [2.0, 1.0], [2.0, 2.0], [2.0, 3.0]],
    ids=lambda values: f"current 1.0, then {values}",
)
def test_a_key_that_comes_twice_is_refused_even_if_both_equal_what_is_current(
    history: Settings, again: list[float]
) -> None:
    loaded(history, page(Row(1.0), Row(5.0, gender="1")))
    before = versions(history)
    with pytest.raises(RefusedError, match="comes more than once") as caught:
        loaded(history, page(Row(again[0]), Row(5.0, gender="1"), Row(again[1])), night=NIGHTS[1])
    assert "area E06000016, age 0, gender 0" in str(caught.value.got)
    assert versions(history) == before


def test_a_new_key_that_comes_twice_beside_one_that_vanishes_is_refused(history: Settings) -> None:
    # The numbers of current and delivered rows would agree: 2 and 2.
    loaded(history, page(Row(1.0), Row(5.0, gender="1")))
    with pytest.raises(RefusedError, match="comes more than once"):
        loaded(history, page(Row(1.0), Row(1.0)), night=NIGHTS[1])
    with pytest.raises(RefusedError, match="comes more than once"):
        loaded(history, page(Row(9.0, gender="2"), Row(9.0, gender="2")), night=NIGHTS[1])


def test_two_series_with_one_id_are_refused(history: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded(history, page(Row(1.0)))
    taken = series_id(DATASET, LEICESTER, {"gender": "0", "age": "0"}, "value", "people")
    monkeypatch.setattr(load_rows, "series_id", lambda *_: taken)
    before = versions(history)
    with pytest.raises(RefusedError, match="same id") as caught:
        loaded(history, page(Row(1.0, area_code=RUTLAND)), night=NIGHTS[1])
    assert RUTLAND in str(caught.value.got)
    assert LEICESTER in str(caught.value.expected)
    with pytest.raises(RefusedError, match="same id"):
        loaded(history, page(Row(1.0)), dataset="nomis_jsa_rates", night=NIGHTS[1])
    assert versions(history) == before


def test_two_new_series_with_one_id_are_refused(history: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(load_rows, "series_id", lambda *_: 17)
    with pytest.raises(RefusedError, match="same id"):
        loaded(history, page(Row(1.0), Row(1.0, area_code=RUTLAND, period_start=FEBRUARY)))
    assert fingerprint(history) == []


@pytest.mark.parametrize(
    ("row", "got"),
    [
        (Row(math.nan), "value is not a finite number"),
        (Row(math.inf), "value is not a finite number"),
        (Row(1.0, upper_bound=math.nan), "upper_bound is not a finite number"),
        (Row(None, status=None), "neither a value nor a status"),
        (Row(1.0, area_code=None), "area_code is null"),
        (Row(1.0, gender=None), "gender is null"),
        (Row(1.0, period_start=None), "period_start is null"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_row_that_cannot_be_an_observation_stops_the_load(history: Settings, row: Row, got: str) -> None:
    with pytest.raises(LoadError) as caught:
        loaded(history, page(Row(1.0, gender="9"), row))
    assert caught.value.got == got
    assert fingerprint(history) == []


@pytest.mark.parametrize("night", [NIGHTS[1], NIGHTS[0]], ids=["the same moment", "an earlier one"])
def test_a_clock_that_went_back_is_refused(history: Settings, night: datetime) -> None:
    loaded(history, page(Row(1.0), Row(2.0, gender="1")), night=NIGHTS[1])
    with pytest.raises(LoadError, match="not older than this load"):
        loaded(history, page(Row(1.5), Row(2.0, gender="1")), night=night)
    assert len(versions(history)) == 2


def test_a_value_cannot_return_before_it_vanished(history: Settings) -> None:
    loaded(history, page(Row(1.0), Row(2.0, gender="1")), night=NIGHTS[0])
    loaded(history, page(Row(1.0)), night=NIGHTS[4])
    with pytest.raises(LoadError, match="not older than this load"):
        loaded(history, page(Row(1.0), Row(2.0, gender="1")), night=NIGHTS[2])


def test_rows_of_another_writer_do_not_add_up(history: Settings) -> None:
    loaded(history, page(Row(1.0)))
    with database.connect(history, Role.ADMIN, autocommit=True) as admin:
        # A version of the same key that is current too can only come from somebody else's hands.
        admin.execute(
            "insert into raw.observations "
            "(series_id, period_start, period_months, value, status, valid_from, "
            "delivery_id) select series_id, period_start, period_months, value, status, "
            "valid_from - interval '1 day', delivery_id from raw.observations"
        )
    with pytest.raises(LoadError, match="do not add up"):
        loaded(history, page(Row(1.0)), night=NIGHTS[1])


# --- nothing half done --------------------------------------------------------------------------------------


def test_a_fault_of_the_parser_after_the_last_page_leaves_nothing(history: Settings) -> None:
    loaded(history, page(Row(1.0)))
    before = fingerprint(history)

    def pages() -> Iterator[ParsedPage]:
        yield page(Row(2.0), Row(3.0, gender="1"))
        raise RefusedError("RECORD_COUNT was not reached")

    for dataset in (DATASET, "nomis_jsa_rates"):
        with database.connect(history, Role.LOADER) as connection:
            delivery = new_delivery(connection, dataset)
            with pytest.raises(RefusedError, match="RECORD_COUNT was not reached"):
                load_pages(
                    connection, delivery_id=delivery, dataset_id=dataset, pages=pages(), loaded_at=NIGHTS[1]
                )
            # The caller's transaction lives on, to record what happened.
            connection.execute(
                "update raw.deliveries set outcome = 'refused' where delivery_id = %s", (delivery,)
            )
    assert fingerprint(history) == before


def test_a_rollback_of_the_caller_takes_everything_back(history: Settings) -> None:
    loaded(history, page(Row(1.0)))
    before = fingerprint(history)
    with database.connect(history, Role.LOADER) as connection:
        delivery = new_delivery(connection)
        load_pages(
            connection, delivery_id=delivery, dataset_id=DATASET, pages=[page(Row(2.0))], loaded_at=NIGHTS[1]
        )
        connection.rollback()
    assert fingerprint(history) == before


@pytest.mark.parametrize("current", [True, False], ids=["merge", "first load"])
def test_a_kill_in_the_middle_leaves_nothing_and_the_next_load_is_whole(
    history: Settings, current: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(load_rows.Encoder.batches, "__defaults__", (1,))
    if current:
        loaded(history, page(Row(1.0)))
    before = versions(history)

    def pages(connection: psycopg.Connection) -> Iterator[ParsedPage]:
        yield page(Row(2.0))
        yield page(Row(3.0, gender="1"), number=2)
        with database.connect(history, Role.ADMIN, autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        yield page(Row(4.0, gender="2"), number=3)

    connection = database.connect(history, Role.LOADER)
    delivery = new_delivery(connection)
    with pytest.raises(psycopg.OperationalError):
        load_pages(
            connection, delivery_id=delivery, dataset_id=DATASET, pages=pages(connection), loaded_at=NIGHTS[1]
        )
    connection.close()
    assert versions(history) == before
    _, counts = loaded(history, page(Row(2.0), Row(3.0, gender="1")), night=NIGHTS[2])
    assert (counts.inserted, counts.revised) == ((1, 1) if current else (2, 0))


# --- two at once, and rights --------------------------------------------------------------------------------


def waits_for_a_lock(settings: Settings, seconds: float = 20) -> bool:
    with database.connect(settings, Role.ADMIN, autocommit=True) as admin:
        for _ in range(int(seconds / 0.05)):
            if admin.execute(
                "select 1 from pg_stat_activity "
                "where datname = current_database() and wait_event_type = 'Lock'"
            ).fetchone():
                return True
            time.sleep(0.05)
    return False


@pytest.mark.parametrize("second", [DATASET, "nomis_jsa_rates"], ids=["same dataset", "another dataset"])
def test_two_merges_at_once_wait_and_nothing_is_mixed(history: Settings, second: str) -> None:
    loaded(history, page(Row(1.0)))
    if second != DATASET:
        loaded(history, page(Row(1.0)), dataset=second)
    results: list[LoadCounts] = []
    with database.connect(history, Role.LOADER) as first:
        delivery = new_delivery(first)
        load_pages(
            first, delivery_id=delivery, dataset_id=DATASET, pages=[page(Row(2.0))], loaded_at=NIGHTS[1]
        )
        other = threading.Thread(
            target=lambda: results.append(loaded(history, page(Row(3.0)), night=NIGHTS[2], dataset=second)[1])
        )
        other.start()
        assert waits_for_a_lock(history)
        assert not results
        first.commit()
        other.join(timeout=30)
    assert [(result.revised, result.unchanged) for result in results] == [(1, 0)]
    expected = [(1.0, 0, 1), (2.0, 1, 2), (3.0, 2, None)]
    if second != DATASET:
        expected = [(1.0, 0, 1), (1.0, 0, 2), (2.0, 1, None), (3.0, 2, None)]
    assert sorted((version[3], version[5], version[6] or math.inf) for version in versions(history)) == [
        (value, begin, end or math.inf) for value, begin, end in expected
    ]


def test_two_first_loads_of_one_dataset_wait_for_each_other(history: Settings) -> None:
    results: list[LoadCounts] = []
    with database.connect(history, Role.LOADER) as first:
        delivery = new_delivery(first)
        load_pages(
            first, delivery_id=delivery, dataset_id=DATASET, pages=[page(Row(2.0))], loaded_at=NIGHTS[1]
        )
        other = threading.Thread(
            target=lambda: results.append(loaded(history, page(Row(2.0)), night=NIGHTS[2])[1])
        )
        other.start()
        assert waits_for_a_lock(history)
        first.commit()
        other.join(timeout=30)
    assert [(result.inserted, result.unchanged) for result in results] == [(0, 1)]


@pytest.mark.parametrize(
    "statement",
    [
        "delete from raw.observations",
        "truncate raw.observations",
        "delete from raw.series",
        "update raw.series set unit = 'jobs'",
        "drop table raw.load_changes",
    ],
)
def test_the_loader_cannot_delete_history(history: Settings, statement: str) -> None:
    with (
        database.connect(history, Role.LOADER) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute(statement)


def test_only_the_loader_may_ask_for_statistics(history: Settings) -> None:
    with (
        database.connect(history, Role.GATE) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        connection.execute("select raw.analyse_load_changes()")
