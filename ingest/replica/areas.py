"""The areas of the replica: every code form of each, its place in the hierarchy, and how large it is."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from ingest.replica import DATA

TYPE_NAMES = {
    499: "countries",
    480: "regions",
    423: "local authorities: county / unitary (as of April 2023)",
    424: "local authorities: district / unitary (as of April 2023)",
    464: "local authorities: district / unitary (prior to April 2015)",
    304: "2001 super output areas - lower layer",
    298: "2011 super output areas - lower layer",
    151: "2021 super output areas - lower layer",
}
#: In which type an area is answered that was asked for by its GSS code.
GSS_PREFERENCE = (423, 424, 480, 499, 464, 298, 304, 151)
LSOA_TYPES = {"2001": 304, "2011": 298, "2021": 151}
#: No internal code of a Leicester LSOA is established; these ranges are the replica's own.
_LSOA_FIRST_CODE = {"2001": 1275068417, "2011": 1249902593, "2021": 633345000}
_LEICESTER = "E06000016"


@dataclass(frozen=True, eq=False)
class Area:
    """A place.

    One object each. Rates are levels of about 2006, in percent; factors relative to Great Britain.
    """

    code: str
    name: str
    kind: str  # country | region | unitary | county | district | lsoa
    parents: tuple[str, ...]
    population: int  # mid-2011
    growth: float  # a year
    working_share: float
    employment: float
    unemployment: float
    minority: float
    claimants: float
    benefits: float
    pay: float
    jobs_density: float
    vintage: str = ""
    is_worst_performing: bool = False


@dataclass(frozen=True, eq=False)
class Member:
    """An area under one geography type: the same area has a different internal code in each."""

    code: int
    area: Area
    type_code: int

    @property
    def type_name(self) -> str:
        """Return the name that the service prints for the type."""
        return TYPE_NAMES[self.type_code]


@dataclass(frozen=True)
class Geography:
    """The members of the types that one dataset offers, in codelist order."""

    types: tuple[int, ...]
    members: tuple[Member, ...]
    by_code: dict[int, Member] = field(repr=False)
    by_gss: dict[str, Member] = field(repr=False)
    order: dict[int, int] = field(repr=False)

    def of_type(self, type_code: int) -> list[Member]:
        """Return every member of a type."""
        return [member for member in self.members if member.type_code == type_code]

    def inside(self, parent: Member, type_code: int) -> list[Member]:
        """Return the members of a type that lie in an area; an area of that type lies in itself."""
        return [
            member
            for member in self.of_type(type_code)
            if parent.area.code in member.area.parents or member.area.code == parent.area.code
        ]


@lru_cache(maxsize=1)
def _local_areas() -> list[tuple[Area, dict[int, int]]]:
    found = []
    with (DATA / "areas.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            codes = {int(pair.split(":")[0]): int(pair.split(":")[1]) for pair in row["codes"].split()}
            found.append((_local_area(row), codes))
    return found


def _local_area(row: dict[str, str]) -> Area:
    return Area(
        code=row["area_code"],
        name=row["name"],
        kind=row["kind"],
        parents=tuple(row["parents"].split()),
        population=int(row["population"]),
        growth=float(row["growth"]),
        working_share=float(row["working_share"]),
        employment=float(row["employment"]),
        unemployment=float(row["unemployment"]),
        minority=float(row["minority"]),
        claimants=float(row["claimants"]),
        benefits=float(row["benefits"]),
        pay=float(row["pay"]),
        jobs_density=float(row["jobs_density"]),
    )


def _small_areas(city: Area) -> list[Area]:
    with (DATA / "lsoas.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    sizes = Counter(row["vintage"] for row in rows)
    return [_small_area(row, city, city.population // sizes[row["vintage"]]) for row in rows]


def _small_area(row: dict[str, str], city: Area, population: int) -> Area:
    return Area(
        code=row["area_code"],
        name=row["name"],
        kind="lsoa",
        parents=(city.code, *city.parents),
        population=population,
        growth=city.growth,
        working_share=city.working_share,
        employment=city.employment,
        unemployment=city.unemployment,
        minority=city.minority,
        claimants=city.claimants,
        benefits=city.benefits,
        pay=city.pay,
        jobs_density=city.jobs_density,
        vintage=row["vintage"],
        is_worst_performing=row["is_worst_performing"] == "1",
    )


@lru_cache(maxsize=1)
def all_members() -> dict[int, tuple[Member, ...]]:
    """Return the members of every geography type, by type code, in codelist order."""
    by_type: dict[int, list[Member]] = {type_code: [] for type_code in TYPE_NAMES}
    local = _local_areas()
    for area, codes in local:
        for type_code, code in codes.items():
            by_type[type_code].append(Member(code, area, type_code))
    city = next(area for area, _ in local if area.code == _LEICESTER)
    for area in _small_areas(city):
        members = by_type[LSOA_TYPES[area.vintage]]
        code = _LSOA_FIRST_CODE[area.vintage] + len(members)
        members.append(Member(code, area, LSOA_TYPES[area.vintage]))
    return {
        type_code: tuple(sorted(members, key=lambda member: member.code))
        for type_code, members in by_type.items()
    }


@lru_cache(maxsize=16)
def geography(types: tuple[int, ...]) -> Geography:
    """Return the geography of a dataset that offers these types, largest areas first."""
    members = tuple(member for type_code in types for member in all_members()[type_code])
    by_gss: dict[str, Member] = {}
    for type_code in sorted(types, key=GSS_PREFERENCE.index):
        for member in all_members()[type_code]:
            by_gss.setdefault(member.area.code, member)
    by_code = {member.code: member for member in members}
    order = {member.code: position for position, member in enumerate(members)}
    return Geography(types, members, by_code, by_gss, order)


def local_areas() -> tuple[Area, ...]:
    """Return every area larger than an LSOA, once."""
    return tuple(area for area, _ in _local_areas())


@lru_cache(maxsize=4)
def small_areas(vintage: str) -> tuple[Area, ...]:
    """Return the LSOAs of Leicester of one census: 187 of 2001, 192 of 2011, 200 of 2021."""
    return tuple(member.area for member in all_members()[LSOA_TYPES[vintage]])


@lru_cache(maxsize=1)
def city() -> Area:
    """Return Leicester, whose figures the LSOAs share out."""
    return geography((423,)).by_gss[_LEICESTER].area


def unique(members: Iterable[Member]) -> list[Member]:
    """Return the members in order, each once."""
    return list({member.code: member for member in members}.values())
