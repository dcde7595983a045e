"""Definitions and codelists as SDMX 2.0 XML, made from the JSON documents, for clients that ask for it."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

_SCHEMAS = "http://www.SDMX.org/resources/SDMXML/schemas/v2_0/"
_MESSAGE, _STRUCTURE, _COMMON = f"{_SCHEMAS}message", f"{_SCHEMAS}structure", f"{_SCHEMAS}common"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
Json = dict[str, Any]

ElementTree.register_namespace("", _MESSAGE)
ElementTree.register_namespace("structure", _STRUCTURE)
ElementTree.register_namespace("common", _COMMON)


def document(found: Json) -> bytes:
    """Return a structure document with the same content as its JSON form."""
    content = found["structure"]
    root = ElementTree.Element(f"{{{_MESSAGE}}}Structure")
    _header(root, content["header"])
    if content.get("keyfamilies"):
        families = _add(root, _MESSAGE, "KeyFamilies")
        for family in content["keyfamilies"]["keyfamily"]:
            _key_family(families, family)
    if content.get("codelists"):
        lists = _add(root, _MESSAGE, "CodeLists")
        for codelist in content["codelists"]["codelist"]:
            _codelist(lists, codelist)
    if content.get("concepts"):
        concepts = _add(root, _MESSAGE, "Concepts")
        for concept in content["concepts"]["concept"]:
            _text(
                _add(concepts, _STRUCTURE, "Concept", id=concept["id"], agencyID="NOMIS"),
                "Name",
                concept["name"],
            )
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)


def _add(parent: ElementTree.Element, space: str, name: str, **attributes: str) -> ElementTree.Element:
    return ElementTree.SubElement(parent, f"{{{space}}}{name}", attributes)


def _text(parent: ElementTree.Element, name: str, text: Json) -> None:
    element = _add(parent, _STRUCTURE, name)
    element.set(_LANGUAGE, text["lang"])
    element.text = text["value"]


def _header(root: ElementTree.Element, header: Json) -> None:
    element = _add(root, _MESSAGE, "Header")
    for name, text in (("ID", header["id"]), ("Test", header["test"]), ("Prepared", header["prepared"])):
        _add(element, _MESSAGE, name).text = text
    _add(element, _MESSAGE, "Sender", id="NOMIS")


def _annotations(parent: ElementTree.Element, found: Json | None) -> None:
    if not found:
        return
    holder = _add(parent, _STRUCTURE, "Annotations")
    for annotation in found["annotation"]:
        element = _add(holder, _COMMON, "Annotation")
        _add(element, _COMMON, "AnnotationTitle").text = annotation["annotationtitle"]
        _add(element, _COMMON, "AnnotationText").text = str(annotation["annotationtext"])


def _codelist(parent: ElementTree.Element, found: Json) -> None:
    codelist = _add(parent, _STRUCTURE, "CodeList", id=found["id"], agencyID="NOMIS")
    _text(codelist, "Name", found["name"])
    for one in found["code"]:
        code = _add(codelist, _STRUCTURE, "Code", value=str(one["value"]))
        if "parentcode" in one:
            code.set("parentCode", str(one["parentcode"]))
        _text(code, "Description", one["description"])
        _annotations(code, one.get("annotations"))


def _key_family(parent: ElementTree.Element, found: Json) -> None:
    family = _add(
        parent, _STRUCTURE, "KeyFamily", id=found["id"], agencyID="NOMIS", uri=found["uri"], version="1.0"
    )
    _text(family, "Name", found["name"])
    if "description" in found:
        _text(family, "Description", found["description"])
    components = _add(family, _STRUCTURE, "Components")
    parts = found["components"]
    for dimension in parts["dimension"]:
        element = _add(
            components,
            _STRUCTURE,
            "Dimension",
            conceptRef=dimension["conceptref"],
            codelist=dimension["codelist"],
        )
        if "isfrequencydimension" in dimension:
            element.set("isFrequencyDimension", "true")
    time = parts["timedimension"]
    _add(components, _STRUCTURE, "TimeDimension", conceptRef=time["conceptref"], codelist=time["codelist"])
    _add(components, _STRUCTURE, "PrimaryMeasure", conceptRef=parts["primarymeasure"]["conceptref"])
    _annotations(family, found["annotations"])
