"""ONS "Explore local statistics": one CSV a table, from an address or from a folder.

A table holds every authority of the United Kingdom; a definition asks for a few areas, indicators and years.
Rows of other areas, indicators and years are not part of what is asked for: they are counted in the log and
in the facts of the delivery, not among its rows. Every row that is asked for is loaded or rejected.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import file_digest
from pathlib import Path
from urllib.parse import urlsplit

from ingest.archive import DeliveryReader, DeliveryWriter, RequestMeta, StoredAnswer, VerifiedStream
from ingest.definitions import Definition, OnsLocalDefinition
from ingest.http import CHUNK_BYTES, Answer, Call, Client, is_loopback
from ingest.provider import ProviderState
from ingest.providers.ons_local_table import OnsLocalTable
from ingest.rows import ParsedPage
from planmark.errors import FetchError
from planmark.settings import Settings

log = logging.getLogger(__name__)
SUFFIXES = (".csv", ".csv.gz")


class OnsLocalProvider:
    """Reads tables from `settings.ons_local_source`. See `ingest/provider.py`."""

    name = "ons_local"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._source = settings.ons_local_source.rstrip("/")
        self._is_address = urlsplit(self._source).scheme in ("http", "https")
        self._demonstration = self._is_address and is_loopback(self._source)

    def origin(self) -> str:
        """Return `official`, or `demonstration` when the answers come from the replica."""
        return "demonstration" if self._demonstration else "official"

    def state(self, definition: Definition) -> ProviderState:
        """Say how a table stands: a file by its checksum; an address does not tell, so it is fetched."""
        ours = _ours(definition)
        if self._is_address:
            return ProviderState(fingerprint=f"not told at {datetime.now(UTC).isoformat()}")
        with self._file(ours).open("rb") as file:
            return ProviderState(fingerprint=file_digest(file, "sha256").hexdigest())

    def fetch(self, definition: Definition, delivery: DeliveryWriter) -> None:
        """Put the table into the archive as it is, then check it as a whole.

        Raises: FetchError if there is no such table; RefusedError if it fails a check.
        """
        ours = _ours(definition)
        delivery.resume(secrets.token_hex(8))  # one answer: what a broken fetch left behind goes
        answer = self._download(ours, delivery) if self._is_address else self._copy(ours, delivery)
        where = f"{delivery.archive.url}/{delivery.path}"
        file = delivery.archive.fs.open(f"{delivery.archive.root}/{delivery.path}/{answer.file_name}", "rb")
        with VerifiedStream(file, answer, where) as stream:
            table = OnsLocalTable(ours, answer)
            for _ in table.rows(stream):
                pass
            table.check()
        delivery.facts.update(asdict(table.counts))
        log.info("%s: %s", ours.id, table.counts)

    def parse(self, definition: Definition, delivery: DeliveryReader) -> Iterator[ParsedPage]:
        """Read the stored table: one page with every row that the definition asks for.

        Raises: RefusedError if the table as a whole fails a check.
        """
        ours = _ours(definition)
        for answer in delivery:
            table = OnsLocalTable(ours, answer)
            with closing(delivery.open(answer)) as stream:
                page = table.page(stream)
            yield page
            table.check()  # after the page, so that its faulty rows are reported too

    def _copy(self, definition: OnsLocalDefinition, delivery: DeliveryWriter) -> StoredAnswer:
        path = self._file(definition)
        request = RequestMeta(url=path.as_uri(), suffix=_suffix(path.name))
        return delivery.write(request, _chunks(path))

    def _download(self, definition: OnsLocalDefinition, delivery: DeliveryWriter) -> StoredAnswer:
        client = Client(self._settings, self.name)
        wrong: FetchError | None = None
        for suffix in SUFFIXES:
            url = f"{self._source}/{definition.source.table}{suffix}"

            def store(answer: Answer, suffix: str = suffix) -> StoredAnswer:
                self._demonstration = self._demonstration or answer.demonstration
                request = RequestMeta(
                    url=answer.url,
                    method=answer.method,
                    status=answer.status,
                    content_type=answer.content_type,
                    retrieved_at=answer.retrieved_at,
                    suffix=suffix.removeprefix("."),
                )
                return delivery.write(request, answer.chunks)

            try:
                return client.ask(Call(url), store, where=definition.id)
            except FetchError as error:
                wrong = wrong or error
                if not str(error.got).startswith("status 404"):
                    raise
        assert wrong is not None  # noqa: S101  (the loop above ran)
        raise wrong

    def _file(self, definition: OnsLocalDefinition) -> Path:
        """Return the file of a table, which may lie in any folder below the source."""
        if not self._source:
            raise FetchError(
                "no source of ONS local tables is set", where=definition.id,
                expected="PLANMARK_ONS_LOCAL_SOURCE, an address or a folder",
            )  # fmt: skip
        folder, table = Path(self._source).expanduser(), definition.source.table
        found = sorted(path for suffix in SUFFIXES for path in folder.rglob(f"{table}{suffix}"))
        if len(found) != 1:
            raise FetchError(
                "the table is not there" if not found else "the table is there more than once",
                where=f"{definition.id}, folder {folder}",
                got=", ".join(str(path.relative_to(folder)) for path in found) or "no such file",
                expected=f"one file {table}.csv or {table}.csv.gz",
                next_step="put it there, or set PLANMARK_ONS_LOCAL_SOURCE to another folder",
            )
        return found[0]


def _ours(definition: Definition) -> OnsLocalDefinition:
    if not isinstance(definition, OnsLocalDefinition):
        raise TypeError(f"{definition.id} is not a table of ONS local statistics")
    return definition


def _suffix(name: str) -> str:
    return "csv.gz" if name.endswith(".gz") else "csv"


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
    except OSError as error:
        raise FetchError("the table cannot be read", where=str(path), got=error.strerror) from error
