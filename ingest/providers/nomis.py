"""NOMIS, the labour market statistics service: asking it politely and completely.

One small request says how a dataset stands. If that is news, the codes of every dimension are compared with
the service's own lists, and the cells are fetched page by page into the archive. How answers are read and
judged is in `nomis_answer`.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from ingest.archive import DeliveryReader, DeliveryWriter, RequestMeta, StoredAnswer
from ingest.definitions import Definition, NomisDefinition, absent_codes, area_codes
from ingest.http import Answer, Call, Client, is_loopback
from ingest.provider import ProviderState
from ingest.providers.nomis_answer import Asked, PageWatch, read_answers
from ingest.rows import ParsedPage
from planmark.errors import DefinitionError, FetchError, RefusedError
from planmark.settings import Settings

log = logging.getLogger(__name__)

#: How often a fetch begins anew because a release came in the middle of it.
MOST_RESTARTS = 3
STATE_PARTS = "DatasetInfo,DateMetadata,Dimension-time,Codes-time"
_LONDON = ZoneInfo("Europe/London")
_Json = Any


def create(settings: Settings) -> Nomis:
    """Return the provider for one dataset's refresh; its deadline runs from now."""
    return Nomis(settings)


class Nomis:
    """Asks for one dataset. Make a new one for the next: what was learnt of its state is kept."""

    name = "nomis"

    def __init__(self, settings: Settings, client: Client | None = None) -> None:
        keys = {"uid": settings.nomis_uid} if settings.nomis_uid else {}
        self._settings = settings
        self._page_size = settings.nomis_keyed_page_size if keys else settings.nomis_page_size
        self._base = settings.nomis_url.rstrip("/")
        self._client = client or Client(settings, self.name, keys=keys)
        self._demonstration = is_loopback(self._base)
        self._overviews: dict[str, _Json] = {}

    def origin(self) -> str:
        """Return `demonstration` when the answers come from the built-in services, `official` otherwise."""
        return "demonstration" if self._demonstration else "official"

    def redact(self, text: str) -> str:
        """Return `text` without the account id."""
        return self._client.redact(text)

    def state(self, definition: Definition) -> ProviderState:
        """Ask, in one small request, which periods there are and when they were released and revised.

        Raises: FetchError if no answer came; RefusedError if it does not list any period.
        """
        dataset = _source(definition).dataset
        call = Call(f"{self._base}/dataset/{dataset}.overview.json", (("select", STATE_PARTS),))
        overview = self._json(call, definition.id).get("overview")
        if not isinstance(overview, dict):
            raise RefusedError(
                f"NOMIS does not describe {dataset}", where=definition.id, got=str(overview)[:200],
                expected="an overview of the dataset", next_step="check source.dataset in the definition",
            )  # fmt: skip
        times = _time_codes(overview)
        if not times:
            raise RefusedError(
                f"NOMIS lists no period of {dataset}", where=definition.id,
                expected="at least one code of the dimension time", next_step="ask NOMIS, then run again",
            )  # fmt: skip
        self._overviews[definition.id] = overview
        newest = max(times, key=lambda code: _day(str(code["value"])))
        return ProviderState(
            fingerprint=_fingerprint(overview, times),
            newest_period=_day(str(newest["value"])),
            released_at=_released_at(overview, newest),
        )

    def fetch(self, definition: Definition, delivery: DeliveryWriter) -> None:
        """Stream every page of the dataset into the archive, looking at each as it passes.

        A page that is in the archive from a fetch that broke off is not asked again. When the dataset changes
        under our hands, all pages are fetched anew.
        Raises: DefinitionError if a code is not one of the service's; FetchError if a page does not come;
                RefusedError if one comes that cannot be right.
        """
        assert isinstance(definition, NomisDefinition)  # noqa: S101
        state = self.state(definition) if definition.id not in self._overviews else None
        overview = self._overviews[definition.id]
        times = _time_codes(overview)
        fingerprint = state.fingerprint if state else _fingerprint(overview, times)
        asked = self._asked(definition, [str(code["value"]) for code in times])
        asked = self._known_only(definition, asked, fingerprint)
        delivery.facts["asked"] = asked.to_facts()
        delivery.facts["latest"] = asked.periods[-1]
        call = self._data_call(asked, [str(code["value"]) for code in times])
        kept = delivery.resume(_digest([call.full_url, fingerprint, self._page_size]))
        if kept:
            # The last page is asked again: it tells whether the others still hold.
            log.info("%s: %d pages are here already", definition.id, len(kept) - 1)
            delivery.forget(keep=len(kept) - 1)
        for _ in range(MOST_RESTARTS + 1):
            if self._fetch_pages(definition, asked, call, delivery):
                return
            log.warning("%s: RECORD_COUNT changed between pages; fetching anew", definition.id)
            delivery.forget()
        raise RefusedError(
            "RECORD_COUNT changes from page to page; nothing was loaded", where=definition.id,
            got=f"another number in each of {MOST_RESTARTS + 1} tries",
            expected="one number on all pages", next_step="a release may be under way: run again later",
        )  # fmt: skip

    def parse(self, definition: Definition, delivery: DeliveryReader) -> Iterator[ParsedPage]:
        """Read and judge the stored answers; see `nomis_answer.read_answers`."""
        assert isinstance(definition, NomisDefinition)  # noqa: S101
        return read_answers(definition, delivery)

    # --- what to ask ------------------------------------------------------------------------------------

    def _asked(self, definition: NomisDefinition, offered: list[str]) -> Asked:
        """Resolve the periods of a definition to the dates that the service has now."""
        wanted = definition.periods
        last = wanted.last
        periods = sorted(
            code
            for code in offered
            if _day(code) >= wanted.first
            and (last is None or _day(code) <= last)
            and (not wanted.months or _day(code).month in wanted.months or "-" not in code)
        )
        if not periods:
            raise RefusedError(
                "NOMIS has no period of those that the definition wants", where=definition.id,
                got=f"{min(offered)} to {max(offered)}", expected=f"{wanted.from_} to {wanted.to}",
                next_step="correct periods in the definition",
            )  # fmt: skip
        return Asked.of(definition, areas=area_codes(definition), periods=periods)

    def _data_call(self, asked: Asked, offered: list[str]) -> Call:
        """Return the request for all cells, pages aside. Dates are absolute: it means the same tomorrow."""
        first, last = asked.periods[0], asked.periods[-1]
        between = [code for code in offered if _day(first) <= _day(code) <= _day(last)]
        whole = len(between) == len(asked.periods) and len(asked.periods) > 1
        when = ("time", f"{first},{last}") if whole else ("date", ",".join(asked.periods))
        return Call(
            f"{self._base}/dataset/{asked.dataset}.data.csv",
            (
                when,
                ("geography", ",".join(compressed(asked.areas))),
                *((name, ",".join(codes)) for name, codes in asked.dimensions.items()),
                ("measures", ",".join(asked.measures)),
                ("select", ",".join(asked.columns)),
            ),
        )

    # --- pages ------------------------------------------------------------------------------------------

    def _fetch_pages(
        self, definition: NomisDefinition, asked: Asked, call: Call, delivery: DeliveryWriter
    ) -> bool:
        """Fetch from where the archive ends to RECORD_COUNT. Return False if that number changes."""
        offset = sum(int(answer.facts["rows"]) for answer in delivery.answers)
        count = int(delivery.answers[0].facts["record_count"]) if delivery.answers else None
        while count is None or offset < count:
            answer = self._fetch_page(definition, asked, call, offset, delivery)
            facts = answer.facts
            self._check_page(definition, answer, offset)
            if count is not None and facts["record_count"] != count:
                return False
            count = int(facts["record_count"])
            offset += int(facts["rows"])
            log.info("%s: %d of %d rows", definition.id, offset, count)
        delivery.facts["record_count"] = count
        return True

    def _fetch_page(
        self, definition: NomisDefinition, asked: Asked, call: Call, offset: int, delivery: DeliveryWriter
    ) -> StoredAnswer:
        paged = replace(
            call,
            parameters=(
                *call.parameters,
                ("RecordOffset", str(offset)),
                ("RecordLimit", str(self._page_size)),
            ),
        )

        def keep(answer: Answer) -> StoredAnswer:
            self._demonstration = self._demonstration or answer.demonstration
            watch = PageWatch(asked, answer.content_type)
            return delivery.write(
                RequestMeta(
                    url=answer.url,
                    method=answer.method,
                    body=answer.form,
                    status=answer.status,
                    content_type=answer.content_type,
                    retrieved_at=answer.retrieved_at,
                ),
                watch.through(answer.chunks),
                describe=watch.facts,
            )

        return self._client.ask(paged, keep, where=definition.id)

    def _check_page(self, definition: NomisDefinition, answer: StoredAnswer, offset: int) -> None:
        """Raise RefusedError if the page is no table, is empty, or is not the one that was asked for."""
        facts = answer.facts
        faults = list(facts["faults"])
        if not faults and facts["rows"] == 0:
            faults = ["a header and no row" + (f" at RECORD_OFFSET {offset}" if offset else "")]
        if not faults and (facts["first_offset"], facts["last_offset"]) != (
            offset,
            offset + facts["rows"] - 1,
        ):
            faults = [
                f"RECORD_OFFSET {facts['first_offset']} to {facts['last_offset']} in {facts['rows']} rows, "
                f"where {offset} to {offset + facts['rows'] - 1} should be"
            ]
        if not faults and facts["record_count"] < offset + facts["rows"]:
            faults = [f"more rows than RECORD_COUNT {facts['record_count']} says"]
        if faults:
            raise RefusedError(
                "NOMIS' answer is not acceptable; nothing of it was loaded",
                where=f"{definition.id}, request {self.redact(answer.request.url)[:500]}",
                got="; ".join(faults),
                expected="a CSV table with the selected columns and the rows from this offset on",
                next_step="the last good version stays; the next run asks again. If it persists, check the "
                f"definition: planmark datasets show {definition.id}",
            )

    # --- codes ------------------------------------------------------------------------------------------

    def _known_only(self, definition: NomisDefinition, asked: Asked, fingerprint: str) -> Asked:
        """Compare every code with the service's lists, and leave out those that may be absent and are.

        An unknown code would not be an error there: it is answered by the total, or dropped.
        Raises: DefinitionError naming every code, with near matches.
        """
        lists = self._code_lists(definition, asked, fingerprint)
        excused = absent_codes(definition)
        faults, known = [], {}
        for name, codes in {**asked.dimensions, "measures": asked.measures}.items():
            offered = lists[name]
            missing = [code for code in codes if code not in offered]
            faults += [
                f"{asked.dataset}, dimension {name}: {code} is not a code of NOMIS; {_near(code, offered)}"
                for code in missing
                if code not in excused.get(name, {})
            ]
            known[name] = tuple(code for code in codes if code in offered)
        if faults:
            raise DefinitionError(
                "codes that NOMIS does not have:\n    " + "\n    ".join(faults), where=definition.id,
                next_step=f"correct source.select in the definition of {definition.id}, or give a reason in "
                "may_be_absent",
            )  # fmt: skip
        measures = known.pop("measures")
        return replace(asked, dimensions=known, measures=measures)

    def _code_lists(
        self, definition: NomisDefinition, asked: Asked, fingerprint: str
    ) -> dict[str, dict[str, str]]:
        """Return code and description of every dimension that is asked; asked anew only after a release."""
        cache = self._settings.home / "codelists" / "nomis" / f"{asked.dataset}.json"
        wanted = [*asked.dimensions, "measures"]
        kept = _read_cache(cache, fingerprint)
        if not set(wanted) <= set(kept):
            self._check_dimensions(definition, asked)
            for name in wanted:
                if name not in kept:
                    kept[name] = self._code_list(definition, asked.dataset, name)
            cache.parent.mkdir(parents=True, exist_ok=True)
            new = cache.with_suffix(".new")
            new.write_text(json.dumps({"fingerprint": fingerprint, "codes": kept}), encoding="utf-8")
            new.replace(cache)
        return kept

    def _check_dimensions(self, definition: NomisDefinition, asked: Asked) -> None:
        """Raise DefinitionError unless the definition pins exactly the dimensions that the dataset has."""
        found = self._json(Call(f"{self._base}/dataset/{asked.dataset}/def.sdmx.json"), definition.id)
        family = _as_list(_dig(found, "structure", "keyfamilies", "keyfamily"))
        if not family:
            raise DefinitionError(
                f"NOMIS has no dataset {asked.dataset}", where=definition.id,
                next_step="correct source.dataset in the definition",
            )  # fmt: skip
        dimensions = {
            str(part["conceptref"]).lower() for part in _as_list(_dig(family[0], "components", "dimension"))
        } - {"geography", "measures", "freq", "time"}
        ours = set(asked.dimensions)
        faults = [
            f"{asked.dataset} has no dimension {name}; {_near(name, dict.fromkeys(dimensions, ''))}"
            for name in sorted(ours - dimensions)
        ]
        faults += [
            f"{asked.dataset} has a dimension {name} that is not pinned: it would be answered in full"
            for name in sorted(dimensions - ours)
        ]
        if faults:
            raise DefinitionError(
                "the dimensions do not fit:\n    " + "\n    ".join(faults), where=definition.id,
                next_step=f"correct source.select in the definition of {definition.id}",
            )  # fmt: skip

    def _code_list(self, definition: NomisDefinition, dataset: str, name: str) -> dict[str, str]:
        found = self._json(Call(f"{self._base}/dataset/{dataset}/{name}.def.sdmx.json"), definition.id)
        lists = _as_list(_dig(found, "structure", "codelists", "codelist"))
        codes = _as_list(lists[0].get("code")) if lists else []
        if not codes:
            raise RefusedError(
                f"NOMIS gives no codes for {name} of {dataset}", where=definition.id,
                expected="a codelist", next_step="run again later; if it persists, check the definition",
            )  # fmt: skip
        return {str(code["value"]): str(_dig(code, "description", "value") or "") for code in codes}

    def _json(self, call: Call, where: str) -> dict[str, _Json]:
        """Ask for a small JSON document. Raises: FetchError, or RefusedError if it is something else."""

        def take(answer: Answer) -> bytes:
            self._demonstration = self._demonstration or answer.demonstration
            return answer.read()

        body = self._client.ask(call, take, where=where)
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict) or "error" in found:
            raise RefusedError(
                "NOMIS did not answer with the document that was asked for",
                where=f"{where}, request {self.redact(call.full_url)[:500]}",
                got=self.redact(" ".join(body[:300].decode("utf-8", "replace").split())) or "an empty body",
                expected="a JSON document",
                next_step="the next run asks again; if it persists, check source.dataset in the definition",
            )
        return found


def compressed(codes: tuple[str, ...]) -> list[str]:
    """Return the codes with every unbroken run of three or more as a range `a...b`.

    A range holds all codes between its ends, so only a run without any gap is written as one.
    """
    runs: list[list[str]] = []
    for code in sorted(codes):
        if runs and _next_code(runs[-1][-1]) == code:
            runs[-1].append(code)
        else:
            runs.append([code])
    return [part for run in runs for part in (run if len(run) < 3 else [f"{run[0]}...{run[-1]}"])]


def _next_code(code: str) -> str:
    found = re.fullmatch(r"(\D*)(\d+)", code)
    return f"{found[1]}{int(found[2]) + 1:0{len(found[2])}d}" if found else ""


def _source(definition: Definition) -> Any:  # noqa: ANN401
    if not isinstance(definition, NomisDefinition):
        raise FetchError("not a dataset of NOMIS", where=definition.id, got=definition.provider)
    return definition.source


def _day(code: str) -> date:
    """Return the first day of a period's (last) month; a year stands for its December."""
    found = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", code)
    if not found:
        raise RefusedError(
            "a period of NOMIS cannot be read", got=code[:40], expected="2004, 2004-01 or 2004-01-31"
        )
    return date(int(found[1]), int(found[2] or 12), int(found[3] or 1))


def _as_list(found: _Json) -> list[_Json]:
    """Lists of one element come as the bare element."""
    if found is None:
        return []
    return found if isinstance(found, list) else [found]


def _dig(found: _Json, *names: str) -> _Json:
    for name in names:
        if not isinstance(found, dict):
            return None
        found = found.get(name)
    return found


def _time_codes(overview: Mapping[str, _Json]) -> list[dict[str, _Json]]:
    """Return the codes of the time dimension, each with its revisions."""
    for dimension in _as_list(_dig(overview, "dimensions", "dimension")):
        names = {str(dimension.get("concept")).lower(), str(dimension.get("name")).lower()}
        if names & {"time", "date"}:
            return [code for code in _as_list(_dig(dimension, "codes", "code")) if "value" in code]
    return []


def _fingerprint(overview: Mapping[str, _Json], times: list[dict[str, _Json]]) -> str:
    """Return a hash of periods, revisions and release dates: equal means nothing new is promised.

    `status` and `nextupdate` are left out: they change, or fail to, without the figures. So is the address:
    the replica has a new one each time, and the origin of a delivery is compared apart.
    """
    revisions = [
        [str(code["value"])]
        + [
            [str(known.get("version")), str(known.get("released"))]
            for known in _as_list(code.get("revisions"))
            if isinstance(known, dict) and known.get("status") != "pending"
        ]
        for code in times
    ]
    dates = [str(overview.get(name)) for name in ("firstreleased", "lastupdated", "lastrevised")]
    return _digest([revisions, dates])


def _digest(content: _Json) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _released_at(overview: Mapping[str, _Json], newest: Mapping[str, _Json]) -> datetime | None:
    """Return when the newest period was released, or the dataset updated; the service writes UK time."""
    released = [
        str(known.get("released"))
        for known in _as_list(newest.get("revisions"))
        if isinstance(known, dict) and known.get("status") == "current"
    ]
    for text in [*released, str(overview.get("lastupdated"))]:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            continue
        return (at if at.tzinfo else at.replace(tzinfo=_LONDON)).astimezone(UTC)
    return None


def _near(code: str, offered: Mapping[str, str]) -> str:
    """Name the codes that look like the missing one, or the first few."""
    near = difflib.get_close_matches(code, offered, n=3, cutoff=0.5) or sorted(offered)[:3]
    named = [f"{found} ({offered[found]})" if offered[found] else found for found in near]
    return f"near: {', '.join(named)}" if named else "it has none"


def _read_cache(path: Any, fingerprint: str) -> dict[str, dict[str, str]]:  # noqa: ANN401
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return dict(kept["codes"]) if kept["fingerprint"] == fingerprint else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
