"""Genuine answers of NOMIS, and what must become of them."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest.archive import Archive, RequestMeta
from ingest.definitions import NomisDefinition
from ingest.providers.nomis_answer import Asked, PageWatch, not_csv, read_answers
from ingest.rows import ParsedPage, RejectedRow
from planmark.errors import RefusedError
from tests.conftest import shared

KIRKLEES = "E08000034"
_numbers = itertools.count(1)


def recorded(name: str) -> Path:
    return shared(f"recorded/nomis/kirklees-2026/{name}")


def definition(
    dataset: str, select: dict[str, Any], measures: dict[str, Any], means: str, **source: Any
) -> NomisDefinition:
    return NomisDefinition.model_validate(
        {
            "id": "nomis_recorded",
            "title": "Recorded",
            "description": "A recorded answer",
            "publisher": "Office for National Statistics, through NOMIS",
            "licence": "OGL-UK-3.0",
            "landing_page": "https://www.nomisweb.co.uk/",
            "owner": "tests",
            "cadence": "annual",
            "provider": "nomis",
            "source": {"dataset": dataset, "select": select, "measures": measures, **source},
            "areas": ["leicester"],
            "periods": {"from": 2020},
            "period": {"means": means},
            "valid": {},
            "door": {"rows_at_least": 1},
            "evidence": "recorded",
        }
    )


def read(name: str, asked_by: NomisDefinition, period: str) -> tuple[list[ParsedPage], str]:
    """Return the pages, and what the refusal says ("" if there is none)."""
    delivery = Archive(f"memory://recorded-{next(_numbers)}").new_delivery("nomis_recorded")
    delivery.write(RequestMeta(url="recorded", content_type="text/csv"), [recorded(name).read_bytes()])
    delivery.facts["asked"] = Asked.of(asked_by, areas=[KIRKLEES], periods=[period]).to_facts()
    pages: list[ParsedPage] = []
    try:
        for page in read_answers(asked_by, delivery.finish()):
            pages.append(page)
    except RefusedError as error:
        return pages, str(error)
    return pages, ""


def rejected(pages: list[ParsedPage]) -> list[RejectedRow]:
    return [row for page in pages for row in page.rejected]


PERCENT = {"20599": {"role": "value", "unit": "percent"}}
COUNT = {"20100": {"role": "value", "unit": "people"}}


def test_employment_rate_with_the_measure_that_was_asked() -> None:
    rates = definition("NM_17_5", {"variable": [18, 45, 84, 111, 248, 249]}, PERCENT, "year_ending")
    pages, refusal = read("nomis-aps-employment.csv", rates, "2025-09")
    assert refusal == "" and rejected(pages) == []
    employment = next(row for row in pages[0].rows.to_pylist() if row["variable"] == "45")
    # The row says "Oct 2024-Sep 2025", 74.9, Normal Value.
    assert employment["value"] == 74.9 and employment["status"] == "A" and employment["unit"] == "percent"
    assert (employment["period_start"], employment["period_months"]) == (date(2024, 10, 1), 12)
    assert employment["area_code"] == KIRKLEES


def test_a_measure_that_was_dropped_without_a_word_is_refused() -> None:
    measures = PERCENT | {"20100": {"role": "numerator", "unit": "people"}}
    rates = definition("NM_17_5", {"variable": [18, 45, 84, 111, 248, 249]}, measures, "year_ending")
    _, refusal = read("nomis-aps-employment.csv", rates, "2025-09")
    assert "MEASURES: 1 asked and not answered: 20100" in refusal


def test_missing_qualifications_are_null_with_status_q() -> None:
    text = recorded("nomis-qualifications.csv").read_text(encoding="utf-8")
    variables = sorted({line.split(",")[12].strip('"') for line in text.splitlines()[1:]})
    levels = definition("NM_17_5", {"variable": variables}, PERCENT, "year_ending")
    period = text.splitlines()[1].split(",")[0].strip('"')
    pages, refusal = read("nomis-qualifications.csv", levels, period)
    rows = pages[0].rows.to_pylist()
    assert rejected(pages) == [] and len(rows) == len(text.splitlines()) - 1
    assert {row["value"] for row in rows} == {None} and {row["status"] for row in rows} == {"Q"}
    # As a whole it is refused: an area without a single value is a fault of the request.
    assert f"GEOGRAPHY_CODE: 1 without a single value: {KIRKLEES}" in refusal


def test_nine_unknown_industries_answered_by_the_total_are_refused() -> None:
    industries = [146800641 + n for n in range(9)]
    jobs = definition(
        "NM_189_1",
        {"industry": industries, "employment_status": 1, "measure": [1, 2]},
        COUNT,
        "calendar_year",
    )
    pages, refusal = read("nomis-bres-by-industry.csv", jobs, "2024")
    assert len(rejected(pages)) == 18  # the note beside the file: 18 rows, nine identical pairs
    assert {row.found for row in rejected(pages)} == {"37748736"}  # Total
    assert "INDUSTRY: 9 asked and not answered" in refusal


def test_the_same_rows_nine_times_are_duplicates_even_if_the_total_was_asked() -> None:
    jobs = definition(
        "NM_189_1",
        {"industry": 37748736, "employment_status": 1, "measure": [1, 2]},
        {"20100": {"role": "value"}},
        "calendar_year",
        units={"dimension": "measure", "of": {"1": "people", "2": "percent"}},
    )
    pages, _ = read("nomis-bres-by-industry.csv", jobs, "2024")
    assert pages[0].rows.num_rows == 2
    assert [row.reason for row in rejected(pages)] == ["the same cell came before"] * 16


def test_percentages_among_counts_are_refused_when_only_counts_were_asked() -> None:
    sections = [150994945 + n for n in range(21)]
    jobs = definition(
        "NM_189_1", {"industry": sections, "employment_status": 1, "measure": 1}, COUNT, "calendar_year"
    )
    pages, _ = read("nomis-bres-sic-sections.csv", jobs, "2024")
    assert pages[0].rows.num_rows == 21  # the note beside the file: 42 rows for 21 sections
    assert {(row.column_name, row.found) for row in rejected(pages)} == {("MEASURE", "2")}
    first = pages[0].rows.to_pylist()[0]
    assert (first["industry"], first["value"]) == ("150994945", 300.0)  # the code, not its letter A


def test_true_zeros_of_business_counts_stay_zeros() -> None:
    sections = [150994945 + n for n in range(21)]
    firms = definition(
        "NM_142_1",
        {"industry": sections, "employment_sizeband": 0, "legal_status": 0},
        {"20100": {"role": "value", "unit": "businesses"}},
        "calendar_year",
    )
    pages, refusal = read("nomis-business-counts.csv", firms, "2025")
    assert refusal == "" and rejected(pages) == []
    values = pages[0].rows["value"].to_pylist()
    zeros = recorded("nomis-business-counts.csv").read_text(encoding="utf-8").count(',"Value",0,"A"')
    assert zeros > 0 and values.count(0.0) == zeros and None not in values


def test_the_claimant_rate_has_its_own_unit_and_the_extra_measures_are_refused() -> None:
    claimants = definition(
        "NM_162_1",
        {"gender": 0, "age": 0, "measure": [1, 2]},
        {"20100": {"role": "value"}},
        "month",
        units={"dimension": "measure", "of": {"1": "people", "2": "percent"}},
    )
    pages, _ = read("nomis-claimant-count.csv", claimants, "2026-02")
    kept = {(row["unit"], row["value"]) for row in pages[0].rows.to_pylist()}
    assert kept == {("people", 13090.0), ("percent", 4.7)}
    assert [row.found for row in rejected(pages)] == ["3", "4"]


def test_jobs_and_jobs_per_resident_stand_side_by_side() -> None:
    density = definition(
        "NM_57_1",
        {"item": [1, 3]},
        {"20100": {"role": "value"}},
        "calendar_year",
        units={"dimension": "item", "of": {"1": "jobs", "3": "jobs_per_resident"}},
    )
    pages, refusal = read("nomis-jobs-density.csv", density, "2023")
    assert refusal == ""
    kept = [(row["unit"], row["value"], row["period_start"]) for row in pages[0].rows.to_pylist()]
    assert kept == [("jobs", 183000.0, date(2023, 1, 1)), ("jobs_per_resident", 0.66, date(2023, 1, 1))]


@pytest.mark.parametrize(
    "name",
    ["aps-emprate", "aps-v2", "claimant-count2", "employment-rate", "labour-profile", "unemployment-rate"],
)
def test_the_empty_files_are_refused(name: str) -> None:
    rates = definition("NM_17_5", {"variable": 45}, PERCENT, "year_ending")
    pages, refusal = read(f"nomis-{name}.csv", rates, "2025-09")
    assert pages == [] and "an empty body (0 bytes)" in refusal


def test_the_help_page_is_refused_whatever_type_it_claims() -> None:
    page = recorded("census2021_kirklees_density.HTML-INSTEAD-OF-CSV.html").read_bytes()
    for kind in ("text/html; charset=utf-8", "text/csv", ""):
        assert "an HTML page instead of a table" in not_csv(page[:1000], kind, len(page))
    rates = definition("NM_17_5", {"variable": 45}, PERCENT, "year_ending")
    watch = PageWatch(Asked.of(rates, areas=[KIRKLEES], periods=["2025-09"]), "text/csv")
    assert b"".join(watch.through([page])) == page
    assert "an HTML page" in watch.facts()["faults"][0]


def test_the_recorded_json_errors_are_refused() -> None:
    folder = shared("recorded/nomis/mcp-geo-2026")
    for path in folder.glob("error-*"):
        body = path.read_bytes()
        assert not_csv(body, "text/csv", len(body)).startswith("JSON instead of a table: ")
