"""The suites: what is checked at each door, declared in `suites/*.yml`.

One file is one suite over one table. A check names an expectation of Great Expectations and its arguments,
how grave a failure is, who looks after it, what is expected in words, and what to do.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planmark.errors import DefinitionError

SUITES = Path(__file__).parent / "suites"

Door = Literal["raw", "marts"]
Severity = Literal["fail", "warn"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Check(_Strict):
    """One check. `expected` is what a person reads when it fails: it says what is right."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    expectation: str = Field(description="a class of great_expectations.expectations")
    kwargs: dict[str, Any] = Field(default_factory=dict)
    severity: Severity
    owner: str = Field(min_length=3)
    expected: str = Field(min_length=10)
    next_step: str = Field(min_length=10)
    compares_with_last: bool = Field(
        default=False, description="reads the marts that readers see; the first publication is exempt"
    )


class Suite(_Strict):
    """All checks of one table at one door."""

    suite: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    door: Door
    table: str = Field(
        description="raw.<table>, candidate.<mart>, or a set of rows that `expectations.tables` puts together"
    )
    checks: tuple[Check, ...] = Field(min_length=1)


def load_suites(door: str, folder: Path = SUITES) -> list[Suite]:
    """Read the suites of one door.

    Raises: DefinitionError with every fault of every file, `path: field: what`.
    """
    faults: list[str] = []
    suites: list[Suite] = []
    for path in sorted(folder.glob("*.yml")):
        try:
            suites.append(Suite.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except (yaml.YAMLError, ValidationError) as error:
            faults += list(_faults(path, error))
    ids = [(suite.door, check.id) for suite in suites for check in suite.checks]
    faults += [
        f"{door}: {check_id}: the id is used twice" for door, check_id in {i for i in ids if ids.count(i) > 1}
    ]
    if faults:
        raise DefinitionError(
            "the gate's suites are wrong:\n    " + "\n    ".join(faults),
            next_step="expectations/suites.py says what a suite may hold",
        )
    return [suite for suite in suites if suite.door == door]


def _faults(path: Path, error: yaml.YAMLError | ValidationError) -> Iterator[str]:
    if isinstance(error, ValidationError):
        for fault in error.errors(include_url=False):
            where = ".".join(str(part) for part in fault["loc"])
            yield f"{path.name}: {where}: {fault['msg']}"
    else:
        yield f"{path.name}: {' '.join(str(error).split())}"
