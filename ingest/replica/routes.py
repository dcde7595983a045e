"""From an address and its parameters to an answer, before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from ingest.replica import answers, local_statistics, query, sdmx_xml, structure
from ingest.replica.datasets import Dataset, find
from ingest.replica.misbehaviour import Wish

BASE = "/api/v01"
_CSV, _TSV, _JSON, _HTML = (
    "text/csv",
    "text/tab-separated-values",
    "application/json",
    "text/html; charset=utf-8",
)
#: A longer answer is streamed rather than held.
_HELD_ROWS = 30_000

HELP_PAGE = (
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n'
    "<title>API - Nomis - Official Census and Labour Market Statistics</title>\n</head>\n"
    "<body>\n<h1>API</h1>\n"
    "<p>This is a replica of the Nomis RESTful API with demonstration data."
    " The address asked for is not one of its resources.</p>\n</body>\n</html>\n"
)


@dataclass(frozen=True)
class Answer:
    """What to send. `blocks` takes the place of `body` where the answer is long."""

    status: int
    content_type: str
    body: bytes = b""
    blocks: Iterator[bytes] | None = None
    separator: str = ""  # of a table; empty for anything else


@dataclass(frozen=True)
class Request:
    """An address without its query, its parameters with lower-case names, the day, and what is withheld."""

    path: str
    parameters: Mapping[str, str]
    today: date
    hidden: tuple[str, ...] = ()
    revision: int = 0
    wish: Wish | None = None


def is_data(path: str) -> bool:
    """Tell whether an address holds figures."""
    lowered = path.lower()
    return ".data." in lowered or "jsonstat" in lowered or lowered.startswith(local_statistics.BASE)


def is_table(path: str) -> bool:
    """Tell whether an address holds rows of text."""
    return path.lower().endswith((".data.csv", ".data.tsv")) or path.lower().startswith(local_statistics.BASE)


def answer(request: Request) -> Answer:
    """Return the answer to a request. A doubled slash, which some clients send, counts as one."""
    request = replace(request, path=re.sub("/{2,}", "/", request.path))
    if request.path.startswith(local_statistics.BASE):
        return _local_table(request)
    for pattern, handler in _ROUTES:
        found = pattern.fullmatch(request.path)
        if found:
            return handler(request, *found.groups())
    return help_page()


def help_page() -> Answer:
    """Return what the service sends for a wrong path: its help page, with HTTP 200."""
    return Answer(200, _HTML, HELP_PAGE.encode())


def _json(document: object) -> Answer:
    return Answer(200, _JSON, json.dumps(document).encode())


# --- structure ----------------------------------------------------------------------------------------


def _document(found: structure.Json, form: str) -> Answer:
    if form.lower() == "xml":
        return Answer(200, "application/xml", sdmx_xml.document(found))
    return _json(found)


def _definitions(request: Request, form: str) -> Answer:
    return _document(structure.definitions(request.parameters.get("search"), request.today), form)


def _definition(request: Request, dataset_id: str, form: str) -> Answer:
    dataset = find(dataset_id)
    return _document(structure.definition(dataset_id, [dataset] if dataset else [], request.today), form)


def _dimension(request: Request, dataset_id: str, concept: str, form: str) -> Answer:
    dataset = find(dataset_id)
    if dataset is None:
        return _document(structure.no_codelist(dataset_id, request.today), form)
    search = request.parameters.get("search")
    return _document(structure.codelist(dataset, concept, search, request.today), form)


def _dimension_code(request: Request, dataset_id: str, concept: str, value: str, form: str) -> Answer:
    dataset = find(dataset_id)
    if dataset is None:
        return _document(structure.no_codelist(dataset_id, request.today), form)
    if concept.lower() == "geography":
        search = request.parameters.get("search")
        return _document(structure.children(dataset, value, search, request.today), form)
    return _document(structure.one_code(dataset, concept, value, request.today), form)


def _codelist(request: Request, name: str, value: str | None, form: str) -> Answer:
    search = request.parameters.get("search")
    return _document(structure.whole_codelist(name, value, search, request.today), form)


def _concept(request: Request, name: str, form: str) -> Answer:
    return _document(structure.concept(name, request.today), form)


def _metadata(request: Request, dataset_id: str, code: str | None) -> Answer:
    dataset = find(dataset_id)
    if dataset is None:
        return help_page()
    return _json(structure.date_metadata(dataset, code, request.today, _hidden(dataset, request)))


def _overview(request: Request, dataset_id: str) -> Answer:
    dataset = find(dataset_id)
    if dataset is None:
        return _json({"overview": None})
    select = request.parameters.get("select")
    return _json(structure.overview(dataset, select, request.today, _hidden(dataset, request)))


def _content_type(request: Request, name: str, identity: str | None) -> Answer:
    found = structure.content_type(name, identity)
    return help_page() if found is None else _json(found)


def _summary(request: Request, dataset_id: str) -> Answer:
    dataset = find(dataset_id)
    if dataset is None:
        return help_page()
    return Answer(200, _HTML, structure.summary(dataset, request.parameters, request.today).encode())


def _hidden(dataset: Dataset, request: Request) -> set[str]:
    """Return the periods withheld; an empty text stands for the newest."""
    newest = dataset.calendar.periods(request.today)[-1].code
    return {code or newest for code in request.hidden}


# --- data ---------------------------------------------------------------------------------------------


def _data(request: Request, dataset_id: str, form: str) -> Answer:
    dataset = find(dataset_id)
    if dataset is None:
        return _error("Unknown dataset", form)
    try:
        selection = _selection(dataset, request)
    except query.UnknownConceptError:
        if form in ("csv", "tsv"):
            return Answer(200, _CSV if form == "csv" else _TSV)
        return _error("Cannot create query", form)
    except query.QueryError as error:
        return _error(str(error), form)
    return _rendered(dataset, selection, request, form)


def _rendered(dataset: Dataset, selection: query.Selection, request: Request, form: str) -> Answer:
    if form == "json":
        header = structure.header(dataset.id, request.today)
        return Answer(200, _JSON, answers.observations(selection, header, request.revision))
    if form == "jsonstat":
        if not (selection.places and selection.periods):
            return _json({"error": "Query is incomplete"})
        updated = str(dataset.updated(request.today))
        return Answer(200, _JSON, answers.json_stat(selection, updated, request.revision))
    separator, kind = (",", _CSV) if form == "csv" else ("\t", _TSV)
    blocks = answers.separated(selection, separator, request.revision)
    if selection.stop - selection.start > _HELD_ROWS:
        return Answer(200, kind, blocks=blocks, separator=separator)
    return Answer(200, kind, b"".join(blocks), separator=separator)


def _selection(dataset: Dataset, request: Request) -> query.Selection:
    selection = query.resolve(dataset, request.parameters, request.today, _hidden(dataset, request))
    kind = request.wish.kind if request.wish else ""
    if kind == "dropped-measure" and len(selection.measures) > 1:
        return _recounted(selection, measures=selection.measures[:-1])
    if kind == "unknown-codes-as-total":
        totals = tuple(
            tuple(dimension.by_value[dimension.default] for _ in codes)
            for dimension, codes in zip(dataset.dimensions, selection.codes, strict=True)
        )
        return replace(selection, codes=totals)
    return selection


def _recounted(selection: query.Selection, measures: tuple[Any, ...]) -> query.Selection:
    count = selection.count // len(selection.measures) * len(measures)
    return replace(selection, measures=measures, count=count, stop=min(selection.stop, count))


def _error(message: str, form: str) -> Answer:
    """Return an error in the format asked for: JSON-stat says 200, all others 500."""
    if form == "jsonstat":
        return _json({"error": message})
    if form == "json":
        return Answer(500, _JSON, f'{{ "error" : "{message}" }}'.encode())
    return Answer(500, "text/plain", f"Error: {message}".encode())


def _local_table(request: Request) -> Answer:
    found = local_statistics.table(request.path, request.today)
    if found is None:
        return Answer(404, "text/plain", b"Not found")
    body, kind = found
    return Answer(200, kind, body, separator="," if kind == _CSV else "")


_ID = r"(nm_\d+_\d+)"
_Handler = Callable[..., Answer]
_ROUTES: tuple[tuple[re.Pattern[str], _Handler], ...] = tuple(
    (re.compile(re.escape(BASE) + pattern, re.IGNORECASE), handler)
    for pattern, handler in (
        (rf"/dataset/{_ID}\.data\.(csv|tsv|json)", _data),
        (rf"/dataset/{_ID}[./](jsonstat)\.json", _data),
        (rf"/dataset/{_ID}[./]overview\.json", _overview),
        (r"/dataset/def\.sdmx\.(json|xml)", _definitions),
        (rf"/dataset/{_ID}[./]def\.sdmx\.(json|xml)", _definition),
        (rf"/dataset/{_ID}/time(?:/([\d-]+))?\.met(?:a)?data\.json", _metadata),
        (rf"/dataset/{_ID}/(\w+)[./]def\.sdmx\.(json|xml)", _dimension),
        (rf"/dataset/{_ID}/(\w+)/([\w-]+)[./]def\.sdmx\.(json|xml)", _dimension_code),
        (r"/codelist/(CL_\w+)(?:/(\w+))?[./]def\.sdmx\.(json|xml)", _codelist),
        (r"/concept/(\w+)[./]def\.sdmx\.(json|xml)", _concept),
        (r"/contenttype/(\w+)(?:/id/(\w+))?\.json", _content_type),
        (rf"/dataset/{_ID}(?:/.*)?/summary", _summary),
    )
)
