"""`planmark changes`, as a person calls it."""

import json
from datetime import date

import pytest
import typer
from typer.testing import CliRunner

from planmark import database, publication
from planmark.cli import changes
from planmark.database import Role
from planmark.errors import PublicationError
from planmark.settings import Settings

FIRST, SECOND = "p20261120t020000_aa01", "p20261121t020000_bb02"
SENTENCE = (
    "Within tolerance in the publication of 3 May 2026, off its path now, because the source revised the value of the "
    "year to March 2026 from 66.9 % to 66.1 %."
)

app = typer.Typer()
app.command("changes")(changes.changes)


@pytest.fixture()
def command(warehouse: Settings, monkeypatch):
    """Call the command against the test's own warehouse."""
    monkeypatch.setattr(changes, "load_settings", lambda: warehouse)
    monkeypatch.setenv("COLUMNS", "160")
    return lambda *arguments: CliRunner().invoke(app, list(arguments))


def publish(settings: Settings, publication_id: str, *, has_mart: bool = True, rows: int = 0) -> None:
    publication.register_candidate(settings, publication_id, "r1", date(2026, 11, 22), "f", "official")
    schema = publication.schema_of(publication_id)
    with database.connect(settings, Role.TRANSFORMER) as connection:
        connection.execute(f"create schema {schema}".encode())
        connection.execute(
            f"create table {schema}.dim_areas as select '{publication_id}' as publication_id".encode()
        )
        if has_mart:
            connection.execute(
                f"create table {schema}.mart_changes (publication_id text, target_id text, target_title text, "
                "changed_field text, before_text text, after_text text, before_value double precision, "
                "after_value double precision, unit text, cause text, all_causes text, change_sentence text, "
                "compared_publication_id text)".encode()
            )
        for number in range(rows):
            connection.execute(
                f"insert into {schema}.mart_changes values ('{publication_id}', %s, 'Employment [rate]', 'position', "
                "'within tolerance', 'off its path', null, null, 'percent', 'revision_at_source', "
                "'revision_at_source', %s, %s)".encode(),
                (f"t{number}", SENTENCE, FIRST),
            )
        connection.execute(f"grant usage on schema {schema} to planmark_publisher with grant option".encode())
        connection.execute(
            f"grant select on all tables in schema {schema} to planmark_publisher with grant option".encode()
        )
    publication.publish(settings, publication_id)


def test_before_the_first_publication_it_says_what_to_do(command):
    assert "next:     make refresh" in str(command().exception)
    assert isinstance(command().exception, PublicationError)


def test_a_publication_of_an_earlier_version_says_that_it_cannot_tell(command, warehouse: Settings):
    publish(warehouse, FIRST, has_mart=False)
    assert "does not say what changed" in str(command().exception)


def test_nothing_changed_is_said_kindly(command, warehouse: Settings):
    publish(warehouse, FIRST)
    assert command().output.startswith("Nothing changed with the publication of ")


def test_each_change_is_a_sentence_under_its_target(command, warehouse: Settings):
    publish(warehouse, SECOND, rows=2)
    result = command()
    assert result.exit_code == 0
    said = " ".join(result.output.split())
    assert said.startswith(f"Employment [rate] - {SENTENCE} Employment [rate] - {SENTENCE} 2 targets changed")
    assert said.endswith(f"compared with {FIRST}.")
    listed = json.loads(command("--json").output)
    assert [(row["target_id"], row["cause"]) for row in listed] == [
        ("t0", "revision_at_source"),
        ("t1", "revision_at_source"),
    ]
