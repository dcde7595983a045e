"""Set-up of the warehouse: repeatable, private, and each role can do only its job."""

import os
import subprocess

import psycopg
import pytest

from planmark import database, embedded
from planmark.database import Role
from planmark.errors import DatabaseError
from planmark.settings import Settings


def test_set_up_applies_every_file_once(cluster: Settings):
    assert database.set_up(cluster) == []
    with database.connect(cluster, Role.ADMIN) as connection:
        names = [row[0] for row in connection.execute("select file_name from planmark_set_up order by 1")]
    assert names == [path.name for path in database.schema_files()]


def test_a_changed_set_up_file_is_refused(warehouse: Settings, tmp_path, monkeypatch):
    for path in database.schema_files():
        (tmp_path / path.name).write_text(path.read_text(encoding="utf-8") + "\n-- changed", encoding="utf-8")
    monkeypatch.setattr(database, "SQL_FOLDER", tmp_path)
    with pytest.raises(DatabaseError, match=r"010_schemas\.sql: an applied set-up file has changed"):
        database.set_up(warehouse)


def test_the_server_listens_on_loopback_only_and_wants_a_password(cluster: Settings):
    with database.connect(cluster, Role.ADMIN) as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("127.0.0.1",)
        assert connection.execute("show unix_socket_directories").fetchone() == ("",)
        methods = connection.execute("select distinct auth_method from pg_hba_file_rules").fetchall()
    assert methods == [("scram-sha-256",)]


def test_the_server_does_not_run_as_root(cluster: Settings):
    pid = int((embedded.cluster_of(cluster).data / "postmaster.pid").read_text().splitlines()[0])
    uid = int(subprocess.run(["ps", "-o", "uid=", "-p", str(pid)], capture_output=True, text=True).stdout)
    assert uid != 0
    if os.geteuid() != 0:
        assert uid == os.geteuid()


def test_starting_twice_gives_the_same_server(cluster: Settings):
    assert embedded.start(cluster) == embedded.port_of(cluster)


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        (Role.READER, "select * from raw.observations"),
        (Role.READER, "create table marts.mine (a int)"),
        (Role.READER, "update ops.publications set state = 'published'"),
        (Role.LOADER, "delete from raw.observations"),
        (Role.LOADER, "update raw.series set unit = 'x'"),
        (Role.LOADER, "create view marts.x as select 1"),
        (Role.TRANSFORMER, "insert into raw.rejected_rows values (1, 1, 1, null, null, 'x', 'x')"),
        (Role.TRANSFORMER, "create view marts.x as select 1"),
        (Role.GATE, "update raw.deliveries set outcome = 'loaded'"),
        (Role.PUBLISHER, "update raw.observations set value = 1"),
        (Role.PUBLISHER, "insert into ops.gate_results select * from ops.gate_results"),
        (Role.AIRFLOW, "select * from ops.runs"),
    ],
)
def test_a_role_cannot_do_the_job_of_another(warehouse: Settings, role: Role, statement: str):
    with (
        database.connect(warehouse, role) as connection,
        pytest.raises((psycopg.errors.InsufficientPrivilege, psycopg.errors.ReadOnlySqlTransaction)),
    ):
        connection.execute(statement)


def test_a_refused_connection_says_where_and_hides_the_password(warehouse: Settings):
    wrong = warehouse.model_copy(update={"database_name": "no_such_database"})
    with pytest.raises(DatabaseError) as caught:
        database.connect(wrong, Role.READER)
    assert "no_such_database as bi_reader" in str(caught.value)
    assert database.password(wrong, Role.READER) not in str(caught.value)


def test_addresses_in_a_text_lose_their_password():
    assert (
        database.without_password("failed: postgresql+psycopg://bi_reader:s3cr%40t@127.0.0.1:5/planmark!")
        == "failed: postgresql+psycopg://bi_reader:***@127.0.0.1:5/planmark!"
    )
