"""From one publication to the next on a real PostgreSQL: what changed for readers, and why."""

from __future__ import annotations

import csv
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from planmark import database, publication
from planmark.cli import build_stage, dbt_stage, forecast_stage
from planmark.database import Role
from planmark.registry import template
from planmark.settings import Settings
from tests.integration.test_dbt_build import Raw, ask

MAY, NOVEMBER, AGAIN, BEFORE = (f"p20261120t01000{n}_aaaa" for n in range(4))
TARGET = "example_plan.employment_rate"
DATASET = "ons_local_employment_rate"
ONLY_CHANGES = (
    "--select", "+mart_changes,path:models/marts", "fct_target_versions", "mart_revision_statistics",
    "--indirect-selection", "cautious"
)  # fmt: skip


def rewrite(path: Path, **cells: str) -> None:
    """Write other cells into the first row of a plan file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[0].update(cells)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def build(settings: Settings, publication_id: str, as_of: str, marts: tuple[str, ...] = ONLY_CHANGES) -> None:
    publication.register_candidate(
        settings, publication_id, "run", date.fromisoformat(as_of), publication_id, "official"
    )
    variables = {"publication_id": publication_id, "run_id": "run", "as_of": as_of}
    with dbt_stage.Dbt(settings, variables, log_name=f"dbt-{publication_id}.log") as dbt:
        dbt.build("staging and intermediate", build_stage.BEFORE_MARTS)
        forecast_stage.run(settings)
        dbt.build("the marts", marts)
    publication.name_candidate(settings, publication_id)


def publish_on(settings: Settings, publication_id: str, day: datetime) -> None:
    """Publish, and write down that it happened on another day, so that the test holds on any day."""
    publication.publish(settings, publication_id)
    with database.connect(settings, Role.ADMIN) as connection:
        for statement in (
            "update ops.publication_events set happened_at = %s where publication_id = %s",
            "update ops.published_targets set published_at = %s where publication_id = %s",
        ):
            connection.execute(statement.encode(), (day, publication_id))


def changes(settings: Settings, publication_id: str) -> list[dict]:
    return ask(
        settings, "select * from mart_changes order by target_id, changed_field", schema=publication_id
    )


@pytest.fixture(scope="module")
def told(module_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Published in May; revised at the source in October; built in November, twice, and once as of the day in May."""
    plans = tmp_path_factory.mktemp("plans")
    template.write(plans)
    rewrite(plans / "targets.csv", baseline_value="66.4", target_value="69.4")
    settings = module_warehouse.model_copy(update={"plans": plans})
    with database.connect(settings, Role.LOADER) as connection:
        raw = Raw(connection)
        delivery = raw.delivery(DATASET, "official")
        connection.execute(
            "update raw.deliveries set started_at = '2026-05-01T02:00Z', loaded_at = '2026-05-01T02:00Z'"
        )
        series = raw.series(delivery, DATASET, "X00000001", {"indicator": "Employment rate"})
        raw.value(delivery, series, "2025-04-01", 12, 66.9, valid=("2026-05-01T02:00Z", "2026-10-20T02:00Z"))
        raw.value(delivery, series, "2025-04-01", 12, 66.1, valid=("2026-10-20T02:00Z", "infinity"))
    build(settings, MAY, "2026-05-03")
    publish_on(settings, MAY, datetime(2026, 5, 3, 2, 0, tzinfo=UTC))
    build(settings, NOVEMBER, "2026-11-20")
    publish_on(settings, NOVEMBER, datetime(2026, 11, 20, 2, 0, tzinfo=UTC))
    build(settings, AGAIN, "2026-11-20")
    build(settings, BEFORE, "2026-05-03")
    return settings


def test_green_in_may_amber_now_because_the_source_revised_march(told: Settings) -> None:
    """66.4 at the end of 2024 to 69.4 in March 2030, 63 months; March 2026 is 15 on: 66.4 + 3 x 15/63 = 67.114.
    Tolerance 10 % of 3 = 0.3. 66.9 is 0.214 behind, within it; 66.1 is 1.014 behind."""
    rows = {row["changed_field"]: row for row in changes(told, NOVEMBER)}
    assert {row["cause"] for row in rows.values()} == {"revision_at_source"}
    assert rows.keys() == {"position", "assessed_value", "latest_value"}
    position = rows["position"]
    assert (position["target_id"], position["before_text"], position["after_text"]) == (
        TARGET,
        "within tolerance",
        "off its path",
    )
    assert position["change_sentence"] == (
        "Within tolerance in the publication of 3 May 2026, off its path now, because the source revised the value of "
        "the year to March 2026 from 66.9 % to 66.1 %."
    )
    latest = rows["latest_value"]
    assert (latest["before_value"], latest["after_value"]) == (66.9, 66.1)
    assert latest["change_sentence"] == (
        "The latest value was 66.9 % (April 2025 to March 2026) in the publication of 3 May 2026, and is 66.1 % "
        "(April 2025 to March 2026) now, because the source revised the value of the year to March 2026 from 66.9 % "
        "to 66.1 %."
    )
    assert position["compared_publication_id"] == MAY


def test_the_first_publication_has_nothing_to_compare_with(told: Settings) -> None:
    assert changes(told, MAY) == []


def test_looking_back_compares_with_what_was_published_before_that_day(told: Settings) -> None:
    def shown(publication_id: str) -> list[dict]:
        return [{**row, "publication_id": ""} for row in changes(told, publication_id)]

    assert shown(AGAIN) == shown(NOVEMBER)
    assert changes(told, BEFORE) == []


def test_how_far_revisions_go(told: Settings) -> None:
    """One value, from 66.9 to 66.1. In May nothing had been revised."""
    query = "select revised_count, mean_revision, mean_absolute_revision from mart_revision_statistics"
    assert [tuple(row.values()) for row in ask(told, query, schema=NOVEMBER)] == [(1, -0.8, 0.8)]
    assert ask(told, query, schema=BEFORE) == []
