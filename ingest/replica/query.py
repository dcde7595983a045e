"""What a data request asks for: codes of every dimension, dates, columns and the window of rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

from ingest.replica.areas import Geography, Member, all_members, unique
from ingest.replica.datasets import Code, Dataset, Dimension
from ingest.replica.periods import Period

GUEST_LIMIT = 25_000
KEY_LIMIT = 1_000_000

#: Parameters that are not dimensions.
_OPTIONS = frozenset(
    {
        "time", "date", "select", "rows", "cols", "recordlimit", "recordoffset", "excludemissingvalues",
        "excludezerovalues", "excludecolumnheadings", "queryid", "uid", "signature", "callback",
        "random", "_",
        "setallwherenotspecified", "freq", "version",
    }
)  # fmt: skip
_UNSERVED = ("MAKE|", "POSTCODE|", "LATLONG|")
_POINT = r"latestMINUS\d+|latest|previous|prevyear|first|\d{4}-\d{2}|\d{4}"
_SPAN = re.compile(rf"({_POINT})(?:(?:-|\.\.\.)({_POINT}))?", re.IGNORECASE)
_GSS = re.compile(r"[A-Z]\d{8}")
_TYPE = re.compile(r"(\d+|[A-Z]\d{8})?TYPE(\d+)", re.IGNORECASE)


class UnknownConceptError(Exception):
    """The dataset has no such dimension, or none of the measures asked for: the service sends 0 bytes."""


class QueryError(Exception):
    """The service would answer HTTP 500 with a message in the format asked for."""


@dataclass(frozen=True)
class Place:
    """An area as it is answered: `echo` is the code in the form that was asked for."""

    member: Member
    echo: str


@dataclass(frozen=True)
class Selection:
    """A request, resolved against a dataset. Rows run over dates, areas, dimensions (CSV order), measures."""

    dataset: Dataset
    periods: tuple[Period, ...]
    places: tuple[Place, ...]
    codes: tuple[tuple[Code, ...], ...]  # one a dimension, in the order of the definition
    measures: tuple[Code, ...]
    select: tuple[str, ...]
    start: int
    stop: int
    count: int
    without_missing: bool
    without_zero: bool
    without_heading: bool
    query_id: str | None


def resolve(
    dataset: Dataset, parameters: Mapping[str, str], today: date, hidden: Iterable[str] = ()
) -> Selection:
    """Work out what a request asks for. `parameters` have lower-case names; `hidden` are periods withheld.

    Raises: UnknownConceptError for a dimension that the dataset lacks; QueryError for what is not served.
    """
    _check_concepts(dataset, parameters)
    take_all = parameters.get("setallwherenotspecified", "true").lower() != "false"
    periods = tuple(p for p in dataset.calendar.periods(today) if p.code not in set(hidden))
    chosen = tuple(_periods(parameters, periods))
    places = tuple(_places(parameters.get("geography"), dataset.geography, take_all))
    codes = tuple(
        tuple(_codes(parameters.get(dimension.concept.lower()), dimension, take_all))
        for dimension in dataset.dimensions
    )
    measures = tuple(_measures(parameters.get("measures"), dataset, take_all))
    count = len(chosen) * len(places) * len(measures)
    for part in codes:
        count *= len(part)
    start, stop = _window(parameters, count)
    return Selection(
        dataset=dataset,
        periods=chosen,
        places=places,
        codes=codes,
        measures=measures,
        select=tuple(
            name.strip().upper() for name in parameters.get("select", "").split(",") if name.strip()
        ),
        start=start,
        stop=stop,
        count=count,
        without_missing=_is_true(parameters, "excludemissingvalues"),
        without_zero=_is_true(parameters, "excludezerovalues"),
        without_heading=_is_true(parameters, "excludecolumnheadings"),
        query_id=parameters.get("queryid"),
    )


def unknown_concepts(dataset: Dataset, parameters: Mapping[str, str]) -> list[str]:
    """Return the parameters that are neither a dimension of the dataset nor an option."""
    known = {concept.lower() for concept in dataset.concepts()} | _OPTIONS
    return [name for name in parameters if name not in known]


def _check_concepts(dataset: Dataset, parameters: Mapping[str, str]) -> None:
    unknown = unknown_concepts(dataset, parameters)
    if unknown:
        raise UnknownConceptError(unknown[0])
    if parameters.get("rows") or parameters.get("cols"):
        raise QueryError("Tabulation is not served by this replica")
    for value in parameters.values():
        if value.upper().startswith(_UNSERVED):
            raise QueryError("User-defined codes and look-ups are not served by this replica")


def _is_true(parameters: Mapping[str, str], name: str) -> bool:
    return parameters.get(name, "").lower() == "true"


# --- rows ---------------------------------------------------------------------------------------------


def _window(parameters: Mapping[str, str], count: int) -> tuple[int, int]:
    """Return first and one past the last row. A guest gets no more than 25,000, and is not told."""
    ceiling = KEY_LIMIT if parameters.get("uid") or parameters.get("signature") else GUEST_LIMIT
    limit = _number(parameters, "recordlimit", -1)
    offset = _number(parameters, "recordoffset", 0)
    start = max(0, count + offset) if offset < 0 else min(offset, count)
    size = ceiling if limit < 0 else min(limit, ceiling)
    return start, min(count, start + size)


def _number(parameters: Mapping[str, str], name: str, otherwise: int) -> int:
    text = parameters.get(name, "")
    try:
        return int(text) if text else otherwise
    except ValueError as error:
        raise QueryError(f"{name} is not a number") from error


# --- dates --------------------------------------------------------------------------------------------


def _periods(parameters: Mapping[str, str], periods: tuple[Period, ...]) -> list[Period]:
    """Return the dates asked for, oldest first. `date` wins over `time`; nothing given is all."""
    if parameters.get("date"):
        chosen = [p for token in _tokens(parameters["date"]) for p in _span(token, periods)]
    elif parameters.get("time"):
        ends = [p for token in _tokens(parameters["time"])[:2] for p in _span(token, periods, nearest=True)]
        chosen = [p for p in periods if ends and min(e.number for e in ends) <= p.number] if ends else []
        chosen = [p for p in chosen if p.number <= max(e.number for e in ends)]
    else:
        return list(periods)
    wanted = {period.code for period in chosen}
    return [period for period in periods if period.code in wanted]


def _span(token: str, periods: tuple[Period, ...], nearest: bool = False) -> list[Period]:
    found = _SPAN.fullmatch(token)
    if found is None:
        return []
    first = _point(found[1], periods, nearest)
    if found[2] is None:
        return [] if first is None else [first]
    low, high = _number_of(found[1], periods), _number_of(found[2], periods)
    return [p for p in periods if low <= p.number <= high]


def _number_of(point: str, periods: tuple[Period, ...]) -> int:
    if point[0].isdigit():
        year, _, month = point.partition("-")
        return int(year) * 16 + int(month or 0)
    period = _point(point, periods)
    return -1 if period is None else period.number


def _point(point: str, periods: tuple[Period, ...], nearest: bool = False) -> Period | None:
    """Return one date.

    As an end of a `time` range a date that has no figures stands for itself: the nearest.
    """
    if not periods:
        return None
    word = point.lower()
    latest = periods[-1]
    if word == "latest":
        return latest
    if word == "first":
        return periods[0]
    if word == "previous":
        return periods[-2] if len(periods) > 1 else None
    if word == "prevyear":
        return next((p for p in periods if p.number == latest.number - 16), None)
    if word.startswith("latestminus"):
        back = int(word.removeprefix("latestminus"))
        return periods[-1 - back] if back < len(periods) else None
    number = _number_of(point, periods)
    exact = next((p for p in periods if p.code == point), None)
    if exact is not None or not nearest:
        return exact
    return Period(point, point, number // 16, number % 16, date.min)


# --- areas --------------------------------------------------------------------------------------------


def _places(text: str | None, geography: Geography, take_all: bool) -> list[Place]:
    if text is None:
        members = geography.members if take_all else geography.members[:1]
        return [Place(member, str(member.code)) for member in members]
    found: dict[str, Place] = {}
    for token in _tokens(text):
        for place in _places_of(token, geography):
            found.setdefault(place.echo, place)
    return list(found.values())


def _places_of(token: str, geography: Geography) -> list[Place]:
    if token.lower() in ("default", "total"):
        return [Place(geography.members[0], str(geography.members[0].code))]
    typed = _TYPE.fullmatch(token)
    if typed:
        return [Place(m, str(m.code)) for m in members_of_type(geography, typed[1], int(typed[2]))]
    if "..." in token:
        low, _, high = token.partition("...")
        return _numeric_places(low, high, geography)
    if "-" in token:
        low, _, high = token.partition("-")
        return _listed_places(low, high, geography)
    member = find_member(geography, token)
    return [] if member is None else [Place(member, token.upper())]


def members_of_type(geography: Geography, parent: str | None, type_code: int) -> list[Member]:
    """Return all members of a type, or those inside an area given by its internal code."""
    if type_code not in geography.types:
        return []
    if parent is None:
        return geography.of_type(type_code)
    area = find_member(geography, parent, anywhere=True)
    return [] if area is None or not parent.isdigit() else geography.inside(area, type_code)


def find_member(geography: Geography, token: str, anywhere: bool = False) -> Member | None:
    """Return an area by internal or GSS code; `anywhere`: also of a type that the dataset does not offer."""
    if token.isdigit():
        member = geography.by_code.get(int(token))
        return _member_of_any_type(int(token)) if member is None and anywhere else member
    return geography.by_gss.get(token.upper())


def _member_of_any_type(code: int) -> Member | None:
    return next((m for members in all_members().values() for m in members if m.code == code), None)


def _numeric_places(low: str, high: str, geography: Geography) -> list[Place]:
    if low.isdigit() and high.isdigit():
        return [Place(m, str(m.code)) for m in geography.members if int(low) <= m.code <= int(high)]
    low, high = low.upper(), high.upper()
    if not (_GSS.fullmatch(low) and _GSS.fullmatch(high)):
        return []
    return [
        Place(member, gss)
        for gss, member in sorted(geography.by_gss.items())
        if low <= gss <= high and gss[0] == low[0]
    ]


def _listed_places(low: str, high: str, geography: Geography) -> list[Place]:
    first, last = find_member(geography, low), find_member(geography, high)
    if first is None or last is None:
        return []
    ends = sorted((geography.order[first.code], geography.order[last.code]))
    return [Place(m, str(m.code)) for m in unique(geography.members[ends[0] : ends[1] + 1])]


# --- other dimensions ---------------------------------------------------------------------------------


def _codes(text: str | None, dimension: Dimension, take_all: bool) -> list[Code]:
    """Return the codes asked for.

    An unknown code in a list is answered by the default; in a range it is dropped.
    """
    known = dimension.by_value
    if text is None:
        return list(dimension.codes) if take_all else [known[dimension.default]]
    found: list[Code] = []
    for token in _tokens(text):
        ranged = _range(token, dimension.codes)
        if ranged is not None:
            found += [code for code in ranged if code not in found]
        elif token.lower() in ("default", "total") or token not in known:
            found.append(known[dimension.default])
        elif known[token] not in found:
            found.append(known[token])
    return found


def _range(token: str, codes: tuple[Code, ...]) -> list[Code] | None:
    """Return the codes of `a...b` (by number) or `a-b` (by place in the codelist); None if it is no range."""
    if "..." in token:
        low, _, high = token.partition("...")
        if low.isdigit() and high.isdigit():
            return [code for code in codes if int(low) <= int(code.value) <= int(high)]
    elif "-" in token:
        values = [code.value for code in codes]
        low, _, high = token.partition("-")
        if low in values and high in values:
            ends = sorted((values.index(low), values.index(high)))
            return list(codes[ends[0] : ends[1] + 1])
        return []
    return None


def _measures(text: str | None, dataset: Dataset, take_all: bool) -> list[Code]:
    """Return the measures asked for; unknown ones are dropped, and if none is left there is no answer."""
    if text is None:
        return list(dataset.measures if take_all else dataset.measures[:1])
    found: list[Code] = []
    for token in _tokens(text):
        if token.lower() in ("default", "total"):
            chosen = [dataset.measures[0]]
        else:
            chosen = _range(token, dataset.measures) or [m for m in dataset.measures if m.value == token]
        found += [measure for measure in chosen if measure not in found]
    if not found:
        raise UnknownConceptError("measures")
    return found


def _tokens(text: str) -> list[str]:
    return [token.strip() for token in text.split(",") if token.strip()]
