"""The pages of `docs/datasets`, one a dataset, written from the catalogue and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping

from ingest.areas import Areas
from ingest.definitions import (
    Definition,
    NomisSource,
    OnsLocalSource,
    PlanSource,
    area_codes,
    read_areas,
)
from planmark.settings import ROOT

PAGES = ROOT / "docs" / "datasets"
GENERATED = (
    "<!-- Generated from ingest/catalogue by `planmark datasets docs`. Do not edit: edit the catalogue. -->"
)
_MANY = 12
_LICENCES = {
    "OGL-UK-3.0": "Open Government Licence v3.0",
    "quoted": "figures and a few words each, quoted with their source",
}
_MEANINGS = {
    "month": "one month",
    "quarter": "three months, named by the last",
    "calendar_year": "a calendar year",
    "year_ending": "twelve months, named by the last",
    "point": "one day",
    "published": "as each row of the table says",
}


def pages(definitions: Mapping[str, Definition]) -> dict[str, str]:
    """Return file name and text of every page: the table of all, and one a dataset."""
    areas = read_areas()
    written = {"README.md": _index(definitions)}
    for definition in definitions.values():
        written[f"{definition.id}.md"] = _page(definition, areas)
    return written


def periods_in_words(definition: Definition) -> str:
    """Return which periods are asked for, for example `from 2004-12, months 3, 6, 9, 12`."""
    periods = definition.periods
    words = f"from {periods.from_}" if periods.to == "latest" else f"{periods.from_} to {periods.to}"
    months = ", ".join(str(month) for month in periods.months)
    return f"{words}, months {months}" if months else words


def dimensions(definition: Definition) -> list[tuple[str, str]]:
    """Return the source, then each dimension with its codes, then the measures with role and unit."""
    source = definition.source
    if isinstance(source, OnsLocalSource):
        return [
            ("table", f"{source.table}.csv, plain or gzip"),
            ("indicator", "; ".join(f"{name} ({kind.unit})" for name, kind in source.indicators.items())),
        ]
    if isinstance(source, PlanSource):
        return [
            ("file", f"{source.file}.csv of the plan registry"),
            ("plan", "the id of the plan"),
            ("statistic", "the id of the figure in that file"),
        ]
    chosen = [("dataset", source.dataset)]
    if source.geography_type:
        chosen.append(("geography", source.geography_type))
    chosen += [(name, _some(codes)) for name, codes in source.select.items()]
    chosen.append(("measures", "; ".join(_measures(source))))
    return chosen


def _measures(source: NomisSource) -> list[str]:
    found = []
    for code, measure in source.measures.items():
        unit = measure.unit or source.unit
        if not unit and source.units:
            by_code = ", ".join(f"{value} {name}" for value, name in source.units.of.items())
            unit = f"unit by {source.units.dimension}: {by_code}"  # type: ignore[assignment]
        found.append(f"{code} {measure.role.replace('_', ' ')} ({unit})")
    return found


def _some(codes: tuple[str, ...]) -> str:
    if len(codes) <= _MANY:
        return ", ".join(codes)
    return f"{', '.join(codes[:3])} … {codes[-1]} ({len(codes)} codes)"


def _index(definitions: Mapping[str, Definition]) -> str:
    rows = [
        f"| [{item.id}]({item.id}.md) | {item.title} | {item.cadence} | {periods_in_words(item)} |"
        for item in definitions.values()
    ]
    return "\n".join(
        [
            GENERATED,
            "# Datasets",
            "",
            f"{len(definitions)} datasets are declared, one YAML file each, in `ingest/catalogue/`. "
            "To add one, see [how to add a dataset](../how-to/add-a-dataset.md).",
            "",
            "| dataset | what it is | cadence | periods |",
            "|---|---|---|---|",
            *rows,
            "",
        ]
    )


def _page(definition: Definition, areas: Areas) -> str:
    facts = [
        ("Publisher", definition.publisher),
        ("Licence", _LICENCES[definition.licence]),
        ("Publisher's page", f"<{definition.landing_page}>" if definition.landing_page else "none"),
        ("Owner", definition.owner),
        ("Cadence", definition.cadence),
        ("Periods", f"{periods_in_words(definition)}; each is {_MEANINGS[definition.period.means]}"),
        (
            "Rounded by the publisher",
            f"to the nearest {definition.rounding:g}" if definition.rounding else "no",
        ),
        ("Fetched in full at least every", f"{definition.full_check_days} days"),
        ("Declared in", f"`ingest/catalogue/{definition.provider}/{_file(definition)}`"),
    ]
    lines = [GENERATED, f"# {definition.title}", "", f"`{definition.id}`", "", definition.description, ""]
    lines += _table(("", ""), facts)
    lines += ["## Cells", "", *_table(("dimension", "codes"), dimensions(definition))]
    lines += ["## Areas", "", *_area_lines(definition, areas), ""]
    lines += ["## What is let in", "", *_checks(definition), ""]
    lines += ["## Evidence", "", definition.evidence, ""]
    return "\n".join(lines)


def _file(definition: Definition) -> str:
    return definition.id.removeprefix(f"{definition.provider}_") + ".yml"


def _table(heading: tuple[str, str], rows: list[tuple[str, str]]) -> list[str]:
    return [f"| {heading[0]} | {heading[1]} |", "|---|---|", *(f"| {a} | {b} |" for a, b in rows), ""]


def _area_lines(definition: Definition, areas: Areas) -> list[str]:
    lines = []
    for name in definition.areas:
        names = areas.names(name)
        shown = "" if len(names) > _MANY else f": {', '.join(names.values())}"
        lines.append(f"- {areas.lists[name].title} (`{name}`, {len(names)}){shown}")
    if not definition.areas:
        lines.append("- those that the rows name")
    if len(definition.areas) > 1:
        lines += ["", f"{len(area_codes(definition, areas))} areas in all."]
    return lines


def _checks(definition: Definition) -> list[str]:
    lines = [f"- at least {definition.door.rows_at_least:,} rows"]
    newest = definition.door.newest_period_at_least
    if newest:
        lines.append(f"- the newest period is {newest} or later")
    valid = definition.valid
    lines += [
        f"- {words}: {_bounds(bounds.minimum, bounds.maximum)}"
        for words, bounds in (
            ("values", valid),
            *((f"values in {unit}", bounds) for unit, bounds in valid.by_unit.items()),
            *((role.replace("_", " "), bounds) for role, bounds in valid.by_role.items()),
        )
    ]
    for absence in definition.may_be_absent:
        chosen = [*absence.areas, *(f"{name} {_some(codes)}" for name, codes in absence.select.items())]
        lines.append(f"- may be absent: {', '.join(chosen)} ({absence.reason})")
    return lines


def _bounds(minimum: float | None, maximum: float | None) -> str:
    if minimum is None and maximum is None:
        return "any number"
    if maximum is None:
        return f"{minimum:g} or more"
    if minimum is None:
        return f"{maximum:g} or less"
    return f"{minimum:g} to {maximum:g}"
