"""The provider of figures printed in plans: the file as it is into the archive, every row kept or rejected."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ingest.archive import Archive, DeliveryReader
from ingest.definitions import load_definitions
from ingest.providers.plan import PlanProvider
from planmark.errors import FetchError, RefusedError
from planmark.registry import declaration, template
from planmark.settings import Settings, load_settings

DEFINITION = load_definitions()["plan_printed_statistics"]
# Line 335 and line 139 of the City Strategy of 2007: 8,413 claimants in December 2006; 62.0 % of women.
CLAIMANTS = {
    "statistic_id": "city_strategy_2007.jsa_december_2006", "plan_id": "city_strategy_2007",
    "statistic_title": "Job seekers on benefit", "population": "Jobseeker's Allowance claimants",
    "area_code": "E06000016", "area_name": "Leicester", "period": "2006-12-01/P1M", "period_basis": "printed",
    "value": "8413", "comparator": "equal", "unit": "people", "position": "1", "citation_section": "2.1.2",
    "citation_line": "335", "citation_quote": "Leicester had 8,413 Jobseekers Allowance claimants",
}  # fmt: skip
OVER = CLAIMANTS | {
    "statistic_id": "city_strategy_2007.vat", "value": "2000000000", "comparator": "more_than", "unit": "gbp",
    "period": "2007-06-30/P0D",
}  # fmt: skip


@pytest.fixture()
def settings(tmp_path: Path) -> Settings:
    plans = tmp_path / "plans"
    template.write(plans)
    return load_settings(home=tmp_path / "home", plans=plans)


def write(settings: Settings, *rows: dict[str, str]) -> None:
    text = template.text(declaration.files()["printed_statistics"], rows)
    (settings.plans / "printed_statistics.csv").write_text(text, encoding="utf-8")


def fetched(settings: Settings) -> tuple[PlanProvider, DeliveryReader]:
    provider = PlanProvider(settings)
    writer = Archive(settings.archive).new_delivery(DEFINITION.id)
    provider.fetch(DEFINITION, writer)
    return provider, writer.finish()


def test_each_figure_is_one_observation_of_a_series_of_its_own(settings: Settings):
    write(settings, CLAIMANTS, OVER)
    provider, delivery = fetched(settings)
    (page,) = provider.parse(DEFINITION, delivery)
    assert provider.origin() == "plan"
    assert page.dimensions == ("plan", "statistic")
    assert page.rejected == ()
    first, second = page.rows.to_pylist()
    assert first == {
        "area_code": "E06000016", "plan": "city_strategy_2007", "statistic": "city_strategy_2007.jsa_december_2006",
        "role": "value", "unit": "people", "period_start": date(2006, 12, 1), "period_months": 1, "value": 8413.0,
        "lower_bound": None, "upper_bound": None, "status": None,
    }  # fmt: skip
    # "over £2bn" is kept with its word: a figure that is not exact says so.
    assert (second["value"], second["status"], second["period_months"]) == (2e9, "more_than", 0)
    assert second["period_start"] == date(2007, 6, 30)


def test_the_archive_holds_the_file_byte_for_byte(settings: Settings):
    write(settings, CLAIMANTS)
    _, delivery = fetched(settings)
    (answer,) = delivery
    with delivery.open(answer) as stream:
        assert stream.read() == (settings.plans / "printed_statistics.csv").read_bytes()


def test_the_same_file_promises_nothing_new(settings: Settings):
    write(settings, CLAIMANTS)
    before = PlanProvider(settings).state(DEFINITION).fingerprint
    assert PlanProvider(settings).state(DEFINITION).fingerprint == before
    write(settings, CLAIMANTS | {"value": "8414"})
    assert PlanProvider(settings).state(DEFINITION).fingerprint != before


@pytest.mark.parametrize(
    ("cells", "column", "found"),
    [
        ({"value": "8,413"}, "value", "8,413"),
        ({"value": ""}, "value", ""),
        ({"period": "2006-12"}, "period", "2006-12"),
        ({"comparator": "roughly"}, "comparator", "roughly"),
    ],
)
def test_a_faulty_row_is_rejected_with_its_cell_and_the_others_are_counted(
    settings: Settings, cells: dict[str, str], column: str, found: str
):
    write(settings, CLAIMANTS | cells, OVER)
    provider, delivery = fetched(settings)
    (page,) = provider.parse(DEFINITION, delivery)
    (rejected,) = page.rejected
    assert (rejected.row_number, rejected.column_name, rejected.found) == (1, column, found)
    assert page.fetched == 2
    assert page.rows.num_rows == 1


def test_another_header_refuses_the_file(settings: Settings):
    (settings.plans / "printed_statistics.csv").write_text("statistic_id,value\nx,1\n")
    provider, delivery = fetched(settings)
    with pytest.raises(RefusedError, match="another header"):
        list(provider.parse(DEFINITION, delivery))


def test_a_missing_file_says_which(settings: Settings):
    (settings.plans / "printed_statistics.csv").unlink()
    with pytest.raises(FetchError, match=r"printed_statistics\.csv"):
        PlanProvider(settings).state(DEFINITION)
