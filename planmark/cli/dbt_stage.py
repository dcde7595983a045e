"""Run dbt: one process a stage, its files under `<home>`, its errors in plain words."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from planmark import database
from planmark.cli.processes import end_with_parent
from planmark.database import Role
from planmark.errors import TransformError
from planmark.registry.check import snapshot
from planmark.settings import ROOT, Settings, inherited_environment

PROJECT = ROOT / "dbt_project"
_FAULTS = ("error", "fail", "runtime error")


def run(
    settings: Settings,
    stage: str,
    selection: Sequence[str],
    variables: Mapping[str, str],
    *,
    log_name: str,
    build: str = "",
) -> str:
    """Build what `selection` names; return what was built in one phrase: `32 tables and views, 190 tests`.

    `build` names a build that looks back: it has schemas and working files of its own.
    Unit tests are left out: they test the code, and the code has not changed since it was tested.
    Raises: RegistryError if the plan files have faults; TransformError naming each node that failed and what the
    database said.
    """
    # A copy: dbt writes what it runs over seeds that lie outside its project.
    folder = settings.home / "dbt" / build
    plans = snapshot(settings, folder / "plans")
    target = folder / "target"
    results = target / "run_results.json"
    log = settings.home / "logs" / log_name
    log.parent.mkdir(parents=True, exist_ok=True)
    results.unlink(missing_ok=True)
    command = [
        sys.executable, "-m", "dbt.cli.main", "--no-use-colors", "build", *selection,
        "--exclude-resource-type", "unit_test",
        "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
        "--target-path", str(target), "--log-path", str(folder / "logs"),
        "--vars", json.dumps({**variables, "build": build} if build else dict(variables)),
    ]  # fmt: skip
    with log.open("ab") as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False,
            cwd=settings.home, env=_environment(settings, plans), preexec_fn=end_with_parent,
        )  # fmt: skip
    nodes = _nodes(results)
    if done.returncode != 0:
        raise TransformError(
            f"dbt could not build {stage}",
            where=", ".join(_name(node) for node in nodes if node["status"] in _FAULTS) or "dbt",
            got=_said(nodes) or _tail(log),
            next_step=f"read {log}",
        )
    tests = sum(1 for node in nodes if node["unique_id"].startswith("test."))
    return f"{len(nodes) - tests} tables and views, {tests} tests"


def _environment(settings: Settings, plans: Path) -> dict[str, str]:
    host, port = database.address(settings)
    return inherited_environment("DBT_", "PG") | {
        "DBT_HOST": host,
        "DBT_PORT": str(port),
        "DBT_DATABASE": settings.database_name,
        # Days end at midnight UTC wherever the server stands; and the same rows are added up in the same order each
        # time, so that the same day gives the same bytes.
        "PGOPTIONS": "-c timezone=UTC -c synchronize_seqscans=off",
        "DBT_PLAN_FILES": str(plans),
        "DBT_ENV_SECRET_PASSWORD": database.password(settings, Role.TRANSFORMER),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _nodes(path: Path) -> list[dict[str, str]]:
    if not path.exists():
        return []
    return list(json.loads(path.read_text(encoding="utf-8"))["results"])


def _name(node: Mapping[str, str]) -> str:
    """Return `model mart_plan_progress` for `model.planmark.mart_plan_progress`."""
    kind, _, name = node["unique_id"].split(".")[:3]
    return f"{kind} {name}"


def _said(nodes: Sequence[Mapping[str, str]]) -> str:
    faults = [node for node in nodes if node["status"] in _FAULTS]
    return "\n".join(f"{_name(node)}: {' '.join(str(node['message']).split())}" for node in faults)


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1500:].strip()
