"""`planmark publications` and `planmark rollback`, as a person calls them."""

import json
from datetime import date

import pytest
import typer
from typer.testing import CliRunner

from planmark import database, publication
from planmark.cli import publications
from planmark.database import Role
from planmark.errors import PublicationError
from planmark.settings import Settings

FIRST, SECOND = "p20261121t020000_aa01", "p20261122t020000_bb02"

app = typer.Typer()
app.command("publications")(publications.publications)
app.command("rollback")(publications.rollback)


@pytest.fixture()
def command(warehouse: Settings, monkeypatch):
    """Call one command against the test's own warehouse."""
    monkeypatch.setattr(publications, "load_settings", lambda: warehouse)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def publish(settings: Settings, publication_id: str) -> None:
    publication.register_candidate(settings, publication_id, "r1", date(2026, 11, 22), "f", "demonstration")
    schema = publication.schema_of(publication_id)
    with database.connect(settings, Role.TRANSFORMER) as connection:
        connection.execute(f"create schema {schema}")
        connection.execute(f"create table {schema}.dim_areas as select '{publication_id}' as publication_id")
        connection.execute(f"grant usage on schema {schema} to planmark_publisher with grant option")
        connection.execute(f"grant select on {schema}.dim_areas to planmark_publisher with grant option")
    publication.publish(settings, publication_id)


def test_before_the_first_publication_it_says_what_to_do(command):
    result = command("publications")
    assert result.exit_code == 0
    assert "Nothing has been published yet. Next: make refresh" in result.output


def test_the_current_one_is_marked_and_the_way_back_is_named(command, warehouse: Settings):
    publish(warehouse, FIRST)
    publish(warehouse, SECOND)
    lines = command("publications").output.splitlines()
    assert lines[1].startswith("→") and SECOND in lines[1] and "current" in lines[1]
    assert FIRST in lines[2] and "published, kept" in lines[2] and "demonstration" in lines[2]
    assert f"Readers see {SECOND}." in lines
    listed = json.loads(command("publications", "--json").output)
    assert [(one["publication_id"], one["is_current"]) for one in listed] == [(SECOND, True), (FIRST, False)]


def test_dropped_ones_are_shown_on_request(command, warehouse: Settings):
    publish(warehouse, FIRST)
    publish(warehouse, SECOND)
    publication.drop_old(warehouse, keep=1)
    assert FIRST not in command("publications").output
    assert FIRST in command("publications", "--all").output


def test_rollback_says_what_readers_see_and_how_to_undo_it(command, warehouse: Settings):
    publish(warehouse, FIRST)
    publish(warehouse, SECOND)
    result = command("rollback")
    assert result.exit_code == 0
    assert f"Readers now see {FIRST}" in result.output
    assert f"planmark rollback {SECOND} brings it back" in result.output
    assert "nothing was changed" in command("rollback", FIRST).output
    result = command("rollback")
    assert result.exit_code != 0
    assert isinstance(result.exception, PublicationError)
    assert "no earlier publication" in str(result.exception)
