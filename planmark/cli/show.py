"""What a person sees in the terminal: progress, the scorecard, where to look next. Readable at 80 columns and
without colour."""

from __future__ import annotations

import sys
import textwrap
from collections import Counter
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.text import Text

from planmark import database
from planmark.cli.progress import Event
from planmark.database import Role
from planmark.scorecard import EVIDENCE, POSITIONS, Scorecard, Target
from planmark.settings import Settings

WIDTH = 80
DEMONSTRATION = "DEMONSTRATION DATA"
_MOST_LINES = 30
_LONGEST_LINE = 400

STEPS = {
    "plan": "Plan",
    "fetch": "Fetch",
    "compare": "Compare",
    "gate_raw": "Check what was loaded",
    "transform": "Prepare",
    "build_marts": "Build marts",
    "gate_marts": "Check the marts",
    "publish": "Publish",
    "finish": "Finish",
}
_STATES = {"done": "ok", "skipped": "ok", "failed": "FAILED", "started": "..."}
_UNITS = {"percent": " %", "percentage_points": " points", "people": "", "gbp": " GBP"}
_MONTHS = ("January", "February", "March", "April", "May", "June",
           "July", "August", "September", "October", "November", "December")  # fmt: skip


def console() -> Console:
    """Return the console to print to. Lines are 80 wide, wherever they go."""
    return Console(width=WIDTH, highlight=False, soft_wrap=False, emoji=False, markup=False)


def progress(out: Console, event: Event) -> None:
    """Print one line for a step that ended."""
    if event.state == "started":
        return
    name = STEPS.get(event.step, event.step) + (f" {event.dataset_id}" if event.dataset_id else "")
    first, *more = event.message.splitlines() or [""]
    style = "bold red" if event.state == "failed" else ""
    words = f"{name}: {first} ({event.seconds:.0f} s)"
    _wrapped(out, words, f"{_STATES[event.state]:<7}", " " * 9, style)
    for line in more[:_MOST_LINES]:
        indent = " " * (9 + len(line) - len(line.lstrip()))
        _wrapped(out, line.strip()[:_LONGEST_LINE], indent, indent + "  ", style)


def scorecard(out: Console, card: Scorecard, *, everything: bool = False) -> None:
    """Print each plan: its targets that have a value one by one, the others as counts, unless `everything`."""
    out.print()
    out.rule(f"Targets as of {day(card.as_of)}", style="bold", characters="=")
    if card.is_demonstration:
        out.print(
            f"{DEMONSTRATION}: figures printed in the plans are as printed; all others are made up.",
            style="bold",
        )
    for title, plan in card.plans.items():
        out.print()
        out.rule(title, style="bold", characters="-")
        _line(out, _counts(plan))
        for target in plan.targets if everything else plan.main:
            _target(out, target)
        if plan.small_areas and not everything:
            _small_areas(out, plan)
        if plan.without_value and not everything:
            _without_value(out, plan)
    out.print()
    if not everything:
        out.print(f"Every target: {planmark('scorecard --all')}", soft_wrap=True)
    out.print(f"Publication {card.publication_id}")


def _counts(card: Scorecard) -> str:
    """Return `118 targets: 2 met, 4 missed, 112 no data`."""
    counts = Counter(target.position for target in card.targets)
    said = ", ".join(
        f"{counts[position]} {words}" for position, words in POSITIONS.items() if counts[position]
    )
    return f"{_many(len(card.targets), 'target')}: {said}"


def _many(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def _without_value(out: Console, card: Scorecard) -> None:
    out.print()
    _line(out, f"{_many(len(card.without_value), 'target')} that nothing measures yet:")
    for kind, number in Counter(_why(target) for target in card.without_value).most_common():
        _wrapped(out, f"{number} {kind}", "  - ", "    ")


def _why(target: Target) -> str:
    """Return the reason without what is special to the target."""
    begins = {
        "This cannot be verified": "cannot be verified as the plan prints them",
        "No published statistic": "only those who run the programme can report",
        "A published statistic": "a published statistic could supply, once it is loaded",
    }
    return next(
        (words for text, words in begins.items() if target.reason.startswith(text)), "have no value yet"
    )


def _target(out: Console, target: Target) -> None:
    out.print()
    out.print(Text(target.target_title, style="bold"))
    facts = [f"target {_aim(target)}"]
    if target.area_name not in target.target_title:
        facts.insert(0, target.area_name)
    facts.append(f"due {day(target.due_date)}" if target.due_date else "no due date printed")
    if target.baseline_value is not None:
        facts.append(
            f"baseline {quantity(target.baseline_value, target.unit)}{_period(target.baseline_period)}"
        )
    _line(out, "; ".join(facts))
    if target.assessed_value is not None and target.assessed_period_label != target.latest_period_label:
        _line(
            out,
            f"when due {quantity(target.assessed_value, target.unit)}{_period(target.assessed_period_label)}",
        )
    latest = f"latest {quantity(target.latest_value, target.unit)}"
    if target.latest_lower is not None and target.latest_upper is not None:
        bounds = (quantity(value, "") for value in (target.latest_lower, target.latest_upper))
        latest += f", between {' and '.join(bounds)}"
    latest += _period(target.latest_period_label)
    _line(out, latest + ("  [demonstration data]" if target.is_demonstration else ""))
    position = POSITIONS.get(target.position, target.position)
    evidence = EVIDENCE.get(target.evidence, target.evidence)
    _line(out, f"{position.upper()}; evidence: {evidence}")
    _line(out, target.reason + _in_people(target))
    for more in (
        target.counterfactual_words, target.since_due_words, target.outlook_words, target.standing_words,
    ):  # fmt: skip
        if more:
            _line(out, more)


def _in_people(target: Target) -> str:
    """Return what the gap of a rate means in people; nothing where the population is not known."""
    if target.people_gap is None or target.unit == "people" or round(target.people_gap) == 0:
        return ""
    fewer_is_better = target.polarity == "lower"
    if target.people_gap > 0:
        said = "fewer than asked for" if fewer_is_better else "more than asked for"
    else:
        said = "too many" if fewer_is_better else "too few"
    return f" That is about {_three_figures(abs(target.people_gap)):,} people {said}."


def _three_figures(number: float) -> int:
    """Return a number of people to three figures: a rate and a population carry no more."""
    return int(float(f"{number:.3g}"))


def _aim(target: Target) -> str:
    """Return the value to be reached; where a change or a count is printed, that and the value."""
    if target.benchmark:
        return target.benchmark
    if target.target_lower_value is not None:
        return (
            f"{quantity(target.target_lower_value, '')} to {quantity(target.target_upper_value, target.unit)}"
        )
    if target.target_printed_value is None:
        return f"any {target.direction}" if target.direction else "not set"
    if target.target_value == target.target_printed_value:
        return quantity(target.target_value, target.unit)
    printed = quantity(target.target_printed_value, target.target_printed_unit)
    if target.kind in ("absolute_change", "percent_change"):
        printed += " fewer" if target.direction == "decrease" else " more"
    reached = f", to {quantity(target.target_value, target.unit)}" if target.target_value is not None else ""
    return printed + reached


def _line(out: Console, text: str) -> None:
    _wrapped(out, text, "  ", "  ")


def _wrapped(out: Console, text: str, first: str, more: str, style: str = "") -> None:
    """Print a text, broken at the width of the page: `first` before its first line, `more` before the others."""
    out.print(
        textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=more, break_long_words=False),
        style=style,
        soft_wrap=True,
    )


def _small_areas(out: Console, card: Scorecard) -> None:
    areas = len({target.area_code for target in card.small_areas})
    out.print()
    out.print(
        Text(f"Neighbourhoods: {len(card.small_areas)} targets in {areas} small areas (LSOAs)", style="bold")
    )
    counts = Counter((target.measure_title or "", target.position) for target in card.small_areas)
    for measure in sorted({measure for measure, _ in counts}):
        said = ", ".join(
            f"{counts[measure, position]} {words}"
            for position, words in POSITIONS.items()
            if counts[measure, position]
        )
        _line(out, f"{measure}: {said}")
    _line(out, f"See all: {planmark('scorecard --all')}")


def where_next(out: Console, settings: Settings, log: Path) -> None:
    """Print where the marts, the UI, the log and the results of the checks are."""
    host, port = database.address(settings)
    out.print()
    out.print("Where to look next", style="bold")
    rows = [
        ("Database", f"{host}:{port}, database {settings.database_name}, role {Role.READER}, schema marts"),
        ("", f"full address: {planmark('db-url')}"),
        ("Changes", f"what is another figure or verdict now, and why: {planmark('changes')}"),
        ("Airflow UI", f"start it with: {planmark('up')}"),
        ("Log", str(log)),
        ("Checks", str(settings.home / "data_docs" / "marts" / "index.html")),
        ("Stop", f"the database stays up; end it with: {planmark('down')}"),
    ]
    for name, text in rows:
        out.print(f"  {name:<11}{text}", soft_wrap=True)


def planmark(arguments: str) -> str:
    """Return the command as it can be typed from here."""
    program = Path(sys.executable).parent / "planmark"
    try:
        shown = program.relative_to(Path.cwd())
    except ValueError:
        shown = program
    return f"'{shown}' {arguments}" if " " in str(shown) else f"{shown} {arguments}"


def quantity(value: float | None, unit: str) -> str:
    """Return `66.7 %`, `1,290`, or `not known`."""
    if value is None:
        return "not known"
    if unit == "ratio":
        return f"{value:,.2f}"
    number = f"{value:,.1f}" if unit not in ("people", "businesses", "jobs") or value % 1 else f"{value:,.0f}"
    return number + _UNITS.get(unit, f" {unit.replace('_', ' ')}" if unit else "")


def day(value: date) -> str:
    """Return `31 March 2008`."""
    return f"{value.day} {_MONTHS[value.month - 1]} {value.year}"


def _period(label: str | None) -> str:
    return f" ({label})" if label else ""
