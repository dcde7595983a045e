"""Whole runs, as a person starts them: `planmark …` in a process of its own, in a home of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from planmark import database
from planmark.database import Role
from planmark.settings import Settings, load_settings

LONGEST_RUN_SECONDS = 540


@dataclass(frozen=True)
class Installation:
    """One home, with a space in its path, and the commands run in it."""

    home: Path

    @property
    def settings(self) -> Settings:
        return load_settings(home=self.home)

    def planmark(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run `planmark` from a folder that is not the checkout; return status and everything it printed."""
        return subprocess.run(
            [sys.executable, "-m", "planmark", *arguments], cwd=self.home.parent,
            env={**os.environ, "PLANMARK_HOME": str(self.home), **variables},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            timeout=LONGEST_RUN_SECONDS, check=False,
        )  # fmt: skip

    def rows(self, query: str, role: Role = Role.READER) -> list[tuple]:
        """Return the rows of a query, by default as a reader sees them."""
        with database.connect(self.settings, role) as connection:
            return connection.execute(query).fetchall()

    def value(self, query: str, role: Role = Role.READER) -> object:
        """Return the one value of a query."""
        ((value,),) = self.rows(query, role)
        return value


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A home in which nothing has run yet. Everything in it is ended afterwards."""
    made = Installation(tmp_path_factory.mktemp("run time") / "planmark home")
    yield made
    made.planmark("down")
