"""The named lists of areas in `ingest/catalogue/areas.yml`: GSS codes and names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ingest.faults import Fault, model_faults
from ingest.yaml_file import read_yaml

AREAS_FILE = "areas.yml"
GSS = re.compile(r"[A-Z][0-9]{8}")


class AreaList(BaseModel):
    """A named list of areas, written out or made of other lists. A name is the prefix and the text given."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: str = Field(min_length=1)
    of: tuple[str, ...] = ()
    name_prefix: str = ""
    codes: dict[str, str] = {}


class Areas(BaseModel):
    """The file of area lists."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    lists: dict[str, AreaList] = Field(min_length=1)

    @model_validator(mode="before")
    @classmethod
    def _lists_only(cls, content: object) -> object:
        return {"lists": content}

    def names(self, name: str) -> dict[str, str]:
        """Return code and name of every area of a list, in the order of the file."""
        chosen = self.lists[name]
        found = {code: chosen.name_prefix + words for code, words in chosen.codes.items()}
        for other in chosen.of:
            found |= self.names(other)
        return found

    def codes(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Return the codes of several lists, each once, in the order of the file."""
        return tuple(dict.fromkeys(code for name in names for code in self.names(name)))


def _area_faults(content: Mapping[str, Any], shown: str) -> Iterator[Fault]:
    for name, chosen in content.items():
        if not isinstance(chosen, dict):
            continue  # the model says so
        codes, others = chosen.get("codes") or {}, chosen.get("of") or []
        if not codes and not others:
            yield Fault(shown, name, "is empty; allowed: `codes`, `of` or both")
        for code in codes if isinstance(codes, dict) else ():
            if not GSS.fullmatch(str(code)):
                yield Fault(
                    shown, f"{name}.codes", f"{code!r} is not a GSS code; allowed: one letter, eight digits"
                )
        for other in others if isinstance(others, list) else ():
            part = content.get(other)
            if not isinstance(part, dict):
                yield Fault(shown, f"{name}.of", f"{other!r} is not a list of this file")
            elif part.get("of"):
                yield Fault(
                    shown, f"{name}.of", f"{other!r} is made of lists itself; allowed: lists with `codes`"
                )


def check_areas(folder: Path) -> tuple[Areas | None, list[Fault]]:
    """Read the area lists of a catalogue: the lists, or None, and every fault of the file."""
    path = folder / AREAS_FILE
    if not path.exists():
        return None, [Fault(AREAS_FILE, "(file)", "is missing")]
    content, faults = read_yaml(path, AREAS_FILE)
    faults += _area_faults(content, AREAS_FILE)
    try:
        areas = Areas.model_validate(content)
    except ValidationError as error:
        return None, faults + model_faults(error, Areas, AREAS_FILE)
    return (None if faults else areas), faults
