"""The warehouse: who connects as whom, and the numbered set-up in `sql/`.

Each step connects as the role that can do its job and no other.
"""

from __future__ import annotations

import hashlib
import re
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from planmark import embedded
from planmark.errors import DatabaseError
from planmark.settings import ROOT, Settings

SQL_FOLDER = ROOT / "sql"


class Role(StrEnum):
    """The database roles; what each may do stands in `sql/010_roles.sql` and `sql/060_grants.sql`."""

    ADMIN = "planmark_admin"
    LOADER = "planmark_loader"
    TRANSFORMER = "planmark_transformer"
    GATE = "planmark_gate"
    PUBLISHER = "planmark_publisher"
    READER = "bi_reader"
    AIRFLOW = "planmark_airflow"


PASSWORD_FIELDS = {
    Role.ADMIN: "admin_password",
    Role.LOADER: "loader_password",
    Role.TRANSFORMER: "transformer_password",
    Role.GATE: "gate_password",
    Role.PUBLISHER: "publisher_password",
    Role.READER: "reader_password",
    Role.AIRFLOW: "airflow_password",
}


def password(settings: Settings, role: Role) -> str:
    """Return the password of a role.

    Raises: DatabaseError naming the variable, if it is not set.
    """
    field = PASSWORD_FIELDS[role]
    secret = getattr(settings, field)
    if secret is None:
        raise DatabaseError(
            f"no password for the role {role}",
            expected=f"PLANMARK_{field.upper()}",
            next_step="set it, or run `planmark start` for the embedded database",
        )
    return str(secret.get_secret_value())


def address(settings: Settings) -> tuple[str, int]:
    """Return host and port of the warehouse.

    Raises: DatabaseError if the embedded server is not running.
    """
    if not settings.embedded:
        return settings.database_host, settings.database_port
    port = embedded.port_of(settings)
    if port is None:
        raise DatabaseError(
            "the embedded database is not running",
            where=str(settings.home / "postgres"),
            next_step="planmark start",
        )
    return "127.0.0.1", port


def url(
    settings: Settings, role: Role, *, driver: str = "postgresql", database: str = "", hide: bool = False
) -> str:
    """Return the address of the warehouse as one role, password included unless `hide`."""
    host, port = address(settings)
    user = settings.admin_user if role is Role.ADMIN else str(role)
    word = "***" if hide else quote(password(settings, role), safe="")
    return f"{driver}://{user}:{word}@{host}:{port}/{database or settings.database_name}"


def connect(
    settings: Settings, role: Role, *, database: str = "", autocommit: bool = False
) -> psycopg.Connection:
    """Connect as a role. The session works in UTC, and gives up on a lost server instead of hanging.

    Raises: DatabaseError if the server cannot be reached.
    """
    host, port = address(settings)
    try:
        return psycopg.connect(
            host=host,
            port=port,
            dbname=database or settings.database_name,
            user=settings.admin_user if role is Role.ADMIN else str(role),
            password=password(settings, role),
            connect_timeout=10,
            keepalives_idle=30,
            application_name="planmark",
            options="-c timezone=UTC",
            autocommit=autocommit,
        )
    except psycopg.OperationalError as error:
        raise DatabaseError(
            "cannot connect to the database",
            where=f"{host}:{port}/{database or settings.database_name} as {role}",
            got=str(error).strip(),
            next_step="planmark start, or check PLANMARK_DATABASE_HOST and the passwords",
        ) from error


def set_up(settings: Settings) -> list[str]:
    """Create databases and roles, and apply every file of `sql/` that was not applied yet.

    Returns the names of the files applied now. Safe to run again and by two at once.
    Raises: DatabaseError if an applied file has been changed since: write a new one instead.
    """
    _create_databases_and_roles(settings)
    applied = []
    with connect(settings, Role.ADMIN) as connection:
        connection.execute("select pg_advisory_xact_lock(hashtext('planmark_set_up'))")
        connection.execute(
            "create table if not exists public.planmark_set_up "
            "(file_name text primary key, sha256 text not null, applied_at timestamptz not null default now())"
        )
        rows = connection.execute("select file_name, sha256 from public.planmark_set_up").fetchall()
        done: dict[str, str] = dict(rows)
        for path in sorted(SQL_FOLDER.glob("[0-9]*.sql")):
            text = path.read_text(encoding="utf-8")
            digest = hashlib.sha256(text.encode()).hexdigest()
            if path.name in done:
                if done[path.name] != digest:
                    raise DatabaseError(
                        "an applied set-up file has changed",
                        where=f"sql/{path.name}",
                        next_step="restore it and put the change into a new numbered file",
                    )
                continue
            connection.execute(text.encode())
            connection.execute(
                "insert into public.planmark_set_up (file_name, sha256) values (%s, %s)", (path.name, digest)
            )
            applied.append(path.name)
    return applied


def _create_databases_and_roles(settings: Settings) -> None:
    with connect(settings, Role.ADMIN, database="postgres", autocommit=True) as connection:
        version = connection.info.server_version
        if version < 150000:
            raise DatabaseError("PostgreSQL is too old", got=version // 10000, expected="15 or newer")
        with connection.transaction():
            connection.execute("select pg_advisory_xact_lock(hashtext('planmark_set_up'))")
            for role in Role:
                if role is not Role.ADMIN:
                    _create_role(connection, settings, role)
        for name, owner in (
            (settings.database_name, settings.admin_user),
            (settings.airflow_database_name, str(Role.AIRFLOW)),
        ):
            if not connection.execute("select 1 from pg_database where datname = %s", (name,)).fetchone():
                try:
                    connection.execute(
                        sql.SQL("create database {} owner {}").format(
                            sql.Identifier(name), sql.Identifier(owner)
                        )
                    )
                except psycopg.errors.DuplicateDatabase:
                    continue  # another set-up was a moment faster


def _create_role(connection: psycopg.Connection, settings: Settings, role: Role) -> None:
    exists = connection.execute("select 1 from pg_roles where rolname = %s", (str(role),)).fetchone()
    verb = sql.SQL("alter role {} login password {}" if exists else "create role {} login password {}")
    connection.execute(verb.format(sql.Identifier(str(role)), sql.Literal(password(settings, role))))


def without_password(text: str) -> str:
    """Return `text` with the password of every database address in it replaced by `***`."""
    return re.sub(r"(postgres(?:ql)?(?:\+\w+)?://[^:/@\s]+:)[^@\s]+@", r"\1***@", text)


def schema_files() -> list[Path]:
    """Return the set-up files in the order in which they are applied."""
    return sorted(SQL_FOLDER.glob("[0-9]*.sql"))
