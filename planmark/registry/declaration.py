"""What the files of the registry are and what each column may hold.

The declaration is a YAML file that dbt reads too, so that there is one list of columns and one place for each
rule about a single column: `dbt_project/models/staging/plans/_plans__seeds.yml`. Its head explains the keys.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from planmark.settings import ROOT

FILE = ROOT / "dbt_project" / "models" / "staging" / "plans" / "_plans__seeds.yml"


@dataclass(frozen=True)
class Column:
    """One column: its type in the warehouse and the rules that each of its cells must keep."""

    name: str
    type: str
    description: str
    key: bool = False
    required: bool = False
    allowed: tuple[str, ...] = ()
    pattern: str = ""
    form: str = ""
    references: str = ""
    list: bool = False
    words: int | None = None
    minimum: float | None = None
    maximum: float | None = None

    @property
    def must_be_filled(self) -> bool:
        """True if the cell may not be empty."""
        return self.key or self.required


@dataclass(frozen=True)
class File:
    """One file of the registry: `<name>.csv`, its columns in their order."""

    name: str
    description: str
    columns: Mapping[str, Column]

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that together are the key of a row."""
        return tuple(column.name for column in self.columns.values() if column.key)


@cache
def files(path: Path = FILE) -> Mapping[str, File]:
    """Read the declaration: every file by name, in the order of the declaration.

    Raises: KeyError or TypeError if the declaration itself is wrong; it is part of the code, so no message for people.
    """
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {seed["name"]: _file(seed) for seed in content["seeds"]}


def _file(seed: Mapping[str, Any]) -> File:
    types = seed["config"]["column_types"]
    columns = {column["name"]: _column(column, types[column["name"]]) for column in seed["columns"]}
    if list(types) != list(columns):
        raise TypeError(f"{seed['name']}: column_types and columns differ")
    return File(seed["name"], " ".join(seed["description"].split()), columns)


def _column(column: Mapping[str, Any], kind: str) -> Column:
    rules = dict(column.get("config", {}).get("meta", {}))
    rules["allowed"] = tuple(rules.get("allowed", ()))
    return Column(column["name"], kind, " ".join(column["description"].split()), **rules)
