"""Publishing, rolling back and clearing away, on a real PostgreSQL."""

import threading
import time
from datetime import date

import psycopg
import pytest

from planmark import database, publication
from planmark.database import Role
from planmark.errors import PublicationError
from planmark.settings import Settings

MARTS = {
    "dim_areas": "area_code text",
    "mart_plan_progress": "target_id text generated always as ('t' || row_number::text) stored, "
    "latest_value double precision",
}


def build(settings: Settings, publication_id: str, marts: dict[str, str] = MARTS, rows: int = 3) -> str:
    """Build a candidate as dbt does: tables of the transformer, grants with grant option to the publisher."""
    publication.register_candidate(
        settings, publication_id, f"run_{publication_id}", date(2026, 11, 22), "f", "official"
    )
    schema = publication.schema_of(publication_id)
    with database.connect(settings, Role.TRANSFORMER) as connection:
        connection.execute(f"create schema if not exists {schema}")
        for name, columns in marts.items():
            connection.execute(
                f"create table {schema}.{name} (publication_id text, row_number int, {columns})"
            )
            connection.execute(
                f"insert into {schema}.{name} (publication_id, row_number) select %s, generate_series(1, %s)",
                (publication_id, rows),
            )
        for grantee, option in ((Role.GATE, ""), (Role.PUBLISHER, "with grant option")):
            connection.execute(f"grant usage on schema {schema} to {grantee} {option}")
            connection.execute(f"grant select on all tables in schema {schema} to {grantee} {option}")
    return publication_id


def identity(number: int) -> str:
    return f"p20261122t{number:06d}_ab12"


def seen(
    settings: Settings, statement: str = "select distinct publication_id from mart_plan_progress"
) -> list:
    with database.connect(settings, Role.READER) as connection:
        return connection.execute(statement).fetchall()


def state_of(settings: Settings, publication_id: str) -> str:
    found = publication.find(settings, publication_id)
    assert found is not None
    return found.state


def set_state(settings: Settings, publication_id: str, state: str) -> None:
    with database.connect(settings, Role.GATE) as connection:
        connection.execute(
            "update ops.publications set state = %s where publication_id = %s", (state, publication_id)
        )


def schemas(settings: Settings) -> list[str]:
    with database.connect(settings, Role.TRANSFORMER) as connection:
        return [
            row[0]
            for row in connection.execute(
                "select nspname from pg_namespace where nspname like 'marts\\_%' order by 1"
            )
        ]


def test_readers_see_what_was_published_and_who_published_it(warehouse: Settings):
    assert publication.current(warehouse) is None
    first = build(warehouse, identity(1))
    assert publication.publish(warehouse, first).is_current
    assert seen(warehouse) == [(first,)]
    second = publication.publish(warehouse, build(warehouse, identity(2)))
    assert seen(warehouse) == [(identity(2),)]
    assert publication.current(warehouse) == second
    with database.connect(warehouse, Role.READER) as connection:
        events = connection.execute(
            "select publication_id, event, happened_by from ops.publication_events order by event_id"
        ).fetchall()
    assert events == [
        (identity(1), "published", "planmark_publisher"),
        (identity(2), "published", "planmark_publisher"),
    ]


def test_readers_may_read_the_tables_below_and_cannot_write(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    assert seen(warehouse, f"select count(*) from marts_{identity(1)}.dim_areas") == [(3,)]
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        seen(warehouse, "create view marts.mine as select 1 as a")


def test_a_candidate_is_out_of_sight_until_it_is_published(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    build(warehouse, identity(2))
    assert seen(warehouse) == [(identity(1),)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        seen(warehouse, f"select * from marts_{identity(2)}.dim_areas")


def test_publishing_what_is_current_does_nothing(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    publication.publish(warehouse, identity(1))
    assert seen(warehouse, "select count(*) from ops.publication_events") == [(1,)]


def test_a_refused_candidate_cannot_be_published(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    set_state(warehouse, build(warehouse, identity(2)), "refused")
    with pytest.raises(PublicationError, match="the gate refused it"):
        publication.publish(warehouse, identity(2))
    assert seen(warehouse) == [(identity(1),)]


def test_what_was_never_registered_cannot_be_published(warehouse: Settings):
    with pytest.raises(PublicationError, match="no such publication"):
        publication.publish(warehouse, identity(1))


def test_a_published_one_cannot_be_built_again(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    with pytest.raises(PublicationError, match="cannot be built again"):
        publication.register_candidate(warehouse, identity(1), "run", date(2026, 11, 22), "f", "official")


def test_a_new_mart_and_a_new_column_reach_the_readers(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    wider = {"dim_areas": "area_name text, area_code text", "dim_plans": "plan_id text", **MARTS}
    wider["dim_areas"] = "area_name text, area_code text"
    publication.publish(warehouse, build(warehouse, identity(2), wider))
    assert seen(warehouse, "select count(plan_id), count(*) from dim_plans") == [(0, 3)]
    columns = seen(
        warehouse,
        "select column_name from information_schema.columns where table_schema = 'marts' "
        "and table_name = 'dim_areas' order by ordinal_position",
    )
    # What readers knew keeps its place; the new column follows, though the candidate has it before.
    assert [row[0] for row in columns] == ["publication_id", "row_number", "area_code", "area_name"]


@pytest.mark.parametrize(
    ("marts", "said"),
    [
        ({"dim_areas": "area_code text"}, "mart_plan_progress: the mart is gone"),
        ({**MARTS, "dim_areas": "area_id text"}, r"dim_areas\.area_code: the column is gone"),
        (
            {**MARTS, "dim_areas": "area_code integer"},
            r"dim_areas\.area_code: the type is now integer, readers bind to text",
        ),
    ],
)
def test_a_broken_contract_is_not_published(warehouse: Settings, marts: dict[str, str], said: str):
    publication.publish(warehouse, build(warehouse, identity(1)))
    build(warehouse, identity(2), marts)
    with pytest.raises(PublicationError, match=said) as raised:
        publication.publish(warehouse, identity(2))
    assert "next:" in str(raised.value)
    assert seen(warehouse) == [(identity(1),)]


def spoil(settings: Settings, statement: str) -> None:
    with database.connect(settings, Role.TRANSFORMER) as connection:
        connection.execute(statement.format(schema=publication.schema_of(identity(1))))


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("delete from {schema}.dim_areas", "dim_areas: has no rows"),
        (
            "update {schema}.dim_areas set publication_id = 'other' where row_number = 2",
            r"dim_areas: holds rows of another publication \(other\)",
        ),
        ("update {schema}.dim_areas set publication_id = null", r"another publication \(None\)"),
        (
            "alter table {schema}.dim_areas drop column publication_id",
            "dim_areas: has no column publication_id",
        ),
        ("drop table {schema}.dim_areas, {schema}.mart_plan_progress", "holds no marts"),
        ("revoke grant option for select on {schema}.dim_areas from planmark_publisher", "may not hand on"),
    ],
)
def test_a_candidate_that_is_not_whole_is_not_published(warehouse: Settings, statement: str, said: str):
    build(warehouse, identity(1))
    spoil(warehouse, statement)
    with pytest.raises(PublicationError, match=said):
        publication.publish(warehouse, identity(1))
    assert publication.current(warehouse) is None
    assert seen(warehouse, "select count(*) from pg_views where schemaname = 'marts'") == [(0,)]


def test_only_some_marts_may_be_empty(warehouse: Settings):
    build(warehouse, identity(1), {**MARTS, "mart_changes": "what text"})
    spoil(warehouse, "delete from {schema}.mart_changes")
    assert publication.publish(warehouse, identity(1)).is_current


def test_rollback_goes_back_step_by_step_and_never_to_what_was_left(warehouse: Settings):
    for number in (1, 2, 3):
        publication.publish(warehouse, build(warehouse, identity(number)))
    assert publication.rollback(warehouse).publication_id == identity(2)
    assert seen(warehouse) == [(identity(2),)]
    # 3 was rolled back from; 4 follows 2 in what readers saw.
    publication.publish(warehouse, build(warehouse, identity(4)))
    assert publication.rollback(warehouse).publication_id == identity(2)
    assert publication.rollback(warehouse).publication_id == identity(1)
    with pytest.raises(PublicationError, match="no earlier publication"):
        publication.rollback(warehouse)
    assert publication.rollback(warehouse, identity(3)).is_current
    assert seen(warehouse, "select event from ops.publication_events order by event_id desc limit 1") == [
        ("rolled_back_to",)
    ]
    with pytest.raises(PublicationError, match="was published before"):
        publication.publish(warehouse, identity(4))


def test_rollback_keeps_later_columns_and_marts_without_values(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    wider = {**MARTS, "dim_areas": "area_code text, population bigint", "dim_plans": "plan_id text"}
    publication.publish(warehouse, build(warehouse, identity(2), wider))
    publication.rollback(warehouse)
    assert seen(warehouse, "select publication_id, population from dim_areas limit 1") == [
        (identity(1), None)
    ]
    assert seen(warehouse, "select plan_id from dim_plans") == []
    publication.publish(warehouse, build(warehouse, identity(3), wider))
    assert seen(warehouse, "select count(*) from dim_plans") == [(3,)]


def test_the_last_seven_stay_and_older_ones_are_dropped(warehouse: Settings):
    for number in range(1, 11):
        publication.publish(warehouse, build(warehouse, identity(number)))
    assert publication.drop_old(warehouse) == [f"marts_{identity(number)}" for number in (1, 2, 3)]
    assert schemas(warehouse) == [f"marts_{identity(number)}" for number in range(4, 11)]
    assert state_of(warehouse, identity(3)) == "dropped"
    assert publication.drop_old(warehouse) == []
    with pytest.raises(PublicationError, match="state dropped"):
        publication.rollback(warehouse, identity(3))
    with pytest.raises(PublicationError, match="its tables are gone"):
        publication.publish(warehouse, identity(3))


def test_what_readers_see_is_never_dropped(warehouse: Settings):
    for number in range(1, 5):
        publication.publish(warehouse, build(warehouse, identity(number)))
    publication.rollback(warehouse, identity(1))
    assert publication.drop_old(warehouse, keep=2) == [f"marts_{identity(2)}"]
    assert seen(warehouse) == [(identity(1),)]


def test_leftovers_go_with_the_next_good_publication(warehouse: Settings):
    with database.connect(warehouse, Role.TRANSFORMER) as connection:
        connection.execute(f"create schema marts_{identity(99)}")
        connection.execute(f"create table marts_{identity(99)}.half (a int)")
        connection.execute("create schema marts_mine")
    build(warehouse, identity(1))
    set_state(warehouse, build(warehouse, identity(2)), "refused")
    # Nothing is current yet: the refused one is kept for inspection, the others may be under way.
    assert publication.drop_old(warehouse) == []
    publication.publish(warehouse, build(warehouse, identity(3)))
    set_state(warehouse, build(warehouse, identity(4)), "refused")
    build(warehouse, identity(5))
    with database.connect(warehouse, Role.LOADER) as connection:
        connection.execute(
            "insert into ops.runs (run_id, kind) values (%s, 'nightly')", (f"run_{identity(1)}",)
        )
    gone = [f"marts_{identity(2)}", f"marts_{identity(99)}"]
    assert publication.drop_old(warehouse) == gone  # the run of 1 is still under way
    with database.connect(warehouse, Role.LOADER) as connection:
        connection.execute("update ops.runs set outcome = 'failed'")
    assert publication.drop_old(warehouse) == [f"marts_{identity(1)}"]
    kept = [f"marts_{name}" for name in ("mine", identity(3), identity(4), identity(5))]
    assert schemas(warehouse) == sorted(kept)


def test_a_candidate_takes_the_name_of_its_publication_and_the_place_of_an_earlier_build(warehouse: Settings):
    build(warehouse, identity(1))
    with database.connect(warehouse, Role.TRANSFORMER) as connection:
        connection.execute(
            "create schema marts_candidate; create table marts_candidate.dim_areas as select 'new' as area_code"
        )
    with database.connect(warehouse, Role.GATE) as reader:
        reader.execute(f"select * from marts_{identity(1)}.dim_areas")
        with pytest.raises(PublicationError, match=r"(?s)somebody reads .*planmark_gate reads dim_areas"):
            publication.name_candidate(warehouse, identity(1), patience=0.2)
    publication.name_candidate(warehouse, identity(1))
    with database.connect(warehouse, Role.TRANSFORMER) as connection:
        assert connection.execute(f"select area_code from marts_{identity(1)}.dim_areas").fetchall() == [
            ("new",)
        ]
        assert not connection.execute(
            "select 1 from pg_namespace where nspname = 'marts_candidate'"
        ).fetchall()


def test_what_a_failed_build_left_does_not_get_into_the_next(warehouse: Settings):
    publication.clear_candidate(warehouse)  # nothing to clear is no fault
    with database.connect(warehouse, Role.TRANSFORMER) as connection:
        connection.execute(
            "create schema marts_candidate; create table marts_candidate.mart_of_old as select 1 as a"
        )
    publication.clear_candidate(warehouse)
    with database.connect(warehouse, Role.TRANSFORMER) as connection:
        assert not connection.execute(
            "select 1 from pg_namespace where nspname = 'marts_candidate'"
        ).fetchall()


def test_a_schema_that_is_still_read_is_dropped_another_night(warehouse: Settings):
    for number in (1, 2):
        publication.publish(warehouse, build(warehouse, identity(number)))
    with database.connect(warehouse, Role.READER) as reader:
        reader.execute(f"select * from marts_{identity(1)}.dim_areas")
        assert publication.drop_old(warehouse, keep=1) == []
        assert state_of(warehouse, identity(1)) == "published"
    assert publication.drop_old(warehouse, keep=1) == [f"marts_{identity(1)}"]


def test_a_long_reader_delays_the_switch_and_finishes_on_what_it_began_with(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    build(warehouse, identity(2))
    with database.connect(warehouse, Role.READER) as reader:
        reader.execute("select * from dim_areas")
        thread = threading.Thread(target=publication.publish, args=(warehouse, identity(2)))
        thread.start()
        time.sleep(1)
        # A view that this transaction has not touched yet still belongs to the same publication.
        assert reader.execute("select distinct publication_id from mart_plan_progress").fetchall() == [
            (identity(1),)
        ]
    thread.join(30)
    assert seen(warehouse) == [(identity(2),)]


def test_readers_who_never_let_go_are_named(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1)))
    build(warehouse, identity(2))
    with database.connect(warehouse, Role.READER) as reader:
        reader.execute("select * from dim_areas")
        with pytest.raises(PublicationError, match=r"process \d+ of bi_reader reads dim_areas"):
            publication.publish(warehouse, identity(2), patience=0.5)
    assert state_of(warehouse, identity(2)) == "candidate"
    assert publication.publish(warehouse, identity(2)).is_current


def test_in_a_deadlock_it_is_the_publisher_who_gives_way(warehouse: Settings):
    """The reader holds the last view and asks for the first, which the publisher takes first: a true cycle.

    PostgreSQL looks for a deadlock once, a second after a wait began. The reader asks later than that, so a
    publisher who waits on would leave the reader as the one who is ended.
    """
    publication.publish(warehouse, build(warehouse, identity(1)))
    build(warehouse, identity(2))
    with database.connect(warehouse, Role.READER) as reader:
        reader.execute("select * from mart_plan_progress")
        thread = threading.Thread(target=publication.publish, args=(warehouse, identity(2)))
        thread.start()
        time.sleep(1.5)
        for _ in range(100):
            rows = reader.execute(
                "select publication_id from mart_plan_progress join dim_areas using (publication_id)"
            )
            assert set(rows.fetchall()) == {(identity(1),)}
            time.sleep(0.01)
    thread.join(30)
    assert seen(warehouse) == [(identity(2),)]


def test_a_kill_in_the_middle_changes_nothing_and_a_second_try_succeeds(warehouse: Settings, monkeypatch):
    publication.publish(warehouse, build(warehouse, identity(1)))
    build(warehouse, identity(2))

    def end_the_server_process(connection, names):
        """Every view points at the new tables by now; nothing is committed."""
        with database.connect(warehouse, Role.ADMIN, autocommit=True) as admin:
            admin.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
        time.sleep(0.2)
        connection.execute("select 1")

    monkeypatch.setattr(publication, "_grant_views", end_the_server_process)
    with pytest.raises(psycopg.OperationalError):
        publication.publish(warehouse, identity(2))
    monkeypatch.undo()
    assert seen(warehouse) == [(identity(1),)]
    assert publication.publish(warehouse, identity(2)).is_current
    assert seen(warehouse, "select count(*) from ops.publication_events") == [(2,)]


def test_readers_throughout_100_publications_see_no_error_and_no_mixture(warehouse: Settings):
    wide = {**MARTS, **{f"fct_{number}": "value double precision" for number in range(4)}}
    publication.publish(warehouse, build(warehouse, identity(1000), wide, rows=5))
    for number in range(1001, 1101):
        build(warehouse, identity(number), wide, rows=5)
    stop = threading.Event()
    faults: list[str] = []
    seen_ids: set[str] = set()
    queries = [0, 0, 0, 0]

    def read(number: int) -> None:
        first, second = (
            ("dim_areas", "mart_plan_progress") if number % 2 else ("mart_plan_progress", "dim_areas")
        )
        statement = (
            "select distinct a.publication_id, b.publication_id "
            f"from {first} as a join {second} as b using (row_number)"
        )
        with database.connect(warehouse, Role.READER, autocommit=number < 2) as connection:
            while not stop.is_set():
                try:
                    rows = connection.execute(statement).fetchall()
                    if number >= 2:  # two statements of one transaction agree as well
                        rows += connection.execute(
                            "select distinct publication_id, publication_id from fct_3"
                        ).fetchall()
                        connection.commit()
                except psycopg.Error as error:
                    faults.append(repr(error))
                    return
                found = {name for row in rows for name in row}
                if len(found) != 1:
                    faults.append(f"mixture: {rows}")
                seen_ids.update(found)
                queries[number] += 1

    readers = [threading.Thread(target=read, args=(number,)) for number in range(4)]
    for reader in readers:
        reader.start()
    try:
        for number in range(1001, 1101):
            publication.publish(warehouse, identity(number))
        assert len(publication.drop_old(warehouse)) == 94  # 101 published, the last seven stay
    finally:
        stop.set()
        for reader in readers:
            reader.join(30)
    assert faults == []
    assert min(queries) > 100
    assert len(seen_ids) > 50
    assert seen(warehouse) == [(identity(1100),)]


def test_the_fingerprint_changes_with_each_input_and_with_nothing_else(warehouse: Settings, tmp_path):
    for folder in ("dbt_project", "expectations"):
        (tmp_path / folder).mkdir()
    model = tmp_path / "dbt_project" / "model.sql"
    model.write_text("select 1", encoding="utf-8")
    settings = warehouse.model_copy(update={"as_of": date(2026, 11, 22)})
    first = publication.fingerprint(settings, root=tmp_path)

    def deliver(outcome: str, origin: str = "official") -> None:
        with database.connect(warehouse, Role.LOADER) as connection:
            connection.execute(
                "insert into raw.deliveries (dataset_id, provider, origin, outcome) values ('d', 'p', %s, %s)",
                (origin, outcome),
            )

    for outcome in ("unchanged", "failed", "refused", "running"):
        deliver(outcome)
    (tmp_path / "dbt_project" / "target").mkdir()
    (tmp_path / "dbt_project" / "target" / "run.json").write_text("{}", encoding="utf-8")
    assert publication.fingerprint(settings, root=tmp_path) == first
    deliver("loaded")
    second = publication.fingerprint(settings, root=tmp_path)
    model.write_text("select 2", encoding="utf-8")
    third = publication.fingerprint(settings, root=tmp_path)
    (tmp_path / "expectations" / "raw.yml").write_text("checks: []", encoding="utf-8")
    fourth = publication.fingerprint(settings, root=tmp_path)
    fifth = publication.fingerprint(settings.model_copy(update={"as_of": date(2026, 11, 23)}), root=tmp_path)
    assert len({first, second, third, fourth, fifth}) == 5
    deliver("unchanged")
    assert publication.fingerprint(settings, root=tmp_path) == fourth
    assert publication.origin(settings) == "official"
    # The same values from the demonstration service: what readers see must say so.
    deliver("unchanged", origin="demonstration")
    assert publication.fingerprint(settings, root=tmp_path) != fourth
    assert publication.origin(settings) == "demonstration"


def test_a_candidate_records_the_deliveries_it_was_built_from(warehouse: Settings):
    with database.connect(warehouse, Role.LOADER) as connection:
        connection.execute(
            "insert into raw.deliveries (dataset_id, provider, origin, outcome) "
            "select 'a', 'p', 'official', unnest(array['loaded', 'loaded', 'failed'])"
        )
    build(warehouse, identity(1))
    publication.register_candidate(warehouse, identity(1), "again", date(2026, 11, 22), "f", "official")
    with database.connect(warehouse, Role.GATE) as connection:
        assert connection.execute(
            "select dataset_id, delivery_id from ops.publication_deliveries"
        ).fetchall() == [("a", 2)]


def kept(settings: Settings) -> list:
    return seen(
        settings,
        "select target_id, publication_id, latest_value, is_listed from ops.published_targets "
        "order by event_id, target_id",
    )


def change(settings: Settings, number: int, statement: str) -> None:
    with database.connect(settings, Role.TRANSFORMER) as connection:
        connection.execute(
            statement.format(mart=f"{publication.schema_of(identity(number))}.mart_plan_progress").encode()
        )


def test_what_readers_see_of_a_target_is_kept_only_when_it_changes(warehouse: Settings):
    first, second, third = identity(1), identity(2), identity(3)
    publication.publish(warehouse, build(warehouse, first, rows=2))
    assert kept(warehouse) == [("t1", first, None, True), ("t2", first, None, True)]
    publication.publish(warehouse, build(warehouse, second, rows=2))
    assert len(kept(warehouse)) == 2
    # One target has another value, one is gone, one is new.
    build(warehouse, third, rows=3)
    change(warehouse, 3, "delete from {mart} where row_number = 2")
    change(warehouse, 3, "update {mart} set latest_value = 66.1 where row_number = 1")
    publication.publish(warehouse, third)
    assert kept(warehouse)[2:] == [
        ("t1", third, 66.1, True), ("t2", third, None, False), ("t3", third, None, True)
    ]  # fmt: skip


def test_after_a_rollback_the_newest_rows_are_what_readers_see_again(warehouse: Settings):
    first, second = identity(1), identity(2)
    publication.publish(warehouse, build(warehouse, first, rows=2))
    build(warehouse, second, rows=1)
    change(warehouse, 2, "update {mart} set latest_value = 66.1")
    publication.publish(warehouse, second)
    publication.rollback(warehouse)
    newest = seen(
        warehouse,
        "select distinct on (target_id) target_id, publication_id, latest_value, is_listed "
        "from ops.published_targets order by target_id, event_id desc",
    )
    assert newest == [("t1", first, None, True), ("t2", first, None, True)]


def test_a_publication_that_fails_keeps_nothing(warehouse: Settings):
    publication.publish(warehouse, build(warehouse, identity(1), rows=1))
    build(warehouse, identity(2), rows=1)
    change(warehouse, 2, "update {mart} set latest_value = 66.1")
    with database.connect(warehouse, Role.READER) as reader:
        reader.execute("select * from dim_areas")
        with pytest.raises(PublicationError, match="held the views"):
            publication.publish(warehouse, identity(2), patience=0.5)
    assert kept(warehouse) == [("t1", identity(1), None, True)]
