"""`planmark`: one command line over everything a person does by hand."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from planmark import __version__, database, embedded
from planmark.cli import as_of, changes, datasets, plans, publications, refresh, services
from planmark.database import Role
from planmark.errors import PlanmarkError
from planmark.settings import load_settings

typer_app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="For every target in a council's plans: where are we, how sure are we, will we get there?",
)
typer_app.add_typer(datasets.app, name="datasets", help="The catalogue of what is fetched")
typer_app.add_typer(plans.app, name="plans", help="The registry: what published plans say")
typer_app.command("publications")(publications.publications)
typer_app.command("rollback")(publications.rollback)
typer_app.command("as-of")(as_of.as_of)
typer_app.command("changes")(changes.changes)
typer_app.command("refresh")(refresh.refresh)
typer_app.command("scorecard")(refresh.scorecard)
typer_app.command("up")(services.up)
typer_app.command("down")(services.down)
typer_app.command("status")(services.status)


def app() -> None:
    """Run the command line; a fault that a person can mend is shown without a traceback."""
    try:
        typer_app()
    except PlanmarkError as error:
        Console(stderr=True, highlight=False).print(f"planmark: {error}", markup=False, soft_wrap=True)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@typer_app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Read the common options."""


@typer_app.command("db-url")
def db_url(
    role: Annotated[Role, typer.Option(help="The database role to connect as.")] = Role.READER,
) -> None:
    """Print the address of the database for one role, password included."""
    typer.echo(database.url(load_settings(), role))


@typer_app.command("start")
def start() -> None:
    """Start the embedded database and bring its set-up up to date."""
    settings = load_settings()
    if settings.embedded:
        embedded.start(settings)
        settings = load_settings()
    applied = database.set_up(settings)
    host, port = database.address(settings)
    typer.echo(f"Database ready at {host}:{port}" + (f"; applied {', '.join(applied)}" if applied else ""))


@typer_app.command("fetch")
def fetch(
    dataset_id: Annotated[str, typer.Argument(help="For example nomis_claimant_count.")],
    force: Annotated[
        bool, typer.Option(help="Fetch everything even if the provider says nothing changed.")
    ] = False,
) -> None:
    """Fetch and load one dataset now. Readers see it with the next publication."""
    from ingest.refresh import refresh_dataset

    report = refresh_dataset(load_settings(), dataset_id, force=force)
    typer.echo(f"{dataset_id}: {report}")
