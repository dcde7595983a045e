"""Programs that we start, and end again whole: each leads a session of its own, which its children share.

A process id alone may have been given to somebody else since; together with the time of its start it has not.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


@dataclass(frozen=True)
class Started:
    """A program that we started. `started_at` is in seconds since 1970, as the system tells it."""

    name: str
    pid: int
    started_at: float

    @property
    def alive(self) -> bool:
        """True while this very process runs."""
        return _is(self.pid, self.started_at)


def start(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    log: Path,
    cwd: Path,
    bound: bool = False,
) -> tuple[Started, subprocess.Popen[bytes]]:
    """Start a program in a session of its own, its output appended to `log`.

    A `bound` program ends with us, even if we are killed (on Linux).
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, cwd=cwd,
            env=dict(environment), start_new_session=True, preexec_fn=end_with_parent if bound else None,
        )  # fmt: skip
    return Started(name, process.pid, psutil.Process(process.pid).create_time()), process


def end_with_parent() -> None:
    """Ask the system to end this process when its parent ends. Runs in a new child."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def end(started: Sequence[Started], *, patience: float = 20.0) -> list[str]:
    """End programs and all in their sessions, kindly first; return the names of those that ran.

    Children that outlived their leader are ended too: a session's id is not given away while they live.
    """
    sessions = {program.pid: program for program in started}
    ran = [program.name for program in started if members(program)]
    leaders = [program for program in started if program.alive]
    for program in leaders:
        _signal(program.pid, signal.SIGTERM)
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and any(program.alive for program in leaders):
        time.sleep(0.1)
    for number in (signal.SIGTERM, signal.SIGKILL):
        left = [process for program in sessions.values() for process in members(program)]
        for process in left:
            _signal(process.pid, number)
        psutil.wait_procs(left, timeout=3)
    return ran


def members(program: Started) -> list[psutil.Process]:
    """Return the living processes in the session that a program leads or led."""
    if psutil.pid_exists(program.pid) and not program.alive:
        return []  # the number belongs to somebody else now
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(ProcessLookupError, PermissionError, psutil.Error):
            ours = os.getsid(process.pid) == program.pid and process.create_time() >= program.started_at - 1
            if ours and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def _is(pid: int, started_at: float) -> bool:
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started_at) < 0.05 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
