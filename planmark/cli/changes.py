"""`planmark changes`: what changed with the publication that readers see, and why."""

from __future__ import annotations

import json
import textwrap
from itertools import groupby
from typing import Annotated, LiteralString

import psycopg
import typer
from psycopg.rows import dict_row
from rich.console import Console
from rich.text import Text

from planmark import publication
from planmark.cli.show import WIDTH, day
from planmark.database import Role, connect
from planmark.errors import PublicationError
from planmark.settings import load_settings

_SELECT: LiteralString = """
    select
        target_id, target_title, changed_field, before_text, after_text, before_value, after_value, unit, cause,
        all_causes, change_sentence, compared_publication_id, publication_id
    from mart_changes
    order by
        target_title, target_id,
        array_position(
            array['target', 'position', 'evidence', 'due_state', 'assessed_value', 'latest_value', 'target_value',
                'baseline_value', 'due_date'], changed_field
        )
"""


def changes(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """Print what changed for readers with the current publication, and why."""
    settings = load_settings()
    seen = publication.current(settings)
    if seen is None:
        raise PublicationError("nothing has been published yet", next_step="make refresh")
    try:
        with (
            connect(settings, Role.READER) as connection,
            connection.cursor(row_factory=dict_row) as cursor,
        ):
            rows = cursor.execute(_SELECT).fetchall()
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise PublicationError(
            "the publication that readers see does not say what changed",
            where=seen.publication_id,
            next_step="make refresh; the next publication says it",
        ) from error
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    out = Console(highlight=False)
    published = day(seen.published_at.date()) if seen.published_at else "an unknown day"
    if not rows:
        out.print(
            f"Nothing changed with the publication of {published}: every figure and verdict stands as before."
        )
        return
    for (_, title), group in groupby(rows, key=lambda row: (row["target_id"], row["target_title"])):
        out.print(Text(title, style="bold"))
        for row in group:
            out.print(
                textwrap.fill(
                    row["change_sentence"], WIDTH, initial_indent="  - ", subsequent_indent="    ",
                    break_long_words=False,
                ),
                soft_wrap=True, markup=False,
            )  # fmt: skip
        out.print()
    targets = len({row["target_id"] for row in rows})
    out.print(
        f"{targets:,} target{'' if targets == 1 else 's'} changed with the publication of {published}, compared with "
        f"{rows[0]['compared_publication_id']}.",
        soft_wrap=True,
    )
