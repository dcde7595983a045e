"""Checking the registry as a whole: every fault of every file at once, without a database."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from planmark.errors import RegistryError
from planmark.registry import declaration
from planmark.registry.files import Fault, read
from planmark.registry.rules import RULES, Registry, unverifiable
from planmark.registry.texts import every_figure_is_used, quotes_stand_on_their_lines, read_texts
from planmark.settings import ROOT, Settings

REFERENCE = ROOT / "dbt_project" / "seeds" / "reference"
_MOST_SHOWN = 200


@dataclass(frozen=True)
class Report:
    """What a check found. `texts` are the plans whose text was there to compare quotes with."""

    registry: Registry
    faults: tuple[Fault, ...]
    texts: frozenset[str]

    @property
    def unverifiable(self) -> dict[str, str]:
        """The targets that can never be verified as printed, each with the reason."""
        return unverifiable(self.registry)

    @property
    def without_text(self) -> list[str]:
        """The plans whose quotes could not be compared."""
        return sorted(
            row["plan_id"] for row in self.registry.rows("plans") if row["plan_id"] not in self.texts
        )

    def counts(self, plan_id: str) -> Counter[str]:
        """Return the rows of each file that belong to a plan."""
        return Counter(
            {
                name: sum(row["plan_id"] == plan_id for row in table.rows)
                for name, table in self.registry.tables.items()
                if "plan_id" in table.declared.columns and name != "plans"
            }
        )


def check(folder: Path, texts_folder: Path | None = None) -> Report:
    """Read a folder of plan files and find every fault.

    Raises: RegistryError if the folder is not there.
    """
    if not folder.is_dir():
        raise RegistryError(
            "the folder of plan files is not there", where=str(folder),
            next_step="planmark plans new FOLDER writes a template; PLANMARK_PLANS names the folder",
        )  # fmt: skip
    tables = {name: read(folder / f"{name}.csv", file) for name, file in declaration.files().items()}
    registry = Registry(tables, _reference())
    faults = [fault for table in tables.values() for fault in table.faults]
    faults += [
        Fault(path.name, 1, "(file)", path.name, f"one of {', '.join(f'{name}.csv' for name in tables)}")
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in (".csv", ".tsv", ".txt", ".xlsx", ".xls", ".ods")
        and path.name[:-4] not in tables
    ]
    if not tables["plans"].rows and not tables["plans"].faults:
        faults.append(Fault("plans.csv", 1, "(file)", "no plan", "at least one row"))
    faults += [fault for rule in RULES for fault in rule(registry)]
    texts, found = read_texts(registry, texts_folder) if texts_folder else ({}, [])
    faults += found
    faults += quotes_stand_on_their_lines(registry, texts)
    faults += every_figure_is_used(registry, texts)
    return Report(registry, tuple(sorted(set(faults))), frozenset(texts))


def checked(settings: Settings) -> Report:
    """Return the report on the registry of these settings. Raises: RegistryError with every fault, if there is one."""
    report = check(settings.plans, settings.plan_texts)
    if report.faults:
        lines = [f"    {fault}" for fault in report.faults[:_MOST_SHOWN]]
        if len(report.faults) > _MOST_SHOWN:
            lines.append(f"    … and {len(report.faults) - _MOST_SHOWN} more")
        count = f"{len(report.faults)} fault{'s' if len(report.faults) > 1 else ''}"
        raise RegistryError(
            f"the plan files have {count}; nothing is loaded:\n" + "\n".join(lines),
            where=str(settings.plans), next_step="correct the files, then: planmark plans check",
        )  # fmt: skip
    return report


def snapshot(settings: Settings, folder: Path) -> Path:
    """Copy the plan files, checked, into a folder for dbt; a file that is not there gets its header.

    What is loaded is what was checked, whatever somebody edits meanwhile. Raises: RegistryError with every fault.
    """
    contents = {
        name: (settings.plans / f"{name}.csv").read_bytes()
        if (settings.plans / f"{name}.csv").exists()
        else f"{','.join(file.columns)}\n".encode()
        for name, file in declaration.files().items()
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / f"{name}.csv").write_bytes(content)
    checked(settings.model_copy(update={"plans": folder}))
    return folder


def _reference() -> dict[str, frozenset[str]]:
    """Return what the files may refer to outside themselves: areas with their names, and datasets."""
    areas = _read(REFERENCE / "areas.csv")
    return {
        "areas.area_code": frozenset(row["area_code"] for row in areas),
        "areas.names": frozenset(f"{row['area_code']}\t{row['area_name']}" for row in areas),
        "datasets.dataset_id": frozenset(row["dataset_id"] for row in _read(REFERENCE / "datasets.csv")),
    }


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
