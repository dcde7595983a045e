"""Progress of a run: one JSON line an event, in `<home>/run/progress.jsonl`.

The steps of a run live in other processes than the person who watches; they append, the watcher reads on.
"""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from planmark.settings import Settings

log = logging.getLogger(__name__)

State = Literal["started", "done", "skipped", "failed"]
_LONGEST_MESSAGE = 2_000


@dataclass(frozen=True)
class Event:
    """One thing that happened in a run. `at` is UTC, ISO 8601; `seconds` is how long a finished step took."""

    run_id: str
    step: str
    state: State
    message: str = ""
    dataset_id: str = ""
    seconds: float = 0.0
    at: str = ""


@dataclass
class Note:
    """What a step has to say when it ends."""

    message: str = ""
    state: State = "done"


def file_of(settings: Settings) -> Path:
    """Return the file that all runs of this installation append to."""
    return settings.home / "run" / "progress.jsonl"


def record(settings: Settings, event: Event) -> None:
    """Append one event. A line is written in one go, so that two writers do not mix.

    A full disk must not turn a run that went well into one that failed, so that is only logged.
    """
    facts = asdict(event) | {"message": event.message[:_LONGEST_MESSAGE], "at": datetime.now(UTC).isoformat()}
    path = file_of(settings)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, (json.dumps(facts) + "\n").encode())
        finally:
            os.close(descriptor)
    except OSError as error:
        log.warning("progress could not be noted in %s: %s", path, error)


@contextmanager
def step(settings: Settings, run_id: str, name: str, dataset_id: str = "") -> Iterator[Note]:
    """Note the start and the end of a step; an error ends it as `failed` and goes on up."""
    begun = time.monotonic()
    record(settings, Event(run_id, name, "started", dataset_id=dataset_id))
    note = Note()
    try:
        yield note
    except BaseException as error:
        message = str(error) or type(error).__name__
        record(settings, Event(run_id, name, "failed", message, dataset_id, time.monotonic() - begun))
        raise
    log.info("%s %s: %s", name, dataset_id, note.message)
    record(settings, Event(run_id, name, note.state, note.message, dataset_id, time.monotonic() - begun))


class Follower:
    """Reads the events of one run as they are appended. Make it before the run starts."""

    def __init__(self, settings: Settings, run_id: str) -> None:
        self._path = file_of(settings)
        self._run_id = run_id
        self._offset = self._path.stat().st_size if self._path.exists() else 0

    def new(self) -> list[Event]:
        """Return the events that came since the last call."""
        if not self._path.exists():
            return []
        with self._path.open("rb") as file:
            file.seek(self._offset)
            content = file.read()
        whole = content[: content.rfind(b"\n") + 1]
        self._offset += len(whole)
        events = [Event(**json.loads(line)) for line in whole.splitlines()]
        return [event for event in events if event.run_id == self._run_id]
