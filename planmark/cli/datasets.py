"""`planmark datasets`: what the catalogue holds, whether it is right, and its pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from ingest.dataset_pages import PAGES, dimensions, pages, periods_in_words
from ingest.definitions import (
    CATALOGUE,
    SCHEMA_FILE,
    Definition,
    absent_areas,
    area_names,
    check,
    definition_sha256,
    load_definitions,
    schema,
)
from planmark.errors import DefinitionError

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


@app.command("list")
def list_datasets(as_json: AsJson = False) -> None:
    """List every dataset of the catalogue."""
    definitions = load_definitions()
    if as_json:
        _print_json([_summary(definition) for definition in definitions.values()])
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("Dataset", no_wrap=True)
    table.add_column("Title", overflow="fold")
    table.add_column("Cadence", no_wrap=True)
    table.add_column("Areas", no_wrap=True, justify="right")
    for definition in definitions.values():
        table.add_row(definition.id, definition.title, definition.cadence, str(len(area_names(definition))))
    console = Console(highlight=False)
    console.print(table)
    console.print(f"{len(definitions)} datasets. One of them in full: planmark datasets show ID")


@app.command("check")
def check_datasets(as_json: AsJson = False) -> None:
    """Check every file of the catalogue; needs neither network nor database."""
    faults = check()
    if as_json:
        _print_json([{"path": fault.path, "field": fault.field, "what": fault.what} for fault in faults])
    elif faults:
        for fault in faults:
            typer.echo(str(fault))
        typer.echo(f"{len(faults)} {'fault' if len(faults) == 1 else 'faults'}", err=True)
    else:
        typer.echo(f"{len(load_definitions())} datasets, no fault")
    if faults:
        raise typer.Exit(1)


@app.command("show")
def show_dataset(
    dataset_id: Annotated[str, typer.Argument(help="For example nomis_claimant_count.")],
    as_json: AsJson = False,
) -> None:
    """Show one dataset in full: source, cells, areas, periods, checks and evidence."""
    definition = find(dataset_id)
    if as_json:
        _print_json(
            {
                **definition.model_dump(mode="json", by_alias=True),
                "area_names": area_names(definition),
                "sha256": definition_sha256(definition),
            }
        )
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in _facts(definition):
        table.add_row(name, value)
    Console(highlight=False).print(table)


@app.command("docs")
def write_docs() -> None:
    """Write what is generated from the catalogue: the pages of docs/datasets, the JSON Schema for editors."""
    written = pages(load_definitions())
    PAGES.mkdir(parents=True, exist_ok=True)
    for path in PAGES.glob("*.md"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (PAGES / name).write_text(text, encoding="utf-8")
    (CATALOGUE / SCHEMA_FILE).write_text(schema(), encoding="utf-8")
    typer.echo(f"written: {len(written)} pages in {_shown(PAGES)}, {_shown(CATALOGUE / SCHEMA_FILE)}")


def find(dataset_id: str) -> Definition:
    """Return a dataset of the catalogue. Raises: DefinitionError naming those that are like it."""
    definitions = load_definitions()
    if dataset_id in definitions:
        return definitions[dataset_id]
    like = [known for known in definitions if dataset_id in known] or list(definitions)
    raise DefinitionError(
        f"there is no dataset {dataset_id!r}", expected=", ".join(like), next_step="planmark datasets list"
    )


def _shown(path: Path) -> str:
    return path.relative_to(CATALOGUE.parent.parent).as_posix()


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False))


def _summary(definition: Definition) -> dict[str, Any]:
    return {
        "id": definition.id,
        "title": definition.title,
        "provider": definition.provider,
        "cadence": definition.cadence,
        "areas": len(area_names(definition)),
        "periods": periods_in_words(definition),
    }


def _facts(definition: Definition) -> list[tuple[str, str]]:
    names = area_names(definition)
    absent = absent_areas(definition)
    return [
        ("Dataset", definition.id),
        ("Title", definition.title),
        ("Description", definition.description),
        ("Publisher", definition.publisher),
        ("Licence", definition.licence),
        ("Page", str(definition.landing_page or "none")),
        ("Owner", definition.owner),
        ("Cadence", definition.cadence),
        ("Source", dimensions(definition)[0][1]),
        *dimensions(definition)[1:],
        ("Areas", f"{len(names)}: {', '.join(definition.areas)}"),
        ("May lack", ", ".join(names[code] for code in absent) or "nothing"),
        ("Periods", periods_in_words(definition)),
        ("At least", f"{definition.door.rows_at_least} rows"),
        ("Evidence", definition.evidence),
    ]
