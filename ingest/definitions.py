"""The catalogue: what a dataset is, where it comes from, which cells are asked for; one YAML file a dataset.

Reading it needs no network and no database, and every fault of every file is reported at once.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal

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

from ingest.areas import GSS, Areas, check_areas
from ingest.columns import check_columns
from ingest.faults import Fault, model_faults
from ingest.periods import PeriodMeaning, period_end, period_of
from ingest.rows import FIXED_COLUMNS
from ingest.yaml_file import read_yaml
from planmark.errors import DefinitionError

__all__ = [
    "CATALOGUE",
    "Definition",
    "Fault",
    "NomisDefinition",
    "NomisSource",
    "OnsLocalDefinition",
    "OnsLocalSource",
    "PeriodMeaning",
    "PlanDefinition",
    "PlanSource",
    "Role",
    "absent_areas",
    "absent_codes",
    "area_codes",
    "area_names",
    "check",
    "definition_sha256",
    "load_definitions",
    "period_end",
    "period_of",
    "read_areas",
    "schema",
]

CATALOGUE = Path(__file__).resolve().parent / "catalogue"
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
    repeated = sorted(code for code, times in Counter(codes).items() if times > 1)
    if repeated:
        raise ValueError(f"repeats {', '.join(repeated)}; allowed: each code once")
    return tuple(codes)


def _month(written: object) -> str:
    text = str(written)
    if isinstance(written, bool) or not re.fullmatch(r"(19|20)\d\d(-(0[1-9]|1[0-2]))?", text):
        raise ValueError(f"{text!r} is not a period; allowed: a year like 2004 or a month like 2004-01")
    return text


def _month_or_latest(written: object) -> str:
    try:
        return "latest" if written == "latest" else _month(written)
    except ValueError as error:
        raise ValueError(f"{error}, or latest") from None


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
MonthOrLatest = Annotated[str, BeforeValidator(_month_or_latest, json_schema_input_type=int | str)]
Dimension = Annotated[str, AfterValidator(_dimension)]
Text = Annotated[str, Field(min_length=1)]


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
    columns: str = Field(
        pattern=r"^[a-z0-9_]+$",
        description="<columns>.columns.csv names the headers of each edition of the table",
    )
    indicators: dict[Text, Indicator] = Field(min_length=1)


class PlanSource(Model):
    """A file of the plan registry, in the folder that PLANMARK_PLANS names."""

    file: Literal["printed_statistics"]


class Periods(Model):
    """The first and last period asked for, and the months of the year if not all of them are."""

    from_: Month = Field(alias="from")
    to: MonthOrLatest = "latest"
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
    """One dataset of the catalogue. The definitions of each provider, below, say what `source` is."""

    id: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    title: Text
    description: Text
    publisher: Text
    licence: Literal["OGL-UK-3.0", "quoted"]
    landing_page: HttpUrl
    owner: Text
    cadence: Cadence
    provider: str
    source: NomisSource | OnsLocalSource | PlanSource
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


class PlanDefinition(Definition):
    """Figures printed in plans. Their areas are those that the registry names."""

    provider: Literal["plan"]
    source: PlanSource
    landing_page: None = None  # type: ignore[assignment]
    areas: tuple[Text, ...] = Field(max_length=0)


PROVIDERS: Mapping[str, type[Definition]] = MappingProxyType(
    {"nomis": NomisDefinition, "ons_local": OnsLocalDefinition, "plan": PlanDefinition}
)


def read_areas(folder: Path = CATALOGUE) -> Areas:
    """Read the area lists of a catalogue.

    Raises: DefinitionError with every fault of the file.
    """
    areas, faults = check_areas(folder)
    if areas is None:
        raise _error(faults)
    return areas


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
    areas, faults = check_areas(folder)
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
    content, faults = read_yaml(path, shown)
    if not content:
        return None, faults
    faults += [Fault(shown, field, what) for field, what in _place_faults(path, content)]
    faults += [Fault(shown, field, what) for field, what in _list_faults(content, areas)]
    faults += _columns_faults(path, content)
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
        return None, faults + model_faults(error, kind, shown) + _joint_faults(content, shown)
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


def _columns_faults(path: Path, content: Mapping[str, Any]) -> list[Fault]:
    source = content.get("source")
    columns = source.get("columns") if isinstance(source, dict) else None
    if content.get("provider") != "ons_local" or not isinstance(columns, str):
        return []
    return check_columns(path.parent / f"{columns}.columns.csv")[1]


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
            if name not in areas.lists and not GSS.fullmatch(str(name)):
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


def schema(folder: Path = CATALOGUE) -> str:
    """Return the JSON Schema of a definition, for editors, as the text of `definition.schema.json`."""
    either: Any = Annotated[
        NomisDefinition | OnsLocalDefinition | PlanDefinition, Field(discriminator="provider")
    ]
    adapter: TypeAdapter[Any] = TypeAdapter(either)
    content = adapter.json_schema(by_alias=True)
    lists = {"enum": sorted(read_areas(folder).lists)}
    for kind in PROVIDERS.values():
        content["$defs"][kind.__name__]["properties"]["areas"]["items"] = lists
    comment = "Generated from ingest/definitions.py by `planmark datasets docs`. Do not edit."
    return json.dumps({"$comment": comment, "title": "Planmark dataset", **content}, indent=1) + "\n"
