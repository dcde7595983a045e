"""What is accepted of a NOMIS answer, row by row and as a whole. No sockets: bytes in, rows out."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from nomis_stub import AREAS, CELLS, COLUMNS, PERIODS, Row, csv, definition, table

from ingest.archive import Archive, RequestMeta
from ingest.definitions import NomisDefinition
from ingest.providers import nomis_answer
from ingest.providers.nomis_answer import Asked, PageWatch, read_answers
from ingest.rows import FIXED_COLUMNS, ParsedPage, RejectedRow
from planmark.errors import RefusedError

_numbers = itertools.count(1)


def read(
    *bodies: bytes, of: NomisDefinition | None = None, areas: tuple[str, ...] = AREAS, **changes: Any
) -> tuple[list[ParsedPage], RefusedError | None]:
    """Archive the bodies, read them, and return the pages and the refusal, if any."""
    chosen = of or definition(**changes)
    delivery = Archive(f"memory://answers-{next(_numbers)}").new_delivery("nomis_stub")
    for content in bodies:
        delivery.write(RequestMeta(url="https://nomis.example/data", content_type="text/csv"), [content])
    delivery.facts["asked"] = Asked.of(chosen, areas=areas, periods=PERIODS).to_facts()
    pages: list[ParsedPage] = []
    try:
        for page in read_answers(chosen, delivery.finish()):
            pages.append(page)
    except RefusedError as error:
        return pages, error
    return pages, None


def rejected(pages: list[ParsedPage]) -> list[RejectedRow]:
    return [row for page in pages for row in page.rejected]


def with_row(number: int, change: Callable[[Row], Row]) -> list[Row]:
    rows = table()
    rows[number] = change(rows[number])
    return rows


def value_in_row_3(text: str) -> list[Row]:
    return with_row(3, lambda row: [*row[:5], text, row[6]])


def test_every_cell_becomes_a_row_with_its_codes_unit_and_period() -> None:
    pages, refusal = read(csv(table()))
    assert refusal is None
    (page,) = pages
    assert page.rejected == () and page.fetched == CELLS and page.dimensions == ("sex", "item")
    for name, kind in FIXED_COLUMNS.items():
        found = page.rows.schema.field(name).type
        assert (found.value_type if pa.types.is_dictionary(found) else found) == kind
    # The last cell: March 2024, the second area, sex 6, item 2; its value is 100 + 23.
    assert page.rows.slice(23).to_pylist() == [
        {
            "area_code": "E06000015",
            "sex": "6",
            "item": "2",
            "role": "value",
            "unit": "people",
            "period_start": date(2024, 3, 1),
            "period_months": 1,
            "value": 123.0,
            "lower_bound": None,
            "upper_bound": None,
            "status": "A",
        }
    ]


def test_pages_are_read_as_one_answer() -> None:
    rows = table()
    pages, refusal = read(csv(rows[:10], count=24), csv(rows[10:], offset=10))
    assert refusal is None
    assert [(page.request_number, page.rows.num_rows) for page in pages] == [(1, 10), (2, 14)]


def test_a_large_answer_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nomis_answer, "PIECE_BYTES", 300)
    pages, refusal = read(csv(with_row(20, lambda row: [*row[:5], "n/a", "A"])))
    assert len(pages) > 3
    assert sum(page.rows.num_rows for page in pages) == CELLS - 1
    assert [row.row_number for row in rejected(pages)] == [21]
    assert refusal is None


def test_all_columns_are_read_too_whatever_the_order_of_dimensions() -> None:
    parts = ("", "_NAME", "_CODE", "_TYPE", "_TYPECODE", "_SORTORDER")
    columns = [
        *(f"DATE{part}" for part in parts),
        *(f"{name}{part}" for name in ("GEOGRAPHY", "ITEM", "SEX") for part in parts),
        "MEASURES", "MEASURES_NAME", "OBS_VALUE", "OBS_STATUS", "OBS_STATUS_NAME", "OBS_CONF",
        "OBS_CONF_NAME", "URN", "RECORD_OFFSET", "RECORD_COUNT",
    ]  # fmt: skip
    lines = [",".join(f'"{name}"' for name in columns)]
    for n, (day, area, sex, item, measure, value, status) in enumerate(table()):
        groups = [
            f'"{day}","name","{day}","date",0,0',
            f'"1774190608","A name, with a comma","{area}","type",423,0',
            f'"{item}","item","{item}","item",0,0',
            f'"{sex}","sex","{sex}","sex",0,0',
        ]
        last = (
            f'"{measure}","Value",{value},"{status}","Normal Value","F","Free (free for publication)","Nm-1"'
        )
        lines.append(f"{','.join(groups)},{last},{n},{CELLS}")
    pages, refusal = read(("\n".join(lines) + "\n").encode())
    short, _ = read(csv(table()))
    assert refusal is None and rejected(pages) == []
    assert pages[0].rows.equals(short[0].rows)


@pytest.mark.parametrize("text", ["NaN", "nan", "Infinity", "-inf", "1e400", "n/a", "..", "1,5", "0x10", " "])
def test_a_value_that_is_no_finite_number_rejects_its_row(text: str) -> None:
    pages, _ = read(csv(value_in_row_3(f'"{text}"' if "," in text else text)))
    (row,) = rejected(pages)
    assert (row.row_number, row.column_name, row.found) == (4, "OBS_VALUE", text)
    assert "not a finite number" in row.reason
    assert row.content.startswith('"2024-01","E06000016","6","2","20100",')
    assert pages[0].rows.num_rows == CELLS - 1


@pytest.mark.parametrize(
    ("unit", "text"), [("people", "-5"), ("percent", "101"), ("percent", "-0.1"), ("gbp", "-1")]
)
def test_a_value_that_cannot_be_rejects_its_row(unit: str, text: str) -> None:
    source = {
        "dataset": "NM_999_1",
        "select": {"sex": [5, 6], "item": [1, 2]},
        "measures": {"20100": {"role": "value", "unit": unit}},
    }
    valid = {"minimum": 0} if unit == "gbp" else {}
    rows = table(lambda n: text if n == 3 else "50")
    pages, _ = read(csv(rows), source=source, valid=valid)
    (row,) = rejected(pages)
    assert (row.row_number, row.found) == (4, text)
    assert f"impossible for {unit}" in row.reason


def test_counts_where_rates_were_asked_are_refused() -> None:
    source = {
        "dataset": "NM_999_1",
        "select": {"sex": [5, 6], "item": [1, 2]},
        "measures": {"20100": {"role": "value", "unit": "percent"}},
    }
    pages, _ = read(csv(table()), source=source)  # 100 to 123: only the first is a possible percentage
    assert len(rejected(pages)) == CELLS - 1


def test_another_measure_than_the_one_asked_is_refused() -> None:
    rows = [[*row[:4], "20201", *row[5:]] for row in table()]
    pages, refusal = read(csv(rows))
    assert len(rejected(pages)) == CELLS
    assert "MEASURES was not asked for" in rejected(pages)[0].reason
    assert refusal is not None and "MEASURES: 1 asked and not answered: 20100" in str(refusal)


def test_an_empty_value_is_null_with_its_status_and_never_zero() -> None:
    pages, refusal = read(csv(with_row(3, lambda row: [*row[:5], "", "Q"])))
    assert refusal is None and rejected(pages) == []
    row = pages[0].rows.slice(3, 1).to_pylist()[0]
    assert row["value"] is None and row["status"] == "Q"


def test_a_true_zero_stays_zero() -> None:
    pages, _ = read(csv(value_in_row_3("0")))
    assert pages[0].rows["value"][3].as_py() == 0.0


@pytest.mark.parametrize("status", ["A", ""])
def test_an_empty_value_that_its_status_does_not_explain_rejects_its_row(status: str) -> None:
    pages, _ = read(csv(with_row(3, lambda row: [*row[:5], "", status])))
    assert [row.row_number for row in rejected(pages)] == [4]


@pytest.mark.parametrize("status", ["~", "*", "Zz9", "a", "provisional"])
def test_an_unknown_status_is_kept_as_it_came(status: str) -> None:
    pages, refusal = read(csv(with_row(3, lambda row: [*row[:6], status])))
    assert refusal is None and rejected(pages) == []
    assert pages[0].rows["status"][3].as_py() == status


def test_codes_that_look_like_numbers_stay_text() -> None:
    source = {
        "dataset": "NM_999_1",
        "select": {"sex": ["01", "1"], "item": ["1e5", "100000"]},
        "measures": {"20100": {"role": "value", "unit": "people"}},
    }
    sex, item = {"5": "01", "6": "1"}, {"1": "1e5", "2": "100000"}
    rows = [[row[0], row[1], sex[row[2]], item[row[3]], *row[4:]] for row in table()]
    pages, refusal = read(csv(rows), source=source)
    assert refusal is None and rejected(pages) == []
    assert set(pages[0].rows["sex"].to_pylist()) == {"01", "1"}
    assert set(pages[0].rows["item"].to_pylist()) == {"1e5", "100000"}


def test_unknown_codes_answered_by_the_total_are_refused() -> None:
    rows = [[*row[:3], "0", *row[4:]] if row[3] == "2" else row for row in table()]
    pages, refusal = read(csv(rows))
    assert len(rejected(pages)) == CELLS // 2
    assert rejected(pages)[0].reason == "ITEM was not asked for"
    assert refusal is not None and "ITEM: 1 asked and not answered: 2" in str(refusal)


def test_a_dropped_measure_is_refused() -> None:
    source = {
        "dataset": "NM_999_1",
        "select": {"sex": [5, 6], "item": [1, 2]},
        "measures": {
            "20100": {"role": "value", "unit": "people"},
            "20701": {"role": "coefficient_of_variation", "unit": "percent"},
        },
    }
    _, refusal = read(csv(table()), source=source)
    assert refusal is not None and "MEASURES: 1 asked and not answered: 20701" in str(refusal)


@pytest.mark.parametrize("apart", [1, 13])
def test_a_cell_that_comes_twice_is_refused(apart: int) -> None:
    rows = table()
    rows.insert(3 + apart, rows[3])
    pages, refusal = read(csv(rows[:10], count=25), csv(rows[10:], offset=10))
    assert refusal is None
    (row,) = rejected(pages)
    assert row.reason == "the same cell came before"
    assert (row.request_number, row.row_number) == ((1, 5) if apart == 1 else (2, 7))


def test_an_area_or_a_month_that_does_not_come_is_refused() -> None:
    _, refusal = read(csv(row for row in table() if row[1] == "E06000016"))
    assert refusal is not None and "GEOGRAPHY_CODE: 1 asked and not answered: E06000015" in str(refusal)
    _, refusal = read(csv(row for row in table() if row[0] != "2024-02"))
    assert refusal is not None and "DATE: 1 asked and not answered: 2024-02" in str(refusal)


def test_an_area_without_a_single_value_is_refused_unless_a_reason_is_given() -> None:
    rows = [[*row[:5], "", "Q"] if row[1] == "E06000015" else row for row in table()]
    pages, refusal = read(csv(rows))
    assert rejected(pages) == []
    assert refusal is not None and "GEOGRAPHY_CODE: 1 without a single value: E06000015" in str(refusal)
    excused = [{"areas": ["E06000015"], "reason": "not held"}]
    assert read(csv(rows), may_be_absent=excused)[1] is None
    only = [row for row in table() if row[1] == "E06000016"]
    assert read(csv(only), may_be_absent=excused)[1] is None


def test_a_code_that_may_be_absent_may_be_absent() -> None:
    rows = [row for row in table() if row[3] == "1"]
    assert read(csv(rows))[1] is not None
    assert read(csv(rows), may_be_absent=[{"select": {"item": [2]}, "reason": "not held"}])[1] is None


def test_areas_of_another_kind_are_refused() -> None:
    source = {
        "dataset": "NM_999_1",
        "geography_type": "TYPE424",
        "select": {"sex": [5, 6], "item": [1, 2]},
        "measures": {"20100": {"role": "value", "unit": "people"}},
    }
    columns = (*COLUMNS[:2], "GEOGRAPHY_TYPECODE", *COLUMNS[2:])
    rows = [[*row[:2], "464" if row[1] == "E06000015" else "424", *row[2:]] for row in table()]
    pages, _ = read(csv(rows, columns=columns), source=source)
    assert len(rejected(pages)) == CELLS // 2
    assert "is not 424: another kind of area" in rejected(pages)[0].reason


def test_record_count_must_be_reached_and_stay_the_same() -> None:
    _, refusal = read(csv(table(), count=30))
    assert refusal is not None and "RECORD_COUNT is 30, but 24 rows came" in str(refusal)
    rows = table()
    _, refusal = read(csv(rows[:10], count=24), csv(rows[10:], offset=10, count=25))
    assert refusal is not None and "RECORD_COUNT is 25, not 24" in str(refusal)


def test_record_offset_must_run_without_a_gap() -> None:
    rows = table()
    _, refusal = read(csv(rows[:10], count=24), csv(rows[10:], offset=11, count=24))
    assert refusal is not None and "RECORD_OFFSET 11 stands where 10 should, 14 such rows" in str(refusal)


def test_every_fault_of_a_page_is_collected() -> None:
    rows = table()
    rows[1][5], rows[2][5], rows[5][1], rows[7][5] = "NaN", "-3", "E99999999", "n/a"
    pages, refusal = read(csv(rows, count=99))
    assert [row.row_number for row in rejected(pages)] == [2, 3, 6, 8]
    assert refusal is not None and "RECORD_COUNT is 99, but 24 rows came" in str(refusal)
    assert sum(page.fetched for page in pages) == CELLS


def test_a_row_with_two_faults_is_rejected_once_and_tells_both() -> None:
    pages, _ = read(csv(with_row(3, lambda row: ["2031-01", *row[1:5], "NaN", "A"])))
    (row,) = rejected(pages)
    assert "DATE was not asked for" in row.reason and "OBS_VALUE is not a finite number" in row.reason


@pytest.mark.parametrize(
    "line",
    [
        b'"2024-01","E06000016","6","2","20100",103,"A",3\n',
        b'"2024-01","E06000016","6","2","20100",103,"A",3,24,9\n',
    ],
)
def test_a_row_with_too_few_or_too_many_fields_is_rejected_with_its_number(line: bytes) -> None:
    lines = csv(table()).splitlines(keepends=True)
    lines[4] = line
    pages, refusal = read(b"".join(lines))
    (row,) = rejected(pages)
    assert row.row_number == 4 and "fields instead of 9" in row.reason
    assert row.content == line.decode().rstrip("\n")
    assert pages[0].fetched == CELLS
    assert refusal is None  # each other cell is there, every code came, and the rows add up


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", r"an empty body \(0 bytes\)"),
        (b"<!DOCTYPE html><html><title>Nomis</title></html>", "an HTML page instead of a table"),
        (b'{"error":"Cannot create query"}', "JSON instead of a table: Cannot create query"),
        (b"Error: Unable to contact data engine", "an error text instead of a table"),
        (b"\xef\xbb\xbf" + csv(table()), "a byte order mark"),
        (csv(table()).decode().encode("utf-16"), "a byte order mark"),
        (csv(table()).replace(b'"E06000015"', b'"Derby\xa3"', 1), "not UTF-8"),
        (
            csv(table(), columns=["DATE", "GEOGRAPHY_NAME", *COLUMNS[2:]]),
            "missing GEOGRAPHY_CODE; not expected: G",
        ),
        (csv(table(), columns=COLUMNS[:-1]), "missing RECORD_COUNT"),
        (csv(table(), columns=[*COLUMNS, "QUERY_ID"]), "not expected: QUERY_ID"),
        (csv(table(), columns=[COLUMNS[1], COLUMNS[0], *COLUMNS[2:]]), "another order"),
        (b"DATE,VALUE\n2024-01,5\n", "missing GEOGRAPHY_CODE"),
    ],
)
def test_what_is_no_such_table_is_refused_as_a_whole(content: bytes, words: str) -> None:
    pages, refusal = read(content)
    assert pages == []
    assert refusal is not None
    with pytest.raises(RefusedError, match=words):
        raise refusal


def test_a_header_and_no_row_is_refused() -> None:
    pages, refusal = read(csv([]))
    assert pages == [] and refusal is not None and "there is no row at all" in str(refusal)


def test_the_unit_follows_the_code_that_the_definition_names() -> None:
    source = {
        "dataset": "NM_999_1",
        "select": {"sex": [5, 6], "item": [1, 2]},
        "measures": {"20100": {"role": "value"}},
        "units": {"dimension": "item", "of": {"1": "jobs", "2": "jobs_per_resident"}},
    }
    pages, refusal = read(csv(table()), source=source)
    assert refusal is None
    units = {(row["item"], row["unit"]) for row in pages[0].rows.to_pylist()}
    assert units == {("1", "jobs"), ("2", "jobs_per_resident")}


def test_the_date_is_read_as_the_definition_says() -> None:
    pages, _ = read(csv(table()), period={"means": "year_ending"})
    row = pages[0].rows.to_pylist()[0]
    # DATE 2024-01: the twelve months that end in January 2024 begin on 1 February 2023.
    assert (row["period_start"], row["period_months"]) == (date(2023, 2, 1), 12)


# --- the look at a page as it streams ---------------------------------------------------------------------


def watched(content: bytes, size: int = 7) -> dict[str, Any]:
    watch = PageWatch(Asked.of(definition(), areas=AREAS, periods=PERIODS), "text/csv; charset=utf-8")
    chunks = [content[n : n + size] for n in range(0, len(content), size)]
    assert b"".join(watch.through(chunks)) == content
    return watch.facts()


def test_the_watch_tells_rows_offsets_and_count() -> None:
    assert watched(csv(table()[10:20], offset=10, count=24)) == {
        "rows": 10, "first_offset": 10, "last_offset": 19, "record_count": 24, "faults": [],
    }  # fmt: skip


def test_the_watch_sees_a_cut_line_and_bytes_that_are_not_utf8() -> None:
    assert "cut off" in watched(csv(table())[:-1])["faults"][0]
    assert "not UTF-8" in watched(csv(table()).replace(b"2024-02", b"2024\xff02"))["faults"][0]
    assert watched(csv([])) == {"rows": 0, "faults": []}
