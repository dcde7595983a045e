"""The replica as a program: its port, its end, how fast it starts and answers, how little memory it takes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from replica_http import TODAY, get

from ingest.replica import routes
from planmark.settings import ROOT


@dataclass
class Program:
    process: subprocess.Popen[bytes]
    url: str

    def peak_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024

    def cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.fixture()
def program(tmp_path: Path) -> Iterator[Program]:
    file = tmp_path / "port"
    command = [
        sys.executable,
        "-m",
        "ingest.replica",
        "--port",
        "0",
        "--port-file",
        str(file),
        "--today",
        str(TODAY),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 20
    while not file.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    yield Program(process, f"http://127.0.0.1:{file.read_text().strip()}")
    if process.poll() is None:
        process.kill()
    process.wait(timeout=10)


def test_it_starts_in_half_a_second_of_work_and_answers(program: Program) -> None:
    # Processor time: the clock of a busy machine says little. Python itself is part of it.
    assert program.cpu_seconds() < 0.6
    answer = get(
        program.url, "/api/v01/dataset/NM_17_5.data.csv?geography=E06000016&variable=45&date=2006-03"
    )
    assert answer.column("DATE") == ["2006-03"] * 4


def test_it_ends_at_sigterm(program: Program) -> None:
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(timeout=5) == 0


def test_it_listens_on_loopback_only(program: Program) -> None:
    port = int(program.url.rsplit(":", 1)[1])
    listening = [
        line.split()[1]
        for table in ("/proc/net/tcp", "/proc/net/tcp6")
        if Path(table).exists()
        for line in Path(table).read_text().splitlines()[1:]
        if line.split()[3] == "0A" and int(line.split()[1].rsplit(":", 1)[1], 16) == port
    ]
    assert listening == [f"0100007F:{port:04X}"]


def test_a_full_page_takes_little_time() -> None:
    request = routes.Request(
        "/api/v01/dataset/NM_162_1.data.csv", {"geography": "1778384912TYPE298", "measures": "20100"}, TODAY
    )
    routes.answer(request)
    start = time.process_time()
    answer = routes.answer(request)
    assert answer.body.count(b"\n") == 25_001
    assert time.process_time() - start < 0.6


def test_memory_does_not_grow_with_the_answer(program: Program) -> None:
    path = "/api/v01/dataset/NM_162_1.data.csv?geography=TYPE298&measures=20100&uid=0x1&select=obs_value"

    def rows(limit: int) -> int:
        with urllib.request.urlopen(f"{program.url}{path}&recordlimit={limit}", timeout=120) as answer:
            return sum(block.count(b"\n") for block in iter(lambda: answer.read(1 << 16), b"")) - 1

    assert rows(50_000) == 50_000
    before = program.peak_megabytes()
    assert rows(250_000) == 250_000
    assert program.peak_megabytes() - before < 20
    assert program.peak_megabytes() < 150
