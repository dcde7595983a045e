"""Faults of hand-written files: where, which field, what is wrong and what is allowed."""

from __future__ import annotations

from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong in one file of the catalogue."""

    path: str
    field: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.field}: {self.what}"


def model_faults(error: ValidationError, kind: type[BaseModel], shown: str) -> list[Fault]:
    """Return what pydantic found wrong in one file, each in words that say what is allowed."""
    faults = []
    for detail in error.errors(include_url=False):
        loc = tuple(part for part in detail["loc"] if part != "[key]")
        field = ".".join(str(part) for part in loc) or "(file)"
        faults.append(Fault(shown, field, _in_words(dict(detail), kind)))
    return faults


def _in_words(detail: dict[str, Any], kind: type[BaseModel]) -> str:
    context = detail.get("ctx", {})
    match detail["type"]:
        case "missing":
            return "is missing; it is required"
        case "extra_forbidden":
            model = _model_at(kind, detail["loc"][:-1])
            allowed = (
                ", ".join(field.alias or name for name, field in model.model_fields.items()) if model else ""
            )
            return f"is not a known key; allowed: {allowed}"
        case "literal_error":
            return f"{detail['input']!r} is not known; allowed: {context['expected']}"
        case "value_error":
            return str(context["error"])
        case "upside_down" | "at_without_point" | "empty_absence":
            return str(detail["msg"])
        case "string_pattern_mismatch":
            return f"{detail['input']!r} does not fit; allowed: {context['pattern']}"
        case "too_short" | "string_too_short":
            return "is empty; allowed: at least one"
    given = "" if isinstance(detail["input"], dict | list) else f"{detail['input']!r}: "
    return f"{given}{detail['msg'][:1].lower()}{detail['msg'][1:]}"


def _model_at(kind: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """Return the model that stands at a place of another model, to say which keys it allows."""
    annotation: object = kind
    for part in loc:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            fields = {
                field.alias or name: field.annotation for name, field in annotation.model_fields.items()
            }
            annotation = _plain(fields.get(str(part)))
        else:
            annotation = _plain(get_args(annotation)[0 if get_origin(annotation) is tuple else -1])
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None


def _plain(annotation: object) -> object:
    """Return an annotation without `Annotated` and without `| None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _plain(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation
