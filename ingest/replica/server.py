"""The HTTP server: standard library only, threads, loopback only."""

from __future__ import annotations

import contextlib
import gzip
import json
import logging
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from ingest.replica import routes
from ingest.replica.misbehaviour import ROW_KINDS, Wish, Wishes, spoil
from ingest.replica.routes import Answer

ORIGIN_HEADER = "X-Planmark-Origin"
LOG = logging.getLogger(__name__)
_REMEMBERED_REQUESTS = 10_000
_SECRETS = ("uid", "signature")
_FORM_LIMIT = 4_000_000


@dataclass(frozen=True)
class Seen:
    """One request that was answered. Keys are left out of `path`."""

    method: str
    path: str
    status: int
    misbehaviour: str


class Replica:
    """What all requests of one server share."""

    def __init__(self, today: Callable[[], date]) -> None:
        self.today = today
        self.wishes = Wishes()
        self.closing = threading.Event()
        self._seen: deque[Seen] = deque(maxlen=_REMEMBERED_REQUESTS)
        self._count = 0
        self._lock = threading.Lock()

    def remember(self, seen: Seen) -> None:
        """Note a request."""
        with self._lock:
            self._seen.append(seen)
            self._count += 1

    def forget(self) -> None:
        """Forget the requests so far."""
        with self._lock:
            self._seen.clear()
            self._count = 0

    def seen(self) -> list[Seen]:
        """Return the requests so far, oldest first; of very many, the last 10,000."""
        with self._lock:
            return list(self._seen)

    def count(self) -> int:
        """Return how many requests were answered since the last `forget`."""
        with self._lock:
            return self._count


class Handle:
    """A running server, for tests."""

    def __init__(self, server: _Server, replica: Replica, scheme: str) -> None:
        self._server = server
        self._replica = replica
        self.port = int(server.server_address[1])
        self.url = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._run, name="replica", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        self._server.serve_forever(poll_interval=0.05)

    def misbehave(self, kind: str, times: int | None = 1, path: str = "") -> None:
        """Spoil the next `times` answers whose address, form included, holds `path`; `none` clears all.

        Without a path only answers with data are spoilt. `times=None` lasts until cleared.
        Raises: ValueError for an unknown kind.
        """
        self._replica.wishes.add(kind, times, path)

    @property
    def requests(self) -> list[Seen]:
        """Return the requests answered, without keys."""
        return self._replica.seen()

    def forget_requests(self) -> None:
        """Forget the requests so far."""
        self._replica.forget()

    def close(self) -> None:
        """Stop the server and wait until it has."""
        self._replica.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    replica: Replica

    def server_bind(self) -> None:
        """Bind without asking for the host's full name, which can take seconds where names are not served."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])

    def handle_error(self, request: object, client_address: object) -> None:
        """Log instead of printing: clients that hang up are part of the tests."""
        LOG.debug("connection from %s ended early", client_address, exc_info=True)


def serve(
    port: int = 0, *, today: date | Callable[[], date] | None = None, tls: ssl.SSLContext | None = None
) -> Handle:
    """Start a server on 127.0.0.1 and return its handle. Port 0 takes a free one.

    `today` decides which periods are out: a day, or a function that gives it (default: the clock's day).
    `tls` is a server-side context, for tests of certificates.
    """
    replica = Replica(_clock(today))
    server = _Server(("127.0.0.1", port), _Handler)
    server.replica = replica
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return Handle(server, replica, "https" if tls else "http")


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Return parameters by lower-case name; one that is given twice is a list."""
    found: dict[str, str] = {}
    for name, value in pairs:
        key = name.lower()
        found[key] = f"{found[key]},{value}" if key in found else value
    return found


def _clock(today: date | Callable[[], date] | None) -> Callable[[], date]:
    if today is None:
        return date.today
    return (lambda: today) if isinstance(today, date) else today


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server
    timeout = 60
    disable_nagle_algorithm = True

    def version_string(self) -> str:
        """Return the name that the Server header gives."""
        return "planmark-replica"

    def log_message(self, format: str, *args: object) -> None:
        """Keep requests out of the terminal; `GET /_requests` shows them."""
        LOG.debug(format, *args)

    def do_GET(self) -> None:
        """Answer a GET."""
        self._respond("")

    def do_HEAD(self) -> None:
        """Answer a HEAD as a GET without its body."""
        self._respond("")

    def do_POST(self) -> None:
        """Answer a POST: its form counts as the query."""
        length = int(self.headers.get("Content-Length") or 0)
        if length > _FORM_LIMIT:
            self._send(Answer(413, "text/plain", b"Error: the form is too long"))
            return
        self._respond(self.rfile.read(length).decode("utf-8", "replace"))

    def do_OPTIONS(self) -> None:
        """Answer a browser that asks whether it may."""
        self._send(Answer(204, "text/plain"))

    # --- dispatch -----------------------------------------------------------------------------------------

    def _respond(self, form: str) -> None:
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        if path.startswith("/_"):
            self._control(path, form)
            return
        pairs = [*parse_qsl(parts.query, keep_blank_values=True), *parse_qsl(form, keep_blank_values=True)]
        parameters = _joined(pairs)
        address = (
            path
            + ("?" if pairs else "")
            + "&".join(f"{n}={v}" for n, v in pairs if n.lower() not in _SECRETS)
        )
        replica = self.server.replica
        wish = replica.wishes.take(address, routes.is_data(path), routes.is_table(path))
        if wish is not None and self._broken_before(wish, address):
            return
        request = routes.Request(
            path=path,
            parameters=parameters,
            today=replica.today(),
            hidden=tuple(replica.wishes.vanished(address)),
            revision=replica.wishes.revision(address),
            wish=wish,
        )
        found = routes.answer(request)
        if wish is not None and wish.kind in ROW_KINDS and found.separator:
            body = b"".join(found.blocks) if found.blocks else found.body
            found = Answer(found.status, found.content_type, spoil(body, wish, found.separator))
        self._note(address, found.status, wish)
        self._deliver(found, wish, parameters.get("callback"))

    def _note(self, address: str, status: int, wish: Wish | None) -> None:
        kind = "" if wish is None else wish.kind
        self.server.replica.remember(Seen(self.command, address, status, kind))

    def _control(self, path: str, form: str) -> None:
        replica = self.server.replica
        if path == "/_requests" and self.command == "GET":
            listed = [seen.__dict__ for seen in replica.seen()]
            self._send_json(200, {"count": replica.count(), "requests": listed})
        elif path == "/_requests" and self.command == "POST":
            replica.forget()
            self._send_json(200, {"count": 0})
        elif path == "/_misbehave" and self.command == "POST":
            self._misbehave(form)
        else:
            self._send_json(404, {"error": f"{self.command} {path} is not known"})

    def _misbehave(self, form: str) -> None:
        try:
            wish = json.loads(form)
            self.server.replica.wishes.add(
                str(wish["kind"]), wish.get("times", 1), str(wish.get("path_contains") or "")
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            self._send_json(400, {"error": str(error)})
            return
        self._send_json(200, {"ok": True})

    def _send_json(self, status: int, document: object) -> None:
        self._send(Answer(status, "application/json", json.dumps(document).encode()))

    # --- answers that are broken --------------------------------------------------------------------------

    def _broken_before(self, wish: Wish, address: str) -> bool:
        """Send what takes the place of the answer; False if the answer itself is still to come."""
        instead = {
            "0-byte": Answer(200, "text/csv"),
            "html": routes.help_page(),
            "json-error-200": Answer(200, "application/json", b'{"error": "Cannot create query"}'),
            "429": Answer(429, "text/plain", b"Error: Too many requests"),
            "500": Answer(500, "text/plain", b"Error: Unable to contact data engine"),
            "502": Answer(502, "text/html; charset=utf-8", b"<html><body>Bad Gateway</body></html>"),
            "504": Answer(504, "text/html; charset=utf-8", b"<html><body>Gateway Timeout</body></html>"),
            "redirect-loop": Answer(302, "text/plain"),
        }.get(wish.kind)
        if instead is None:
            return False
        extra = {}
        if wish.kind == "429" and wish.detail:
            extra["Retry-After"] = wish.detail
        if wish.kind == "redirect-loop":
            extra["Location"] = self.path
        self._note(address, instead.status, wish)
        self._send(instead, extra)
        return True

    def _deliver(self, found: Answer, wish: Wish | None, callback: str | None) -> None:
        if callback and found.content_type == "application/json":
            body = f"{callback}(".encode() + found.body + b")"
            found = Answer(found.status, "application/javascript", body)
        kind = "" if wish is None else wish.kind
        if wish is not None and kind == "slow":
            self.server.replica.closing.wait(float(wish.detail or 5))
        body = b"".join(found.blocks) if found.blocks and kind else found.body
        if kind == "truncated-gzip":
            packed = gzip.compress(body, compresslevel=1)
            half = Answer(found.status, found.content_type, packed[: max(1, len(packed) // 2)])
            self._send(half, {"Content-Encoding": "gzip"})
        elif kind == "wrong-length":
            self._send(Answer(found.status, found.content_type, body), promised=len(body) + 1000)
            self.close_connection = True
        elif kind == "reset-mid-page":
            self._send(Answer(found.status, found.content_type, body[: len(body) // 2]), promised=len(body))
            self._reset()
        else:
            self._send(found)

    def _reset(self) -> None:
        """End the connection with a reset rather than a proper close."""
        self.wfile.flush()
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        # A plain close would be delayed by the buffered reader's own reference to the socket.
        with contextlib.suppress(OSError):
            self.rfile.close()
            self.connection.close()

    # --- sending ------------------------------------------------------------------------------------------

    def _send(self, found: Answer, extra: dict[str, str] | None = None, promised: int | None = None) -> None:
        self.send_response(found.status)
        self.send_header(ORIGIN_HEADER, "demonstration")
        self.send_header("Content-Type", found.content_type)
        self.send_header("Access-Control-Allow-Origin", "*")
        for name, value in (extra or {}).items():
            self.send_header(name, value)
        if found.blocks is None:
            if found.status != 204:
                self.send_header("Content-Length", str(len(found.body) if promised is None else promised))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.body)
            return
        self._stream(found)

    def _stream(self, found: Answer) -> None:
        """Send a long answer in chunks, or to the end of the connection for a client of HTTP/1.0."""
        chunked = self.request_version == "HTTP/1.1"
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.close_connection = True
        self.end_headers()
        if self.command == "HEAD":
            return
        for block in found.blocks or ():
            self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
