"""Run the replica by itself: `python -m ingest.replica --port 0 --port-file FILE [--today 2026-11-22]`."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading
from datetime import date
from pathlib import Path

from ingest.replica.server import serve

LOG = logging.getLogger("ingest.replica")


def main() -> None:
    """Serve until told to stop (SIGTERM or SIGINT)."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with serve(options.port, today=options.today) as handle:
        if options.port_file:
            _write_port(options.port_file, handle.port)
        LOG.info("replica with demonstration data on %s", handle.url)
        stop.wait()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m ingest.replica", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--port-file", type=Path, help="the port is written here once the server answers")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        help="the day that decides which periods are out (default: the clock)",
    )
    return parser.parse_args()


def _write_port(file: Path, port: int) -> None:
    """Write the port in one step, so that a reader never sees half of it."""
    waiting = file.with_name(f"{file.name}.{os.getpid()}")
    waiting.write_text(f"{port}\n")
    waiting.replace(file)


if __name__ == "__main__":
    main()
