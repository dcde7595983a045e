"""Asking a provider over HTTP: one request at a time, patient, within a deadline, and never telling the key.

A fault that may pass (429, 5xx, a broken connection, half an answer) is tried again after a growing wait. A
fault that will not pass (404, a bad certificate, an endless redirect) is not. What cannot be had becomes a
FetchError.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import re
import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Generic, TypeVar
from urllib.parse import quote, quote_plus, urlencode, urljoin, urlsplit

import requests
import urllib3
from pydantic import SecretStr

from planmark import __version__
from planmark.errors import FetchError
from planmark.settings import Settings

log = logging.getLogger(__name__)
T = TypeVar("T")

#: Header by which the built-in demonstration services make themselves known.
ORIGIN_HEADER = "X-Planmark-Origin"
RETRIED_STATUSES = frozenset({429, 500, 502, 503, 504})
MOST_REDIRECTS = 5
#: A longer address is sent as the form body of a POST instead.
LONGEST_URL = 2_000
CHUNK_BYTES = 1 << 18
#: An answer that is read whole (a codelist, an overview) may not be larger than this.
MOST_BYTES_READ_WHOLE = 64 << 20
_MOST_BYTES_OF_AN_ERROR = 2_000

_KEY_PARAMETERS = re.compile(r"(?i)\b(uid|signature|apikey|api_key)=[^&\s\"'<>#)\]]+")
_USER_IN_ADDRESS = re.compile(r"(://)[^/@\s]+@")


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` without any key in it: the given secrets, however encoded, and what looks like one."""
    for secret in secrets:
        if secret:
            for form in {secret, quote(secret, safe=""), quote_plus(secret)}:
                text = re.sub(re.escape(form), "***", text, flags=re.IGNORECASE)
    return _USER_IN_ADDRESS.sub(r"\1***@", _KEY_PARAMETERS.sub(r"\1=***", text))


class _KeepKeysOut(logging.Filter):
    """The HTTP library logs addresses as they are sent, at debug level."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redact(record.getMessage()), None
        return True


for _name in ("urllib3.connectionpool", "urllib3.util.retry", "requests"):
    logging.getLogger(_name).addFilter(_KeepKeysOut())


@dataclass(frozen=True)
class Call:
    """What is asked: an address and its parameters, keys not among them."""

    url: str
    parameters: tuple[tuple[str, str], ...] = ()

    @property
    def full_url(self) -> str:
        """The address with its parameters."""
        return f"{self.url}?{self.query}" if self.parameters else self.url

    @property
    def query(self) -> str:
        """The parameters as they are sent."""
        return urlencode(self.parameters, safe=",.:;|")


@dataclass(frozen=True)
class Answer:
    """An answer with status 200, its body still to be read. Nothing in it holds a key."""

    url: str
    method: str
    form: str
    status: int
    content_type: str
    retrieved_at: datetime
    demonstration: bool
    chunks: Iterator[bytes]

    def read(self) -> bytes:
        """Return the whole body. Raises: FetchError if it is far larger than such an answer can be."""
        body = bytearray()
        for chunk in self.chunks:
            body += chunk
            if len(body) > MOST_BYTES_READ_WHOLE:
                raise FetchError("the answer is too large", where=self.url, expected=MOST_BYTES_READ_WHOLE)
        return bytes(body)


class Deadline:
    """How long one dataset may take in all, waits included."""

    def __init__(self, seconds: float, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = clock() + seconds

    @property
    def left(self) -> float:
        """Seconds that are left; negative when it is past."""
        return self._end - self._clock()

    def check(self, where: str) -> None:
        """Raise FetchError once it is past."""
        if self.left <= 0:
            raise FetchError(
                f"not finished within {self.seconds:g} seconds", where=where,
                next_step="run it again: stored pages are not asked again; or raise "
                "PLANMARK_DATASET_DEADLINE_SECONDS",
            )  # fmt: skip


@dataclass(frozen=True)
class _Problem:
    """Why an attempt gave nothing, keys removed; whether and when to try again."""

    what: str
    again: bool
    wait: float = 0
    next_step: str = ""


@dataclass(frozen=True)
class _Done(Generic[T]):
    """What `take` made of a whole answer."""

    value: T


class _HalfAnswerError(Exception):
    """The body ended before it was whole."""


class Client:
    """Asks one provider. Make one for each dataset: the deadline runs from its making."""

    def __init__(
        self,
        settings: Settings,
        provider: str,
        *,
        keys: Mapping[str, SecretStr] | None = None,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._provider = provider
        self._keys = dict(keys or {})
        self._sleep = sleep
        self._clock = clock
        self.deadline = Deadline(settings.dataset_deadline_seconds, clock)
        self._session = requests.Session()
        self._session.headers.update(
            {"User-Agent": f"planmark/{__version__}", "Accept-Encoding": "gzip, identity"}
        )

    def redact(self, text: str) -> str:
        """Return `text` without the keys of this client."""
        return redact(text, (key.get_secret_value() for key in self._keys.values()))

    def ask(self, call: Call, take: Callable[[Answer], T], *, where: str) -> T:
        """Ask until there is a whole answer, and return what `take` makes of it.

        `take` reads the body; if that breaks off it is called again with a new answer, so it must leave
        nothing of the broken one. `where` names the dataset for the error.
        Raises: FetchError when it will not come; whatever `take` itself raises.
        """
        problem = _Problem("nothing was asked", again=False)
        with self._alone(where):
            for attempt in range(1, self._settings.retry_attempts + 1):
                self.deadline.check(where)
                done = self._attempt(call, take, where)
                if isinstance(done, _Done):
                    return done.value
                problem = done
                if not problem.again or attempt == self._settings.retry_attempts:
                    break
                wait = self._wait(attempt, problem.wait)
                if wait >= self.deadline.left:
                    problem = replace(problem, what=f"{problem.what}; no time is left to try again")
                    break
                log.warning("%s: %s; trying again in %.0f s", where, problem.what, wait)
                self._sleep(wait)
        raise FetchError(
            f"{self._provider} gave no usable answer" + (f" in {attempt} attempts" if attempt > 1 else ""),
            where=f"{where}, request {self.redact(call.full_url)[:500]}",
            got=problem.what,
            expected="status 200 and a whole body",
            next_step=problem.next_step or "the next run tries again and asks only for what is missing",
        )

    def _wait(self, attempt: int, wished: float) -> float:
        """Return the seconds to wait: doubled each time, longer if the provider wishes, up to the cap."""
        settings = self._settings
        growing = settings.retry_first_wait_seconds * 2 ** (attempt - 1)
        return min(max(growing, wished), settings.retry_longest_wait_seconds)

    def _attempt(self, call: Call, take: Callable[[Answer], T], where: str) -> _Done[T] | _Problem:
        """Ask once. A fault of the network becomes a `_Problem`; no library error, which may hold the key,
        outlives this function."""
        try:
            with contextlib.ExitStack() as stack:
                response, method = self._send(call, stack)
                if isinstance(response, _Problem):
                    return response
                if response.status_code != 200:
                    return self._status_problem(response)
                answer = Answer(
                    url=self.redact(call.url if method == "POST" else call.full_url),
                    method=method,
                    form=self.redact(call.query) if method == "POST" else "",
                    status=response.status_code,
                    content_type=response.headers.get("Content-Type", ""),
                    retrieved_at=datetime.now(UTC),
                    demonstration=response.headers.get(ORIGIN_HEADER, "").lower() == "demonstration",
                    chunks=self._chunks(response, where),
                )
                return _Done(take(answer))
        except requests.exceptions.SSLError as error:
            return _Problem(
                self._named("certificate error", error), again=False,
                next_step="if your network has its own certificates, set PLANMARK_CA_BUNDLE to their file",
            )  # fmt: skip
        except requests.exceptions.ProxyError as error:
            return _Problem(
                self._named("the proxy did not let it through", error), again=True,
                next_step="check HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
            )  # fmt: skip
        except (requests.exceptions.InvalidURL, requests.exceptions.MissingSchema) as error:
            return _Problem(self._named("not an address", error), again=False)
        except (
            requests.exceptions.RequestException,
            urllib3.exceptions.HTTPError,
            _HalfAnswerError,
        ) as error:
            return _Problem(
                self._named("the connection failed", error),
                again=True,
                next_step="check the network and the proxy variables if every dataset says so; the next run "
                "tries again and asks only for what is missing",
            )
        except OSError as error:
            return _Problem(
                self._named("cannot ask", error), again=False, next_step="check PLANMARK_CA_BUNDLE"
            )

    def _named(self, what: str, error: Exception) -> str:
        return f"{what} ({type(error).__name__}: {self.redact(str(error))[:300]})"

    def _send(self, call: Call, stack: contextlib.ExitStack) -> tuple[requests.Response | _Problem, str]:
        """Send, following a few redirects; a long query goes as a form."""
        keys = urlencode([(name, key.get_secret_value()) for name, key in self._keys.items()])
        query = "&".join(part for part in (call.query, keys) if part)
        url = f"{call.url}?{query}" if query else call.url
        method, form = ("POST", query) if len(url) > LONGEST_URL else ("GET", "")
        if form:
            url = call.url
        for _ in range(MOST_REDIRECTS + 1):
            response = self._session.request(
                method,
                url,
                data=form or None,
                headers={"Content-Type": "application/x-www-form-urlencoded"} if form else None,
                timeout=self._timeouts(),
                verify=self._settings.ca_bundle or True,
                proxies={"http": "", "https": ""} if is_loopback(url) else None,
                allow_redirects=False,
                stream=True,
            )
            stack.callback(response.close)
            if not response.is_redirect:
                return response, method
            target = urljoin(url, response.headers["Location"])
            if form or (urlsplit(url).scheme == "https" and urlsplit(target).scheme != "https"):
                return _Problem(self.redact(f"redirected to {target}"), again=False), method
            url = target
        return _Problem(f"more than {MOST_REDIRECTS} redirects", again=False), method

    def _timeouts(self) -> tuple[float, float]:
        """Return how long to wait for a connection and for the next bytes, within the deadline."""
        left = max(self.deadline.left, 0.1)
        settings = self._settings
        return min(settings.connect_timeout_seconds, left), min(settings.read_timeout_seconds, left)

    def _status_problem(self, response: requests.Response) -> _Problem:
        said = response.raw.read1(_MOST_BYTES_OF_AN_ERROR, decode_content=True) or b""
        text = " ".join(re.sub(r"<[^>]*>", " ", said.decode("utf-8", "replace")).split())
        status = response.status_code
        return _Problem(
            f"status {status} {response.reason}: {self.redact(text)[:300]}".rstrip(": "),
            again=status in RETRIED_STATUSES,
            wait=_retry_after(response.headers.get("Retry-After", "")),
        )

    def _chunks(self, response: requests.Response, where: str) -> Iterator[bytes]:
        """Yield the decoded body as it comes, and make sure that it is whole.

        The library itself takes a gzip stream that is cut short for whole.
        """
        encoding = response.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip", "x-gzip", ""):
            raise _HalfAnswerError(f"content encoding {encoding!r} was not asked for")
        unzip = zlib.decompressobj(wbits=31) if "gzip" in encoding else None
        while True:
            self.deadline.check(where)
            data = response.raw.read1(CHUNK_BYTES, decode_content=False)
            if not data:
                break
            yield from _unzipped(unzip, data) if unzip else (data,)
        if unzip and not unzip.eof:
            raise _HalfAnswerError("the gzip stream is cut short")

    @contextlib.contextmanager
    def _alone(self, where: str) -> Iterator[None]:
        """Hold the provider's lock: nobody else on this installation asks it meanwhile."""
        folder: Path = self._settings.home / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{self._provider}.lock").open("w") as file:
            said = False
            while True:
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if not said:
                        log.info("%s: waiting while another task asks %s", where, self._provider)
                        said = True
                    self.deadline.check(f"{where}, waiting for another task that asks {self._provider}")
                    self._sleep(0.2)
            yield


def _unzipped(unzip: zlib._Decompress, data: bytes) -> Iterator[bytes]:
    """Yield what a piece of a gzip stream holds, in pieces that stay small however well it was packed."""
    try:
        while data and not unzip.eof:
            yield unzip.decompress(data, CHUNK_BYTES)
            data = unzip.unconsumed_tail
    except zlib.error as error:
        raise _HalfAnswerError(f"broken gzip stream: {error}") from None
    if data or unzip.unused_data:
        raise _HalfAnswerError("bytes follow the end of the gzip stream")


def is_loopback(url: str) -> bool:
    """Tell whether an address is on this machine; such addresses are never asked through a proxy."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _retry_after(header: str) -> float:
    """Return the seconds that `Retry-After` wishes, given in seconds or as a date; 0 if it says nothing."""
    header = header.strip()
    if header.isdigit():
        return float(header)
    with contextlib.suppress(TypeError, ValueError):
        at = parsedate_to_datetime(header)
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        return max(0.0, (at - datetime.now(UTC)).total_seconds())
    return 0.0
