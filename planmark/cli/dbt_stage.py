"""Run dbt: one process a build, its files under `<home>`, its errors in plain words."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self, cast

from planmark import database
from planmark.cli.processes import end_with_parent
from planmark.database import Role
from planmark.errors import TransformError
from planmark.registry.check import snapshot
from planmark.settings import ROOT, Settings, inherited_environment

PROJECT = ROOT / "dbt_project"
_FAULTS = ("error", "fail", "runtime error")
#: dbt closes its connections when it ends.
_PATIENCE_SECONDS = 10.0


class Dbt:
    """A process of dbt that builds one stage after another with the same variables; it parses the project once."""

    def __init__(
        self, settings: Settings, variables: Mapping[str, str], *, log_name: str, build: str = ""
    ) -> None:
        """Start it. `build` names a build that looks back: it has schemas and working files of its own.

        Raises: RegistryError if the plan files have faults.
        """
        #: How long each node took, by its id.
        self.seconds: dict[str, float] = {}
        self._folder = settings.home / "dbt" / build
        self._variables = {**variables, "build": build} if build else dict(variables)
        self._log = settings.home / "logs" / log_name
        self._log.parent.mkdir(parents=True, exist_ok=True)
        # A copy: dbt writes what it runs over seeds that lie outside its project.
        plans = self._folder / "plans"
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "planmark.cli.dbt_process"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=output, text=True, encoding="utf-8",
                cwd=settings.home, env=_environment(settings, plans), preexec_fn=end_with_parent,
            )  # fmt: skip
        self._questions = cast(IO[str], self._process.stdin)
        self._answers = cast(IO[str], self._process.stdout)
        try:
            snapshot(settings, plans)  # while dbt is being imported
        except BaseException:
            self._process.terminate()
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._process.terminate()
        self.close()

    def build(self, stage: str, selection: Sequence[str]) -> str:
        """Build what `selection` names; return what was built in one phrase: `32 tables and views, 190 tests`.

        Unit tests are left out: they test the code, and the code has not changed since it was tested.
        Raises: TransformError naming each node that failed and what the database said.
        """
        is_good, nodes = self._asked([
            *selection, "--exclude-resource-type", "unit_test",
            "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT),
            "--target-path", str(self._folder / "target"), "--log-path", str(self._folder / "logs"),
            "--vars", json.dumps(self._variables),
        ])  # fmt: skip
        self.seconds |= {node["unique_id"]: node["execution_time"] for node in nodes}
        if not is_good:
            raise TransformError(
                f"dbt could not build {stage}",
                where=", ".join(_name(node) for node in nodes if node["status"] in _FAULTS) or "dbt",
                got=_said(nodes) or _tail(self._log),
                next_step=f"read {self._log}",
            )
        tests = sum(1 for node in nodes if node["unique_id"].startswith("test."))
        return f"{len(nodes) - tests} tables and views, {tests} tests"

    def close(self) -> None:
        """End the process."""
        for pipe in (self._questions, self._answers):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        try:
            self._process.wait(timeout=_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _asked(self, arguments: Sequence[str]) -> tuple[bool, list[dict[str, Any]]]:
        try:
            print(json.dumps(arguments), file=self._questions, flush=True)
            line = self._answers.readline()
        except BrokenPipeError:
            line = ""
        answer = json.loads(line or '{"success": false, "nodes": []}')
        return answer["success"], answer["nodes"]


def _environment(settings: Settings, plans: Path) -> dict[str, str]:
    host, port = database.address(settings)
    return inherited_environment("DBT_", "PG") | {
        "DBT_HOST": host,
        "DBT_PORT": str(port),
        "DBT_DATABASE": settings.database_name,
        # Days end at midnight UTC wherever the server stands; and the same rows are added up in the same order each
        # time, so that the same day gives the same bytes. What is built is made anew after a crash, so no commit waits
        # for the disk; the commit that publishes does, and all before it with it.
        "PGOPTIONS": "-c timezone=UTC -c synchronize_seqscans=off -c synchronous_commit=off",
        "DBT_PLAN_FILES": str(plans),
        "DBT_ENV_SECRET_PASSWORD": database.password(settings, Role.TRANSFORMER),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "PYTHONUNBUFFERED": "1",
    }


def _name(node: Mapping[str, Any]) -> str:
    """Return `model mart_plan_progress` for `model.planmark.mart_plan_progress`."""
    kind, _, name = node["unique_id"].split(".")[:3]
    return f"{kind} {name}"


def _said(nodes: Sequence[Mapping[str, Any]]) -> str:
    faults = [node for node in nodes if node["status"] in _FAULTS]
    return "\n".join(f"{_name(node)}: {' '.join(str(node['message']).split())}" for node in faults)


def _tail(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace")[-1500:].strip()
