"""How much memory one refresh takes: fetched from a generator on loopback, archived, parsed and loaded.

    python tests/bench/refresh_memory.py [--rows 4000000] [--page-size 25000] [--without-load]

Prints rows, seconds, rows a second and the peak resident memory of the process that refreshes; the server and
the database are other processes. Goal: 300 MB at 4 million rows, whatever the page size.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing.connection import Connection
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from ingest.archive import Archive
from ingest.definitions import Definition, NomisDefinition, area_codes
from ingest.providers.nomis import Nomis
from ingest.refresh import refresh_dataset
from planmark import database, embedded
from planmark.settings import Settings, ensure_secrets, load_settings

SEXES, ITEMS = ("5", "6"), ("1", "2", "3", "4", "5")


def definition() -> NomisDefinition:
    """192 small areas, two sexes, five items: 1,920 rows a month."""
    return NomisDefinition.model_validate(
        {
            "id": "nomis_bench",
            "title": "Bench",
            "description": "As many rows as wanted",
            "publisher": "Nobody",
            "licence": "OGL-UK-3.0",
            "landing_page": "https://www.nomisweb.co.uk/",
            "owner": "bench",
            "cadence": "monthly",
            "provider": "nomis",
            "source": {
                "dataset": "NM_999_1",
                "select": {"sex": list(SEXES), "item": list(ITEMS)},
                "measures": {"20100": {"role": "value", "unit": "people"}},
            },
            "areas": ["leicester_lsoas_2011"],
            "periods": {"from": "1900-01", "to": "latest"},
            "period": {"means": "month"},
            "valid": {"minimum": 0},
            "door": {"rows_at_least": 1},
            "evidence": "none",
        }
    )


class Generator(BaseHTTPRequestHandler):
    """Answers like NOMIS; rows are made as they are sent."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    periods: tuple[str, ...]
    areas: tuple[str, ...]

    def do_GET(self) -> None:
        """Answer a data request, an overview or a codelist."""
        url = urlsplit(self.path)
        if url.path.endswith(".data.csv"):
            self._data(dict(parse_qsl(url.query)))
            return
        body = json.dumps(self._document(url.path.rsplit("/", 1)[-1])).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _document(self, name: str) -> object:
        if name.endswith(".overview.json"):
            codes = [{"value": period} for period in self.periods]
            return {"overview": {"dimensions": {"dimension": {"concept": "time", "codes": {"code": codes}}}}}
        if name == "def.sdmx.json":
            parts = [{"conceptref": part} for part in ("GEOGRAPHY", "SEX", "ITEM", "MEASURES", "FREQ")]
            return {"structure": {"keyfamilies": {"keyfamily": [{"components": {"dimension": parts}}]}}}
        codes = {"sex": SEXES, "item": ITEMS, "measures": ("20100",)}[name.removesuffix(".def.sdmx.json")]
        return {
            "structure": {"codelists": {"codelist": [{"code": [{"value": int(code)} for code in codes]}]}}
        }

    def _data(self, parameters: dict[str, str]) -> None:
        first, limit = int(parameters["RecordOffset"]), int(parameters["RecordLimit"])
        self.send_response(200)
        self.send_header("Content-Type", "text/csv")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        header = ",".join(f'"{name}"' for name in parameters["select"].split(",")) + "\n"
        self._chunk(header)
        rows = self._rows(first, limit)
        while lines := "".join(itertools.islice(rows, 5_000)):
            self._chunk(lines)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, text: str) -> None:
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())

    def _rows(self, first: int, limit: int) -> Iterator[str]:
        cells = [(area, sex, item) for area in self.areas for sex in SEXES for item in ITEMS]
        count = len(cells) * len(self.periods)
        for number in range(first, min(first + limit, count)):
            month, cell = divmod(number, len(cells))
            area, sex, item = cells[cell]
            yield (
                f'"{self.periods[month]}","{area}","{sex}","{item}","20100",{number * 7 % 900},"A",'
                f"{number},{count}\n"
            )

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def serve(rows: int, pipe: Connection) -> None:
    """Serve until ended; sends its port through the pipe."""
    areas = area_codes(definition())
    months = -(-rows // (len(areas) * len(SEXES) * len(ITEMS)))
    periods = tuple(f"{1900 + month // 12}-{month % 12 + 1:02d}" for month in range(months))
    handler = type("BoundGenerator", (Generator,), {"areas": areas, "periods": periods})
    server = HTTPServer(("127.0.0.1", 0), handler)
    pipe.send(server.server_port)
    server.serve_forever()


def refresh(settings: Settings, load: bool, pipe: Connection) -> None:
    """Refresh, and send rows, seconds and the peak of resident memory in MB."""
    started = time.perf_counter()
    chosen: Definition = definition()
    if load:
        rows = refresh_dataset(settings, chosen.id, definitions={chosen.id: chosen}).inserted
    else:
        provider = Nomis(settings)
        delivery = Archive(settings.archive).new_delivery(chosen.id)
        provider.fetch(chosen, delivery)
        rows = sum(page.rows.num_rows for page in provider.parse(chosen, delivery.finish()))
    seconds = time.perf_counter() - started
    pipe.send((rows, seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))


def main() -> None:
    """Run it once and print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=4_000_000)
    parser.add_argument("--page-size", type=int, default=25_000)
    parser.add_argument("--without-load", action="store_true")
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory(prefix="planmark-bench-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        ensure_secrets(home)
        ours, theirs = spawn.Pipe()
        server = spawn.Process(target=serve, args=(options.rows, theirs), daemon=True)
        server.start()
        settings = load_settings(
            home=home, nomis_url=f"http://127.0.0.1:{ours.recv()}/api/v01", nomis_page_size=options.page_size
        )
        load = not options.without_load
        if load:
            embedded.start(settings)
            database.set_up(settings)
        try:
            worker = spawn.Process(target=refresh, args=(settings, load, theirs))
            worker.start()
            while not ours.poll(1) and worker.is_alive():
                pass
            rows, seconds, peak = ours.recv() if ours.poll(1) else (0, 1.0, 0.0)
            worker.join()
        finally:
            if load:
                embedded.stop(settings)
            server.terminate()
    what = "fetched, archived, parsed" + (" and loaded" if load else "")
    sys.stdout.write(
        f"{rows:,} rows {what} in pages of {options.page_size:,}: {seconds:.1f} s, "
        f"{rows / seconds:,.0f} rows/s, peak {peak:.0f} MB\n"
    )
    sys.exit(0 if rows and worker.exitcode == 0 else os.EX_SOFTWARE)


if __name__ == "__main__":
    main()
