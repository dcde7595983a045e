"""On a real PostgreSQL: a forecast is published, kept as it was shown, and scored when its outcome comes."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from planmark import database
from planmark.database import Role
from planmark.registry import template
from planmark.settings import Settings
from tests.integration.test_changes import TARGET, build, changes, publish_on, rewrite
from tests.integration.test_dbt_build import Raw, ask

SPRING, SUMMER, NOW = (f"p20261120t01000{n}_aaaa" for n in range(3))
DATASET = "ons_local_employment_rate"
ONLY_SCORES = (
    "--select", "+mart_forecast_reliability,path:models/marts", "+mart_changes,path:models/marts",
    "--indirect-selection", "cautious"
)  # fmt: skip


@pytest.fixture(scope="module")
def told(module_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """69 % is due at the end of 2025. Published in May 2024, when 2023 was the newest year; in July, when 2022 had been
    revised; and in November 2026, when 2025 had come."""
    plans = tmp_path_factory.mktemp("plans")
    template.write(plans)
    rewrite(
        plans / "targets.csv", baseline_value="64", baseline_period="2020-01-01/P12M", target_value="69",
        due_date="2025-12-31",
    )  # fmt: skip
    settings = module_warehouse.model_copy(update={"plans": plans})
    first, june, last = "2024-03-01T02:00Z", "2024-06-01T02:00Z", "2026-03-01T02:00Z"
    with database.connect(settings, Role.LOADER) as connection:
        raw = Raw(connection)
        delivery = raw.delivery(DATASET, "official")
        connection.execute("update raw.deliveries set started_at = %s, loaded_at = %s", (first, first))
        series = raw.series(delivery, DATASET, "X00000001", {"indicator": "Employment rate"})
        for start, value, *valid in (
            ("2020-01-01", 64.0, first, "infinity"),
            ("2021-01-01", 63.8, first, "infinity"),
            ("2022-01-01", 67.8, first, june),
            ("2022-01-01", 67.0, june, "infinity"),
            ("2023-01-01", 66.7, first, "infinity"),
            ("2024-01-01", 65.0, last, "infinity"),
            ("2025-01-01", 63.1, last, "infinity"),
        ):
            raw.value(delivery, series, start, 12, value, valid=(valid[0], valid[1]))
    for publication_id, day in (
        (SPRING, datetime(2024, 5, 3, 2, tzinfo=UTC)),
        (SUMMER, datetime(2024, 7, 3, 2, tzinfo=UTC)),
        (NOW, datetime(2026, 11, 20, 2, tzinfo=UTC)),
    ):
        build(settings, publication_id, day.date().isoformat(), ONLY_SCORES)
        publish_on(settings, publication_id, day)
    return settings


def test_a_forecast_is_kept_as_it_was_shown(told: Settings) -> None:
    """The worked example of the methodology: 66.7 %, 61.0 to 72.0, a chance of 0.268. With 67.0 for 2022 the moves on the
    logit are -0.0087, 0.1413 and -0.0135, their root mean square 0.0821, over two years 0.1161: 0.1053 / 0.1161 = 0.907
    leaves 0.216 under Student's t of 3 degrees; the band is 0.6939 -/+ 1.638 x 0.1161, so 62.3 to 70.8 %."""
    with database.connect(told, Role.READER) as connection:
        rows = connection.execute(
            "select publication_id, due_date, forecast_value, lower_80, upper_80, chance from ops.published_targets "
            "where target_id = %s order by event_id",
            (TARGET,),
        ).fetchall()
    assert rows[:2] == [
        (SPRING, date(2025, 12, 31), *(pytest.approx(n, abs=0.06) for n in (66.7, 61.0, 72.0)), near(0.268)),
        (SUMMER, date(2025, 12, 31), *(pytest.approx(n, abs=0.06) for n in (66.7, 62.3, 70.8)), near(0.216)),
    ]
    # Past the due date nothing is forecast.
    assert [(row[0], row[2], row[5]) for row in rows[2:]] == [(NOW, None, None)]


def test_another_forecast_alone_is_no_change_of_a_figure(told: Settings) -> None:
    assert changes(told, SUMMER) == []


def test_it_is_scored_when_its_outcome_comes(told: Settings) -> None:
    """63.1 % came: 3.6 below the middle of both; inside 61.0 to 72.0 and 62.3 to 70.8; missed, so the Brier scores are
    0.268 and 0.216 squared."""
    rows = ask(told, "select * from mart_forecast_scores order by published_at", schema=NOW)
    assert [
        (row["target_id"], row["forecast_publication_id"], row["days_ahead"], row["outcome_value"])
        for row in rows
    ] == [(TARGET, SPRING, 607, 63.1), (TARGET, SUMMER, 546, 63.1)]
    assert [(row["absolute_error"], row["is_inside_80"], row["was_hit"]) for row in rows] == [
        (near(3.6), True, False), (near(3.6), True, False)
    ]  # fmt: skip
    assert [row["brier_score"] for row in rows] == [near(0.0718), near(0.0467)]
    assert not any(row["is_demonstration"] for row in rows)


def test_how_often_published_forecasts_came_true(told: Settings) -> None:
    query = (
        "select status, status_reason, forecasts_count, targets_count, inside_80_share, inside_95_share, "
        "mean_brier_score from mart_forecast_reliability order by is_demonstration"
    )
    none = ("none", "no published forecast has been decided yet", 0, 0, None, None, None)
    assert [tuple(row.values()) for row in ask(told, query, schema=NOW)] == [
        ("scored", None, 2, 1, 1.0, 1.0, near(0.059)), none
    ]  # fmt: skip
    assert [tuple(row.values()) for row in ask(told, query, schema=SUMMER)] == [none, none]


def near(number: float) -> Any:
    return pytest.approx(number, abs=0.003)
