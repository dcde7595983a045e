"""The gate on a real PostgreSQL, through Great Expectations: good data passes, each fault is found by name.

Each door runs over good data and over a database with every fault, and the tests look at what was found.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from expectations import runner
from expectations.gate import NOTHING_TO_COMPARE, GateResult, check_door
from planmark import database, publication
from planmark.database import Role
from planmark.errors import GateError, PublicationError
from planmark.settings import Settings

FIRST, SECOND, BAD = "p20261120t020000_aa01", "p20261121t020000_bb02", "p20261122t020000_cc03"

# The first night: deliveries 1 to 5.
GOOD_RAW = """
insert into raw.deliveries (dataset_id, provider, origin, outcome, rows_fetched, rows_inserted, rows_unchanged,
    newest_period, definition_sha256) values
    ('rates', 'p', 'official', 'loaded', 10, 3, 7, '2005-01-01', 'a'),
    ('narrowed', 'p', 'demonstration', 'loaded', 100, 1, 99, '2006-01-01', 'a'),
    ('shrinking', 'p', 'official', 'loaded', 1000, 0, 1000, '2006-01-01', 'a'),
    ('ending', 'p', 'official', 'loaded', 10, 0, 10, '2006-01-01', 'a'),
    ('gone_live', 'p', 'demonstration', 'loaded', 1000, 0, 1000, '2026-10-01', 'a');
insert into raw.series values
    (1, 1, 'rates', 'E06000016', '{}', 'value', 'percent', 1),
    (2, 1, 'rates', 'E06000016', '{}', 'confidence_half_width', 'percentage_points', 1),
    (3, 3, 'narrowed', 'E92000001', '{}', 'value', 'people', 2);
insert into raw.observations (series_id, period_start, period_months, value, status, valid_from, delivery_id) values
    (1, '2004-01-01', 12, 0, null, '2026-11-01', 1),
    (1, '2005-01-01', 12, null, 'Q', '2026-11-01', 1),
    (2, '2004-01-01', 12, 0.1, null, '2026-11-01', 1),
    (3, '2004-01-01', 0, 4000, null, '2026-11-01', 2);
"""
# The second night: one value revised and one added, a tenth of the rows gone; a dataset that a person narrowed;
# and one that comes from the true service for the first time.
NEXT_RAW = """
insert into raw.deliveries (dataset_id, provider, origin, outcome, rows_fetched, rows_inserted, rows_revised,
    rows_unchanged, newest_period, definition_sha256) values
    ('rates', 'p', 'official', 'loaded', 9, 1, 1, 7, '2006-01-01', 'a'),
    ('narrowed', 'p', 'demonstration', 'loaded', 5, 1, 0, 4, '2004-01-01', 'b'),
    ('rates', 'p', 'official', 'unchanged', 9, 0, 0, 9, '2006-01-01', 'a'),
    ('gone_live', 'p', 'official', 'loaded', 10, 0, 0, 10, '2025-01-01', 'a');
update raw.observations set valid_to = '2026-11-02' where series_id = 1 and period_start = '2004-01-01';
insert into raw.observations (series_id, period_start, period_months, value, lower_bound, upper_bound,
    valid_from, delivery_id) values
    (1, '2004-01-01', 12, 100, 97, 100.05, '2026-11-02', 6),
    (2, '2005-01-01', 12, 2.7, null, null, '2026-11-02', 6),
    (3, '2005-01-01', 0, 4000, null, null, '2026-11-02', 7);
"""

# Each statement is one fault, below the name of the check that must find it, and no other check may.
RAW_FAULTS = {
    "missing_values_say_why": """
        insert into raw.observations (series_id, period_start, period_months, status, valid_from, delivery_id)
            values (1, '2007-01-01', 12, ' ', '2026-11-02', 900);""",
    "one_current_version": """
        insert into raw.observations (series_id, period_start, period_months, value, valid_from, delivery_id)
            values (1, '2008-01-01', 12, 60, '2026-11-02', 900),
                (1, '2008-01-01', 12, 61, '2026-11-03', 900);""",
    "versions_do_not_overlap": """
        insert into raw.observations
            (series_id, period_start, period_months, value, valid_from, valid_to, delivery_id)
            values (1, '2009-01-01', 12, 60, '2026-11-02', '2026-11-05', 900),
                (1, '2009-01-01', 12, 61, '2026-11-04', 'infinity', 900);""",
    "every_value_has_a_series": """
        insert into raw.observations (series_id, period_start, period_months, value, valid_from, delivery_id)
            values (99, '2008-01-01', 12, 60, '2026-11-02', 900);""",
    "every_value_has_a_loaded_delivery": """
        insert into raw.observations (series_id, period_start, period_months, value, valid_from, delivery_id)
            values (1, '2010-01-01', 12, 60, '2026-11-02', 800);""",
    "percentages_lie_between_0_and_100": """
        insert into raw.observations (series_id, period_start, period_months, value, valid_from, delivery_id)
            values (1, '2011-01-01', 12, 100.1, '2026-11-02', 900),
                (1, '2012-01-01', 12, -1, '2026-11-02', 900);""",
    "margins_are_above_0": """
        insert into raw.observations (series_id, period_start, period_months, value, valid_from, delivery_id)
            values (2, '2011-01-01', 12, 0, '2026-11-02', 900);""",
    "intervals_hold_their_value": """
        insert into raw.observations
            (series_id, period_start, period_months, value, lower_bound, upper_bound, valid_from, delivery_id)
            values (1, '2013-01-01', 12, 60, 61, 59, '2026-11-02', 900);""",
    "keys_and_constraints_stand": """
        alter table raw.observations drop constraint observations_missing_has_a_status;""",
    "areas_are_known": """
        insert into raw.series values (4, 4, 'rates', 'E06000062', '{}', 'value', 'people', 1);""",
    "counts_add_up": """
        insert into raw.deliveries (dataset_id, provider, origin, outcome, rows_fetched, rows_inserted)
            values ('lost', 'p', 'official', 'loaded', 2, 2);""",
    "no_dataset_shrank": """
        insert into raw.deliveries
            (dataset_id, provider, origin, outcome, rows_fetched, rows_unchanged, definition_sha256)
            values ('shrinking', 'p', 'official', 'loaded', 899, 899, 'a');""",
    "newest_period_did_not_go_back": """
        insert into raw.deliveries
            (dataset_id, provider, origin, outcome, rows_fetched, rows_unchanged, newest_period, definition_sha256)
            values ('ending', 'p', 'official', 'loaded', 10, 10, '2005-12-01', 'a');""",
    "every_dataset_is_up_to_date": """
        insert into raw.deliveries (dataset_id, provider, origin, outcome)
            values ('down', 'p', 'official', 'failed');""",
}
RAW_WARNINGS = {"intervals_hold_their_value", "every_dataset_is_up_to_date"}
# The faulty values' delivery: loaded, with as many values as it says (1 + 2 + 2 + 1 + 2 + 1 + 1).
FAULTY_DELIVERY = """
insert into raw.deliveries (delivery_id, dataset_id, provider, origin, outcome, rows_fetched, rows_inserted)
    overriding system value values (900, 'faulty', 'p', 'official', 'loaded', 10, 10),
    (800, 'refused', 'p', 'official', 'running', 0, 0);
"""

MARTS = """
create schema {schema};
create table {schema}.mart_plan_progress (
    publication_id text, target_id text, dataset_id text, origin text, is_demonstration boolean,
    baseline_value double precision, baseline_basis text, due_date date, due_state text, as_of date,
    latest_value double precision, latest_period_start date, latest_period_months int,
    latest_period_label text,
    assessed_value double precision, assessed_lower double precision, assessed_upper double precision,
    position text, evidence text, reason text, kind text default 'level', error_basis text,
    computed_position text, is_overridden boolean default false, override_reason text, override_author text,
    override_expires_date date);
insert into {schema}.mart_plan_progress values
    ('{id}', 'rate', 'rates', 'official', false, 66.4, 'printed', '2008-03-31', 'past', '2026-11-22',
        66.7, '2007-01-01', 12, '2007', 66.7, 64.1, 69.3, 'missed', 'confirmed', 'Below the target.'),
    ('{id}', 'count', 'narrowed', 'demonstration', true, 4000, 'measured', null, 'none', '2026-11-22',
        4000, '2006-08-01', 0, 'August 2006', 4000, null, null, 'on_trajectory', 'none', 'On the way.'),
    ('{id}', 'later', null, null, false, null, null, '2026-11-22', 'upcoming', '2026-11-22',
        null, null, null, null, null, null, null, 'no_data', 'none', 'No value.'),
    ('{id}', 'steady', 'rates', 'official', false, null, null, '2025-12-31', 'awaiting_data', '2026-11-22',
        50, '2006-08-01', 0, 'August 2006', null, null, null, 'no_data', 'none', 'No value yet.'),
    ('{id}', 'missing', 'rates', 'official', false, null, null, null, 'none', '2026-11-22',
        50, '2006-08-01', 0, 'August 2006', null, null, null, 'not_due', 'none', 'Not due.');
update {schema}.mart_plan_progress set computed_position = position;
update {schema}.mart_plan_progress set error_basis = 'published' where target_id = 'rate';
create table {schema}.mart_freshness (publication_id text, dataset_id text, is_late boolean);
insert into {schema}.mart_freshness values ('{id}', 'rates', false), ('{id}', 'narrowed', false);
create table {schema}.dim_areas (publication_id text, number int);
insert into {schema}.dim_areas select '{id}', generate_series(1, 10);
create table {schema}.dim_periods (publication_id text, number int);
insert into {schema}.dim_periods select '{id}', generate_series(1, 10);
create table {schema}.dim_targets (publication_id text, number int);
insert into {schema}.dim_targets select '{id}', generate_series(1, 5);
create table {schema}.mart_changes (
    publication_id text, target_id text, changed_field text, before_text text, after_text text, cause text);
grant usage on schema {schema} to planmark_gate, planmark_publisher with grant option;
grant select on all tables in schema {schema} to planmark_gate, planmark_publisher with grant option;
"""
PRINTED = {"rate": "66.4", "count": "", "later": "", "steady": "", "missing": ""}

MARTS_FAULTS = {
    "every_target_once": "delete from {schema}.mart_plan_progress where target_id = 'missing';",
    "printed_baselines_are_kept": """
        update {schema}.mart_plan_progress set baseline_value = 65 where target_id = 'rate';""",
    "no_position_without_a_value": """
        update {schema}.mart_plan_progress set assessed_value = null where target_id = 'count';""",
    "every_override_says_who_and_until_when": """
        update {schema}.mart_plan_progress set is_overridden = true, position = 'met' where target_id = 'rate';""",
    "no_evidence_without_an_error": """
        update {schema}.mart_plan_progress set evidence = 'confirmed' where target_id = 'steady';""",
    "every_target_has_a_reason": """
        update {schema}.mart_plan_progress set reason = ' ' where target_id = 'later';""",
    "due_state_agrees_with_the_day": """
        update {schema}.mart_plan_progress set due_state = 'past' where target_id = 'later';""",
    "demonstration_data_is_flagged": """
        update {schema}.mart_plan_progress set origin = 'official', is_demonstration = false
        where target_id = 'count';""",
    "no_target_lost_its_value": """
        update {schema}.mart_plan_progress set latest_value = null where target_id = 'rate';""",
    "no_value_jumped": "update {schema}.mart_plan_progress set latest_value = 63 where target_id = 'steady';",
    "every_change_has_a_cause": """
        insert into {schema}.mart_changes values ('{id}', 'rate', 'position', 'met', 'missed', null);""",
    "plan_files_are_complete": "delete from {schema}.dim_targets where number > 4;",
    "no_mart_is_empty": "delete from {schema}.mart_freshness;",
    "no_mart_lost_half": "delete from {schema}.dim_areas where number > 4;",
    "sizes_are_as_last_time": """
        insert into {schema}.dim_periods select '{id}', generate_series(11, 13);""",
}
MARTS_WARNINGS = {"no_target_lost_its_value", "no_value_jumped", "sizes_are_as_last_time"}


@dataclass
class Run:
    """What one run of a door gave."""

    results: list[GateResult]
    error: GateError | None

    @property
    def not_met(self) -> set[str]:
        assert [r for r in self.results if r.observed.startswith("the check could not run")] == []
        return {result.check_id for result in self.results if not result.is_met}


class House:
    """One warehouse, its plan files, and what each run of the gate found in it."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.seeds = folder / "seeds"
        self.settings = settings.model_copy(update={"home": folder, "plans": self.seeds / "plans"})
        for name, text in (
            (
                "plans/targets.csv",
                "target_id,baseline_value\n" + "".join(f"{k},{v}\n" for k, v in PRINTED.items()),
            ),
            ("reference/areas.csv", "area_code\nE06000016\nE92000001\n"),
        ):
            (self.seeds / name).parent.mkdir(parents=True, exist_ok=True)
            (self.seeds / name).write_text(text, encoding="utf-8")

    def sql(self, role: Role, statement: str) -> None:
        with database.connect(self.settings, role) as connection:
            connection.execute(statement.encode())

    def build(self, publication_id: str) -> None:
        publication.register_candidate(self.settings, publication_id, "r", date(2026, 11, 22), "f", "mixed")
        schema = publication.schema_of(publication_id)
        self.sql(Role.TRANSFORMER, MARTS.format(schema=schema, id=publication_id))

    def spoil(self, publication_id: str, statement: str) -> None:
        schema = publication.schema_of(publication_id)
        self.sql(Role.TRANSFORMER, statement.format(schema=schema, id=publication_id))

    def check(self, door: str, run_id: str, publication_id: str) -> Run:
        error = None
        try:
            check_door(self.settings, door, run_id, publication_id, reference=self.seeds / "reference")
        except GateError as raised:
            error = raised
        return Run(self.recorded(door, run_id), error)

    def recorded(self, door: str, run_id: str) -> list[GateResult]:
        with database.connect(self.settings, Role.READER) as connection:
            return [
                GateResult(*row, next_step="")
                for row in connection.execute(
                    "select door, suite, check_id, severity, owner, is_met, expected, observed "
                    "from ops.gate_results where door = %s and run_id = %s",
                    (door, run_id),
                )
            ]

    def state(self, publication_id: str) -> str:
        found = publication.find(self.settings, publication_id)
        assert found is not None
        return found.state


@pytest.fixture(scope="module")
def house(module_warehouse: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house with spaces")
    (folder / "postgres").symlink_to(module_warehouse.home / "postgres")
    house = House(module_warehouse, folder)
    house.sql(Role.ADMIN, GOOD_RAW)
    yield house


@pytest.fixture(scope="module")
def runs(house: House) -> dict[str, Run]:
    """Every run of the gate that the tests look at, in the order of four nights."""
    runs = {"raw first": house.check("raw", "r1", FIRST)}
    house.build(FIRST)
    runs["marts first"] = house.check("marts", "r1", FIRST)
    publication.publish(house.settings, FIRST)
    house.sql(Role.ADMIN, NEXT_RAW)
    runs["raw good"] = house.check("raw", "r2", SECOND)
    house.build(SECOND)
    runs["marts good"] = house.check("marts", "r2", SECOND)
    publication.publish(house.settings, SECOND)
    house.build(BAD)
    for fault in MARTS_FAULTS.values():
        house.spoil(BAD, fault)
    runs["marts bad"] = house.check("marts", "r3", BAD)
    # The fault in raw that only an administrator can make: the constraints would stop the loader.
    house.sql(Role.ADMIN, FAULTY_DELIVERY + "".join(RAW_FAULTS.values()))
    runs["raw bad"] = house.check("raw", "r3", BAD)
    return runs


def test_good_data_passes_the_door_of_raw(runs: dict[str, Run]):
    assert runs["raw first"].error is None
    assert runs["raw good"].error is None
    assert {result.observed for result in runs["raw good"].results} == {"as expected"}
    assert runs["raw good"].not_met == set()
    assert {result.check_id for result in runs["raw good"].results} == set(RAW_FAULTS)


def test_every_fault_in_raw_is_found_by_its_check_and_by_no_other(runs: dict[str, Run]):
    assert runs["raw bad"].not_met == set(RAW_FAULTS)
    assert {r.check_id for r in runs["raw bad"].results if r.severity == "warn"} == RAW_WARNINGS


def test_the_first_publication_is_exempt_from_comparisons_and_says_so(runs: dict[str, Run]):
    assert runs["marts first"].error is None
    first = [*runs["raw first"].results, *runs["marts first"].results]
    assert {r.check_id for r in first if r.observed == NOTHING_TO_COMPARE} == {
        "no_dataset_shrank", "newest_period_did_not_go_back",
        "no_target_lost_its_value", "no_value_jumped", "no_mart_lost_half", "sizes_are_as_last_time"
    }  # fmt: skip


def test_good_marts_pass_with_every_comparison(runs: dict[str, Run]):
    assert runs["marts good"].error is None
    assert runs["marts good"].not_met == set()
    assert {result.observed for result in runs["marts good"].results} == {"as expected"}


def test_every_fault_in_the_marts_is_found_by_its_check_and_by_no_other(runs: dict[str, Run]):
    assert runs["marts bad"].not_met == set(MARTS_FAULTS)
    ids = {result.check_id for result in runs["marts bad"].results}
    assert ids - set(MARTS_FAULTS) == {"datasets_are_on_time"}  # the emptied table has no late dataset


def test_the_error_lists_each_failed_check_with_its_owner_and_no_warning(runs: dict[str, Run]):
    text = str(runs["marts bad"].error)
    for check_id in set(MARTS_FAULTS) - MARTS_WARNINGS:
        assert f"{check_id} (" in text
    for check_id in MARTS_WARNINGS:
        assert f"{check_id} (" not in text
    assert f"{len(set(MARTS_FAULTS) - MARTS_WARNINGS)} checks do not hold" in text
    assert "every_target_once (performance officer)" in text
    assert "1 row, first: target_id missing, wanted 1, found 0" in text
    assert "expected: every target of the plan files is in mart_plan_progress exactly once" in text
    assert "next:" in text and "data_docs" in text


def test_a_refused_candidate_stays_out_and_the_last_good_one_stays(house: House, runs: dict[str, Run]):
    assert runs["marts bad"].error is not None
    assert house.state(BAD) == "refused"
    with pytest.raises(PublicationError, match="the gate refused it"):
        publication.publish(house.settings, BAD)
    now = publication.current(house.settings)
    assert now is not None and now.publication_id == SECOND


def test_the_data_docs_show_the_checks_and_no_password(house: House, runs: dict[str, Run]):
    pages = sorted((house.settings.home / "data_docs").rglob("*.html"))
    assert (runner.docs_of(house.settings, "marts") / "index.html") in pages
    assert any("every target of the plan files" in page.read_text(encoding="utf-8") for page in pages)
    for role in (Role.GATE, Role.ADMIN):
        secret = database.password(house.settings, role)
        kept = [
            path for path in house.settings.home.rglob("*") if path.is_file() and "postgres" not in path.parts
        ]
        assert [path for path in kept if secret.encode() in path.read_bytes()] == []


BROKEN = """
suite: broken
door: marts
table: {table}
checks:
  - id: broken
    expectation: UnexpectedRowsExpectation
    kwargs: {{unexpected_rows_query: "select no_such_column from {{batch}}"}}
    severity: warn
    owner: data engineer
    expected: a table and a column that exist
    next_step: mend the suite and run again
"""


@pytest.mark.parametrize(
    ("table", "said"), [("raw.series", "no_such_column"), ("candidate.no_such_mart", "does not exist")]
)
def test_a_check_that_cannot_run_stops_the_gate(house: House, tmp_path: Path, runs, table: str, said: str):
    (tmp_path / "broken.yml").write_text(BROKEN.format(table=table), encoding="utf-8")
    with pytest.raises(GateError, match=said) as raised:
        check_door(
            house.settings, "marts", "r4", SECOND, suites=tmp_path, reference=house.seeds / "reference"
        )
    assert database.password(house.settings, Role.GATE) not in str(raised.value)
    assert house.state(SECOND) == "published"


def test_once_mended_the_same_candidate_may_pass(house: House, runs: dict[str, Run]):
    schema = publication.schema_of(BAD)
    tables = (
        "mart_plan_progress", "mart_freshness", "dim_areas", "dim_periods", "dim_targets", "mart_changes"
    )  # fmt: skip
    house.sql(
        Role.TRANSFORMER,
        f"drop table {', '.join(f'{schema}.{name}' for name in tables)}; drop schema {schema}",
    )
    house.build(BAD)
    again = house.check("marts", "r3", BAD)  # the same run: its results are replaced
    assert again.error is None
    assert again.not_met == set()
    assert publication.publish(house.settings, BAD).is_current


def test_the_runs_took_place_as_the_gate_and_left_no_other_trace(house: House, runs: dict[str, Run]):
    with database.connect(house.settings, Role.ADMIN) as connection:
        assert connection.execute("select count(*) from ops.gate_results where run_id = 'r1'").fetchone() == (
            len(RAW_FAULTS) + len(MARTS_FAULTS) + 1,
        )
