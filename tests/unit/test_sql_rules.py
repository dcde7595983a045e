"""The rules that let the warehouse grow onto several machines, held over all SQL of the project."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from planmark.settings import ROOT

SETUP = sorted((ROOT / "sql").glob("*.sql"))
MODELS = sorted(
    path
    for folder in ("models", "macros", "tests", "seeds")
    for path in (ROOT / "dbt_project" / folder).rglob("*.sql")
)
CODE = sorted([*(ROOT / "ingest").rglob("*.py"), *(ROOT / "planmark").rglob("*.py")])
EVERYWHERE = [*SETUP, *MODELS, *CODE]
BIG_TABLES = {"raw.series", "raw.observations"}
#: Not big, and emptied at each load: they have the column, but no key.
STAGING_TABLES = {"raw.load_observations", "raw.load_changes"}


def without_comments(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        return text
    text = re.sub(r"\{#.*?#\}|/\*.*?\*/", " ", text, flags=re.DOTALL)
    return re.sub(r"--[^\n]*", " ", text).lower()


def tables(text: str) -> dict[str, str]:
    """Return name and body of every table that a text creates, with `unlogged` and the like before the name."""
    found = re.finditer(
        r"create\s+((?:\w+\s+)*)table\s+(?:if not exists\s+)?([\w.]+)\s*\((.*?)\n\);", text, re.DOTALL
    )
    return {match[2]: f"{match[1]} {match[3]}" for match in found}


def all_tables() -> dict[str, str]:
    return {name: body for path in SETUP for name, body in tables(without_comments(path)).items()}


def faults(text: str) -> list[str]:
    """Return what a text does that a distributed PostgreSQL cannot, or that would make a merge volatile."""
    text = text.lower()
    found = []
    if re.search(r"\bmerge\s+into\s+\S+\s+(?:as\s+)?(?:\w+\s+)?using\b", text):
        found.append("merge into")
    if re.search(
        r"\bas\s+(?:not\s+)?(?:materialized\s+)?\(\s*(?:insert\s+into|update\s+\S+\s+set|delete\s+from)\b",
        text,
    ):
        found.append("a modifying CTE")
    if re.search(r"\bcreate\s+(?:local\s+|global\s+)?temp(?:orary)?\s+(?:table|view|sequence)\b", text):
        found.append("a temp table")
    if re.search(r"\bcreate\s+(?:or\s+replace\s+)?(?:constraint\s+)?trigger\b", text):
        found.append("a trigger")
    if re.search(r"\bincremental_strategy\s*=\s*['\"](?!delete\+insert|append)", text):
        found.append("another incremental strategy than delete+insert or append")
    return found


@pytest.mark.parametrize("path", EVERYWHERE, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_statement_stands_in_the_way_of_a_distributed_database(path: Path) -> None:
    assert faults(without_comments(path)) == []


@pytest.mark.parametrize(
    "text",
    [
        "merge into raw.observations as o using x on true when matched then do nothing",
        "with gone as (delete from raw.observations returning *) insert into other select * from gone",
        "with new as materialized (insert into a select 1 returning *) select * from new",
        "create temp table loading (a int)",
        "create temporary table loading as select 1",
        "create trigger t after insert on a execute function f()",
        "{{ config(materialized='incremental', incremental_strategy='merge') }}",
    ],
)
def test_the_lint_finds_what_it_looks_for(text: str) -> None:
    assert len(faults(text)) == 1


def test_big_tables_carry_series_id_in_their_primary_key() -> None:
    found = all_tables()
    assert found.keys() >= BIG_TABLES | STAGING_TABLES
    for name in BIG_TABLES:
        assert re.search(r"\bseries_id bigint not null", found[name]), name
        key = re.search(r"constraint \w+ primary key \(([^)]*)\)", found[name])
        assert key, name
        assert "series_id" in re.split(r"\W+", key[1]), name


def test_staging_tables_are_permanent_and_carry_series_id() -> None:
    found = all_tables()
    for name in STAGING_TABLES:
        assert "unlogged" in found[name]
        assert re.search(r"\bseries_id bigint not null", found[name]), name


def test_series_id_is_never_updated() -> None:
    for path in EVERYWHERE:
        assert not re.search(r"\bset\s+series_id\b", without_comments(path)), path


def test_no_dimension_points_at_a_fact() -> None:
    for name, body in all_tables().items():
        assert "references raw.observations" not in body, name


@pytest.mark.parametrize("path", SETUP, ids=lambda path: path.name)
def test_constraints_are_named(path: Path) -> None:
    for name, body in tables(without_comments(path)).items():
        found = len(re.findall(r"\b(?:primary key|unique \(|foreign key|check\s*\()", body))
        named = len(re.findall(r"\bconstraint \w+\s+(?:primary key|unique \(|foreign key|check\s*\()", body))
        assert found == named, f"{name} in {path.name}"


def test_the_merge_is_an_update_and_then_an_insert_under_an_advisory_lock() -> None:
    text = (ROOT / "ingest" / "load.py").read_text(encoding="utf-8")
    order = [text.index(step) for step in ("pg_advisory_xact_lock", "execute(_CLOSE", "execute(_OPEN")]
    assert order == sorted(order)
    update = re.search(r'_CLOSE: LiteralString = f?"""(.*?)"""', text, re.DOTALL)
    assert update
    for volatile in ("now()", "clock_timestamp", "current_timestamp", "random("):
        assert volatile not in update[1]
    assert "%(loaded_at)s" in update[1]
