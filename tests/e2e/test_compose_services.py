"""Our services of docker-compose.yml, run here with the command and the environment written there.

Addresses of other containers become addresses on this machine; nothing else is changed. What this leaves
unproved is Docker's own part: building the image, the network between containers, the volumes.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from planmark import database, embedded
from planmark.cli import processes
from planmark.database import Role
from planmark.settings import ROOT, Settings, load_settings

pytestmark = pytest.mark.timeout(900)

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))["services"]
PATIENCE_SECONDS = 180


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Stack:
    """The services as they run here."""

    home: Path
    variables: dict[str, str]
    addresses: dict[str, str]
    started: list[processes.Started] = field(default_factory=list)

    def filled_in(self, text: str) -> str:
        """Do what Docker does with ${…}, then put this machine's addresses in."""

        def value(match: re.Match[str]) -> str:
            name, rest = match[1], match[2]
            return self.variables[name] if rest.startswith(":?") else rest.removeprefix(":-")

        filled = re.sub(r"(?<!\$)\$\{([A-Z_]+)([^}]*)\}", value, text).replace("$$", "$")
        for theirs, here in self.addresses.items():
            filled = filled.replace(theirs, here)
        return filled

    def environment(self, name: str) -> dict[str, str]:
        given = {
            key: self.filled_in(str(value)) for key, value in COMPOSE[name].get("environment", {}).items()
        }
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), "LANG": "C.UTF-8"} | given

    def command(self, words: list[str]) -> list[str]:
        return [sys.executable if word == "python" else self.filled_in(word) for word in words]

    def run(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run a service that ends by itself."""
        return subprocess.run(
            self.command(COMPOSE[name]["command"]), env=self.environment(name), cwd=ROOT, text=True, check=False,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    def start(self, name: str) -> None:
        program, _ = processes.start(
            name, self.command(COMPOSE[name]["command"]), environment=self.environment(name),
            log=self.home / f"{name}.log", cwd=ROOT,
        )  # fmt: skip
        self.started.append(program)

    def wait_until_healthy(self, name: str) -> None:
        """Run the service's own health check until it says yes."""
        kind, *words = COMPOSE[name]["healthcheck"]["test"]
        check = ["sh", "-c", self.filled_in(words[0])] if kind == "CMD-SHELL" else self.command(words)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            done = subprocess.run(
                check, env=self.environment(name), cwd=ROOT, capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return
            time.sleep(1)
        log = (self.home / f"{name}.log").read_text(errors="replace")[-2000:]
        pytest.fail(f"{name} is not healthy: {done.stdout}{done.stderr}\n{log}")

    def airflow(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "planmark.cli.airflow_home", "exec", *arguments], cwd=ROOT, text=True,
            env=self.environment("airflow-worker"), capture_output=True, check=False, timeout=PATIENCE_SECONDS,
        )  # fmt: skip

    @property
    def settings(self) -> Settings:
        names = self.environment("planmark-init")
        given: dict[str, Any] = {
            key.removeprefix("PLANMARK_").lower(): value
            for key, value in names.items()
            if key.startswith("PLANMARK_")
        }
        return load_settings(**given)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL as a server that is not ours to start: the stack knows its address and passwords only."""
    folder = tmp_path_factory.mktemp("compose")
    server = load_settings(home=folder / "server")
    port = embedded.start(server)
    admin = load_settings(home=folder / "server").admin_password
    assert admin is not None
    wanted = set(
        re.findall(r"(?<!\$)\$\{([A-Z_]+):\?", (ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    )
    variables = {name: secrets.token_urlsafe(32) for name in wanted}
    variables["PLANMARK_ADMIN_PASSWORD"] = admin.get_secret_value()
    home = folder / "home"
    home.mkdir()
    api, replica, redis = free_port(), free_port(), free_port()
    addresses = {
        "/var/lib/planmark": str(home), "airflow-api-server:8080": f"127.0.0.1:{api}", "@redis:6379": f"@127.0.0.1:{redis}",
        ":8181": f":{replica}", "8181)": f"{replica})", "0.0.0.0": "127.0.0.1",
    }  # fmt: skip
    made = Stack(home, variables, addresses)
    for name in ("planmark-init", *(name for name in COMPOSE if name.startswith("airflow-"))):
        COMPOSE[name]["environment"] |= {
            "PLANMARK_DATABASE_HOST": "127.0.0.1",
            "PLANMARK_DATABASE_PORT": str(port),
        }
    ports = {"8080": str(api), "8181": str(replica)}
    for service in COMPOSE.values():
        service["command"] = [ports.get(word, word) for word in service.get("command", [])]
    COMPOSE["redis"]["port"] = redis
    yield made
    processes.end(list(reversed(made.started)))
    embedded.stop(server)


@pytest.fixture(scope="module")
def ready(stack: Stack) -> Stack:
    done = stack.run("planmark-init")
    assert done.returncode == 0, done.stdout[-3000:]
    for value in stack.variables.values():
        assert value not in done.stdout
    return stack


def test_the_set_up_service_makes_the_databases_and_may_run_again(ready):
    again = ready.run("planmark-init")
    assert again.returncode == 0, again.stdout[-3000:]
    with database.connect(ready.settings, Role.READER) as connection:
        assert connection.execute("select count(*) from ops.runs").fetchone() == (0,)
    assert not (ready.home / "postgres").exists(), "an embedded server was made beside the one that was given"


def test_airflow_reads_its_settings_as_they_are_written(ready):
    """Every AIRFLOW__ variable that we make is an option that this Airflow knows."""
    from planmark.cli.airflow_home import airflow_environment

    ours = [name for name in airflow_environment(ready.settings, 8080) if name.startswith("AIRFLOW__")]
    known = subprocess.run(
        [sys.executable, "-c", "import json; from airflow.configuration import conf; print(json.dumps("
         "[[s, o] for s, d in conf.configuration_description.items() for o in d['options']]))"],
        env={"PATH": os.environ["PATH"], "AIRFLOW_HOME": str(ready.home / "known")}, text=True, capture_output=True,
        check=True,
    )  # fmt: skip
    options = {
        f"AIRFLOW__{section}__{option}".upper()
        for section, option in json.loads(known.stdout.splitlines()[-1])
    }
    options |= {"AIRFLOW__CELERY__BROKER_URL", "AIRFLOW__CELERY__RESULT_BACKEND"}  # of the Celery provider
    assert set(ours) <= options


def test_the_services_run_together_and_a_dataset_goes_through_celery(ready):
    """Scheduler, worker, API server, DAG processor, triggerer and replica; each by its own health check."""
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed here: the services that need it are not run")
    redis = subprocess.Popen(
        ["redis-server", "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    try:
        assert redis.stdin is not None
        redis.stdin.write(
            f"bind 127.0.0.1\nport {COMPOSE['redis']['port']}\nsave ''\nrequirepass {ready.variables['REDIS_PASSWORD']}\n"
        )
        redis.stdin.close()
        names = ["replica", *(name for name in COMPOSE if name.startswith("airflow-"))]
        for name in names:
            ready.start(name)
        for name in names:
            ready.wait_until_healthy(name)
        asked = ready.airflow(
            "dags", "trigger", "backfill_dataset", "--conf", json.dumps({"dataset_id": "nomis_jobs_density"})
        )
        assert asked.returncode == 0, asked.stderr[-2000:]
        deadline = time.monotonic() + PATIENCE_SECONDS
        rows: list[tuple] = []
        while time.monotonic() < deadline and [row[1] for row in rows] != ["loaded"]:
            time.sleep(1)
            with database.connect(ready.settings, Role.LOADER) as connection:
                rows = connection.execute("select dataset_id, outcome from raw.deliveries").fetchall()
        assert rows == [("nomis_jobs_density", "loaded")]
    finally:
        processes.end(list(reversed(ready.started)))
        redis.terminate()
        redis.wait(10)
