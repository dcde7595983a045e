"""Deliveries in an archive, as a fetch would have left them: what the measured loads read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.archive import Archive, RequestMeta
from ingest.definitions import Definition, NomisDefinition, load_definitions
from ingest.providers.nomis_answer import Asked
from tests.bench.pages import AGES, GENDERS, MEASURES, MONTHS, Answer, pages


@dataclass(frozen=True)
class Stored:
    """One answer in both forms: its path in the archive, and the file of its useful columns."""

    answer: Answer
    path: str
    narrow: Path
    page_count: int
    page_bytes: int


def definition() -> NomisDefinition:
    """Return the claimant count of the catalogue, with the codes that the pages hold."""
    known: Definition = load_definitions()["nomis_claimant_count"]
    assert isinstance(known, NomisDefinition)
    select = {
        name: tuple(str(code) for code in codes)
        for name, codes in {"gender": GENDERS, "age": AGES, "measure": MEASURES}.items()
    }
    return known.model_copy(update={"source": known.source.model_copy(update={"select": select})})


def store(folder: Path, answer: Answer) -> Stored:
    """Write an answer into the archive below `folder`, and its 8 useful columns beside it."""
    chosen = definition()
    writer = Archive((folder / "archive").as_uri()).new_delivery(chosen.id)
    periods = [f"{2004 + month // 12}-{month % 12 + 1:02d}" for month in range(MONTHS)]
    writer.facts["asked"] = Asked.of(chosen, areas=answer.area_codes, periods=periods).to_facts()
    narrow = folder / f"narrow_{answer.rows}_{answer.changed}.csv"
    total = count = 0
    with narrow.open("wb") as file:
        for full, cut in pages(answer):
            rows = cut.count(b"\n")
            request = RequestMeta(url=f"http://127.0.0.1/page/{count}", content_type="text/csv")
            writer.write(request, [full], describe=lambda rows=rows: {"rows": rows})
            file.write(cut)
            total, count = total + len(full), count + 1
    return Stored(answer, writer.finish().path, narrow, count, total // count)
