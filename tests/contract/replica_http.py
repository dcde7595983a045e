"""What the tests of the replica share: a plain HTTP client that hides nothing, and tables as rows of text."""

from __future__ import annotations

import csv
import io
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest

SHARED = Path(__file__).resolve().parents[3] / "shared"
#: The day on which the recorded answers were asked for: APS to September 2025, claimants to February 2026.
RECORDED_ON = date(2026, 4, 10)
TODAY = date(2026, 11, 22)


def shared(path: str) -> Path:
    """Return a file of the shared material, or skip the test, saying so."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"shared material is missing: {path}")
    return found


@dataclass(frozen=True)
class Got:
    status: int
    headers: dict[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def rows(self) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(self.text)))

    def column(self, name: str) -> list[str]:
        return [row[name] for row in self.rows]


def get(base: str, path: str, *, form: dict[str, str] | None = None, **parameters: object) -> Got:
    """Ask once, without following anything; an HTTP error is an answer too."""
    query = urllib.parse.urlencode({name: str(value) for name, value in parameters.items()}, safe="*,|")
    url = base + path + (f"?{query}" if query else "")
    data = None if form is None else urllib.parse.urlencode(form).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data=data), timeout=30) as answer:
            return Got(answer.status, dict(answer.headers), answer.read())
    except urllib.error.HTTPError as error:
        return Got(error.code, dict(error.headers), error.read())


def data(base: str, dataset: str, form: str = "csv", **parameters: object) -> Got:
    return get(base, f"/api/v01/dataset/{dataset}.data.{form}", **parameters)
