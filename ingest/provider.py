"""What a provider must be able to do. A new provider is one module in `ingest/providers/` that does this."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from ingest.archive import DeliveryReader, DeliveryWriter
from ingest.definitions import Definition
from ingest.rows import ParsedPage


@dataclass(frozen=True)
class ProviderState:
    """What one small request says of a dataset: equal `fingerprint` means that nothing new is promised."""

    fingerprint: str
    newest_period: date | None = None
    released_at: datetime | None = None


class Provider(Protocol):
    """Fetch touches the network, parse touches nothing but the stored bytes; neither knows the database."""

    name: str

    def origin(self) -> str:
        """Return `official`, or `demonstration` when the answers come from the replica."""
        ...

    def state(self, definition: Definition) -> ProviderState:
        """Ask, in one small request, how the dataset stands."""
        ...

    def fetch(self, definition: Definition, delivery: DeliveryWriter) -> None:
        """Stream every answer of the dataset into the archive, checking each as it comes.

        Raises: FetchError if no usable answer came; RefusedError if one came and failed a check.
        """
        ...

    def parse(self, definition: Definition, delivery: DeliveryReader) -> Iterator[ParsedPage]:
        """Read the stored answers, one page at a time, in constant memory.

        Raises: RefusedError, after the last page, if the answer as a whole fails a check.
        """
        ...
