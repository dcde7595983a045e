"""Everything that describes data.

Definitions, codelists, overviews, date metadata and classifications, as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from ingest.replica import query
from ingest.replica.areas import TYPE_NAMES, Member, geography
from ingest.replica.datasets import Code, Dataset, Dimension, all_datasets
from ingest.replica.periods import Period

Json = dict[str, Any]

SOURCES = {
    "aps": "Annual Population Survey/Labour Force Survey",
    "cc": "Claimant Count",
    "jsa": "Jobseeker's Allowance",
    "dwp_wpls": "DWP Benefits",
    "pest": "Population Estimates/Projections",
    "jd": "Jobs Density",
    "bres": "Business Register and Employment Survey",
    "idbr": "UK Business Counts",
    "ashe": "Annual Survey of Hours and Earnings",
    "census_2011_ts": "Census 2011",
    "census_2021_ts": "Census 2021",
}
_CONTACT = {
    "email": "support@nomisweb.co.uk",
    "name": "Nomis",
    "telephone": "+44(0) 191 3342680",
    "uri": "https://www.nomisweb.co.uk",
}
_NAMESPACES = {
    "xmlns": "http://www.SDMX.org/resources/SDMXML/schemas/v2_0/message",
    "common": "http://www.SDMX.org/resources/SDMXML/schemas/v2_0/common",
    "structure": "http://www.SDMX.org/resources/SDMXML/schemas/v2_0/structure",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "schemalocation": "http://sdmx.org/docs/2_0/SDMXMessage.xsd",
}
_ATTRIBUTES = (
    ("Mandatory", "Observation", "CL_OBS_STATUS", "OBS_STATUS"),
    ("Conditional", "Observation", "CL_OBS_CONF", "OBS_CONF"),
    ("Conditional", "Observation", "CL_OBS_ROUND", "OBS_ROUND"),
    ("Conditional", "Series", "CL_UNIT_MULT", "UNIT_MULTIPLIER"),
    ("Mandatory", "Series", "CL_TIME_FORMAT", "TIME_FORMAT"),
    ("Mandatory", "Series", "CL_UNIT", "UNIT"),
    ("Mandatory", "Series", "", "TITLE_COMPL"),
)


def header(document: str, today: date) -> Json:
    """Return the header that every document has."""
    return {
        "id": document,
        "prepared": f"{today.isoformat()}T06:00:00Z",
        "sender": {"contact": _CONTACT, "id": "NOMIS"},
        "test": "false",
    }


def _document(name: str, content: Json, today: date) -> Json:
    return {"structure": {"header": header(name, today), **content, **_NAMESPACES}}


def _text(value: str) -> Json:
    return {"value": value, "lang": "en"}


def _annotation(title: str, text: str | int) -> Json:
    return {"annotationtext": text, "annotationtitle": title}


def matches(pattern: str, text: str) -> bool:
    """Tell whether a search term matches the whole of a text, `*` standing for anything, in any case."""
    parts = [re.escape(part) for part in pattern.split("*")]
    return re.fullmatch(".*".join(parts), text, re.IGNORECASE | re.DOTALL) is not None


# --- definitions --------------------------------------------------------------------------------------


def definitions(search: str | None, today: date) -> Json:
    """Return every dataset, or those that any of the search terms finds."""
    terms = [term.strip() for term in (search or "").split(",") if term.strip()]
    found = [d for d in all_datasets().values() if not terms or any(_is_found(d, term) for term in terms)]
    return definition("none", found, today)


def definition(name: str, found: Iterable[Dataset], today: date) -> Json:
    """Return the definitions of datasets; `keyfamilies` is null where there are none."""
    families = [_key_family(dataset, today) for dataset in found]
    return _document(name, {"keyfamilies": {"keyfamily": families} if families else None}, today)


def _is_found(dataset: Dataset, term: str) -> bool:
    field, _, pattern = term.partition("-")
    texts = {
        "name": [dataset.name],
        "description": [dataset.description],
        "keywords": dataset.keywords.split(","),
        "units": dataset.units.split(","),
    }
    if field.lower() == "contenttype":
        kind, _, identity = pattern.partition("-")
        return kind.lower() == "sources" and (not identity or matches(identity, dataset.source))
    if field.lower() in texts and pattern:
        return any(matches(pattern, text) for text in texts[field.lower()])
    everywhere = [dataset.name, dataset.description, *dataset.keywords.split(",")]
    return any(matches(term, text) for text in everywhere)


def _annotations(dataset: Dataset, today: date) -> list[Json]:
    # A dataset that has ended is still called current, as on the true service.
    return [
        _annotation("Status", "Current (being actively updated)"),
        _annotation("Keywords", dataset.keywords),
        _annotation("Units", dataset.units),
        _annotation("contenttype/sources", dataset.source),
        _annotation("contenttype/sorting", 1),
        _annotation("SubDescription", dataset.sub_description),
        _annotation("Mnemonic", dataset.mnemonic),
        _annotation("FirstReleased", dataset.first_released),
        _annotation("LastUpdated", str(dataset.updated(today))),
        _annotation("MetadataTitle0", "Demonstration data"),
        _annotation("MetadataText0", "Figures of this replica are seeded unless a plan prints them."),
        _annotation("MetadataCount", 1),
    ]


def _key_family(dataset: Dataset, today: date) -> Json:
    family: Json = {
        "agencyid": "NOMIS",
        "annotations": {"annotation": _annotations(dataset, today)},
        "id": dataset.id,
        "components": {
            "attribute": [_attribute(*attribute) for attribute in _ATTRIBUTES],
            "dimension": [_component(dataset, concept) for concept in dataset.concepts()],
            "primarymeasure": {"conceptref": "OBS_VALUE"},
            "timedimension": {"codelist": f"CL_{dataset.number}_TIME", "conceptref": "TIME"},
        },
    }
    if dataset.description:
        family["description"] = _text(dataset.description)
    family |= {"name": _text(dataset.name), "uri": f"Nm-{dataset.number.replace('_', 'd')}", "version": 1.0}
    return family


def _attribute(status: str, level: str, codelist: str, concept: str) -> Json:
    found = {"assignmentstatus": status, "attachmentlevel": level, "conceptref": concept}
    return found | ({"codelist": codelist} if codelist else {})


def _component(dataset: Dataset, concept: str) -> Json:
    found = {"codelist": f"CL_{dataset.number}_{concept}", "conceptref": concept}
    return found | ({"isfrequencydimension": "true"} if concept == "FREQ" else {})


# --- codelists ----------------------------------------------------------------------------------------


def codelist(dataset: Dataset, concept: str, search: str | None, today: date) -> Json:
    """Return the codes of a dimension; `codelists` is null for a concept that the dataset does not have."""
    codes = _codes_of(dataset, concept.upper(), today)
    return codelist_of(dataset, concept, codes, search, today)


def codelist_of(
    dataset: Dataset, concept: str, codes: list[Json] | None, search: str | None, today: date
) -> Json:
    """Return a codelist document of these codes, those that the search term leaves."""
    name = f"CL_{dataset.number}_{concept.upper()}"
    if search and codes is not None:
        codes = [code for code in codes if matches(search, code["description"]["value"])]
    if not codes:
        return no_codelist(name, today)
    content = {"agencyid": "NOMIS", "id": name, "code": codes, "name": _text(concept.lower()), "uri": ""}
    return _document(name, {"codelists": {"codelist": [content]}}, today)


def no_codelist(name: str, today: date) -> Json:
    """Return the answer for a list that does not exist: `codelists` is null."""
    return _document(name, {"codelists": None}, today)


def one_code(dataset: Dataset, concept: str, value: str, today: date) -> Json:
    """Return a codelist of one code."""
    if concept.upper() == "GEOGRAPHY":
        member = query.find_member(dataset.geography, value)
        found = [] if member is None else [area_code(member)]
    else:
        codes = _codes_of(dataset, concept.upper(), today) or []
        found = [code for code in codes if str(code["value"]) == value]
    return codelist_of(dataset, concept, found, None, today)


def _codes_of(dataset: Dataset, concept: str, today: date) -> list[Json] | None:
    if concept == "GEOGRAPHY":
        return [area_code(member) for member in dataset.geography.of_type(dataset.types[0])]
    if concept == "MEASURES":
        return [_plain_code(code) for code in dataset.measures]
    if concept == "FREQ":
        return [{"value": "A", "description": _text("Annually")}]
    if concept == "TIME":
        return [{"value": p.code, "description": _text(p.name)} for p in dataset.calendar.periods(today)]
    for dimension in dataset.dimensions:
        if dimension.concept == concept:
            return [_plain_code(code) for code in dimension.codes]
    return None


def _plain_code(code: Code) -> Json:
    value = int(code.value) if code.value.isdigit() else code.value
    return {"value": value, "description": _text(code.name)}


#: Wales, Scotland and Northern Ireland are regions too, and their own parents.
_OWN_PARENTS = ("W92000004", "S92000003", "N92000002")


def area_code(member: Member, parent: Member | None = None) -> Json:
    """Return a real area: TypeName, TypeCode and GeogCode, in this order, and a number for its code."""
    above = member if parent is None and member.area.code in _OWN_PARENTS else parent
    return {
        "value": member.code,
        **({} if above is None else {"parentcode": above.code}),
        "description": _text(member.area.name),
        "annotations": {
            "annotation": [
                _annotation("TypeName", member.type_name),
                _annotation("TypeCode", member.type_code),
                _annotation("GeogCode", member.area.code),
            ]
        },
    }


def children(dataset: Dataset, value: str, search: str | None, today: date) -> Json:
    """Return what lies inside an area: the area, then one abstract code for each type with its ChildCount.

    `TYPE` lists the types of the dataset; `TYPE424` and `2092957699TYPE424` list their members.
    """
    if value.upper() == "TYPE":
        types = [{"value": f"TYPE{t}", "description": _text(TYPE_NAMES[t])} for t in dataset.types]
        return codelist_of(dataset, "geography", types, search, today)
    typed = re.fullmatch(r"(\d+)?TYPE(\d+)", value, re.IGNORECASE)
    if typed:
        members = query.members_of_type(dataset.geography, typed[1], int(typed[2]))
        parent = query.find_member(dataset.geography, typed[1], anywhere=True) if typed[1] else None
        codes = [area_code(member, parent) for member in members]
        return codelist_of(dataset, "geography", codes, search, today)
    member = query.find_member(dataset.geography, value, anywhere=True)
    if member is None:
        return codelist_of(dataset, "geography", None, None, today)
    codes = [area_code(member), *_abstract_codes(dataset, member)]
    return codelist_of(dataset, "geography", codes, search, today)


def _abstract_codes(dataset: Dataset, parent: Member) -> list[Json]:
    found = []
    for type_code in sorted(dataset.types):
        inside = [m for m in dataset.geography.inside(parent, type_code) if m.code != parent.code]
        if inside:
            found.append(_abstract_code(parent, type_code, len(inside)))
    return found


def _abstract_code(parent: Member, type_code: int, count: int) -> Json:
    name = f"{TYPE_NAMES[type_code]} within {parent.area.name}"
    return {
        "value": f"{parent.code}TYPE{type_code}",
        "description": _text(name),
        "annotations": {
            "annotation": [
                _annotation("IsAbstractCode", "True"),
                _annotation("TypeCode", type_code),
                _annotation("TypeName", TYPE_NAMES[type_code]),
                _annotation("ParentCode", parent.code),
                _annotation("ChildCount", count),
            ]
        },
    }


def whole_codelist(name: str, value: str | None, search: str | None, today: date) -> Json:
    """Return `/codelist/CL_1_1_ITEM`, or one code of it; `codelists` is null for an unknown list."""
    found = re.fullmatch(r"CL_(\d+_\d+)_(\w+)", name, re.IGNORECASE)
    dataset = all_datasets().get(f"NM_{found[1]}") if found else None
    if found is None or dataset is None:
        return no_codelist(name, today)
    if value is not None:
        return one_code(dataset, found[2], value, today)
    if found[2].upper() == "GEOGRAPHY":
        everything = [area_code(member) for member in geography(dataset.types).members]
        return codelist_of(dataset, "geography", everything, search, today)
    return codelist(dataset, found[2], search, today)


def concept(name: str, today: date) -> Json:
    """Return what a concept is called; `concepts` is null for one that no dataset has."""
    known = {one for dataset in all_datasets().values() for one in [*dataset.concepts(), "TIME"]}
    if name.upper() not in known:
        return _document(name, {"concepts": None}, today)
    title = name.replace("_", " ").capitalize()
    content = {"agencyid": "NOMIS", "id": name.upper(), "name": _text(title), "uri": "", "version": 1.0}
    return _document(name.upper(), {"concepts": {"concept": [content]}}, today)


# --- dates --------------------------------------------------------------------------------------------


def _revisions(period: Period) -> Json:
    released = str(datetime.combine(period.released, time(9, 30)))
    return {"version": 1, "status": "current", "released": released, "scheduled": released}


def date_metadata(dataset: Dataset, code: str | None, today: date, hidden: set[str]) -> Json:
    """Return the release history of one date or of all, those not yet released included."""
    periods = [p for p in dataset.calendar.periods(today) if p.code not in hidden]
    found = [
        {
            "value": period.code,
            "description": _text(period.name),
            "annotations": {
                "annotation": [
                    _annotation("Revision1Status", "current"),
                    _annotation("Revision1Released", _revisions(period)["released"]),
                ]
            },
        }
        for period in periods
        if code is None or period.code == code
    ]
    coming = dataset.calendar.next_release(today)
    content: Json = {"metadata": {"dataset": dataset.id, "date": found}}
    if coming is not None:
        content["metadata"]["nextupdate"] = str(datetime.combine(coming, time(9, 30)))
    return _document(f"{dataset.id}_TIME", content, today)


# --- overview -----------------------------------------------------------------------------------------


def _few(items: list[Any]) -> object:
    """Return a list, or its one element bare: so does the true service."""
    return items[0] if len(items) == 1 else items


def overview(dataset: Dataset, select: str | None, today: date, hidden: set[str]) -> Json:
    """Return the overview, or the parts of it that `select` names."""
    asked = [part.strip().lower() for part in (select or "").split(",") if part.strip()]

    def wanted(part: str) -> bool:
        return not asked or part in asked

    found: Json = {"id": dataset.id}
    for part, content in _overview_parts(dataset, today).items():
        if wanted(part):
            found |= content
    concepts = _dimensions_asked(dataset, asked)
    if concepts:
        shown = [
            _overview_dimension(dataset, concept, _shows_codes(concept, asked), today, hidden)
            for concept in concepts
        ]
        found["dimensions"] = {"dimension": _few(shown)}
    return {"overview": found}


def _overview_parts(dataset: Dataset, today: date) -> dict[str, Json]:
    coming = dataset.calendar.next_release(today)
    dates: Json = {
        "firstreleased": dataset.first_released,
        "lastupdated": str(dataset.updated(today)),
        "lastrevised": str(dataset.updated(today)),
    }
    if coming is not None:
        dates["nextupdate"] = str(datetime.combine(coming, time(9, 30)))
    return {
        "datasetinfo": {
            "name": dataset.name,
            "description": dataset.description,
            "subdescription": dataset.sub_description,
            "mnemonic": dataset.mnemonic,
            "restricted": "false",
            "status": "Current (being actively updated)",
        },
        "coverage": {"coverage": "United Kingdom"},
        "keywords": {"keywords": {"keyword": _few(dataset.keywords.split(","))}},
        "units": {"units": {"unit": _few(dataset.units.split(","))}},
        "contenttypes": {"contenttypes": {"contenttype": {"type": "sources", "id": dataset.source}}},
        "datemetadata": dates,
        "contact": {"contact": _CONTACT},
        "analyses": {"analyses": {"analysis": {"id": 1, "name": "Default", "isdefault": "true"}}},
        "datasetmetadata": {"datasetmetadata": {"metadata": {"title": "Demonstration data", "text": ""}}},
    }


def _dimensions_asked(dataset: Dataset, asked: list[str]) -> list[str]:
    every = ["TIME", *(concept for concept in dataset.concepts() if concept != "FREQ")]
    if not asked or "dimensions" in asked:
        return every
    names = [part.removeprefix("dimension-") for part in asked if part.startswith("dimension-")]
    # "date" and "time" are two names of one dimension.
    return [
        concept for concept in every if concept.lower() in names or (concept == "TIME" and "date" in names)
    ]


def _shows_codes(concept: str, asked: list[str]) -> bool:
    if not asked or "codes" in asked:
        return True
    return f"codes-{concept.lower()}" in asked or (concept == "TIME" and "codes-date" in asked)


def _overview_dimension(
    dataset: Dataset, concept: str, with_codes: bool, today: date, hidden: set[str]
) -> Json:
    if concept == "TIME":
        periods = [p for p in dataset.calendar.periods(today) if p.code not in hidden]
        codes: list[Json] = [{"value": p.code, "name": p.name, "revisions": _revisions(p)} for p in periods]
        return _overview_entry("date", concept, codes, with_codes, periods[-1].code if periods else "")
    if concept == "GEOGRAPHY":
        types = [{"name": TYPE_NAMES[t], "value": f"TYPE{t}"} for t in dataset.types]
        entry = _overview_entry("geography", concept, [], False, "")
        entry |= {"size": len(dataset.geography.members), "make": "true"}
        return entry | ({"types": {"type": _few(types)}} if with_codes else {})
    if concept == "MEASURES":
        listed = [{"value": int(m.value), "name": m.name} for m in dataset.measures]
        return _overview_entry("measures", concept, listed, with_codes, dataset.measures[0].value)
    dimension = next(one for one in dataset.dimensions if one.concept == concept)
    return _overview_entry(
        concept.lower(), concept, _overview_codes(dimension), with_codes, dimension.default
    )


def _overview_codes(dimension: Dimension) -> list[Json]:
    return [
        {
            "value": int(c.value) if c.value.isdigit() else c.value,
            "name": c.name,
            "level": 0 if place == 0 else 1,
        }
        for place, c in enumerate(dimension.codes)
    ]


def _overview_entry(name: str, concept: str, codes: list[Json], with_codes: bool, default: str) -> Json:
    entry: Json = {
        "name": name,
        "concept": concept.lower(),
        "size": len(codes),
        "internaltype": "time" if concept == "TIME" else "geography" if concept == "GEOGRAPHY" else "code",
    }
    if default:
        entry["defaults"] = {"default": {"value": default}}
    if with_codes and codes:
        entry["codes"] = {"code": _few(codes)}
    return entry


# --- classifications ----------------------------------------------------------------------------------


def content_type(name: str, identity: str | None) -> Json | None:
    """Return a classification, one entry of it, or (`index`) the list of them.

    None if there is no such thing.
    """
    if name.lower() == "index":
        return {"contenttype": {"item": [{"id": "sources", "name": "Sources"}]}}
    if name.lower() != "sources":
        return None
    listed = [{"id": key, "name": text} for key, text in SOURCES.items()]
    if identity is not None:
        listed = [item for item in listed if item["id"] == identity.lower()]
    return {"contenttype": {"id": "sources", "name": "Sources", "item": listed}} if listed else None


def summary(dataset: Dataset, parameters: Mapping[str, str], today: date) -> str:
    """Return the HTML page that lists what is wrong with a query."""
    unknown = query.unknown_concepts(dataset, parameters)
    items = "".join(f"<li>Invalid concept: {_escaped(name)}</li>" for name in unknown)
    for dimension in dataset.dimensions:
        asked = parameters.get(dimension.concept.lower())
        if asked is None:
            items += f"<li>Not filtered: {dimension.concept}</li>"
            continue
        wrong = [one for one in asked.split(",") if one.isdigit() and one not in dimension.by_value]
        items += "".join(f"<li>Invalid code of {dimension.concept}: {_escaped(one)}</li>" for one in wrong)
    newest = dataset.calendar.periods(today)[-1].name
    return (
        f"<!DOCTYPE html><html><head><title>Summary of {dataset.id}</title></head><body>"
        f"<h1>{_escaped(dataset.name)}</h1><p>Latest: {newest}</p><ul>{items}</ul></body></html>"
    )


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
