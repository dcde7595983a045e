"""dbt on a real PostgreSQL: from rows in `raw` to marts, compared with figures read or worked out by hand."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from expectations.tables import ROW_FOR_ROW
from planmark import database, publication
from planmark.cli import forecast_stage
from planmark.database import Role
from planmark.settings import ROOT, Settings

PROJECT = ROOT / "dbt_project"
RELEASED = ROOT / "tests" / "integration" / "mart_columns.csv"
SHARED_RATES = ROOT.parent / "shared" / "data" / "aps" / "els_employment_rate_la.csv.gz"
LEICESTER, SPINNEY_HILLS = "E06000016", "E01013754"
FIRST, SECOND = "p20261122t210000_aaaa", "p20261122t220000_bbbb"
AS_OF = "2026-11-22"
BEFORE_MARTS = ("resource_type:seed", "path:models/staging", "path:models/intermediate")

# ONS Explore local statistics, employment rate of Leicester with its 95 % interval, read by hand from the
# published table.
RATES = {
    2004: (64.0, 61.3, 66.7),
    2005: (63.8, 61.2, 66.4),
    2006: (67.8, 65.3, 70.3),
    2007: (66.7, 64.1, 69.3),
    2008: (62.3, 59.5, 65.1),
    2009: (63.1, 60.3, 65.9),
    2023: (65.1, 60.6, 69.6),
}


class Raw:
    """Writes rows into `raw` as the loader would."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def delivery(self, dataset: str, origin: str, outcome: str = "loaded", error: str | None = None) -> int:
        now = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
        row = self.connection.execute(
            "insert into raw.deliveries (dataset_id, provider, origin, outcome, started_at, finished_at, "
            "loaded_at, error) values (%s, %s, %s, %s, %s, %s, %s, %s) returning delivery_id",
            (dataset, dataset.split("_")[0], origin, outcome, now, now, now, error),
        ).fetchone()
        assert row
        return int(row[0])

    def series(
        self,
        delivery: int,
        dataset: str,
        area: str,
        dimensions: dict,
        role: str = "value",
        unit: str = "percent",
    ) -> int:
        def number(*parts: object) -> int:
            digest = hashlib.sha256(json.dumps(parts).encode()).digest()
            return int.from_bytes(digest[:8], "big", signed=True)

        series_id = number(dataset, area, dimensions, role, unit)
        family_id = number(dataset, area, dimensions)
        self.connection.execute(
            "insert into raw.series values (%s, %s, %s, %s, %s, %s, %s, %s)",
            (series_id, family_id, dataset, area, json.dumps(dimensions), role, unit, delivery),
        )
        return series_id

    def value(
        self,
        delivery: int,
        series: int,
        start: str,
        months: int,
        value: float | None,
        bounds: tuple[float | None, float | None] = (None, None),
        valid: tuple[str, str] = ("2026-11-20T02:00Z", "infinity"),
    ) -> None:
        self.connection.execute(
            "insert into raw.observations (series_id, period_start, period_months, value, lower_bound, "
            "upper_bound, status, valid_from, valid_to, delivery_id) "
            "values (%s, %s, %s, %s, %s, %s, 'A', %s, %s, %s)",
            (series, start, months, value, *bounds, *valid, delivery),
        )


def fill(settings: Settings) -> None:
    with database.connect(settings, Role.LOADER) as connection:
        raw = Raw(connection)
        # Official: the ONS table. Its 2005 value was revised since.
        ons = raw.delivery("ons_local_employment_rate", "official")
        series = raw.series(ons, "ons_local_employment_rate", LEICESTER, {"indicator": "Employment rate"})
        for year, (value, *bounds) in RATES.items():
            raw.value(ons, series, f"{year}-01-01", 12, value, (bounds[0], bounds[1]))
        raw.value(ons, series, "2005-01-01", 12, 63.5, valid=("2026-11-01T02:00Z", "2026-11-20T02:00Z"))
        # Demonstration: the same measure from NOMIS, with the figure printed in the plan. It must not show.
        aps = raw.delivery("nomis_aps_employment", "demonstration")
        series = raw.series(aps, "nomis_aps_employment", LEICESTER, {"variable": "45"})
        raw.value(aps, series, "2005-04-01", 12, 65.0)
        # The region has the demonstration only, with its half-width beside it.
        series = raw.series(aps, "nomis_aps_employment", "E12000004", {"variable": "45"})
        raw.value(aps, series, "2005-04-01", 12, 76.4)
        series = raw.series(
            aps,
            "nomis_aps_employment",
            "E12000004",
            {"variable": "45"},
            "confidence_half_width",
            "percentage_points",
        )
        raw.value(aps, series, "2005-04-01", 12, 0.9)
        # Small area of line 571 of the plan: 105 job seekers, 120 on incapacity benefit, 75 lone parents.
        small = raw.delivery("nomis_client_group_small_area", "demonstration")
        for item, values in {"2": (105, 70), "3": (120, 130), "4": (75, 50)}.items():
            series = raw.series(
                small, "nomis_client_group_small_area", SPINNEY_HILLS, {"item": item}, unit="people"
            )
            raw.value(small, series, "2006-08-01", 0, values[0])
            raw.value(small, series, "2016-11-01", 0, values[1])
        # JSA by duration, December 2006, lines 345 to 347 of the plan; August 2006 is made up.
        jsa = raw.delivery("nomis_jsa_age_duration", "demonstration")
        for duration, values in {"1": (5000, 4995), "2": (1700, 1725), "3": (1650, 1675)}.items():
            dimensions = {"sex": "7", "age": "0", "duration": duration}
            series = raw.series(jsa, "nomis_jsa_age_duration", LEICESTER, dimensions, unit="people")
            raw.value(jsa, series, "2006-08-01", 1, values[0])
            raw.value(jsa, series, "2006-12-01", 1, values[1])
        # A dataset whose last fetch was refused, and which is late: nothing newer than May 2026.
        claimants = raw.delivery("nomis_claimant_count", "official")
        dimensions = {"gender": "0", "age": "0", "measure": "1"}
        series = raw.series(claimants, "nomis_claimant_count", LEICESTER, dimensions, unit="people")
        raw.value(claimants, series, "2026-05-01", 1, 13000)
        raw.delivery("nomis_claimant_count", "official", "refused", "RECORD_COUNT was not reached")


def dbt(settings: Settings, folder: Path, *selection: str, unit_tests: bool = False, **variables: str) -> str:
    """Run one `dbt build` as the nightly steps do; return what it said. Fails the test if dbt fails."""
    host, port = database.address(settings)
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("DBT_", "PG"))} | {
        "DBT_HOST": host,
        "DBT_PORT": str(port),
        "DBT_DATABASE": settings.database_name,
        "DBT_ENV_SECRET_PASSWORD": database.password(settings, Role.TRANSFORMER),
    }
    command = [sys.executable, "-m", "dbt.cli.main", "--log-path", str(folder / "logs"), "build"]
    command += ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
    command += ["--target-path", str(folder / "target"), "--vars", json.dumps(variables)]
    command += [part for name in selection for part in ("--select", name)]
    if not unit_tests:
        command += ["--exclude-resource-type", "unit_test"]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout


@pytest.fixture(scope="module")
def built(module_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A warehouse with both stages built, unit tests included, from a project that is left as it was."""
    folder = tmp_path_factory.mktemp("dbt")
    before = sorted(str(path) for path in PROJECT.rglob("*"))
    fill(module_warehouse)
    variables = {"publication_id": FIRST, "run_id": "run_1", "as_of": AS_OF}
    first = dbt(module_warehouse, folder, *BEFORE_MARTS, unit_tests=True, **variables)
    assert "unit_test" in first
    forecast_stage.run(module_warehouse)
    dbt(module_warehouse, folder, "path:models/marts", unit_tests=True, **variables)
    publication.name_candidate(module_warehouse, FIRST)
    assert sorted(str(path) for path in PROJECT.rglob("*")) == before
    yield module_warehouse


def forecasts(settings: Settings) -> list:
    with database.connect(settings, Role.TRANSFORMER) as connection:
        return [
            connection.execute(f"select * from intermediate.{table} order by 1, 2").fetchall()
            for table in ("int_forecasts_made", "int_forecast_points")
        ]


def ask(settings: Settings, query: str, *values: object, role: Role = Role.GATE, schema: str = FIRST) -> list:
    with database.connect(settings, role) as connection:
        cursor = connection.cursor(row_factory=dict_row)
        cursor.execute(sql.SQL("set search_path = {}").format(sql.Identifier(f"marts_{schema}")))
        return cursor.execute(query.encode(), values).fetchall()


def target(settings: Settings, name: str, schema: str = FIRST) -> dict:
    query = "select * from mart_plan_progress where target_id = %s"
    return ask(settings, query, f"city_strategy_2007.{name}", schema=schema)[0]


def test_the_laa_target_is_missed_with_evidence_on_the_published_figures(built: Settings) -> None:
    """Due March 2008, so calendar 2007 decides: 66.7 (64.1-69.3). SE = 5.2/3.92 = 1.3265; 2.7/SE = 2.04."""
    row = target(built, "employment_rate_march_2008")
    assert (row["position"], row["evidence"], row["due_state"]) == ("missed", "confirmed", "past")
    assert (row["assessed_value"], row["assessed_period_label"]) == (66.7, "2007")
    assert (row["latest_value"], row["latest_lower"], row["latest_upper"]) == (65.1, 60.6, 69.6)
    assert row["latest_period_label"] == "2023"
    assert row["gap"] == -2.7
    assert row["done_share"] == 0.1  # (66.7 - 66.4) / 3
    assert row["reason"] == (
        "66.7 % in 2007 against a target of 69.4 % by March 2008: missed by 2.7 points; "
        "the margin of error (64.1-69.3) does not reach the target."
    )
    assert (row["baseline_value"], row["baseline_basis"], row["baseline_period"]) == (66.4, "printed", None)
    assert row["citation_line"] == 811
    assert row["citation_section"].startswith("3.3")
    assert not row["is_demonstration"]
    assert row["publication_id"] == FIRST
    assert row["as_of"] == date(2026, 11, 22)


def test_figures_of_the_test_are_those_of_the_published_table() -> None:
    if not SHARED_RATES.exists():
        pytest.skip("shared material is missing: data/aps")
    with gzip.open(SHARED_RATES, "rt", encoding="utf-8") as file:
        published = {
            int(row["period"][:4]): tuple(
                round(float(row[name]), 1) for name in ("observation", "lci_95", "uci_95")
            )
            for row in csv.DictReader(file)
            if (row["areacd"], row["indicator"]) == (LEICESTER, "Employment rate")
        }
    assert {year: published[year] for year in RATES} == RATES


def test_official_figures_are_never_mixed_with_demonstration(built: Settings) -> None:
    rows = ask(
        built,
        "select area_code, dataset_id, is_demonstration, count(*) as values_count from fct_observations "
        "where measure_id = 'employment_rate' group by 1, 2, 3 order by 1",
    )
    assert [tuple(row.values()) for row in rows] == [
        (LEICESTER, "ons_local_employment_rate", False, 7),
        ("E12000004", "nomis_aps_employment", True, 1),
    ]


def test_a_half_width_becomes_an_interval(built: Settings) -> None:
    """76.4 -/+ 0.9."""
    query = "select lower_bound, upper_bound from fct_observations where area_code = 'E12000004'"
    assert ask(built, query) == [{"lower_bound": 75.5, "upper_bound": 77.3}]


def test_a_reduction_starts_from_the_value_measured_in_august_2006(built: Settings) -> None:
    """Table 15 asks for 26, 29 and 25 fewer, from 105, 120 and 75: levels 79, 91 and 50."""
    rows = ask(
        built,
        "select measure_id, baseline_value, baseline_basis, change_wanted, target_value, latest_value, "
        "change_so_far, position, evidence, ward_name from mart_small_area_targets "
        "where area_code = %s order by measure_id",
        SPINNEY_HILLS,
    )
    assert [tuple(row.values()) for row in rows] == [
        (
            "incapacity_benefit_claimants",
            120,
            "measured",
            29,
            91,
            130,
            -10,
            "not_due",
            "none",
            "Spinney Hills",
        ),
        # 79 - 70 = 9 is more than 1.645 times the rounding of two counts, the root of 2 x 25/12 = 2.04; 0 is not.
        ("jsa_claimants", 105, "measured", 26, 79, 70, 35, "met", "confirmed", "Spinney Hills"),
        (
            "lone_parent_claimants",
            75,
            "measured",
            25,
            50,
            50,
            25,
            "met",
            "not_distinguishable",
            "Spinney Hills",
        ),
    ]
    assert ask(built, "select count(*) from mart_small_area_targets") == [{"count": 54}]


def test_two_duration_bands_make_the_long_term_claimants(built: Settings) -> None:
    """1,700 + 1,650 = 3,350 in August 2006; 1,725 + 1,675 = 3,400 in December; wanted 3,350 - 386 = 2,964."""
    row = target(built, "jsa_long_term")
    assert (row["baseline_value"], row["target_value"], row["latest_value"]) == (3350, 2964, 3400)
    assert row["position"] == "not_due"
    assert row["reason"].startswith(
        "3,400 people in December 2006 against a target of 2,964 people (386 fewer than the 3,350 of "
        "August 2006): not reached, and the plan prints no due date"
    )
    assert row["is_demonstration"]


def test_a_target_without_data_says_why(built: Settings) -> None:
    offenders = target(built, "lpsa_offenders_into_work")
    assert (offenders["position"], offenders["evidence"]) == ("no_data", "none")
    assert offenders["reason"].startswith("No published statistic supplies this measure")
    unloaded = target(built, "lone_parents")
    assert (unloaded["position"], unloaded["baseline_value"]) == ("no_data", None)
    assert unloaded["reason"] == "No value has been loaded for this measure and area."


def test_every_target_of_the_plan_has_one_row(built: Settings) -> None:
    with (PROJECT / "seeds" / "plans" / "targets.csv").open(encoding="utf-8") as file:
        wanted = sorted(row["target_id"] for row in csv.DictReader(file))
    found = [row["target_id"] for row in ask(built, "select target_id from mart_plan_progress")]
    assert sorted(found) == wanted


def test_the_path_runs_from_baseline_to_due_date(built: Settings) -> None:
    """65 at March 2006 to 69 at December 2009, 45 months. December 2006 is 9 on: 65 + 4 x 9/45 = 65.8;
    December 2007 21 on: 66.8667; December 2008 33 on: 67.9333."""
    rows = ask(
        built,
        "select point_kind, point_label, expected_value, actual_value from mart_target_trajectory "
        "where target_id = 'city_strategy_2007.employment_rate_2009' order by point_date, point_kind",
    )
    assert [tuple(row.values()) for row in rows] == [
        ("observed", "2004", None, 64.0),
        ("observed", "2005", None, 63.8),
        ("baseline", "April 2005 to March 2006", 65.0, None),
        ("observed", "2006", 65.8, 67.8),
        ("observed", "2007", 66.866667, 66.7),
        ("observed", "2008", 67.933333, 62.3),
        ("due", "the end of 2009", 69.0, None),
        ("observed", "2009", 69.0, 63.1),
        ("observed", "2023", None, 65.1),
    ]


def test_a_revision_is_kept_with_both_values(built: Settings) -> None:
    rows = ask(
        built, "select measure_id, value_before, value_after, value_change, is_withdrawn from fct_revisions"
    )
    assert [
        (r["measure_id"], r["value_before"], r["value_after"], round(r["value_change"], 6), r["is_withdrawn"])
        for r in rows
    ] == [("employment_rate", 63.5, 63.8, 0.3, False)]


def test_a_dataset_that_failed_or_is_late_says_so(built: Settings) -> None:
    """Newest May 2026, monthly: late from the end of July 2026 on."""
    late = ask(built, "select * from mart_freshness where dataset_id = 'nomis_claimant_count'")[0]
    assert (late["newest_period_end"], late["next_due_date"]) == (date(2026, 5, 31), date(2026, 7, 31))
    assert (late["is_late"], late["is_stale"], late["last_outcome"]) == (True, True, "refused")
    assert late["last_error"] == "RECORD_COUNT was not reached"
    assert late["loaded_at"] == datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
    ended = ask(built, "select * from mart_freshness where dataset_id = 'nomis_client_group_small_area'")[0]
    assert (ended["cadence"], ended["next_due_date"], ended["is_late"]) == ("ended", None, False)
    never = ask(built, "select * from mart_freshness where dataset_id = 'nomis_bres'")[0]
    assert (never["last_outcome"], never["newest_period_end"]) == ("never_fetched", None)


def written(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / "plans" / f"{name}.csv").open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_plan_health_counts_what_can_be_answered(built: Settings) -> None:
    """Four employment rates, long-term JSA and three of one small area have values; the plan files say how many
    targets there are, how many have a due date, and whose measure no table supplies."""
    row = ask(built, "select * from mart_plan_health where plan_id = 'city_strategy_2007'")[0]
    targets = [target for target in written("targets") if target["plan_id"] == "city_strategy_2007"]
    bound = {binding["measure_id"] for binding in written("bindings")}
    undated = sum(not target["due_date"] for target in targets)
    unsupplied = sum(target["measure_id"] not in bound for target in targets)
    assert len(targets) >= 4 + 4 + 54  # the headline, Table 14, Table 15
    assert (row["targets_count"], row["with_data_count"]) == (len(targets), 8)
    assert row["without_data_count"] == len(targets) - 8
    assert row["with_data_pct"] == pytest.approx(100 * 8 / len(targets), abs=0.05)
    assert (row["without_source_count"], row["without_due_date_count"]) == (unsupplied, undated)
    assert (row["due_count"], row["missed_count"]) == (len(targets) - undated, 3)
    assert (row["met_count"], row["demonstration_count"]) == (2, 4)


def test_every_row_of_every_plan_file_is_in_its_mart(built: Settings) -> None:
    for mart, name in ROW_FOR_ROW.items():
        assert ask(built, f"select count(*) from {mart}") == [{"count": len(written(name))}], mart


def test_every_plan_has_targets_each_with_a_reason(built: Settings) -> None:
    rows = ask(
        built,
        "select plan_id, count(*) filter (where position = 'no_data' and trim(reason) = '') as silent, "
        "count(*) as targets from mart_plan_progress group by plan_id",
    )
    assert {row["plan_id"] for row in rows} == {plan["plan_id"] for plan in written("plans")}
    assert {row["silent"] for row in rows} == {0}


def test_the_growth_matrix_is_complete(built: Settings) -> None:
    """32 actions by five vital few: 160 cells. Line 14 of the text: action 1 has X under VF2, O under VF3, X under VF4;
    line 29, which lost its first cell in print: action 16 has O, X, O under VF2 to VF4."""
    cells = ask(built, "select action_number, vital_few_number, mark from mart_growth_matrix order by 1, 2")
    assert len(cells) == 160
    of = {(cell["action_number"], cell["vital_few_number"]): cell["mark"] for cell in cells}
    names = [f"VF{number}" for number in range(1, 6)]
    assert [of["1", name] for name in names] == ["none", "strong", "supporting", "strong", "none"]
    assert [of["16", name] for name in names] == ["none", "supporting", "strong", "supporting", "none"]


def test_a_programme_shows_its_outputs_beside_its_money(built: Settings) -> None:
    """Table 8 of the 2007 plan: the Job Service Partnership, 460,000 pounds for 103 people into work: 4,466.02 each."""
    rows = ask(
        built,
        "select profile_value, profile_cost_per_output_gbp, actual_value, return_state from mart_programme_monitoring "
        "where objective_id = 'city_strategy_2007.nrf_job_service_partnership' and line_kind = 'output' "
        "order by profile_value",
    )
    assert [tuple(row.values()) for row in rows] == [
        (103.0, 4466.02, None, "awaiting_return"),
        (176.0, 2613.64, None, "awaiting_return"),
    ]
    kinds = ask(built, "select line_kind, count(*) from mart_programme_monitoring group by 1 order by 1")
    assert {row["line_kind"]: row["count"] for row in kinds} == {
        "kpi": len(written("kpis")),
        "milestone": len(written("milestones")),
        "money": len(written("budget_lines")),
        "output": sum(target["kind"] == "count_in_period" for target in written("targets")),
    }


def test_a_printed_figure_stands_beside_what_is_known_now(built: Settings) -> None:
    """Line 148: 65.0 % in employment. The ONS table has no such twelve months, so nothing is known beside it."""
    rows = ask(
        built,
        "select printed_value, known_value, period_label from mart_printed_statistics "
        "where plan_id = 'city_strategy_2007' and citation_line = 148 and area_code = 'E06000016' and unit = 'percent'",
    )
    assert [tuple(row.values()) for row in rows] == [(65.0, None, "April 2005 to March 2006")]


def test_a_finding_keeps_both_places_and_its_arithmetic(built: Settings) -> None:
    """Lines 571: 120 + 105 + 75 = 300, and 340 is printed."""
    rows = ask(
        built,
        "select arithmetic, citation_line, other_line from mart_plan_findings "
        "where plan_id = 'city_strategy_2007' and citation_line = 571 and finding_kind = 'sum_differs'",
    )
    assert len(rows) == 1
    assert "120 + 105 + 75 = 300" in rows[0]["arithmetic"]
    assert "340" in rows[0]["arithmetic"]


def test_the_gate_and_the_publisher_may_read_and_pass_it_on(built: Settings) -> None:
    targets = len(written("targets"))
    assert ask(built, "select count(*) from dim_targets", role=Role.GATE) == [{"count": targets}]
    with database.connect(built, Role.PUBLISHER) as connection:
        connection.execute(f"grant usage on schema marts_{FIRST} to bi_reader")
        connection.execute(f"grant select on marts_{FIRST}.mart_plan_progress to bi_reader")
    with database.connect(built, Role.READER) as connection:
        query = f"select count(*) from marts_{FIRST}.mart_plan_progress"
        assert connection.execute(query.encode()).fetchone() == (targets,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute(f"select 1 from marts_{FIRST}.dim_targets")


def test_gate_results_written_afterwards_are_seen(built: Settings) -> None:
    with database.connect(built, Role.GATE) as connection:
        for run, publication, check in (
            ("run_1", FIRST, "ours"),
            ("run_1", None, "of our run, at the raw door"),
            ("run_0", "p_other", "another's"),
        ):
            connection.execute(
                "insert into ops.gate_results (run_id, publication_id, door, suite, check_id, severity, "
                "owner, is_met, expected) values (%s, %s, 'marts', 's', %s, 'fail', 'o', true, 'e')",
                (run, publication, check),
            )
    rows = ask(built, "select check_id, publication_id from mart_quality order by check_id")
    assert [row["check_id"] for row in rows] == ["of our run, at the raw door", "ours"]
    assert {row["publication_id"] for row in rows} == {FIRST}


def columns(settings: Settings) -> dict[tuple[str, str], str]:
    rows = ask(
        settings,
        "select table_name, column_name, data_type from information_schema.columns "
        "where table_schema = current_schema() order by table_name, ordinal_position",
    )
    return {(row["table_name"], row["column_name"]): row["data_type"] for row in rows}


def test_mart_columns_only_grow(built: Settings) -> None:
    """Compared with the columns of the last release; new ones join the file when they are released."""
    with RELEASED.open(encoding="utf-8", newline="") as file:
        released = {(row["mart"], row["column"]): row["type"] for row in csv.DictReader(file)}
    now = columns(built)
    assert {key: now.get(key) for key in released} == released


def test_every_mart_has_a_key_and_a_comment_on_every_column(built: Settings) -> None:
    rows = ask(
        built,
        "select c.relname, "
        "(select count(*) from pg_constraint k where k.conrelid = c.oid and contype = 'p') as keys, "
        "(select count(*) from pg_attribute a where a.attrelid = c.oid and attnum > 0 "
        "and col_description(c.oid, attnum) is null) as silent "
        "from pg_class c where relnamespace = current_schema()::regnamespace and relkind in ('r', 'v')",
    )
    assert len(rows) == 51
    assert {row["relname"]: row["silent"] for row in rows if row["silent"]} == {}
    assert [row["relname"] for row in rows if not row["keys"]] == ["mart_quality"]


def test_a_second_build_leaves_the_first_publication_alone(built: Settings, tmp_path: Path) -> None:
    """Built as of May 2008 with the values known now: calendar 2007 has ended, 2008 has not."""
    before = columns(built)
    as_of = {"as_of": "2008-05-01", "versions": "current"}
    dbt(built, tmp_path, *BEFORE_MARTS, publication_id=SECOND, run_id="run_2", **as_of)
    forecast_stage.run(built)
    made = forecasts(built)
    forecast_stage.run(built)
    assert forecasts(built) == made
    dbt(built, tmp_path, "path:models/marts", publication_id=SECOND, run_id="run_2", **as_of)
    publication.name_candidate(built, SECOND)
    assert columns(built) == before
    assert target(built, "employment_rate_march_2008")["latest_value"] == 65.1
    then = target(built, "employment_rate_march_2008", schema=SECOND)
    assert (then["latest_period_label"], then["position"], then["as_of"]) == (
        "2007",
        "missed",
        date(2008, 5, 1),
    )
    # Due at the end of 2009: 66.7 against the path's 66.8667 is 0.1667 behind; tolerance 10 % of 4 points.
    running = target(built, "employment_rate_2009", schema=SECOND)
    assert (running["position"], running["due_state"]) == ("within_tolerance", "upcoming")
    # 64.0, 63.8, 67.8, 66.7: on the logit 0.5754, 0.5667, 0.7446, 0.6946, so moves of -0.0087, 0.1779 and -0.0500 and a
    # usual move of 0.1068. Two years ahead 0.1511; 69 % is 0.8001. (0.8001 - 0.6946) / 0.1511 = 0.698; Student's t of 3
    # degrees leaves 0.267 above.
    assert running["chance"] == pytest.approx(0.267, abs=0.003)
    assert running["forecast_value"] == pytest.approx(66.7)
    assert running["outlook_words"].startswith(
        "Unlikely to reach it (27 %): carried forward, the series stands at 66.7 %"
    )
    ahead = "select point_date from mart_target_trajectory where point_kind = 'forecast' and target_id = %s order by 1"
    days = ask(built, ahead, "city_strategy_2007.employment_rate_2009", schema=SECOND)
    assert [day["point_date"] for day in days] == [date(2008, 12, 31), date(2009, 12, 31)]
    # The path asks for 66.8667 - 65 = 1.8667 points so far, less than 1.645 x 1.3265 = 2.18.
    assert running["evidence"] == "too_early"
    assert running["gap"] == -0.166667
