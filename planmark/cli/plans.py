"""`planmark plans`: what the registry of plans holds, whether it is right, and a template for a plan of your own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from planmark.errors import RegistryError
from planmark.registry import template
from planmark.registry.area_changes import as_csv, read_lookup, steps_for
from planmark.registry.check import Report, check, checked
from planmark.registry.files import Row
from planmark.settings import load_settings

app = typer.Typer(no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
COUNTED = {
    "targets": "targets",
    "actions": "actions",
    "milestones": "milestones",
    "kpis": "KPIs",
    "budget_lines": "lines of money",
    "risks": "risks",
    "printed_statistics": "printed figures",
    "plan_findings": "findings",
}
_SIGNS = {"at_least": "≥", "at_most": "≤", "more_than": ">", "less_than": "<", "equal": "=", "about": "about",
          "towards": "towards"}  # fmt: skip


@app.command("list")
def list_plans(as_json: AsJson = False) -> None:
    """List every plan, with how much of each kind it holds."""
    report = checked(load_settings())
    rows = [
        {"plan_id": plan["plan_id"], "title": plan["plan_title"], **_counts(report, plan["plan_id"])}
        for plan in report.registry.rows("plans")
    ]
    if as_json:
        _print_json(rows)
        return
    console = Console(highlight=False)
    for row in rows:
        console.print(f"[bold]{escape(str(row['title']))}[/bold]  {row['plan_id']}")
        counted = [f"{row[name]:,} {words}" for name, words in COUNTED.items() if row[name]]
        console.print(f"  {', '.join(counted)}")
    console.print("One of them as a tree: planmark plans show PLAN_ID")


def _counts(report: Report, plan_id: str) -> dict[str, int]:
    counts = report.counts(plan_id)
    return {name: counts[name] for name in COUNTED}


@app.command("show")
def show_plan(
    plan_id: Annotated[
        str, typer.Argument(help="For example city_strategy_2007; planmark plans list shows all.")
    ],
    as_json: AsJson = False,
) -> None:
    """Print a plan as a tree: its objectives, and below each its targets with the line they came from."""
    report = checked(load_settings())
    plans = {row["plan_id"]: row for row in report.registry.rows("plans")}
    if plan_id not in plans:
        raise RegistryError(
            f"there is no plan {plan_id!r}", expected=", ".join(plans), next_step="planmark plans list"
        )
    if as_json:
        _print_json(_as_json(report, plan_id))
        return
    plan = plans[plan_id]
    tree = Tree(f"[bold]{escape(plan['plan_title'])}[/bold]  {escape(plan['document_title'])}")
    for objective in _children(report, plan_id, None):
        _branch(report, tree, objective)
    console = Console(highlight=False, emoji=False)
    console.print(tree)
    counts = _counts(report, plan_id)
    console.print(", ".join(f"{counts[name]:,} {words}" for name, words in COUNTED.items() if counts[name]))


def _children(report: Report, plan_id: str, parent: str | None) -> list[Row]:
    found = [
        row
        for row in report.registry.rows("objectives")
        if row["plan_id"] == plan_id and row["parent_objective_id"] == parent
    ]
    return sorted(found, key=lambda row: (row["position"], row["objective_id"]))


def _branch(report: Report, tree: Tree, objective: Row) -> None:
    number = f"{objective['printed_number']} " if objective["printed_number"] else ""
    below = tree.add(
        f"{escape(number + objective['objective_title'])} [dim]({objective['objective_kind']})[/dim]"
    )
    for target in _targets(report, objective["objective_id"]):
        below.add(escape(in_words(target)))
    for child in _children(report, objective["plan_id"], objective["objective_id"]):
        _branch(report, below, child)


def _targets(report: Report, objective_id: str) -> list[Row]:
    found = [row for row in report.registry.rows("targets") if row["objective_id"] == objective_id]
    return sorted(found, key=lambda row: (row["citation_line"], row["target_id"]))


def in_words(target: Row) -> str:
    """Return a target in one line: `Adults who smoke: ≤ 16.3 %, was 17.1 [line 260]`."""
    parts = [f"{target['target_title']}: {_aim(target)}"]
    if target["baseline_value"] is not None:
        parts.append(f"was {target['baseline_value']:,.15g}")
    if target["due_date"]:
        parts.append(f"by {target['due_date']}")
    elif (target["period"] or "").startswith("R/"):
        parts.append({"R/P1Y": "each year", "R/P3M": "each quarter", "R/P1M": "each month",
                      "R/P1W": "each week"}.get(target["period"], target["period"]))  # fmt: skip
    if target["repeats"]:
        parts.append(f"repeats {target['repeats'].partition('.')[2]}")
    return f"{', '.join(parts)} [line {target['citation_line']}]"


def _aim(target: Row) -> str:
    if target["comparator"] == "unset":
        return "no value set"
    if target["comparator"] == "between":
        return f"{target['target_lower']:,.15g} to {_quantity(target['target_upper'], target['unit'])}"
    if target["kind"] in ("rank", "quartile", "benchmark") and target["benchmark"]:
        return f"{target['benchmark']}"
    if target["kind"] == "milestone":
        return "to be done"
    size = _quantity(target["target_value"], target["unit"])
    if target["kind"] in ("absolute_change", "percent_change"):
        return f"{target['direction']} by {size}" if size else str(target["direction"])
    return f"{_SIGNS[target['comparator']]} {size}".strip() if size else target["kind"]


def _quantity(value: float | None, unit: str) -> str:
    """Return `75 %`, `£10,000,000`, `1,062 jobs`; a plain ratio without a unit; nothing for no value."""
    if value is None:
        return ""
    if unit == "gbp":
        return f"£{value:,.15g}"
    if unit == "ratio":
        return f"{value:,.15g}"
    return f"{value:,.15g} {'%' if unit == 'percent' else unit.replace('_', ' ')}"


def _as_json(report: Report, plan_id: str) -> dict[str, Any]:
    def branch(objective: Row) -> dict[str, Any]:
        return {
            **objective.cells,
            "targets": [dict(target.cells) for target in _targets(report, objective["objective_id"])],
            "objectives": [branch(child) for child in _children(report, plan_id, objective["objective_id"])],
        }

    (plan,) = (row for row in report.registry.rows("plans") if row["plan_id"] == plan_id)
    return {**plan.cells, "objectives": [branch(row) for row in _children(report, plan_id, None)]}


@app.command("check")
def check_plans(
    folder: Annotated[
        Path | None, typer.Argument(help="A folder of plan files; without it PLANMARK_PLANS.")
    ] = None,
    texts: Annotated[
        Path | None, typer.Option(help="The folder of the plans' texts, to compare quotes with.")
    ] = None,
    as_json: AsJson = False,
    everything: Annotated[
        bool, typer.Option("--all", help="List the targets that can never be verified.")
    ] = False,
) -> None:
    """Check every plan file; needs neither network nor database. Prints every fault, and exits 1 if there is one."""
    settings = load_settings()
    report = check(folder or settings.plans, texts or settings.plan_texts)
    if as_json:
        _print_json(
            {
                "faults": [vars(fault) for fault in report.faults],
                "unverifiable": report.unverifiable,
                "quotes_not_compared": report.without_text,
            }
        )
    else:
        for fault in report.faults:
            typer.echo(str(fault))
        for line in _summary(report, everything=everything):
            typer.echo(line, err=bool(report.faults))
    if report.faults:
        raise typer.Exit(1)


def _summary(report: Report, *, everything: bool) -> Iterator[str]:
    if report.faults:
        files = Counter(fault.file for fault in report.faults)
        parts = ", ".join(f"{count} in {name}" for name, count in files.items())
        yield f"{len(report.faults)} fault{'s' if len(report.faults) > 1 else ''}: {parts}. Nothing is loaded."
        return
    plans = report.registry.rows("plans")
    total: Counter[str] = sum((report.counts(plan["plan_id"]) for plan in plans), Counter())
    counts = ", ".join(f"{total[name]:,} {words}" for name, words in COUNTED.items())
    yield f"{len(plans)} plan{'s' if len(plans) > 1 else ''}, no fault: {counts}"
    if report.without_text:
        yield (
            f"Quotes were not compared for {', '.join(report.without_text)}: their texts are not there. "
            "Name their folder with --texts or PLANMARK_PLAN_TEXTS."
        )
    never = report.unverifiable
    if never and not everything:
        yield f"{len(never)} targets can never be verified as they are printed; --all lists them."
    elif never:
        yield f"{len(never)} targets can never be verified as they are printed:"
        yield from (f"  {target_id}: {reason}" for target_id, reason in never.items())


@app.command("new")
def new_plan(
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
) -> None:
    """Write a commented template for a council of your own, with one small invented plan to replace."""
    written = template.write(folder)
    typer.echo(f"written: {len(written)} files in {folder}")
    typer.echo(
        f"read {folder / 'README.md'} first; then: planmark plans check {folder} --texts {folder / 'texts'}"
    )


def _print_json(content: object) -> None:
    typer.echo(json.dumps(content, indent=2, ensure_ascii=False, default=str))


@app.command("area-changes")
def area_changes(
    lookups: Annotated[
        list[Path],
        typer.Argument(
            exists=True,
            dir_okay=False,
            help="The lookups between LSOAs of two censuses, as ONS publishes them.",
        ),
    ],
    write: Annotated[bool, typer.Option(help="Write area_changes.csv instead of printing it.")] = False,
) -> None:
    """Write which small areas replaced those that targets name, so that later values can be brought to them."""
    settings = load_settings()
    areas = {row["area_code"] for row in check(settings.plans).registry.rows("targets")}
    steps = steps_for(areas, [read_lookup(path) for path in lookups])
    if not write:
        typer.echo(as_csv(steps), nl=False)
        return
    path = settings.plans / "area_changes.csv"
    path.write_text(as_csv(steps), encoding="utf-8", newline="")
    typer.echo(
        f"{path}: {len(steps)} steps for {len(areas & {step.from_code for step in steps})} areas of targets"
    )
