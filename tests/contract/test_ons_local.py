"""ONS local tables: bytes in, rows out; and every answer that is no such table is refused, saying why."""

from __future__ import annotations

import csv
import gzip
import io
import logging
import threading
from collections.abc import Iterator
from datetime import date
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from ingest.archive import Archive, DeliveryReader
from ingest.definitions import Definition, OnsLocalDefinition, load_definitions
from ingest.providers.ons_local import OnsLocalProvider
from ingest.replica.server import serve
from ingest.rows import FIXED_COLUMNS, ParsedPage
from planmark.errors import ArchiveError, FetchError, RefusedError
from planmark.settings import load_settings
from tests.conftest import shared

HEADER = "areacd,areanm,geography,indicator,period,observation,measure,unit,lci_95,uci_95,status,notes\n"
LEICESTER = (
    "E06000016,Leicester,County or Unitary Authority,Rate,2007-01-01/P1Y,66.7,Percentage,%,64.1,69.3,,\n"
)
DERBY = "E06000015,Derby,County or Unitary Authority,Rate,2007-01-01/P1Y,70,Percentage,%,,,,\n"
BARNET = "E09000003,Barnet,Local Authority District,Rate,2007-01-01/P1Y,71,Percentage,%,,,,\n"
GOOD = HEADER + LEICESTER + DERBY + BARNET


def definition(**changes: Any) -> Definition:
    """Rates of Leicester and Derby from the table `els_rate_la`."""
    return OnsLocalDefinition.model_validate(
        {
            "id": "ons_local_rate",
            "title": "Rate",
            "description": "A rate.",
            "publisher": "ONS",
            "licence": "OGL-UK-3.0",
            "landing_page": "https://www.ons.gov.uk/explore-local-statistics/",
            "owner": "data engineer",
            "cadence": "annual",
            "provider": "ons_local",
            "source": {
                "table": "els_rate_la",
                "columns": "standard",
                "indicators": {"Rate": {"measure": "Percentage", "unit_label": "%", "unit": "percent"}},
            },
            "areas": ["leicester", "derby"],
            "periods": {"from": 2004},
            "period": {"means": "published"},
            "valid": {"minimum": 0, "maximum": 100},
            "door": {"rows_at_least": 1},
            "evidence": "known",
            **changes,
        }
    )


class Table:
    """A folder with one table, and what becomes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "tables"
        self.folder.mkdir()
        self.archive = Archive((folder / "archive").as_uri())
        self.settings = load_settings(home=folder / "home", ons_local_source=str(self.folder))
        self.delivery: DeliveryReader | None = None

    def put(self, content: str | bytes, name: str = "els_rate_la.csv") -> None:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, content: str | bytes | None = None, **changes: Any) -> ParsedPage:
        """Fetch, archive and parse, as the refresh does."""
        if content is not None:
            self.put(content)
        provider, ours = OnsLocalProvider(self.settings), definition(**changes)
        writer = self.archive.new_delivery(ours.id)
        try:
            provider.fetch(ours, writer)
        except RefusedError:
            self.delivery = writer.finish(state="refused")
            raise
        self.delivery = writer.finish()
        [page] = provider.parse(ours, self.delivery)
        return page


@pytest.fixture()
def table(tmp_path: Path) -> Table:
    return Table(tmp_path)


def test_rows_that_are_asked_for_come_out_typed(table: Table) -> None:
    page = table.read(GOOD)
    assert page.dimensions == ("indicator",)
    assert page.rejected == ()
    assert {name: page.rows.schema.field(name).type for name in FIXED_COLUMNS} == FIXED_COLUMNS
    assert page.rows.column_names[:2] == ["area_code", "indicator"]
    assert page.rows.to_pylist() == [
        {
            "area_code": "E06000016",
            "indicator": "Rate",
            "role": "value",
            "unit": "percent",
            "period_start": date(2007, 1, 1),
            "period_months": 12,
            "value": 66.7,
            "lower_bound": 64.1,
            "upper_bound": 69.3,
            "status": None,
        },
        {
            "area_code": "E06000015",
            "indicator": "Rate",
            "role": "value",
            "unit": "percent",
            "period_start": date(2007, 1, 1),
            "period_months": 12,
            "value": 70.0,
            "lower_bound": None,
            "upper_bound": None,
            "status": None,
        },
    ]


def test_rows_outside_the_definition_are_counted_apart_and_said(
    table: Table, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ingest")
    other = LEICESTER.replace(",Rate,", ",Other,")
    old = LEICESTER.replace("2007-01-01", "2003-01-01")
    page = table.read(GOOD + other + old)
    assert page.fetched == 2
    assert table.delivery is not None
    assert table.delivery.facts == {
        "rows_in_table": 5,
        "rows_for_us": 2,
        "rows_of_other_areas": 1,
        "rows_of_other_indicators": 1,
        "rows_of_other_periods": 1,
    }
    assert "5 rows in the table, 2 asked for" in caplog.text


@pytest.mark.parametrize(
    "pack",
    [str.encode, lambda text: b"\xef\xbb\xbf" + text.encode(), lambda text: gzip.compress(text.encode())],
    ids=["plain", "byte order mark", "gzip"],
)
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_the_same_table_in_any_wrapping_gives_the_same_rows(table: Table, pack: Any, ends: str) -> None:
    assert table.read(pack(GOOD.replace("\n", ends))).rows.equals(table.read(GOOD).rows)


def test_a_gzip_file_is_found_by_its_name_in_a_folder_below(table: Table) -> None:
    (table.folder / "aps").mkdir()
    table.put(gzip.compress(GOOD.encode()), "aps/els_rate_la.csv.gz")
    assert table.read().fetched == 2


OLD_HEADER = (
    "AREACD,AREANM,Geography,Variable Name,Indicator,Mission,Category,Period,Value,Measure,Unit,"
    "Lower Confidence Interval (95%),Upper Confidence Interval (95%),Observation Status,Polarity,Notes\n"
)


def test_an_earlier_edition_is_read_through_its_headers(table: Table) -> None:
    rows = "".join(
        f"{code},x,y,Long name,Rate,Mission 1,z,2007,{value},Percentage,%,60.5,69.5,u,-1,a note\n"
        for code, value in (("E06000016", 66), ("E06000015", 68))
    )
    page = table.read(OLD_HEADER + rows)
    [leicester, _] = page.rows.to_pylist()
    assert (leicester["value"], leicester["lower_bound"], leicester["upper_bound"]) == (66.0, 60.5, 69.5)
    assert (leicester["period_start"], leicester["period_months"]) == (date(2007, 1, 1), 12)
    assert leicester["status"] == "u"


@pytest.mark.parametrize(
    ("period", "start", "months"),
    [
        ("2011-01-01/P3Y", date(2011, 1, 1), 36),
        ("2019-02-01/P1M", date(2019, 2, 1), 1),
        ("2025-04-30", date(2025, 4, 30), 0),
        ("2009", date(2009, 1, 1), 12),
    ],
)
def test_periods_of_every_kind(table: Table, period: str, start: date, months: int) -> None:
    first = table.read(GOOD.replace("2007-01-01/P1Y", period)).rows.to_pylist()[0]
    assert (first["period_start"], first["period_months"]) == (start, months)


def test_a_missing_value_keeps_its_status_and_is_never_zero(table: Table) -> None:
    page = table.read(GOOD.replace("66.7,Percentage,%,64.1,69.3,,", ",Percentage,%,,,x,"))
    first = page.rows.to_pylist()[0]
    assert (first["value"], first["status"]) == (None, "x")


def test_an_unknown_status_is_kept_as_it_came(table: Table) -> None:
    status = "Value for Hackney and City of London combined"
    page = table.read(GOOD.replace("69.3,,", f"69.3,{status},"))
    assert page.rows.to_pylist()[0]["status"] == status


FAULTY_ROWS = [
    # (what stands in the row of Leicester, what is written instead, column, words of the reason)
    ("66.7", "NaN", "value", "is not a finite number"),
    ("66.7", "Infinity", "value", "is not a finite number"),
    ("66.7", "1e400", "value", "is not a finite number"),
    ("66.7", "n/a", "value", "is not a finite number"),
    ("66.7", "c", "value", "is not a finite number"),
    ("66.7", " 66.7", "value", "is not a finite number"),
    ("66.7", '"1,234"', "value", "is not a finite number"),
    ("66.7", "6_6", "value", "is not a finite number"),
    ("66.7", "-0.1", "value", "cannot be true; allowed: 0.0 to 100.0 percent"),
    ("66.7,", "101,", "value", "cannot be true"),
    ("66.7,", ",", "value", "is empty without a status"),
    ("64.1", "66.8", "lower_bound", "is above its value 66.7"),
    ("69.3", "66.6", "upper_bound", "is below its value 66.7"),
    ("64.1,69.3", "69.3,64.1", "lower_bound", "is above the upper bound 64.1"),
    ("64.1", "low", "lower_bound", "is not a finite number"),
    ("2007-01-01/P1Y", "2007-13-01/P1Y", "period", "month must be in 1..12"),
    ("2007-01-01/P1Y", "Jan 2007", "period", "is not a period"),
    ("2007-01-01/P1Y", "2007-01-01/P0Y", "period", "is a period of no length"),
    ("Percentage", "Number", "measure", "the definition says 'Percentage'"),
    (",%,", ",people,", "unit", "the definition says '%'"),
    ("69.3,,\n", "69.3,\n", "", "has 11 cells; the header has 12"),
    ("69.3,,\n", "69.3,,,\n", "", "has 13 cells; the header has 12"),
]


@pytest.mark.parametrize(
    ("old", "new", "column", "words"), FAULTY_ROWS, ids=[f"{f[2]} {f[1]}" for f in FAULTY_ROWS]
)
def test_a_faulty_row_is_rejected_with_its_place_and_reason(
    table: Table, old: str, new: str, column: str, words: str
) -> None:
    faulty = LEICESTER.replace(old, new, 1)
    assert faulty != LEICESTER
    page = table.read(HEADER + LEICESTER.replace("2007", "2008") + faulty + DERBY)
    [row] = page.rejected
    assert (row.request_number, row.row_number, row.column_name) == (1, 2, column)
    assert words in row.reason
    assert row.content.startswith("E06000016,Leicester")
    assert page.rows.num_rows == 2
    assert page.fetched == 3


def test_rounding_noise_does_not_put_a_value_outside_its_bounds(table: Table) -> None:
    page = table.read(GOOD.replace("66.7,Percentage,%,64.1,69.3", "64.1,Percentage,%,64.10000000000001,69.3"))
    assert page.rejected == ()


CONFLICT = "<<<<<<< HEAD\n" + LEICESTER + "=======\n" + LEICESTER.replace("66.7", "66.8") + ">>>>>>> main\n"

REFUSED = [
    # (the answer, words of the error)
    (b"", "is empty"),
    (gzip.compress(b""), "is empty"),
    (b"\xef\xbb\xbf", "is empty"),
    (b"<!DOCTYPE html><html><body>Sorry</body></html>", "is a web page, not a table"),
    (b"\n\n <html>", "has no header"),
    (b'{"error": "Cannot create query"}', "has a header that no known edition has"),
    (HEADER, "has no row of an indicator"),
    (HEADER + DERBY, "lacks areas for 'Rate'"),
    (HEADER + LEICESTER + BARNET, "no row for E06000015"),
    (GOOD.replace(",Rate,", ",rate,"), "none of 'Rate'"),
    (GOOD.replace("observation", "obs_value"), "missing: observation; unknown or repeated: obs_value"),
    (GOOD.replace(",notes", "").replace(",,\n", ",\n"), "missing: notes"),
    (GOOD.replace(",notes", ",notes,extra"), "unknown or repeated: extra"),
    (GOOD.replace("areanm", "areacd"), "has a header that no known edition has"),
    (GOOD.replace("Leicester,", "Leic\xe9ster,").encode("latin-1"), "is not UTF-8 text"),
    (GOOD.encode("utf-16"), "is not UTF-8 text"),
    (gzip.compress(GOOD.encode())[:-12], "is a gzip file that is cut short"),
    (gzip.compress(GOOD.encode())[:40] + b"x" * 40, "gzip"),
    (gzip.compress(GOOD.encode()) + b"more", "has bytes after the end of its gzip stream"),
    (HEADER + CONFLICT + DERBY, "holds the marks of an unfinished merge"),
    (GOOD.replace("\n", "\r\n") + "=======\r\n", "holds the marks of an unfinished merge"),
    (GOOD.replace("Leicester,", '"Leicester"s,'), "is not readable as CSV"),
    (GOOD + '"E06000016,Leicester', "is not readable as CSV"),
    (HEADER + "x" * 3_000_000, "has a line without end"),
]


@pytest.mark.parametrize(("answer", "words"), REFUSED, ids=[words for _, words in REFUSED])
def test_what_is_no_such_table_is_refused_and_kept_to_look_at(
    table: Table, answer: str | bytes, words: str
) -> None:
    with pytest.raises(RefusedError) as error:
        table.read(answer)
    assert words in str(error.value)
    assert "ons_local_rate" in error.value.where
    assert error.value.expected
    assert table.delivery is not None
    [stored] = table.delivery
    assert table.delivery.read(stored) == (answer.encode() if isinstance(answer, str) else answer)


def test_where_the_merge_broke_is_said(table: Table) -> None:
    with pytest.raises(RefusedError, match="line 2: <<<<<<< HEAD"):
        table.read(HEADER + CONFLICT + DERBY)


def test_an_area_may_be_absent_for_a_reason(table: Table) -> None:
    page = table.read(HEADER + LEICESTER, may_be_absent=[{"areas": ["derby"], "reason": "not published"}])
    assert page.fetched == 1


def test_a_whole_fault_does_not_hide_faulty_rows(table: Table) -> None:
    """The parser hands on its page first, so that what is wrong with rows is reported too."""
    table.read(GOOD)
    assert table.delivery is not None
    narrower = definition(areas=["leicester", "derby", "rutland"])
    pages = OnsLocalProvider(table.settings).parse(narrower, table.delivery)
    assert next(pages).fetched == 2
    with pytest.raises(RefusedError, match="no row for E06000017"):
        next(pages)


def test_no_source_no_folder_no_table_two_tables(table: Table) -> None:
    with pytest.raises(FetchError, match="no such file"):
        table.read()
    table.put(GOOD)
    table.put(GOOD, "els_rate_la.csv.gz")
    with pytest.raises(FetchError, match=r"els_rate_la.csv, els_rate_la.csv.gz"):
        table.read()
    table.settings = load_settings(home=table.settings.home, ons_local_source=str(table.folder / "gone"))
    with pytest.raises(FetchError, match="PLANMARK_ONS_LOCAL_SOURCE"):
        table.read()
    table.settings = load_settings(home=table.settings.home)
    with pytest.raises(FetchError, match="no source of ONS local tables is set"):
        table.read()


def test_bytes_that_change_in_the_archive_are_noticed(table: Table) -> None:
    table.read(GOOD)
    assert table.delivery is not None
    [answer] = table.delivery
    fs = table.archive.fs
    fs.pipe_file(
        f"{table.archive.root}/{table.delivery.path}/{answer.file_name}", GOOD.replace("66", "67").encode()
    )
    with pytest.raises(ArchiveError, match="stored bytes have changed"):
        list(OnsLocalProvider(table.settings).parse(definition(), table.delivery))


def test_the_state_of_a_file_is_its_content(table: Table) -> None:
    provider = OnsLocalProvider(table.settings)
    table.put(GOOD)
    first = provider.state(definition())
    assert provider.state(definition()) == first
    table.put(GOOD.replace("66.7", "66.8"))
    assert provider.state(definition()) != first
    assert provider.origin() == "official"


@pytest.fixture()
def address(table: Table) -> Iterator[str]:
    """The folder of tables, served over HTTP."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(table.folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_table_comes_from_an_address_plain_or_packed(table: Table, address: str) -> None:
    table.settings = load_settings(home=table.settings.home, ons_local_source=f"{address}/", retry_attempts=1)
    with pytest.raises(FetchError, match="status 404") as error:
        table.read()
    assert f"{address}/els_rate_la.csv" in error.value.where
    table.put(gzip.compress(GOOD.encode()), "els_rate_la.csv.gz")
    assert table.read().fetched == 2
    table.put(GOOD + LEICESTER.replace("2007", "2008"))
    assert table.read().fetched == 3
    assert table.delivery is not None
    assert [answer.request.url for answer in table.delivery] == [f"{address}/els_rate_la.csv"]


def test_an_address_does_not_promise_that_nothing_is_new(table: Table, address: str) -> None:
    provider = OnsLocalProvider(load_settings(home=table.settings.home, ons_local_source=address))
    assert provider.state(definition()) != provider.state(definition())


def test_the_demonstration_tables_are_read_and_called_so(tmp_path: Path) -> None:
    replica = serve(port=0)
    try:
        source = f"{replica.url}/explore-local-statistics"
        settings = load_settings(home=tmp_path, ons_local_source=source, retry_attempts=1)
        for ours in load_definitions().values():
            if ours.provider == "ons_local":
                provider = OnsLocalProvider(settings)
                writer = Archive((tmp_path / "archive").as_uri()).new_delivery(ours.id)
                provider.fetch(ours, writer)
                [page] = provider.parse(ours, writer.finish())
                assert page.rejected == ()
                assert page.fetched >= ours.door.rows_at_least
                assert provider.origin() == "demonstration"
    finally:
        replica.close()


def published(dataset_id: str) -> Path:
    """Return the published table of a dataset of the catalogue, or skip."""
    ours = load_definitions()[dataset_id]
    assert isinstance(ours, OnsLocalDefinition)
    found = sorted(shared("data").rglob(f"{ours.source.table}.csv*"))
    if not found:
        pytest.skip(f"shared material is missing: {ours.source.table}")
    return found[0]


ONS_LOCAL = [name for name, ours in load_definitions().items() if ours.provider == "ons_local"]


@pytest.mark.parametrize("dataset_id", ONS_LOCAL)
def test_every_row_of_a_published_table_is_accounted_for(tmp_path: Path, dataset_id: str) -> None:
    """Rows of the file, counted by themselves, are those asked for and those outside; all asked for are good."""
    found = published(dataset_id)
    raw = gzip.decompress(found.read_bytes()) if found.suffix == ".gz" else found.read_bytes()
    in_file = sum(1 for _ in csv.reader(io.StringIO(raw.decode("utf-8-sig")))) - 1
    ours = load_definitions()[dataset_id]
    provider = OnsLocalProvider(load_settings(home=tmp_path, ons_local_source=str(found.parent)))
    writer = Archive((tmp_path / "archive").as_uri()).new_delivery(ours.id)
    provider.fetch(ours, writer)
    facts = writer.facts
    [page] = provider.parse(ours, writer.finish())
    assert facts["rows_in_table"] == in_file
    assert facts["rows_in_table"] == (
        facts["rows_for_us"]
        + facts["rows_of_other_areas"]
        + facts["rows_of_other_indicators"]
        + facts["rows_of_other_periods"]
    )
    assert (page.rows.num_rows, page.rejected) == (facts["rows_for_us"], ())
    assert page.rows.num_rows >= ours.door.rows_at_least


def real(folder: Path, path: str, **changes: Any) -> list[dict[str, Any]]:
    """Read one published table of the shared material, or skip."""
    found = shared(path)
    settings = load_settings(home=folder, ons_local_source=str(found.parent))
    changes.setdefault("id", "ons_local_rate")
    ours = definition(**changes) if "source" in changes else load_definitions()[changes["id"]]
    provider, writer = (
        OnsLocalProvider(settings),
        Archive((folder / "archive").as_uri()).new_delivery(ours.id),
    )
    provider.fetch(ours, writer)
    [page] = provider.parse(ours, writer.finish())
    assert page.rejected == ()
    rows: list[dict[str, Any]] = page.rows.to_pylist()
    return rows


def one(rows: list[dict[str, Any]], **wanted: Any) -> dict[str, Any]:
    [row] = [row for row in rows if all(row[name] == value for name, value in wanted.items())]
    return row


def test_the_published_employment_rate(tmp_path: Path) -> None:
    """Read by hand from the file: the line of E06000016, Employment rate, 2007-01-01/P1Y."""
    rows = real(tmp_path, "data/aps/els_employment_rate_la.csv.gz", id="ons_local_employment_rate")
    assert len(rows) == 600  # 15 areas, 2 indicators, 20 years
    row = one(rows, area_code="E06000016", indicator="Employment rate", period_start=date(2007, 1, 1))
    assert (row["value"], row["lower_bound"], row["upper_bound"]) == pytest.approx((66.7, 64.1, 69.3))
    assert (row["period_months"], row["unit"], row["status"]) == (12, "percent", None)


def test_the_published_weekly_pay_is_of_one_day(tmp_path: Path) -> None:
    """By hand: E06000016, 2024-04-17, 517.5, interval 487.071 to 547.929."""
    rows = real(
        tmp_path, "data/earnings/els_gross_median_weekly_pay_la.csv.gz", id="ons_local_median_weekly_pay"
    )
    row = one(rows, area_code="E06000016", period_start=date(2024, 4, 17))
    assert (row["value"], row["lower_bound"], row["upper_bound"]) == (517.5, 487.071, 547.929)
    assert (row["period_months"], row["unit"]) == (0, "gbp")


def test_the_published_healthy_life_expectancy_is_of_three_years(tmp_path: Path) -> None:
    """By hand: E06000016, Male healthy life expectancy, 2022-01-01/P3Y, 57.8, interval 54.7 to 60.8."""
    rows = real(
        tmp_path, "data/health/els_healthy_life_expectancy_la.csv.gz", id="ons_local_healthy_life_expectancy"
    )
    row = one(
        rows, area_code="E06000016", indicator="Male healthy life expectancy", period_start=date(2022, 1, 1)
    )
    assert (row["value"], row["lower_bound"], row["upper_bound"], row["period_months"]) == (
        57.8,
        54.7,
        60.8,
        36,
    )


@pytest.mark.parametrize(
    ("school_year", "value", "lower", "upper"),
    [(2012, 31.12245, 29.99561, 32.36312), (2021, 33.20053, 32.14996, 34.27705), (2020, None, None, None)],
)
def test_the_published_overweight_of_the_county(
    tmp_path: Path, school_year: int, value: float | None, lower: float | None, upper: float | None
) -> None:
    """By hand: the lines of E10000018 for 2012-08-01, 2021-08-01 and 2020-08-01, which is withheld."""
    rows = real(tmp_path, OVERWEIGHT, id="ons_local_overweight_year6")
    assert len(rows) == 224  # 14 areas, 16 school years
    row = one(rows, area_code="E10000018", period_start=date(school_year, 8, 1))
    assert (row["value"], row["lower_bound"], row["upper_bound"]) == (value, lower, upper)
    assert (row["period_months"], row["unit"]) == (12, "percent")
    assert row["status"] == ("u" if value is None else None)


def test_the_published_level_3_of_the_county(tmp_path: Path) -> None:
    """By hand: E10000018, 2013, 53.1 (48.3 to 57.9)."""
    rows = real(tmp_path, LEVEL_3, id="ons_local_level3_or_above")
    assert len(rows) == 270  # 15 areas, 18 years
    row = one(rows, area_code="E10000018", period_start=date(2013, 1, 1))
    assert (row["value"], row["lower_bound"], row["upper_bound"]) == (53.1, 48.3, 57.9)


def test_published_counts_and_shares_of_businesses_keep_their_units(tmp_path: Path) -> None:
    """By hand: E06000016, Active businesses, 2024: 14,260; Business births, 2019: 15.4545."""
    path = "data/business/els_business_demography_la.csv.gz"
    rows = real(tmp_path, path, id="ons_local_business_demography")
    count = one(rows, area_code="E06000016", indicator="Active businesses", period_start=date(2024, 1, 1))
    share = one(rows, area_code="E06000016", indicator="Business births", period_start=date(2019, 1, 1))
    assert (count["value"], count["unit"]) == (14260, "businesses")
    assert (share["value"], share["unit"]) == (pytest.approx(15.454545), "percent")


LEVEL_3 = "data/aps/els_level3_or_above_2004_2021_la.csv.gz"
OVERWEIGHT = "data/health/els_overweight_year6_2006_2021_la.csv.gz"
INDICATORS = {
    LEVEL_3: "Aged 16 to 64 years level 3 or above qualifications",
    OVERWEIGHT: "Overweight children at Year 6 age (aged 10 to 11 years)",
}


def of(path: str) -> dict[str, Any]:
    kind = {"measure": "Percentage", "unit_label": "%", "unit": "percent"}
    table = Path(path).name.removesuffix(".csv.gz")
    return {"table": table, "columns": "standard", "indicators": {INDICATORS[path]: kind}}


def test_published_tables_of_earlier_editions(tmp_path: Path) -> None:
    """By hand: Leicester, level 3 or above, 2015: 46.1 (41.5 to 50.7)."""
    row = one(
        real(tmp_path, LEVEL_3, source=of(LEVEL_3)), area_code="E06000016", period_start=date(2015, 1, 1)
    )
    assert (row["value"], row["lower_bound"], row["upper_bound"], row["period_months"]) == (
        46.1,
        41.5,
        50.7,
        12,
    )


def test_a_published_value_that_is_withheld(tmp_path: Path) -> None:
    """By hand: Leicester, overweight at 10 to 11, 2020-08-01: no value, status u; 2021-08-01: 40.82969."""
    rows = real(tmp_path, OVERWEIGHT, source=of(OVERWEIGHT))
    withheld = one(rows, area_code="E06000016", period_start=date(2020, 8, 1))
    assert (withheld["value"], withheld["status"]) == (None, "u")
    assert one(rows, area_code="E06000016", period_start=date(2021, 8, 1))["value"] == 40.82969


def test_the_published_table_with_an_unfinished_merge_is_refused(tmp_path: Path) -> None:
    path = "data/environment/els_co2_emissions_2005_2022_la.csv.gz"
    kind = {"measure": "Per capita emissions (tCO2e)", "unit_label": "Tonnes of CO2 equivalent"}
    source = {
        "table": "els_co2_emissions_2005_2022_la",
        "columns": "standard",
        "indicators": {"Carbon dioxide emissions": {**kind, "unit": "tonnes_co2e_per_person"}},
    }
    with pytest.raises(RefusedError, match=r"unfinished merge(.|\n)*line 2: <<<<<<< HEAD"):
        real(tmp_path, path, source=source)
