"""The rows that suites look at, each as one SELECT.

A suite's table is `raw.<table>`, `candidate.<mart>`, or rows put together for a comparison: `seeds.targets`
and `seeds.areas` are what people wrote, `seeds.plan_files` how many rows they wrote and how many the marts have,
`candidate.sizes` the rows of each mart, now and as readers see it.
In arguments of checks `$candidate` stands for the candidate's schema and `$areas` for the known areas.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from expectations.suites import Check, Suite
from planmark.publication import MAY_BE_EMPTY, schema_of
from planmark.registry.check import REFERENCE

#: The marts that have one row for each row of a plan file.
ROW_FOR_ROW = {
    "dim_plans": "plans",
    "dim_objectives": "objectives",
    "dim_targets": "targets",
    "dim_measures": "measures",
    "dim_actions": "actions",
    "mart_actions": "actions",
    "fct_action_marks": "action_marks",
    "dim_milestones": "milestones",
    "dim_kpis": "kpis",
    "fct_budget_lines": "budget_lines",
    "dim_risks": "risks",
    "dim_reporting_duties": "reporting_duties",
    "fct_printed_statistics": "printed_statistics",
    "mart_printed_statistics": "printed_statistics",
    "fct_plan_findings": "plan_findings",
    "mart_plan_findings": "plan_findings",
    "fct_overrides": "overrides",
    "fct_target_rewards": "target_rewards",
    "mart_target_rewards": "target_rewards",
}
#: How readers' present version is named in a suite; without it a comparison has nothing to compare with.
LAST = "marts."


@dataclass(frozen=True)
class Batch:
    """A suite, its checks that can run now, and the SELECT of the rows that they look at."""

    suite: Suite
    checks: tuple[Check, ...]
    query: str


@dataclass(frozen=True)
class Written:
    """Where the files are that people write: the plan files, and the reference lists."""

    plans: Path
    reference: Path = REFERENCE


def batch_of(
    connection: psycopg.Connection, suite: Suite, publication_id: str | None, written: Written
) -> Batch:
    """Return a suite with its rows; checks that have nothing to compare with yet are left out."""
    checks = tuple(check for check in suite.checks if not _is_exempt(connection, check))
    return Batch(suite, checks, query_of(connection, suite.table, publication_id, written))


def _is_exempt(connection: psycopg.Connection, check: Check) -> bool:
    query = str(check.kwargs.get("unexpected_rows_query", ""))
    return check.compares_with_last and not _readers_have(connection, query)


def _readers_have(connection: psycopg.Connection, query: str) -> bool:
    """Return whether readers have what a comparison reads; before the first publication they have nothing."""
    if connection.execute("select 1 from ops.current_publication").fetchone() is None:
        return False
    views = {word.strip("(),;") for word in query.split() if word.startswith(LAST)}
    return all(
        connection.execute("select 1 where to_regclass(%s) is not null", (view,)).fetchone() for view in views
    )


def query_of(connection: psycopg.Connection, table: str, publication_id: str | None, written: Written) -> str:
    """Return the SELECT behind a suite's table."""
    if table == "seeds.targets":
        return _targets(connection, written.plans / "targets.csv")
    if table == "seeds.areas":
        return _areas(connection, (written.reference / "areas.csv", written.plans / "plan_areas.csv"))
    candidate = schema_of(publication_id or "")
    if table == "seeds.plan_files":
        return _plan_files(connection, written.plans, candidate)
    if table == "candidate.sizes":
        return _sizes(connection, candidate)
    schema, name = table.split(".")
    return (
        sql.SQL("SELECT * FROM {}")
        .format(sql.Identifier(candidate if schema == "candidate" else schema, name))
        .as_string(connection)
    )


def _targets(connection: psycopg.Connection, path: Path) -> str:
    """Target ids and printed baselines, from the file that people keep."""
    rows = [
        sql.SQL("({}, cast({} as double precision))").format(
            row["target_id"], float(row["baseline_value"]) if row["baseline_value"] else None
        )
        for row in _read(path)
    ]
    return _values(connection, rows, "target_id, baseline_value")


def _areas(connection: psycopg.Connection, paths: tuple[Path, ...]) -> str:
    """Area codes that the warehouse knows."""
    rows = [
        sql.SQL("({})").format(row["area_code"]) for path in paths if path.exists() for row in _read(path)
    ]
    return _values(connection, rows, "area_code")


def _plan_files(connection: psycopg.Connection, folder: Path, schema: str) -> str:
    """Rows of each plan file, and of each mart that is to have the same; a mart that is not there has none."""
    there = _relations(connection, schema)
    parts = [
        sql.SQL("SELECT {}::text AS mart, {}::text AS file, {}::bigint AS wanted, {} AS found").format(
            mart,
            f"{file}.csv",
            len(_read(folder / f"{file}.csv")) if (folder / f"{file}.csv").exists() else 0,
            sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier(schema, mart))
            if mart in there
            else sql.SQL("cast(0 as bigint)"),
        )
        for mart, file in ROW_FOR_ROW.items()
    ]
    return sql.SQL(" UNION ALL ").join(parts).as_string(connection)


def _values(connection: psycopg.Connection, rows: list[sql.Composed], columns: str) -> str:
    statement = sql.SQL("SELECT * FROM (VALUES {}) AS v({})").format(
        sql.SQL(", ").join(rows),
        sql.SQL(", ").join(sql.Identifier(column) for column in columns.split(", ")),
    )
    return statement.as_string(connection)


def _sizes(connection: psycopg.Connection, schema: str) -> str:
    """Rows of each mart: of the candidate, and of what readers see.

    The latter is null for a new mart, and where the one holds demonstration data and the other does not.
    """
    candidate = _relations(connection, schema)
    present = _relations(connection, "marts") if _is_of_same_origin(connection, schema) else []
    parts = [
        sql.SQL(
            "SELECT cast({} as text) AS mart, (SELECT count(*) FROM {}) AS row_count, {} AS last_row_count, "
            "{} AS may_be_empty"
        ).format(
            name,
            sql.Identifier(schema, name),
            sql.SQL("(SELECT count(*) FROM {})").format(sql.Identifier("marts", name))
            if name in present
            else sql.SQL("cast(null as bigint)"),
            name in MAY_BE_EMPTY,
        )
        for name in candidate
    ]
    if not parts:
        return (
            "SELECT 'no marts at all' AS mart, 0 AS row_count, cast(null as bigint) AS last_row_count, "
            "false AS may_be_empty"
        )
    return sql.SQL(" UNION ALL ").join(parts).as_string(connection)


def _is_of_same_origin(connection: psycopg.Connection, schema: str) -> bool:
    found = connection.execute(
        "select 1 from ops.publications as candidate "
        "inner join ops.current_publication as seen on seen.origin = candidate.origin "
        "where candidate.schema_name = %s",
        (schema,),
    ).fetchone()
    return found is not None


def _relations(connection: psycopg.Connection, schema: str) -> list[str]:
    return [
        row[0]
        for row in connection.execute(
            "select c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace "
            "where n.nspname = %s and c.relkind in ('r', 'p', 'v', 'm') order by c.relname",
            (schema,),
        )
    ]


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
