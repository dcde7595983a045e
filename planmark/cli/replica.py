"""Start the replica for a run, or for as long as Airflow is up."""

from __future__ import annotations

import os
import sys
import time

from planmark.cli import processes
from planmark.cli.airflow_home import planmark_environment
from planmark.cli.steps import is_on_this_machine
from planmark.errors import FetchError
from planmark.settings import ROOT, Settings, inherited_environment

_PATIENCE_SECONDS = 30.0


def is_wanted(settings: Settings) -> bool:
    """True in demonstration mode, unless a service on this machine is named already."""
    return settings.mode == "demonstration" and not is_on_this_machine(settings.nomis_url)


def start(settings: Settings, *, bound: bool) -> tuple[processes.Started, Settings]:
    """Start the replica on a free port; return it, and settings that point at it.

    A `bound` replica ends with this process, even if that is killed.
    Raises: FetchError if it does not answer within half a minute.
    """
    port_file = settings.home / "run" / f"replica-{os.getpid()}.port"
    port_file.parent.mkdir(parents=True, exist_ok=True)
    port_file.unlink(missing_ok=True)
    log = settings.home / "logs" / "replica.log"
    command = [sys.executable, "-m", "ingest.replica", "--port", "0", "--port-file", str(port_file)]
    started, process = processes.start(
        "replica",
        command,
        environment=inherited_environment() | planmark_environment(settings),
        log=log,
        cwd=ROOT,
        bound=bound,
    )
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not port_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            processes.end([started])
            raise FetchError("the replica did not start", next_step=f"read {log}")
        time.sleep(0.05)
    port = int(port_file.read_text(encoding="utf-8"))
    port_file.unlink()
    return started, pointed_at(settings, port)


def pointed_at(settings: Settings, port: int) -> Settings:
    """Return settings whose providers are the replica on that port."""
    return settings.model_copy(
        update={
            "nomis_url": f"http://127.0.0.1:{port}/api/v01",
            "ons_local_source": f"http://127.0.0.1:{port}/explore-local-statistics",
        }
    )
