"""`planmark refresh`: the whole night now, through Airflow, on one machine; then the scorecard."""

from __future__ import annotations

import contextlib
import fcntl
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from planmark import database, embedded, publication
from planmark import scorecard as marts_scorecard
from planmark.cli import airflow_home, processes, progress, replica, show, steps
from planmark.database import Role
from planmark.errors import SettingsError
from planmark.settings import Settings, inherited_environment, load_settings

REAL_FIGURES = "-real-figures"


def refresh(
    plain: Annotated[bool, typer.Option("--plain", help="Run the same steps without Airflow.")] = False,
    mode: Annotated[str, typer.Option(help="demonstration or live; empty: PLANMARK_MODE.")] = "",
    force: Annotated[
        bool, typer.Option("--force", help="Fetch everything, even if nothing new is promised.")
    ] = False,
    ons_folder: Annotated[
        Path | None,
        typer.Option(help="Refresh on the ONS tables in this folder only, in a warehouse of its own."),
    ] = None,
) -> None:
    """Run the night from fetch to published marts, and print the scorecard."""
    settings = real_figures(ons_folder) if ons_folder else load_settings(**({"mode": mode} if mode else {}))
    with _terminated_as_interrupted():
        try:
            code = run(settings, show.console(), plain=plain, force=force)
        except KeyboardInterrupt:
            show.console().print(
                "Stopped. Readers keep the last good publication; run it again at any moment."
            )
            code = 130
    raise typer.Exit(code)


def scorecard(
    plan: Annotated[str, typer.Option(help="One plan only, for example city_strategy_2007.")] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every target, also those of small areas and without a value.")
    ] = False,
) -> None:
    """Print the scorecard of every plan as readers see it now."""
    show.scorecard(show.console(), marts_scorecard.read(load_settings(), plan), everything=everything)


def real_figures(folder: Path) -> Settings:
    """Return settings for a run on the ONS tables in a folder, in a home and a warehouse of its own.

    Raises: SettingsError if there is no such folder.
    """
    from ingest.definitions import load_definitions

    if not folder.is_dir():
        raise SettingsError(
            "there is no such folder", got=folder, next_step="name the folder with the ONS tables"
        )
    base = load_settings()
    home = base.home.with_name(base.home.name + REAL_FIGURES)
    ids = [name for name, definition in load_definitions().items() if definition.provider == "ons_local"]
    return load_settings(
        home=home,
        mode="live",
        ons_local_source=str(folder.resolve()),
        datasets=",".join(ids),
        archive_url="",
        database_name=base.database_name if base.embedded else f"{base.database_name}_real_figures",
    )


def run(settings: Settings, out: Console, *, plain: bool, force: bool) -> int:
    """Run one refresh and print what came of it; return the exit status: 0 only if all went well."""
    with _alone(settings, out):
        settings = start_database(settings)
        code, log = _night(settings, out, plain=plain, force=force)
        if publication.current(settings):
            show.scorecard(out, marts_scorecard.read(settings))
        else:
            out.print("Nothing is published yet, so there is no scorecard.")
        show.where_next(out, settings, log)
    return code


def start_database(settings: Settings) -> Settings:
    """Start the embedded server if that is the one to use, and bring the set-up up to date.

    Returns the settings with the passwords that may have been generated now.
    """
    if settings.embedded:
        embedded.start(settings)
        chosen = ("home", "mode", "ons_local_source", "datasets", "archive_url", "nomis_url", "database_name")
        settings = load_settings(**{name: getattr(settings, name) for name in chosen})
    database.set_up(settings)
    return settings


def _night(settings: Settings, out: Console, *, plain: bool, force: bool) -> tuple[int, Path]:
    run_id = steps.new_run_id()
    log = settings.home / "logs" / f"refresh-{run_id}.log"
    out.print(f"Run {run_id}, {'without' if plain else 'through'} Airflow; log: {log}", soft_wrap=True)
    started: list[processes.Started] = []
    try:
        if replica.is_wanted(settings):
            out.print(f"{show.DEMONSTRATION}: the replica stands in for the publishers' services.")
            server, settings = replica.start(settings, bound=True)
            started.append(server)
        if plain:
            command = [sys.executable, "-m", "planmark.cli.plain", run_id, *(["--force"] if force else [])]
            environment = inherited_environment() | airflow_home.planmark_environment(settings)
        else:
            with out.status("Making Airflow ready"):
                airflow_home.make_ready(settings)
            asked = json.dumps({"run_id": run_id, "kind": "refresh", "force": force})
            command = [sys.executable, "-m", "planmark.cli.through_airflow", "nightly_refresh", asked]
            environment = airflow_home.airflow_environment(settings)
        follower = progress.Follower(settings, run_id)
        child, process = processes.start(
            "run", command, environment=environment, log=log, cwd=settings.home, bound=True
        )
        started.append(child)
        with out.status("Starting") as status:
            ended = None
            while ended is None:
                ended = process.poll()
                for event in follower.new():
                    status.update(show.STEPS.get(event.step, event.step) + f" {event.dataset_id}")
                    show.progress(out, event)
                time.sleep(0.2)
    finally:
        processes.end(list(reversed(started)))
    return _honest(settings, out, run_id, ended, log), log


def _honest(settings: Settings, out: Console, run_id: str, ended: int, log: Path) -> int:
    """Return 0 only if the process ended well and the run says so itself."""
    with database.connect(settings, Role.READER) as connection:
        row = connection.execute(
            "select outcome, detail from ops.runs where run_id = %s", (run_id,)
        ).fetchone()
    outcome, detail = row if row else ("failed", "the run never began")
    out.print()
    if ended == 0 and outcome in ("published", "nothing_changed"):
        out.print(_sentence(detail), style="bold")
        return 0
    if outcome == "running":
        detail = f"the run was cut off (exit status {ended})"
    out.print(f"FAILED: {detail}. Read {log}", style="bold red", soft_wrap=True)
    return 1


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


@contextlib.contextmanager
def _alone(settings: Settings, out: Console) -> Iterator[None]:
    """Hold the lock of this installation's refresh; a second one waits, and says so."""
    path = settings.home / "run" / "refresh.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            out.print("Another refresh is running here; waiting for it to end.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, so that what was started is ended."""

    def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
