"""The catalogue: what a dataset is, where it comes from, which cells are asked for; one YAML file a dataset.

Reading it needs no network and no database, and every fault of every file is reported at once.
"""

from __future__ import annotations

import calendar
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType, UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    HttpUrl,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ingest.rows import FIXED_COLUMNS
from planmark.errors import DefinitionError

CATALOGUE = Path(__file__).resolve().parent / "catalogue"
AREAS_FILE = "areas.yml"
SCHEMA_FILE = "definition.schema.json"
SCHEMA_LINE = f"# yaml-language-server: $schema=../{SCHEMA_FILE}"

Role = Literal["value", "numerator", "denominator", "confidence_half_width", "coefficient_of_variation"]
Unit = Literal[
    "people",
    "percent",
    "percentage_points",
    "gbp",
    "jobs",
    "jobs_per_resident",
    "businesses",
    "years",
    "tonnes_co2e_per_person",
    "dwellings_per_1000_dwellings",
]
Cadence = Literal["monthly", "quarterly", "annual", "ended"]

# Words that stand for something else in a NOMIS query, and columns of every parsed row.
NOT_DIMENSIONS = frozenset({"geography", "measures", "time", "date", "freq", *FIXED_COLUMNS})
_LONGEST_RANGE = 5_000
_GSS = re.compile(r"[A-Z][0-9]{8}")


def _expanded(item: object) -> Iterator[str]:
    """Yield the codes that one written item stands for: itself, or every number of `a...b`."""
    if isinstance(item, bool) or not isinstance(item, int | str) or item == "":
        raise ValueError(f"{item!r} is not a code; allowed: a number or a text")
    first, dots, last = str(item).partition("...")
    if not dots:
        yield first
        return
    start, end = re.fullmatch(r"(\D*)(\d+)", first), re.fullmatch(r"(\D*)(\d+)", last)
    if not start or not end or start[1] != end[1] or len(first) != len(last) or first >= last:
        raise ValueError(
            f"{item!r} is not a range; allowed: a...b with b above a and the same letters before"
        )
    if int(end[2]) - int(start[2]) >= _LONGEST_RANGE:
        raise ValueError(f"{item!r} holds more than {_LONGEST_RANGE} codes")
    for number in range(int(start[2]), int(end[2]) + 1):
        yield f"{start[1]}{number:0{len(start[2])}d}"


def _codes(written: object) -> tuple[str, ...]:
    items = written if isinstance(written, list | tuple) else [written]
    codes = [code for item in items for code in _expanded(item)]
    if not codes:
        raise ValueError("is empty; allowed: at least one code")
    repeated = (
        sorted({code for code in codes if codes.count(code) > 1}) if len(set(codes)) < len(codes) else []
    )
    if repeated:
        raise ValueError(f"repeats {', '.join(repeated)}; allowed: each code once")
    return tuple(codes)


def _month(written: object) -> str:
    text = str(written)
    if isinstance(written, bool) or not re.fullmatch(r"(19|20)\d\d(-(0[1-9]|1[0-2]))?", text):
        raise ValueError(f"{text!r} is not a period; allowed: a year like 2004 or a month like 2004-01")
    return text


def _month_day(text: str) -> str:
    try:
        date.fromisoformat(f"2001-{text}")
    except ValueError:
        raise ValueError(f"{text!r} is not a day of every year; allowed: month-day like 06-30") from None
    return text


def _text_keys(written: object) -> object:
    return {str(key): value for key, value in written.items()} if isinstance(written, dict) else written


def _dimension(name: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ValueError(f"{name!r} is not the name of a dimension; allowed: lower case, digits, underscores")
    if name in NOT_DIMENSIONS:
        raise ValueError(f"{name!r} cannot be a dimension; it has a place of its own in the definition")
    return name


Codes = Annotated[
    tuple[str, ...], BeforeValidator(_codes, json_schema_input_type=int | str | list[int | str])
]
Month = Annotated[str, BeforeValidator(_month, json_schema_input_type=int | str)]
Dimension = Annotated[str, AfterValidator(_dimension)]
Text = Annotated[str, Field(min_length=1)]
MonthDay = Annotated[str, AfterValidator(_month_day)]


class Model(BaseModel):
    """Unknown keys are faults, and a read definition cannot be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Measure(Model):
    """What one code of NOMIS' `measures` stands for. Without a unit it takes that of the source."""

    role: Role
    unit: Unit | None = None


class Units(Model):
    """The unit follows a dimension: `of` gives it for every selected code of that dimension."""

    dimension: Dimension
    of: Annotated[dict[str, Unit], BeforeValidator(_text_keys)]


class NomisSource(Model):
    """Which cells of which NOMIS dataset. Every dimension is pinned: a forgotten one is answered in full."""

    dataset: str = Field(pattern=r"^NM_\d+_\d+$")
    geography_type: str | None = Field(
        default=None, pattern=r"^TYPE\d+$", description="the kind of area, for areas that are asked by type"
    )
    select: dict[Dimension, Codes] = Field(min_length=1)
    measures: Annotated[dict[str, Measure], BeforeValidator(_text_keys)] = Field(min_length=1)
    unit: Unit | None = None
    units: Units | None = None

    def unit_of(self, measure: str, dimensions: Mapping[str, str]) -> str:
        """Return the unit of a cell from its `measures` code and its codes of the other dimensions."""
        own = self.measures[measure].unit
        if own:
            return own
        if self.units:
            return self.units.of[dimensions[self.units.dimension]]
        assert self.unit is not None, "load_definitions refuses a measure without a unit"  # noqa: S101
        return self.unit


class Indicator(Model):
    """One indicator of a table: measure and unit as ONS writes them, and what we call the unit."""

    measure: Text
    unit_label: Text
    unit: Unit


class OnsLocalSource(Model):
    """One ONS "Explore local statistics" table: `<table>.csv` or `<table>.csv.gz`."""

    table: str = Field(pattern=r"^[a-z0-9_\-]+$")
    edition: Text = Field(description="the column of <dataset>.columns.csv that holds this table's headers")
    indicators: dict[Text, Indicator] = Field(min_length=1)


class Periods(Model):
    """The first and last period asked for, and the months of the year if not all of them are."""

    from_: Month = Field(alias="from")
    to: Literal["latest"] | Month = "latest"
    months: tuple[Annotated[int, Field(ge=1, le=12)], ...] = ()

    @model_validator(mode="after")
    def _right_way_round(self) -> Periods:
        if self.last and self.last < self.first:
            raise PydanticCustomError("upside_down", "ends before it begins; allowed: `to` not before `from`")
        return self

    @property
    def first(self) -> date:
        """The first day of the first period's year or month, as written."""
        return date.fromisoformat(f"{self.from_}-01-01"[:10])

    @property
    def last(self) -> date | None:
        """The first day of the last period's month (December for a year); None: whatever is latest."""
        if self.to == "latest":
            return None
        return date.fromisoformat(f"{self.to}-01" if "-" in self.to else f"{self.to}-12-01")


class PeriodMeaning(Model):
    """What the publisher's date stands for. `at` (month-day) is the day of a point given as a year."""

    means: Literal["month", "quarter", "calendar_year", "year_ending", "point", "published"]
    at: MonthDay | None = None

    @model_validator(mode="after")
    def _at_is_for_points(self) -> PeriodMeaning:
        if self.at and self.means != "point":
            raise PydanticCustomError("at_without_point", "`at` is set; allowed with `means: point` only")
        return self


class Bounds(Model):
    """The smallest and largest value that can be true; null: no bound."""

    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _right_way_up(self) -> Bounds:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise PydanticCustomError(
                "upside_down",
                "minimum {low} is above maximum {high}; allowed: minimum not above maximum",
                {"low": self.minimum, "high": self.maximum},
            )
        return self

    def allow(self, value: float) -> bool:
        """Tell whether a value lies within the bounds."""
        return (self.minimum is None or value >= self.minimum) and (
            self.maximum is None or value <= self.maximum
        )


class Valid(Bounds):
    """Bounds of all values, of one unit, of one role. The narrowest that is given holds."""

    by_unit: dict[Unit, Bounds] = {}
    by_role: dict[Role, Bounds] = {}

    def bounds(self, role: str, unit: str) -> Bounds:
        """Return the bounds of a series from its role and unit."""
        roles: Mapping[Any, Bounds] = self.by_role
        units: Mapping[Any, Bounds] = self.by_unit
        return roles.get(role) or units.get(unit) or self


class Absence(Model):
    """Areas or codes that the publisher does not hold: they may be missing without a fault, for a reason."""

    areas: tuple[str, ...] = ()
    select: dict[Dimension, Codes] = {}
    reason: Text

    @model_validator(mode="after")
    def _names_something(self) -> Absence:
        if not self.areas and not self.select:
            raise PydanticCustomError("empty_absence", "names nothing; allowed: `areas`, `select` or both")
        return self


class Door(Model):
    """What a delivery must hold before it is let in."""

    rows_at_least: int = Field(ge=1)
    newest_period_at_least: Month | None = None


class Definition(Model):
    """One dataset of the catalogue. `NomisDefinition` and `OnsLocalDefinition` say what `source` is."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Text
    description: Text
    publisher: Text
    licence: Literal["OGL-UK-3.0"]
    landing_page: HttpUrl
    owner: Text
    cadence: Cadence
    provider: str
    source: NomisSource | OnsLocalSource
    areas: tuple[Text, ...] = Field(min_length=1)
    periods: Periods
    period: PeriodMeaning
    rounding: float | None = Field(
        default=None, gt=0, description="the publisher rounds to the nearest so many"
    )
    valid: Valid
    may_be_absent: tuple[Absence, ...] = ()
    full_check_days: int = Field(default=7, ge=1, le=31)
    door: Door
    evidence: Text


class NomisDefinition(Definition):
    """A dataset of NOMIS."""

    provider: Literal["nomis"]
    source: NomisSource


class OnsLocalDefinition(Definition):
    """A table of ONS "Explore local statistics"."""

    provider: Literal["ons_local"]
    source: OnsLocalSource


PROVIDERS: Mapping[str, type[Definition]] = MappingProxyType(
    {"nomis": NomisDefinition, "ons_local": OnsLocalDefinition}
)


@dataclass(frozen=True, order=True)
class Fault:
    """One thing that is wrong in one file of the catalogue."""

    path: str
    field: str
    what: str

    def __str__(self) -> str:
        return f"{self.path}: {self.field}: {self.what}"


class _Loader(yaml.SafeLoader):
    """YAML in which only null, true, false and plain numbers are not text, and a key stands once.

    A month (2004-01), a date and a code with a leading zero stay as they are written.
    """

    yaml_implicit_resolvers: ClassVar[dict[str, list[Any]]] = {}  # type: ignore[misc]

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int):
                raise yaml.constructor.ConstructorError(
                    None, None, "a key is neither a text nor a number", key_node.start_mark
                )
            line = key_node.start_mark.line + 1
            if key in seen:
                self.faults.append(
                    (str(key), f"stands twice, in lines {seen[key]} and {line}; allowed: once")
                )
            seen.setdefault(key, line)
        return super().construct_mapping(node, deep)

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.faults: list[tuple[str, str]] = []


for _tag, _pattern, _starts in (
    ("tag:yaml.org,2002:null", r"~|null|", ["~", "n", ""]),
    ("tag:yaml.org,2002:bool", r"true|false", ["t", "f"]),
    ("tag:yaml.org,2002:int", r"-?(0|[1-9][0-9]*)", list("-0123456789")),
    ("tag:yaml.org,2002:float", r"-?(0|[1-9][0-9]*)\.[0-9]+", list("-0123456789")),
):
    _Loader.add_implicit_resolver(_tag, re.compile(f"^(?:{_pattern})$"), _starts)


def _read_yaml(path: Path, shown: str) -> tuple[dict[str, Any], list[Fault]]:
    """Read one file; a file that is not a mapping comes back empty, with the fault."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8"))
        content = loader.get_single_data()
    except UnicodeDecodeError as error:
        return {}, [Fault(shown, "(file)", f"is not UTF-8 text at byte {error.start}")]
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        return {}, [Fault(shown, f"line {line}", f"is not YAML: {error.problem}")]
    except yaml.YAMLError as error:
        return {}, [Fault(shown, "(file)", f"is not YAML: {str(error).splitlines()[0]}")]
    faults = [Fault(shown, field, what) for field, what in loader.faults]
    if not isinstance(content, dict):
        return {}, [*faults, Fault(shown, "(file)", "is not a list of `key: value`")]
    return content, faults


class AreaList(Model):
    """A named list of areas, written out or made of other lists. A name is the prefix and the text given."""

    title: Text
    of: tuple[str, ...] = ()
    name_prefix: str = ""
    codes: dict[str, str] = {}


class Areas(Model):
    """The file of area lists."""

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
            if not _GSS.fullmatch(str(code)):
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


def read_areas(folder: Path = CATALOGUE) -> Areas:
    """Read the area lists.

    Raises: DefinitionError with every fault of the file.
    """
    areas, faults = _read_areas(folder)
    if areas is None:
        raise _error(faults)
    return areas


def _read_areas(folder: Path) -> tuple[Areas | None, list[Fault]]:
    path = folder / AREAS_FILE
    if not path.exists():
        return None, [Fault(AREAS_FILE, "(file)", "is missing")]
    content, faults = _read_yaml(path, AREAS_FILE)
    faults += _area_faults(content, AREAS_FILE)
    try:
        areas = Areas.model_validate(content)
    except ValidationError as error:
        return None, faults + _model_faults(error, Areas, AREAS_FILE)
    return (None if faults else areas), faults


def load_definitions(folder: Path = CATALOGUE) -> dict[str, Definition]:
    """Read every definition of the catalogue, by id.

    Raises: DefinitionError listing every fault of every file, one a line: `path: field: what, allowed`.
    """
    definitions, faults = _read_folder(folder)
    if faults:
        raise _error(faults)
    return definitions


def check(folder: Path = CATALOGUE) -> list[Fault]:
    """Return every fault of every file of the catalogue, in the order of paths; empty if there is none."""
    return _read_folder(folder)[1]


def _error(faults: list[Fault]) -> DefinitionError:
    return DefinitionError(
        f"the catalogue has {len(faults)} fault{'s' if len(faults) > 1 else ''}:\n"
        + "\n".join(f"    {fault}" for fault in faults),
        next_step="correct the files, then: planmark datasets check",
    )


def _read_folder(folder: Path) -> tuple[dict[str, Definition], list[Fault]]:
    areas, faults = _read_areas(folder)
    definitions: dict[str, Definition] = {}
    for path in sorted(folder.glob("*/*.y*ml")):
        definition, found = _read_definition(path, folder, areas)
        faults += found
        if definition:
            definitions[definition.id] = definition
    if not definitions and not faults:
        faults = [Fault(str(folder.name), "(folder)", "holds no definition")]
    return definitions, sorted(faults)


def _read_definition(path: Path, folder: Path, areas: Areas | None) -> tuple[Definition | None, list[Fault]]:
    shown = path.relative_to(folder).as_posix()
    content, faults = _read_yaml(path, shown)
    if not content:
        return None, faults
    faults += [Fault(shown, field, what) for field, what in _place_faults(path, content)]
    faults += [Fault(shown, field, what) for field, what in _list_faults(content, areas)]
    kind = PROVIDERS.get(str(content.get("provider")))
    if kind is None:
        allowed = ", ".join(PROVIDERS)
        faults.append(
            Fault(shown, "provider", f"{content.get('provider')!r} is not known; allowed: {allowed}")
        )
        return None, faults
    try:
        definition = kind.model_validate(content)
    except ValidationError as error:
        return None, faults + _model_faults(error, kind, shown) + _joint_faults(content, shown)
    faults += _joint_faults(content, shown)
    return (None if faults else definition), faults


def _place_faults(path: Path, content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    folder, name = path.parent.name, path.stem
    if path.suffix != ".yml":
        yield "(file)", f"ends in {path.suffix}; allowed: .yml"
    if "id" in content and content["id"] != f"{folder}_{name}":
        yield "id", f"{content['id']!r} does not fit the file; allowed: {folder}_{name}"
    if "provider" in content and content["provider"] != folder:
        yield "provider", f"{content['provider']!r} does not fit the folder; allowed: {folder}"


def _list_faults(content: Mapping[str, Any], areas: Areas | None) -> Iterator[tuple[str, str]]:
    """Yield the faults of area lists: of the definition, and of what may be absent from it."""
    if areas is None:
        return
    known = ", ".join(areas.lists)
    listed = content.get("areas")
    listed = [name for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    for name in listed:
        if name not in areas.lists:
            yield "areas", f"{name!r} is not an area list; allowed: {known}"
    if len(set(listed)) < len(listed):
        yield "areas", "names a list twice; allowed: once"
    ours = set(areas.codes(tuple(name for name in listed if name in areas.lists)))
    absences = content.get("may_be_absent")
    for number, absence in enumerate(absences if isinstance(absences, list) else ()):
        named = absence.get("areas") if isinstance(absence, dict) else None
        for name in named if isinstance(named, list) else ():
            field = f"may_be_absent.{number}.areas"
            if name not in areas.lists and not _GSS.fullmatch(str(name)):
                yield field, f"{name!r} is neither an area list nor a GSS code; lists: {known}"
            elif not ours.intersection(areas.codes((name,)) if name in areas.lists else (name,)):
                yield field, f"{name!r} is not among the areas of this dataset"


def _joint_faults(content: Mapping[str, Any], shown: str) -> list[Fault]:
    """Return the faults of fields that must fit each other, as far as each is right by itself."""
    if content.get("provider") != "nomis":
        return []
    try:
        source = NomisSource.model_validate(content.get("source"))
    except ValidationError:
        return []
    faults = [Fault(shown, field, what) for field, what in _unit_faults(source)]
    absences = content.get("may_be_absent")
    for number, absence in enumerate(absences if isinstance(absences, list) else ()):
        try:
            read = Absence.model_validate(absence)
        except ValidationError:
            continue
        for dimension, codes in read.select.items():
            for code in codes:
                if code not in source.select.get(dimension, ()):
                    field = f"may_be_absent.{number}.select.{dimension}"
                    faults.append(Fault(shown, field, f"{code!r} is not selected by the source"))
    return faults


def _unit_faults(source: NomisSource) -> Iterator[tuple[str, str]]:
    if source.unit and source.units:
        yield "source.units", "stands beside `unit`; allowed: one of the two"
    if source.units:
        selected, given = source.select.get(source.units.dimension), source.units.of
        if selected is None:
            allowed = ", ".join(source.select)
            yield "source.units.dimension", f"{source.units.dimension!r} is not in select; allowed: {allowed}"
        for code in selected or ():
            if code not in given:
                yield "source.units.of", f"has no unit for {source.units.dimension} {code}"
        for code in given:
            if selected is not None and code not in selected:
                yield "source.units.of", f"{code!r} is not selected; allowed: {', '.join(selected)}"
    seen: dict[tuple[str, str | None], str] = {}
    for code, measure in source.measures.items():
        if not (measure.unit or source.unit or source.units):
            yield (
                f"source.measures.{code}",
                "has no unit; allowed: `unit` here, or `unit` or `units` of the source",
            )
        key = (measure.role, measure.unit)
        if key in seen:
            yield f"source.measures.{code}", f"has role and unit of {seen[key]}; allowed: each pair once"
        seen.setdefault(key, code)


def _model_faults(error: ValidationError, kind: type[BaseModel], shown: str) -> list[Fault]:
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


@cache
def _own_areas() -> Areas:
    return read_areas(CATALOGUE)


def area_codes(definition: Definition, areas: Areas | None = None) -> tuple[str, ...]:
    """Return the GSS codes of a definition's area lists, each once, in the order of `areas.yml`."""
    return (areas or _own_areas()).codes(definition.areas)


def area_names(definition: Definition, areas: Areas | None = None) -> dict[str, str]:
    """Return the name of every area of a definition, by GSS code."""
    lists = areas or _own_areas()
    return {code: name for chosen in definition.areas for code, name in lists.names(chosen).items()}


def absent_areas(definition: Definition, areas: Areas | None = None) -> dict[str, str]:
    """Return the areas that the publisher may not hold at all, by GSS code, each with the reason."""
    lists = areas or _own_areas()
    ours = set(lists.codes(definition.areas))
    found: dict[str, str] = {}
    for absence in definition.may_be_absent:
        if absence.select:
            continue  # the area may lack those codes, but not everything
        for name in absence.areas:
            codes = lists.codes((name,)) if name in lists.lists else (name,)
            found.update({code: absence.reason for code in codes if code in ours})
    return found


def absent_codes(definition: Definition) -> dict[str, dict[str, str]]:
    """Return the codes of each dimension that the publisher may not hold for any area, with the reason."""
    found: dict[str, dict[str, str]] = {}
    for absence in definition.may_be_absent:
        if not absence.areas:
            for dimension, codes in absence.select.items():
                found.setdefault(dimension, {}).update(dict.fromkeys(codes, absence.reason))
    return found


def definition_sha256(definition: Definition, areas: Areas | None = None) -> str:
    """Return a hash of a definition and the areas it stands for; it changes when the request would."""
    content = definition.model_dump(mode="json", by_alias=True)
    content["area_codes"] = area_codes(definition, areas)
    return hashlib.sha256(json.dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def period_of(meaning: PeriodMeaning, code: str) -> tuple[date, int]:
    """Return first day and length in months of the period that a publisher's date code stands for.

    `code` is a year (2004), a month (2004-01) or, for a point, a day (2004-01-31). A point has 0 months.
    Raises: ValueError if the code is none of these, or not one that this meaning allows.
    """
    if not re.fullmatch(r"\d{4}(-\d\d){0,2}", code):
        raise ValueError(f"{code!r} is not a period; allowed: 2004, 2004-01 or 2004-01-31")
    parts = code.count("-")
    if meaning.means == "point":
        return date.fromisoformat((f"{code}-{meaning.at or '01-01'}", f"{code}-01", code)[parts]), 0
    if meaning.means == "calendar_year":
        if parts == 0:
            return date(int(code), 1, 1), 12
    elif parts == 1:
        last = date.fromisoformat(f"{code}-01")
        months = {"month": 1, "quarter": 3, "year_ending": 12}.get(meaning.means, 0)
        if months:
            return _months_before(last, months - 1), months
    raise ValueError(f"{code!r} does not stand for a {meaning.means.replace('_', ' ')}")


def _months_before(day: date, months: int) -> date:
    number = day.year * 12 + day.month - 1 - months
    return date(number // 12, number % 12 + 1, 1)


def period_end(start: date, months: int) -> date:
    """Return the last day of a period; of a point, the day itself."""
    if months == 0:
        return start
    last = _months_before(start, 1 - months)
    return last.replace(day=calendar.monthrange(last.year, last.month)[1])


def schema(folder: Path = CATALOGUE) -> str:
    """Return the JSON Schema of a definition, for editors, as the text of `definition.schema.json`."""
    either: Any = Annotated[NomisDefinition | OnsLocalDefinition, Field(discriminator="provider")]
    adapter: TypeAdapter[Any] = TypeAdapter(either)
    content = adapter.json_schema(by_alias=True)
    lists = {"enum": sorted(read_areas(folder).lists)}
    for kind in PROVIDERS.values():
        content["$defs"][kind.__name__]["properties"]["areas"]["items"] = lists
    comment = "Generated from ingest/definitions.py by `planmark datasets schema`. Do not edit."
    return json.dumps({"$comment": comment, "title": "Planmark dataset", **content}, indent=1) + "\n"
