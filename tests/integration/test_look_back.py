"""A night, a revision, another night; and the days between, built again: what was said, and why it changed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from psycopg.rows import dict_row

from planmark import database, publication
from planmark.cli import as_of, build_stage, dbt_stage, steps
from planmark.cli.as_of import Versions
from planmark.database import Role
from planmark.errors import PlanmarkError, PublicationError
from planmark.settings import Settings
from tests.integration.test_dbt_build import fill

# Ten processes of dbt, one after another, before the first test.
pytestmark = pytest.mark.timeout(1200)

MAY, BETWEEN, JUNE = date(2008, 5, 3), date(2008, 5, 15), date(2008, 6, 1)
TARGET = "city_strategy_2007.employment_rate_2009"
SERIES = "(select series_id from raw.series where dataset_id = 'ons_local_employment_rate')"


def query(
    settings: Settings, text: str, *values: object, role: Role = Role.TRANSFORMER
) -> list[dict[str, Any]]:
    with database.connect(settings, role) as connection:
        return connection.cursor(row_factory=dict_row).execute(text.encode(), values).fetchall()


def change(settings: Settings, *statements: str, role: Role = Role.ADMIN) -> None:
    with database.connect(settings, role) as connection:
        for statement in statements:
            connection.execute(statement.encode())


def night(settings: Settings, publication_id: str, day: date) -> None:
    night = steps.Night(
        run_id=f"run_{publication_id}", publication_id=publication_id, as_of=day.isoformat(), datasets={}, skipped={}
    )  # fmt: skip
    steps.build_marts(settings, night)
    publication.publish(settings, publication_id)


def night_tables(settings: Settings) -> list[dict[str, Any]]:
    return query(
        settings,
        "select n.nspname, c.relname, c.oid, c.relfilenode from pg_class c join pg_namespace n on n.oid = relnamespace "
        "where nspname in ('staging', 'intermediate', 'reference', 'marts') or nspname ~ '^marts_p' order by 1, 2",
    )


@pytest.fixture(scope="module")
def told(module_warehouse: Settings) -> Iterator[dict[str, Any]]:
    """May: 66.9 for 2007, on the path (66.8667). Revised to 66.7, released on 10 May and loaded on 20 May."""
    settings = module_warehouse
    fill(settings)
    earlier = "- interval '18 years 7 months'"  # from 20 November 2026 to 20 April 2008
    change(
        settings,
        f"update raw.observations set valid_from = valid_from {earlier}, valid_to = valid_to {earlier}",
        f"update raw.deliveries set started_at = started_at {earlier}, finished_at = finished_at {earlier}, "
        f"loaded_at = loaded_at {earlier}",
        # Nobody had them in 2008.
        f"delete from raw.observations where series_id = {SERIES} and period_start >= '2008-01-01'",
        f"update raw.observations set value = 66.9 where series_id = {SERIES} and period_start = '2007-01-01'",
    )
    # A build that failed left a table, which the publisher would refuse.
    change(
        settings,
        "create schema marts_candidate",
        "create table marts_candidate.mart_of_old as select 1 as half",
        role=Role.TRANSFORMER,
    )
    night(settings, "p20080503t020000_aaaa", MAY)
    first = as_of.build(settings, BETWEEN)
    change(
        settings,
        "insert into raw.deliveries (dataset_id, provider, origin, outcome, started_at, finished_at, loaded_at, "
        "released_at) select 'ons_local_employment_rate', 'ons', 'official', 'loaded', t, t, t, '2008-05-10T09:30Z' "
        "from (select '2008-05-20T02:00Z'::timestamptz as t) as s",
        f"update raw.observations set valid_to = '2008-05-20T02:00Z', closed_by_delivery_id = "
        f"(select max(delivery_id) from raw.deliveries) where series_id = {SERIES} and period_start = '2007-01-01'",
        "insert into raw.observations (series_id, period_start, period_months, value, lower_bound, upper_bound, status, "
        "valid_from, delivery_id) select series_id, period_start, period_months, 66.7, lower_bound, upper_bound, status, "
        f"'2008-05-20T02:00Z', closed_by_delivery_id from raw.observations where series_id = {SERIES} "
        "and period_start = '2007-01-01'",
    )
    night(settings, "p20080601t020000_bbbb", JUNE)
    before = night_tables(settings)
    again = as_of.build(settings, BETWEEN)
    released = as_of.build(settings, BETWEEN, Versions.RELEASED)
    yield {
        "settings": settings, "first": first, "again": again, "released": released,
        "before": before, "after": night_tables(settings),
    }  # fmt: skip


def test_what_was_published_is_kept_once_a_change(told: dict[str, Any]) -> None:
    rows = query(
        told["settings"],
        "select publication_id, position, assessed_value from ops.published_targets where target_id = %s "
        "order by published_at",
        TARGET,
    )
    assert [tuple(row.values()) for row in rows] == [
        ("p20080503t020000_aaaa", "on_trajectory", 66.9),
        ("p20080601t020000_bbbb", "within_tolerance", 66.7),
    ]
    # A target without data says the same on both nights, so it has one row.
    counts = query(told["settings"], "select count(*) filter (where n = 1) as once from (select count(*) as n "
                   "from ops.published_targets group by target_id) as s")  # fmt: skip
    assert counts[0]["once"] > 500


def test_a_day_built_again_after_a_revision_gives_the_same_bytes(told: dict[str, Any]) -> None:
    assert told["first"].checksums == told["again"].checksums
    assert told["first"].checksum == told["again"].checksum
    assert len(told["again"].checksums) > 30


def test_held_and_released_differ_by_the_revision(told: dict[str, Any]) -> None:
    values = {
        schema: query(
            told["settings"],
            f"select assessed_value, position from {schema}.mart_plan_progress where target_id = %s",
            TARGET,
            role=Role.READER,
        )[0]
        for schema in (told["again"].schema_name, told["released"].schema_name)
    }
    assert tuple(values["as_of_20080515"].values()) == (66.9, "on_trajectory")
    assert tuple(values["as_of_20080515_released"].values()) == (66.7, "within_tolerance")
    revised = "select value_before, value_after from {}.fct_revisions where period_start = '2007-01-01'"
    assert query(told["settings"], revised.format("as_of_20080515")) == []
    assert [
        tuple(r.values()) for r in query(told["settings"], revised.format("as_of_20080515_released"))
    ] == [(66.9, 66.7)]


def test_the_nights_tables_are_not_touched(told: dict[str, Any]) -> None:
    assert told["before"] == told["after"]


def test_what_is_built_is_listed_and_can_be_dropped_and_a_kill_is_cleaned_up(told: dict[str, Any]) -> None:
    settings = told["settings"]
    assert as_of.builds(settings) == ["as_of_20080515", "as_of_20080515_released"]
    # What a build that was cut off left behind is no build, and is gone with the next one of that day.
    change(settings, "create schema as_of_20080515_new_staging authorization planmark_transformer")
    assert as_of.builds(settings) == ["as_of_20080515", "as_of_20080515_released"]
    with (
        as_of.alone(settings, "as_of_20080515"),
        pytest.raises(PublicationError, match="being built already"),
    ):
        as_of.build(settings, BETWEEN)
    as_of.remove(settings, "as_of_20080515_released")
    assert as_of.builds(settings) == ["as_of_20080515"]
    with pytest.raises(PublicationError, match="not built"):
        as_of.remove(settings, "as_of_20080515_released")


def test_a_build_that_fails_leaves_the_earlier_one(
    told: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = told["settings"]
    tables = "select oid from pg_class where relnamespace = 'as_of_20080515'::regnamespace order by oid"
    before = query(settings, tables)

    def cut_off(*_: object, **__: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(build_stage.forecast_stage, "run", cut_off)
    with pytest.raises(KeyboardInterrupt):
        as_of.build(settings, BETWEEN)
    assert query(settings, tables) == before
    left = query(settings, "select nspname from pg_namespace where nspname ~ '^as_of_.*_new'")
    assert left == []


def test_the_day_itself_is_told_as_it_will_be_told_tomorrow(told: dict[str, Any]) -> None:
    # Both nights were published today, by the clock of the database: tomorrow they are no earlier than today.
    today = as_of.build(told["settings"], told["settings"].today)
    rows = query(told["settings"], f"select * from {today.schema_name}.fct_published_targets")
    as_of.remove(told["settings"], today.schema_name)
    assert rows == []


def test_of_releases_out_of_order_the_newest_version_counts(warehouse: Settings) -> None:
    """Each value of 2004 to 2007 has two later versions; by 25 May, the last is out in three, and one is withdrawn."""
    fill(warehouse)
    may, june = "2008-05-20T09:30Z", "2008-06-10T09:30Z"
    for year, second, third, is_withdrawn in (
        (2004, may, june, False),  # in order: the second counts
        (2005, may, may, False),  # one time for both: the third counts
        (2006, None, may, False),  # the second bears no release, and was loaded in June: the third counts
        (2007, june, may, True),  # the third takes the value back before the second was to be: none counts
    ):
        key = f"series_id = {SERIES} and period_start = '{year}-01-01'"
        change(
            warehouse,
            f"delete from raw.observations where {key} and valid_to <> 'infinity'",
            f"update raw.observations set value = {year - 2000}, valid_from = '2008-04-20T02:00Z' where {key}",
        )
        for hour, released, value in ((1, second, 50 + year - 2000), (2, third, 60 + year - 2000)):
            at = f"2008-06-{year - 2000:02}T0{hour}:00Z"
            written = f"'{released}'" if released else "null"
            change(
                warehouse,
                "insert into raw.deliveries (dataset_id, provider, origin, outcome, started_at, finished_at, loaded_at, "
                "released_at) select 'ons_local_employment_rate', 'ons', 'official', 'loaded', "
                f"'{at}', '{at}', '{at}', {written}",
                f"update raw.observations set valid_to = '{at}', closed_by_delivery_id = "
                f"(select max(delivery_id) from raw.deliveries) where {key} and valid_to = 'infinity'",
            )
            if hour == 2 and is_withdrawn:
                continue
            change(
                warehouse,
                "insert into raw.observations (series_id, period_start, period_months, value, valid_from, delivery_id) "
                f"select series_id, period_start, period_months, {value}, '{at}', closed_by_delivery_id "
                f"from raw.observations where {key} and valid_to = '{at}'",
            )
    built = as_of.build(warehouse, date(2008, 5, 25), Versions.RELEASED)
    rows = query(
        warehouse,
        "select extract(year from period_start)::integer as year, value from "
        f"{built.schema_name}.fct_observations where measure_id = 'employment_rate' and area_code = 'E06000016' "
        "and period_start between '2004-01-01' and '2007-12-31' and dataset_id = 'ons_local_employment_rate' order by 1",
    )
    assert [tuple(row.values()) for row in rows] == [(2004, 54.0), (2005, 65.0), (2006, 66.0)]


def test_what_is_under_embargo_is_not_seen_until_its_hour(warehouse: Settings) -> None:
    """A delivery of 60.1 for 2004 that may not be seen yet, and a later one of 60.2 for 2005 that names no release."""
    fill(warehouse)
    before = publication.fingerprint(warehouse)
    seen = _values_of_2004_and_2005(warehouse)
    for year, value, release in ((2004, 60.1, "now() + interval '1 day'"), (2005, 60.2, "null")):
        key = f"series_id = {SERIES} and period_start = '{year}-01-01' and valid_to = 'infinity'"
        change(
            warehouse,
            "insert into raw.deliveries (dataset_id, provider, origin, outcome, started_at, finished_at, loaded_at, "
            f"released_at) select 'ons_local_employment_rate', 'ons', 'official', 'loaded', t, t, t, {release} "
            "from (select now() - interval '1 minute' as t) as s",
            "update raw.observations set valid_to = now() - interval '1 minute', closed_by_delivery_id = "
            f"(select max(delivery_id) from raw.deliveries) where {key}",
            "insert into raw.observations (series_id, period_start, period_months, value, valid_from, delivery_id) select "
            f"series_id, period_start, period_months, {value}, valid_to, closed_by_delivery_id from raw.observations "
            "where closed_by_delivery_id = (select max(delivery_id) from raw.deliveries)",
        )
    assert _values_of_2004_and_2005(warehouse) == seen
    # Nor is it counted as news, which a publication at this moment would be made from.
    assert publication.fingerprint(warehouse) == before
    assert list(publication.held_back(warehouse)) == ["ons_local_employment_rate"]

    change(warehouse, "update raw.deliveries set released_at = now() where released_at > now()")
    assert _values_of_2004_and_2005(warehouse) == {2004: 60.1, 2005: 60.2}
    assert publication.fingerprint(warehouse) != before
    assert publication.held_back(warehouse) == {}


def _values_of_2004_and_2005(settings: Settings) -> dict[int, float]:
    variables = {
        "publication_id": "p1",
        "run_id": "none",
        "as_of": settings.today.isoformat(),
    }
    with dbt_stage.Dbt(settings, variables, log_name="dbt-embargo.log") as dbt:
        dbt.build("what is known", ["--select", "+int_observations_resolved", "--exclude", "test_type:data"])
    rows = query(
        settings,
        "select extract(year from period_start)::integer as year, value from intermediate.int_observations_resolved "
        "where measure_id = 'employment_rate' and area_code = 'E06000016' and period_start in ('2004-01-01', '2005-01-01') "
        "and dataset_id = 'ons_local_employment_rate'",
    )
    return {row["year"]: row["value"] for row in rows}


def test_what_a_killed_build_left_is_dropped_unless_it_is_under_way(warehouse: Settings) -> None:
    names = ("as_of_20010101", "as_of_20020202_released", "as_of_20030303")
    change(
        warehouse,
        "create schema as_of_20010101",
        "create schema as_of_20010101_new_staging",
        "create schema as_of_20020202_released_new",
        "create schema as_of_20030303_new",
        role=Role.TRANSFORMER,
    )
    with as_of.alone(warehouse, names[2]):
        as_of.clear_leftovers(warehouse)
    found = query(
        warehouse, "select nspname from pg_namespace where starts_with(nspname, 'as_of') order by 1"
    )
    assert [row["nspname"] for row in found] == ["as_of_20010101", "as_of_20030303_new"]


@pytest.mark.parametrize(("day", "versions"), [("2008-01-01", "as_of"), ("2008-01-01", "released")])
def test_a_day_before_any_delivery_is_refused(told: dict[str, Any], day: str, versions: str) -> None:
    with pytest.raises(PublicationError, match="nothing by then"):
        as_of.build(told["settings"], date.fromisoformat(day), Versions(versions))


@pytest.mark.parametrize(
    ("text", "message"), [("2008-13-01", "not a day"), ("", "not a day"), ("2999-01-01", "nobody knows")]
)
def test_what_is_no_day_is_refused(told: dict[str, Any], text: str, message: str) -> None:
    with pytest.raises(PlanmarkError, match=message):
        as_of.day_of(told["settings"], text)
