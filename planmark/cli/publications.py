"""`planmark publications` and `planmark rollback`: what readers see, what they saw, and the way back."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from planmark import publication
from planmark.publication import Publication
from planmark.settings import load_settings

STATES = {
    "candidate": "built, not published",
    "published": "published, kept",
    "refused": "refused by the gate",
    "dropped": "dropped",
}


def publications(
    everything: Annotated[
        bool, typer.Option("--all", help="Show those whose tables are gone as well.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """List the publications, newest first, and say which one readers see."""
    found = publication.publications(load_settings())
    shown = [one for one in found if everything or one.state != "dropped"]
    if as_json:
        typer.echo(json.dumps([_as_json(one) for one in shown], indent=2))
        return
    console = Console(highlight=False)
    if not shown:
        console.print("Nothing has been published yet. Next: make refresh")
        return
    console.print(_table(shown))
    seen = next((one.publication_id for one in found if one.is_current), None)
    console.print(f"Readers see {seen}." if seen else "Nothing is published yet.")
    if len(shown) < len(found):
        console.print(f"{len(found) - len(shown)} older ones are dropped; --all lists them.")
    if any(one.state == "published" and not one.is_current for one in shown):
        console.print("Back to the one before: planmark rollback. To another: planmark rollback ID")


def rollback(
    publication_id: Annotated[
        str | None, typer.Argument(help="Where to go back to; without it, the one that readers saw before.")
    ] = None,
) -> None:
    """Let readers see an earlier publication again. It lasts until the next one is published."""
    settings = load_settings()
    before = publication.current(settings)
    now = publication.rollback(settings, publication_id)
    if before and before.publication_id == now.publication_id:
        typer.echo(f"Readers see {now.publication_id} already; nothing was changed.")
        return
    typer.echo(f"Readers now see {now.publication_id} of {now.built_at:%d %B %Y %H:%M} UTC.")
    if before:
        typer.echo(
            f"{before.publication_id} is kept: planmark rollback {before.publication_id} brings it back. "
            "The next nightly run publishes again: mend the cause before it."
        )


def _table(shown: Iterable[Publication]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("")
    table.add_column("Publication", no_wrap=True)  # it is typed again after `planmark rollback`
    for heading in ("State", "Published (UTC)", "As of", "Data"):
        table.add_column(heading, overflow="fold")
    for one in shown:
        published = f"{one.published_at:%Y-%m-%d %H:%M}" if one.published_at else "no"
        state = "current" if one.is_current else STATES[one.state]
        mark = "→" if one.is_current else ""
        table.add_row(mark, one.publication_id, state, published, str(one.as_of), one.origin)

    return table


def _as_json(one: Publication) -> dict[str, object]:
    return {
        "publication_id": one.publication_id,
        "schema_name": one.schema_name,
        "state": one.state,
        "is_current": one.is_current,
        "as_of": one.as_of.isoformat(),
        "origin": one.origin,
        "run_id": one.run_id,
        "code_version": one.code_version,
        "fingerprint": one.fingerprint,
        "built_at": one.built_at.isoformat(),
        "published_at": one.published_at.isoformat() if one.published_at else None,
        "dropped_at": one.dropped_at.isoformat() if one.dropped_at else None,
    }
