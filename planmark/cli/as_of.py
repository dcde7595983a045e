"""`planmark as-of`: every mart as it would have stood on a day, in a schema of its own, the same bytes each time.

The build has schemas that begin with its name: nothing that the night makes or readers see is touched. The marts are
built under a working name and take the place of an earlier build of that day in one transaction.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, LiteralString

import psycopg
import typer
from psycopg import sql

from planmark.cli import build_stage
from planmark.cli.progress import Note
from planmark.cli.show import day as in_words
from planmark.cli.show import planmark
from planmark.database import Role, connect
from planmark.errors import PlanmarkError, PublicationError
from planmark.settings import Settings, load_settings

_NAME = re.compile(r"as_of_\d{8}(?:_released|_current)?")
#: What stands under the working name while a build goes on, and is dropped before and after it.
_WORKING = "_new"
_LEFT_OVER = re.compile(rf"({_NAME.pattern}){_WORKING}")
_PARTS = ("", "_staging", "_intermediate", "_reference")


class Versions(StrEnum):
    """Which version of each value counts."""

    AS_OF = "as_of"
    RELEASED = "released"
    CURRENT = "current"


_MEANING = {
    Versions.AS_OF: "with the values that this warehouse held at the end of that day",
    Versions.RELEASED: "with the values that publishers had released by then",
    Versions.CURRENT: "with the values that are known now, of periods that had ended",
}

_FIRST: dict[Versions, LiteralString] = {
    Versions.AS_OF: "select min(loaded_at)::date from raw.deliveries where outcome = 'loaded'",
    Versions.RELEASED: (
        "select min(coalesce(released_at, loaded_at))::date from raw.deliveries where outcome = 'loaded'"
    ),
}


@dataclass(frozen=True)
class Built:
    """One build that looks back: its schema, and the SHA-256 of each mart over its rows in the order of their key."""

    schema_name: str
    checksums: dict[str, str]

    @property
    def checksum(self) -> str:
        """One checksum over all marts."""
        lines = "".join(f"{name} {checksum}\n" for name, checksum in sorted(self.checksums.items()))
        return hashlib.sha256(lines.encode()).hexdigest()


def as_of(
    day: Annotated[str, typer.Argument(help="The day, such as 2008-12-31.")] = "",
    versions: Annotated[
        Versions,
        typer.Option(
            help="as_of: the values that this warehouse held then. released: those that publishers had released by then. "
            "current: those that are known now."
        ),
    ] = Versions.AS_OF,
    list_builds: Annotated[bool, typer.Option("--list", help="List the days that are built.")] = False,
    drop: Annotated[bool, typer.Option("--drop", help="Drop the build of that day.")] = False,
) -> None:
    """Rebuild every mart as it would have stood on a day, in a schema of its own. Readers' marts stay as they are."""
    settings = load_settings()
    if list_builds:
        found = builds(settings)
        typer.echo("\n".join(found) if found else "No day is built. Next: planmark as-of 2008-12-31")
        return
    wanted = day_of(settings, day)
    if drop:
        remove(settings, schema_of(wanted, versions))
        typer.echo(f"{schema_of(wanted, versions)} is dropped.")
        return
    typer.echo(f"Building every mart as of {in_words(wanted)}, {_MEANING[versions]}.")
    built = build(settings, wanted, versions)
    for name, checksum in sorted(built.checksums.items()):
        typer.echo(f"  {checksum[:16]}  {name}")
    typer.echo(f"  {built.checksum}  all {len(built.checksums)} marts; equal checksums mean equal bytes")
    typer.echo(f"Schema {built.schema_name}. For example, with {planmark('db-url')}:")
    typer.echo(f"  table {built.schema_name}.mart_plan_progress")


def schema_of(day: date, versions: Versions) -> str:
    """Return the schema of a build: `as_of_20081231`, or with the versions behind it where they are others."""
    return f"as_of_{day:%Y%m%d}" + ("" if versions is Versions.AS_OF else f"_{versions}")


def builds(settings: Settings) -> list[str]:
    """Return the schemas of the builds that are there, oldest day first."""
    with connect(settings, Role.TRANSFORMER) as connection:
        rows = connection.execute(
            "select nspname from pg_namespace where nspname like 'as\\_of\\_%' order by nspname"
        ).fetchall()
    return [name for (name,) in rows if _NAME.fullmatch(name)]


def build(settings: Settings, day: date, versions: Versions = Versions.AS_OF) -> Built:
    """Build the marts of a day; an earlier build of it is replaced when, and only when, this one is whole.

    Raises: PublicationError if nothing was known by then; TransformError if dbt fails.
    """
    clear_leftovers(settings)
    name = schema_of(day, versions)
    working = name + _WORKING
    with alone(settings, name) as connection:
        _refuse_before_anything(connection, day, versions)
        _drop(connection, working)
        try:
            variables = {
                "publication_id": name, "run_id": "none", "as_of": day.isoformat(), "versions": str(versions),
            }  # fmt: skip
            build_stage.build(
                settings,
                variables,
                log_name=f"dbt-{name}.log",
                part=lambda _: nullcontext(Note()),
                name=working,
            )
            with connection.transaction():
                _put_in_place(connection, working, name)
        finally:
            _drop(connection, working)
        return Built(name, _checksums(connection, name))


def clear_leftovers(settings: Settings) -> None:
    """Drop what builds left that were killed, of whatever day. One that is under way holds the lock of its name."""
    with connect(settings, Role.TRANSFORMER) as connection:
        rows = connection.execute(
            "select nspname from pg_namespace where nspname like 'as\\_of\\_%'"
        ).fetchall()
    for name in sorted({left[1] for (schema,) in rows if (left := _LEFT_OVER.match(schema))}):
        with suppress(PublicationError), alone(settings, name) as connection:
            _drop(connection, name + _WORKING)


def remove(settings: Settings, name: str) -> None:
    """Drop a build. Raises: PublicationError if it is not there."""
    if name not in builds(settings):
        raise PublicationError(
            "this day is not built", where=name, next_step=f"{planmark('as-of --list')} shows those that are"
        )
    with alone(settings, name) as connection:
        _drop(connection, name)


def day_of(settings: Settings, text: str) -> date:
    """Return the day that was typed. Raises: PlanmarkError if it is none, or still to come."""
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise PlanmarkError(
            "this is not a day", got=text or "nothing", expected="year-month-day, such as 2008-12-31"
        ) from error
    if day > settings.today:
        raise PlanmarkError(
            "nobody knows yet how that day will look", got=text, expected=f"{settings.today} or before"
        )
    return day


@contextmanager
def alone(settings: Settings, name: str) -> Iterator[psycopg.Connection]:
    """Be the only one who builds that day. The lock ends with the connection, so a kill leaves nothing locked."""
    with connect(settings, Role.TRANSFORMER, autocommit=True) as connection:
        row = connection.execute("select pg_try_advisory_lock(hashtext(%s))", (name,)).fetchone()
        if not row or not row[0]:
            raise PublicationError(
                "this day is being built already", where=name, next_step="wait until that has ended"
            )
        yield connection


def _refuse_before_anything(connection: psycopg.Connection, day: date, versions: Versions) -> None:
    """Say so where no delivery had come by then: marts without a single value would look like an answer."""
    if versions is Versions.CURRENT:
        return
    row = connection.execute(_FIRST[versions]).fetchone()
    first = row[0] if row else None
    if first is None or first > day:
        held = "this warehouse held" if versions is Versions.AS_OF else "publishers had released"
        others = [
            f"--versions {other}"
            for other in Versions
            if other is not versions and other is not Versions.AS_OF
        ]
        raise PublicationError(
            f"{held} nothing by then",
            got=day.isoformat(),
            expected=f"{first} or later" if first else "data: planmark refresh brings some",
            next_step=f"{planmark(f'as-of {day}')} {' or '.join(others)}",
        )


def _put_in_place(connection: psycopg.Connection, working: str, name: str) -> None:
    _drop(connection, name)
    new, old = sql.Identifier(name), sql.Identifier(working)
    connection.execute(sql.SQL("alter schema {} rename to {}").format(old, new))
    reader = sql.Identifier(str(Role.READER))
    connection.execute(sql.SQL("grant usage on schema {} to {}").format(new, reader))
    connection.execute(sql.SQL("grant select on all tables in schema {} to {}").format(new, reader))


def _drop(connection: psycopg.Connection, name: str) -> None:
    for part in _PARTS:
        connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(name + part)))


def _checksums(connection: psycopg.Connection, schema: str) -> dict[str, str]:
    """Return the SHA-256 of every mart, its rows in the order of all their columns."""
    marts = connection.execute(
        "select table_name, string_agg(quote_ident(column_name), ', ' order by ordinal_position) "
        "from information_schema.columns where table_schema = %s group by table_name order by table_name",
        (schema,),
    ).fetchall()
    found = {}
    for name, columns in marts:
        digest = hashlib.sha256()
        rows = sql.SQL("copy (select * from {}.{} order by {}) to stdout").format(
            sql.Identifier(schema), sql.Identifier(name), sql.SQL(columns)
        )
        with connection.cursor() as cursor, cursor.copy(rows) as copy:
            for block in copy:
                digest.update(block)
        found[name] = digest.hexdigest()
    return found
