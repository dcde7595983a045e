"""`planmark up`, `down` and `status`: Airflow with its scheduler and UI, on this machine only.

Each service leads a session of its own; what was started stands in `<home>/run/services.json`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from planmark import database, embedded, publication
from planmark.cli import airflow_home, processes, replica, show
from planmark.cli.refresh import REAL_FIGURES, start_database
from planmark.database import Role
from planmark.errors import DatabaseError, PlanmarkError
from planmark.settings import Settings, load_settings

FIRST_PORT = 8080
_PATIENCE_SECONDS = 180.0
#: Logs are read from the folder that all services share, so nobody serves them.
SERVICES = {
    "api-server": ("api-server",),
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}


def up() -> None:
    """Start Airflow with scheduler and UI on loopback; the night runs at 02:00 Europe/London."""
    settings = load_settings()
    out = show.console()
    with _alone(settings):
        running = [service for service in _read(settings) if service.alive]
        if running:
            out.print("Airflow is up already.")
            _tell(out, settings, _port(settings))
            return
        processes.end(_read(settings))  # children that a killed service left behind
        settings = start_database(settings)
        with out.status("Making Airflow ready"):
            airflow_home.make_ready(settings)
        port = free_port(settings.airflow_port)
        started: list[processes.Started] = []
        try:
            if replica.is_wanted(settings):
                server, settings = replica.start(settings, bound=False)
                started.append(server)
            environment = airflow_home.airflow_environment(settings, port)
            for name, arguments in SERVICES.items():
                program, _ = processes.start(
                    name,
                    airflow_home.command(
                        *arguments, *(["--port", str(port)] if name == "api-server" else [])
                    ),
                    environment=environment,
                    log=_log(settings, name),
                    cwd=settings.home,
                )
                started.append(program)
                _write(settings, started, port)
            with out.status("Waiting until every part is healthy"):
                _wait_until_healthy(settings, started, port)
        except BaseException:
            processes.end(started)
            _file(settings).unlink(missing_ok=True)
            raise
        _tell(out, settings, port)


def down() -> None:
    """End everything that refresh and up started here, children and the database included."""
    settings = load_settings()
    out = show.console()
    with _alone(settings):
        ended = processes.end(_read(settings))
        _file(settings).unlink(missing_ok=True)
    for name in ended:
        out.print(f"Ended {name}.")
    stopped = False
    for home in (settings.home, settings.home.with_name(settings.home.name + REAL_FIGURES)):
        if (home / "postgres").exists():
            stopped = embedded.stop(load_settings(home=home)) or stopped
    if stopped:
        out.print("Ended the embedded database.")
    if not ended and not stopped:
        out.print("Nothing was running.")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Show what runs, the last run, what readers see, and datasets whose last fetch failed."""
    settings = load_settings()
    facts = _status(settings)
    out = show.console()
    if as_json:
        typer.echo(json.dumps(facts, indent=2))
        return
    for name, value in facts.items():
        lines = value if isinstance(value, list) else [value]
        for number, line in enumerate(lines or ["none"]):
            out.print(f"{'' if number else name:<21}{line}", soft_wrap=True)


def _status(settings: Settings) -> dict[str, str | list[str]]:
    facts: dict[str, str | list[str]] = {
        "airflow": [
            f"{service.name}: {'running' if service.alive else 'ended'} (process {service.pid})"
            for service in _read(settings)
        ]
        or "not up",
    }
    if _read(settings):
        facts["airflow UI"] = f"http://127.0.0.1:{_port(settings)}"
    try:
        host, port = database.address(settings)
        facts["database"] = f"{host}:{port}/{settings.database_name}"
        facts |= _in_the_database(settings)
    except DatabaseError as error:
        facts["database"] = error.what
    return facts


def _in_the_database(settings: Settings) -> dict[str, str | list[str]]:
    seen = publication.current(settings)
    with database.connect(settings, Role.LOADER) as connection:
        run = connection.execute(
            "select run_id, kind, outcome, coalesce(detail, '') from ops.runs "
            "order by started_at desc, run_id desc limit 1"
        ).fetchone()
        stale = connection.execute(
            "select dataset_id, outcome, started_at::date from (select distinct on (dataset_id) * "
            "from raw.deliveries order by dataset_id, delivery_id desc) as last "
            "where outcome in ('failed', 'refused') order by dataset_id"
        ).fetchall()
    return {
        "readers see": f"{seen.publication_id} ({seen.origin}, as of {seen.as_of})"
        if seen
        else "nothing yet",
        "last run": f"{run[0]} ({run[1]}): {run[2]}{'; ' + run[3] if run[3] else ''}" if run else "none yet",
        "failed datasets": [f"{name}: {outcome} on {day}" for name, outcome, day in stale],
    }


def free_port(wanted: int = 0) -> int:
    """Return the port that was asked for; or else 8080, or the next free one.

    Raises: PlanmarkError if the one that was asked for is taken.
    """
    for port in [wanted] if wanted else range(FIRST_PORT, FIRST_PORT + 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise PlanmarkError(
        "the port for Airflow is taken",
        got=wanted or FIRST_PORT,
        next_step="set PLANMARK_AIRFLOW_PORT",
    )


def _wait_until_healthy(settings: Settings, started: list[processes.Started], port: int) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    told: dict[str, str] = {}
    while time.monotonic() < deadline:
        for service in started:
            if not service.alive:
                raise PlanmarkError(
                    f"Airflow's {service.name} ended at once",
                    next_step=f"read {_log(settings, service.name)}",
                )
        told = airflow_home.health(f"http://127.0.0.1:{port}")
        if told and all(state == "healthy" for state in told.values()):
            return
        time.sleep(0.5)
    raise PlanmarkError(
        "Airflow did not become healthy within three minutes",
        got=", ".join(f"{name} {state}" for name, state in told.items()) or "no answer",
        next_step=f"read the logs in {settings.home / 'logs'}",
    )


def _tell(out: Console, settings: Settings, port: int) -> None:
    rows = [
        ("Airflow UI", f"http://127.0.0.1:{port}"),
        ("Login", f"{airflow_home.USER}; the password stands in {airflow_home.password_file(settings)}"),
        ("Next run", "nightly_refresh at 02:00 Europe/London, or trigger it in the UI"),
        ("Logs", str(settings.home / "logs")),
        ("Stop", show.planmark("down")),
    ]
    if settings.mode == "demonstration":
        rows.insert(0, (show.DEMONSTRATION, "the replica stands in for the publishers' services"))
    for name, text in rows:
        out.print(f"{name:<12}{text}" if len(name) < 12 else f"{name}: {text}", soft_wrap=True)


def _file(settings: Settings) -> Path:
    return settings.home / "run" / "services.json"


def _log(settings: Settings, name: str) -> Path:
    return settings.home / "logs" / f"airflow-{name}.log"


def _read(settings: Settings) -> list[processes.Started]:
    try:
        content = json.loads(_file(settings).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return []
    return [processes.Started(**service) for service in content["services"]]


def _port(settings: Settings) -> int:
    return int(json.loads(_file(settings).read_text(encoding="utf-8"))["port"])


def _write(settings: Settings, started: list[processes.Started], port: int) -> None:
    new = _file(settings).with_suffix(f".{os.getpid()}")
    new.write_text(
        json.dumps({"port": port, "services": [asdict(service) for service in started]}), encoding="utf-8"
    )
    new.replace(_file(settings))


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    path = settings.home / "run" / "services.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
