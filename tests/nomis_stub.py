"""A very small NOMIS for tests: answers in the service's shape, and wrong ones on demand.

It shares nothing with the client. Its table is worked out from the definition below: 2 areas, 3 months, 2
codes of `sex`, 2 codes of `item`, 1 measure = 24 cells, in the order months, areas, sex, item.
"""

from __future__ import annotations

import gzip
import itertools
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from ingest.definitions import NomisDefinition
from planmark.settings import Settings, load_settings

AREAS = ("E06000016", "E06000015")
PERIODS = ("2024-01", "2024-02", "2024-03")
COLUMNS = (
    "DATE", "GEOGRAPHY_CODE", "SEX", "ITEM", "MEASURES", "OBS_VALUE", "OBS_STATUS", "RECORD_OFFSET",
    "RECORD_COUNT",
)  # fmt: skip
CELLS = 24


def definition(**changes: Any) -> NomisDefinition:
    """The definition of the stub's only dataset."""
    content: dict[str, Any] = {
        "id": "nomis_stub",
        "title": "Stub",
        "description": "A dataset for tests",
        "publisher": "Nobody",
        "licence": "OGL-UK-3.0",
        "landing_page": "https://www.nomisweb.co.uk/",
        "owner": "tests",
        "cadence": "monthly",
        "provider": "nomis",
        "source": {
            "dataset": "NM_999_1",
            "select": {"sex": [5, 6], "item": [1, 2]},
            "measures": {"20100": {"role": "value", "unit": "people"}},
        },
        "areas": ["leicester", "derby"],
        "periods": {"from": "2024-01", "to": "latest"},
        "period": {"means": "month"},
        "valid": {"minimum": 0},
        "door": {"rows_at_least": 1},
        "evidence": "none",
    }
    content.update(changes)
    return NomisDefinition.model_validate(content)


Row = list[str]


def table(value: Callable[[int], str] = lambda n: str(100 + n)) -> list[Row]:
    """The 24 rows, without RECORD_OFFSET and RECORD_COUNT: row n has the value 100 + n and status A."""
    cells = itertools.product(PERIODS, AREAS, ("5", "6"), ("1", "2"))
    return [[*cell, "20100", value(n), "A"] for n, cell in enumerate(cells)]


def csv(
    rows: Iterable[Row], *, columns: Iterable[str] = COLUMNS, offset: int = 0, count: int | None = None
) -> bytes:
    """Rows as the service writes them: codes quoted, numbers bare; offset and count put behind."""
    rows = list(rows)
    total = offset + len(rows) if count is None else count
    lines = [",".join(f'"{name}"' for name in columns)]
    for n, row in enumerate(rows):
        *codes, number, status = row
        quoted = ",".join(f'"{code}"' for code in codes)
        lines.append(f'{quoted},{number},"{status}",{offset + n},{total}')
    return ("\n".join(lines) + "\n").encode()


Misbehaviour = Callable[["Handler", bytes], None]


class Service:
    """The state of the stub. `script` holds how the next data requests are answered, one entry each."""

    def __init__(self) -> None:
        self.rows = table()
        self.periods = list(PERIODS)
        self.revision = "2024-04-16 07:00:00"
        self.codes = {"sex": ["5", "6", "7"], "item": ["1", "2", "3"], "measures": ["20100", "20201"]}
        self.dimensions = ["GEOGRAPHY", "SEX", "ITEM", "MEASURES", "FREQ"]
        self.script: deque[Misbehaviour | None] = deque()
        self.always: Misbehaviour | None = None
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.guest_limit = 25_000

    @property
    def data_requests(self) -> list[dict[str, str]]:
        """Parameters of every request for data so far."""
        return [parameters for _, path, parameters in self.requests if path.endswith(".data.csv")]

    def paths(self) -> list[str]:
        """Last part of the path of every request so far."""
        return [path.rsplit("/", 1)[-1] for _, path, _ in self.requests]

    def data(self, parameters: dict[str, str]) -> bytes:
        offset = int(parameters.get("RecordOffset", 0))
        limit = min(int(parameters.get("RecordLimit", self.guest_limit)), self.guest_limit)
        return csv(self.rows[offset : offset + limit], offset=offset, count=len(self.rows))

    def document(self, path: str) -> dict[str, Any]:
        name = path.rsplit("/", 1)[-1]
        if name.endswith(".overview.json"):
            revisions = {"version": 1, "status": "current", "released": self.revision}
            codes = [{"value": period, "name": period, "revisions": revisions} for period in self.periods]
            return {
                "overview": {
                    "id": "NM_999_1",
                    "status": "Current",
                    "lastupdated": self.revision,
                    "dimensions": {
                        "dimension": {"name": "date", "concept": "time", "codes": {"code": codes}}
                    },
                }
            }
        if name == "def.sdmx.json":
            parts = [{"conceptref": part, "codelist": f"CL_999_1_{part}"} for part in self.dimensions]
            return {"structure": {"keyfamilies": {"keyfamily": [{"components": {"dimension": parts}}]}}}
        codes = self.codes.get(name.removesuffix(".def.sdmx.json"))
        found = [{"value": int(code), "description": {"value": f"Code {code}"}} for code in codes or []]
        lists = {"codelist": [{"code": found}]} if codes else None
        return {"structure": {"codelists": lists}}


class Handler(BaseHTTPRequestHandler):
    """Answers from `service`, or as the script says."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    service: Service

    def do_GET(self) -> None:
        self._answer(dict(parse_qsl(urlsplit(self.path).query)))

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._answer(dict(parse_qsl(body)))

    def _answer(self, parameters: dict[str, str]) -> None:
        path = urlsplit(self.path).path
        service = self.service
        service.requests.append((self.command, path, parameters))
        if not path.endswith(".data.csv"):
            self.send(json.dumps(service.document(path)).encode(), "application/json")
            return
        body = service.data(parameters)
        wrong = service.script.popleft() if service.script else service.always
        if wrong:
            wrong(self, body)
        else:
            self.send(body)

    def send(self, body: bytes, kind: str = "text/csv", status: int = 200, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", headers.pop("length", str(len(body))))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(service: Service | None = None, context: Any = None) -> Iterator[tuple[Service, str]]:
    """Serve on loopback; yields the service and its base address. `context` is a TLS context for https."""
    service = service or Service()
    handler = type("BoundHandler", (Handler,), {"service": service})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield service, f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}/api/v01"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def settings_for(home: Path, url: str, **changes: Any) -> Settings:
    """Settings for a fetch from the stub: small pages, no real waits."""
    values: dict[str, Any] = {
        "home": home,
        "archive_url": (home / "archive").as_uri(),
        "nomis_url": url,
        "nomis_page_size": 10,
        "nomis_keyed_page_size": 10,
        "retry_attempts": 3,
        "connect_timeout_seconds": 2,
        "read_timeout_seconds": 2,
        "dataset_deadline_seconds": 60,
    }
    return load_settings(**{**values, **changes})


# --- ways to misbehave ------------------------------------------------------------------------------------


def body(content: bytes, kind: str = "text/csv") -> Misbehaviour:
    """Send this instead, with status 200."""
    return lambda handler, _: handler.send(content, kind)


def changed(change: Callable[[bytes], bytes]) -> Misbehaviour:
    """Send the right body, changed."""
    return lambda handler, right: handler.send(change(right))


def status(code: int, content: bytes = b"", **headers: str) -> Misbehaviour:
    """Send this status."""
    return lambda handler, _: handler.send(content, "text/plain", code, **headers)


def reset_in_the_middle(handler: Handler, right: bytes) -> None:
    """Send half a page and reset the connection."""
    handler.send(right[: len(right) // 2], length=str(len(right)))
    handler.wfile.flush()
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def wrong_length(handler: Handler, right: bytes) -> None:
    """Promise more bytes than come, and end the connection."""
    handler.send(right, length=str(len(right) + 100))
    handler.close_connection = True


def truncated_gzip(handler: Handler, right: bytes) -> None:
    """A gzip stream without its end, its length as promised."""
    handler.send(gzip.compress(right)[:-30], Content_Encoding="gzip")


def good_gzip(handler: Handler, right: bytes) -> None:
    """The right body, packed."""
    handler.send(gzip.compress(right), Content_Encoding="gzip")


def silence(seconds: float) -> Misbehaviour:
    """Say nothing for a while."""

    def wait(handler: Handler, right: bytes) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return wait


def drip(pause: float) -> Misbehaviour:
    """Send byte after byte, so slowly that no read times out."""

    def send(handler: Handler, right: bytes) -> None:
        handler.send(b"", length=str(len(right)))
        try:
            for n in range(len(right)):
                handler.wfile.write(right[n : n + 1])
                time.sleep(pause)
        except OSError:
            handler.close_connection = True

    return send


def endless_redirect(handler: Handler, _: bytes) -> None:
    """Send the client to the same address again."""
    handler.send(b"", status=302, Location=handler.path)
