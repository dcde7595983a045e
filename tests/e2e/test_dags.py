"""The DAG folder: exactly these DAGs, parsed without touching anything, each with its safeguards."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from ingest.refresh import PROVIDERS
from planmark.cli import airflow_home
from planmark.settings import ROOT

FOLDER = ROOT / "dags"
FILES = sorted(path for path in FOLDER.glob("*.py") if path.name != "__init__.py")
LIGHT = {"__future__", "datetime", "typing", "airflow.sdk"}

# Parses the folder with an empty environment; any socket, and any look at our settings, ends it at once.
PARSE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import airflow.sdk  # Airflow itself may look around; the files may not
from airflow.dag_processing.dagbag import DagBag
import socket, sqlite3
def refuse(*_a, **_k): raise AssertionError("parsing a DAG file opened a connection")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
before = set(sys.modules)
bag = DagBag(sys.argv[2])
weighty = ("psycopg", "dbt", "great_expectations", "pandas", "pyarrow", "ingest", "expectations")
ours = ("planmark.settings", "planmark.database", "planmark.cli.steps")
heavy = [name for name in set(sys.modules) - before if name.split(".")[0] in weighty or name in ours]
def facts(dag):
    return {
        "schedule": str(getattr(dag.timetable, "expression", None)),
        "zone": str(getattr(dag.timetable, "_timezone", getattr(dag.timetable, "timezone", None))),
        "catchup": dag.catchup, "max_active_runs": dag.max_active_runs, "doc": dag.doc_md or "",
        "deadline": bool(dag.deadline),
        "tasks": {
            t.task_id: {"pool": t.pool, "retries": t.retries, "timeout": bool(t.execution_timeout),
                        "rule": str(getattr(t.trigger_rule, "value", t.trigger_rule)), "up": sorted(t.upstream_task_ids)}
            for t in dag.tasks
        },
    }
print("FACTS" + json.dumps({"errors": {k: str(v) for k, v in bag.import_errors.items()}, "heavy": heavy,
                            "dags": {k: facts(v) for k, v in bag.dags.items()}}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory) -> dict:
    home = tmp_path_factory.mktemp("airflow home")
    environment = {
        "AIRFLOW_HOME": str(home), "PATH": "/usr/bin:/bin", "HOME": str(home), "SCARF_ANALYTICS": "false",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False", "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/nothing.db",
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-c", PARSE, str(ROOT), str(FOLDER)],
        env=environment, cwd=home, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.split("FACTS", 1)[1])


def test_exactly_these_dags_are_found_and_none_fails_to_parse(parsed):
    assert parsed["errors"] == {}
    assert set(parsed["dags"]) == {"nightly_refresh", "backfill_dataset"}


def test_parsing_reads_no_settings_and_imports_nothing_heavy(parsed):
    assert parsed["heavy"] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_dag_file_imports_only_light_things_at_its_top(path: Path):
    """What is imported at the top is paid for at every parse; the two-second budget is kept by this rule."""
    tops = ast.parse(path.read_text(encoding="utf-8")).body
    imported = {name.name for node in tops if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in tops if isinstance(node, ast.ImportFrom)}
    assert imported <= LIGHT
    assert not path.name.startswith("dbt_")


def test_the_night_is_at_two_in_london_once_at_a_time(parsed):
    night = parsed["dags"]["nightly_refresh"]
    assert night["schedule"] == "0 2 * * *"
    assert "Europe/London" in night["zone"]
    assert night["catchup"] is False
    assert night["max_active_runs"] == 1
    assert night["deadline"]


def test_each_provider_is_fetched_in_its_own_pool_with_retries_and_a_time_limit(parsed):
    tasks = parsed["dags"]["nightly_refresh"]["tasks"]
    for provider in PROVIDERS:
        fetch = tasks[f"{provider}.fetch"]
        assert fetch["pool"] == provider
        assert fetch["retries"] >= 1
        assert fetch["timeout"]
        assert parsed["dags"]["backfill_dataset"]["tasks"][f"{provider}_fetch"]["pool"] == provider
    assert airflow_home.POOLS.keys() == PROVIDERS.keys()
    assert {pool["slots"] for pool in airflow_home.POOLS.values()} == {1}


def test_a_failed_dataset_stops_nobody_and_the_last_task_always_runs(parsed):
    tasks = parsed["dags"]["nightly_refresh"]["tasks"]
    assert tasks["anything_new"]["rule"] == "all_done"
    assert tasks["finish"]["rule"] == "all_done"
    order = ["anything_new", "gate_raw", "build_marts", "gate_marts", "publish", "finish"]
    for before, after in pairwise(order):
        assert before in tasks[after]["up"]


def test_every_dag_says_who_needs_it_what_a_failure_blocks_and_how_to_rerun(parsed):
    for dag in parsed["dags"].values():
        for words in ("Who needs it", "What a failure blocks", "How to re-run"):
            assert words in dag["doc"]
