"""What all levels share: where the shared material lies, and a warehouse for the levels that need one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from planmark import database, embedded
from planmark.database import Role
from planmark.settings import ROOT, Settings, load_settings

SHARED = ROOT.parent / "shared"
_numbers = itertools.count(1)

# A developer's own settings must not reach a test.
for _name in [name for name in os.environ if name.startswith(("PLANMARK_", "PG"))]:
    del os.environ[_name]


def shared(path: str) -> Path:
    """Return a file of the shared material, or skip the test, saying so."""
    found = SHARED / path
    if not found.exists():
        pytest.skip(f"shared material is missing: {path}")
    return found


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """One embedded PostgreSQL for the whole run, with an empty warehouse as the template."""
    home = tmp_path_factory.mktemp("planmark")
    from planmark.settings import ensure_secrets

    ensure_secrets(home)
    settings = load_settings(home=home)
    embedded.start(settings)
    database.set_up(settings)
    yield settings
    embedded.stop(settings)


@pytest.fixture()
def warehouse(cluster: Settings, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a new, empty warehouse: own database, own archive; dropped afterwards."""
    yield from _new_warehouse(cluster, tmp_path)


@pytest.fixture(scope="module")
def module_warehouse(cluster: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The same, shared by the tests of one module."""
    yield from _new_warehouse(cluster, tmp_path_factory.mktemp("warehouse"))


def _new_warehouse(cluster: Settings, folder: Path) -> Iterator[Settings]:
    name = f"warehouse_{next(_numbers)}"
    with database.connect(cluster, Role.ADMIN, database="postgres", autocommit=True) as connection:
        connection.execute(f"create database {name} template planmark")
    settings = load_settings(home=cluster.home, database_name=name, archive_url=(folder / "archive").as_uri())
    with database.connect(settings, Role.ADMIN, autocommit=True) as connection:
        connection.execute(f"grant create on database {name} to planmark_transformer")
    yield settings
    with database.connect(cluster, Role.ADMIN, database="postgres", autocommit=True) as connection:
        connection.execute(f"drop database {name} with (force)")
