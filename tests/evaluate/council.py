"""A council that does not exist: plan files and values in `raw`, from which the real stages build the marts.

Nothing is worked out here. The values go in as a loader writes them, dbt does the rest, and what is asked afterwards is
what readers would see. Every value is made up: its series says so (`made_up` is the name of its one dimension), and
its delivery is of origin `demonstration`. The ids of datasets are borrowed from the catalogue, since a plan may be bound
to no others.
"""

from __future__ import annotations

import csv
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from psycopg.rows import dict_row

from planmark import database, embedded
from planmark.cli import steps
from planmark.database import Role
from planmark.registry import declaration, template
from planmark.registry.check import REFERENCE
from planmark.settings import Settings, ensure_secrets, load_settings

PLAN = "made_up"
ROLES = ("value", "numerator", "denominator")
#: Everything was loaded long before any day of assessment.
LOADED = datetime(2001, 1, 1, tzinfo=UTC)
_CITED = {"citation_section": "Made up", "citation_line": "1", "citation_quote": "made up"}


@dataclass(frozen=True)
class Value:
    """One published value: first day and months of its period, 95 % bounds, and for a rate what it is made of."""

    start: date
    months: int
    value: float | None
    lower: float | None = None
    upper: float | None = None
    numerator: float | None = None
    denominator: float | None = None
    status: str = "A"


def datasets() -> list[str]:
    """Return the ids of the catalogue's datasets that are no figures of plans."""
    with (REFERENCE / "datasets.csv").open(encoding="utf-8", newline="") as file:
        return [
            row["dataset_id"] for row in csv.DictReader(file) if not row["dataset_id"].startswith("plan_")
        ]


@dataclass
class Council:
    """Rows of the plan files, and the series behind them, as they are put together."""

    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    series: list[tuple[str, str, str, Iterable[Value]]] = field(default_factory=list)
    _measures: dict[str, dict[str, Any]] = field(default_factory=dict)
    _areas: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._datasets = datasets()
        self.area("X00000000")
        self._add(
            "plans", plan_id=PLAN, plan_title="Made up", owner="Nobody", area_code="X00000000",
            document_title="Made up", text_file="made_up.txt", text_sha256="0" * 64, **_CITED,
        )  # fmt: skip
        self._add(
            "objectives", objective_id=f"{PLAN}.all", plan_id=PLAN, objective_title="Made up",
            objective_kind="theme", position=1, **_CITED,
        )  # fmt: skip

    def _add(self, file: str, **cells: Any) -> None:
        self.rows.setdefault(file, []).append(cells)

    def area(self, code: str) -> str:
        """Add an area, once; return its code."""
        if code not in self._areas:
            self._areas[code] = f"Nowhere {code}"
            self._add(
                "plan_areas", area_code=code, area_name=self._areas[code], area_type="other", source="Made up"
            )
        return code

    def measure(
        self, name: str, *, unit: str, polarity: str = "higher", decimals: int = 1, bound: bool = True,
        **more: Any,
    ) -> str:  # fmt: skip
        """Add a measure, with a binding unless it has two stretches of its own; return its id."""
        dataset = self._datasets[len(self._measures) % len(self._datasets)]
        self._measures[name] = {"unit": unit, "polarity": polarity, "dataset": dataset}
        self._add(
            "measures", measure_id=name, measure_title=name, definition="Made up", unit=unit,
            polarity=polarity, commitment="influence", decimals=decimals, returned_by="Nobody", **more,
        )  # fmt: skip
        if bound:
            self.binding(name, 1)
        return name

    def binding(self, measure: str, segment: int, **more: Any) -> None:
        """Bind one stretch of a measure to the series of the same name and stretch."""
        about = self._measures[measure]
        selection = json.dumps([{"made_up": f"{measure}/{segment}"}])
        self._add(
            "bindings", binding_id=f"{measure}.made_up_{segment}", measure_id=measure, provider="plan",
            source_table="Made up", dataset_id=about["dataset"], selection=selection, unit=about["unit"],
            coverage="official", segment=segment, priority=1, **more,
        )  # fmt: skip

    def target(self, name: str, measure: str, area: str, **more: Any) -> str:
        """Add a target on a level; anything else of targets.csv can be given. Returns its id."""
        about = self._measures[measure]
        row = {
            "target_id": f"{PLAN}.{name}", "plan_id": PLAN, "objective_id": f"{PLAN}.all", "measure_id": measure,
            "target_title": name.replace("_", " "), "population": "Nobody", "area_code": area,
            "area_name": self._areas[area], "comparator": "at_least" if about["polarity"] == "higher" else "at_most",
            "comparator_basis": "implied", "kind": "share" if about["unit"] == "percent" else "level",
            "polarity": about["polarity"], "unit": about["unit"], "shape": "linear", "provisional": "false", **_CITED,
        } | more  # fmt: skip
        if row.get("due_date"):
            row.setdefault("due_basis", "printed")
            row.setdefault("due_rule", "ends_by")
        self._add("targets", **row)
        return str(row["target_id"])

    def values(self, measure: str, area: str, values: Iterable[Value], segment: int = 1) -> None:
        """Give a measure its values in an area."""
        self.series.append((measure, area, f"{measure}/{segment}", values))

    def write(self, folder: Path) -> Path:
        """Write the plan files into a folder that is not there yet; return it."""
        folder.mkdir(parents=True)
        for name, file in declaration.files().items():
            (folder / f"{name}.csv").write_text(
                template.text(file, self.rows.get(name, ())), encoding="utf-8"
            )
        return folder

    def load(self, settings: Settings) -> int:
        """Put every value into `raw` with COPY, as the loader does; return how many observations."""
        with database.connect(settings, Role.LOADER) as connection:
            deliveries = {}
            for name in self._datasets:
                row = connection.execute(
                    "insert into raw.deliveries (dataset_id, provider, origin, outcome, started_at, finished_at, "
                    "loaded_at) values (%s, %s, 'demonstration', 'loaded', %s, %s, %s) returning delivery_id",
                    (name, name.split("_")[0], LOADED, LOADED, LOADED),
                ).fetchone()
                assert row
                deliveries[name] = row[0]
            numbered: list[tuple[int, int, Iterable[Value], str]] = []
            ids = itertools.count(1)
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "copy raw.series (series_id, family_id, dataset_id, area_code, dimensions, role, unit, "
                    "first_delivery_id) from stdin"
                ) as copy,
            ):
                for measure, area, key, values in self.series:
                    about = self._measures[measure]
                    held = list(values)
                    family = next(ids)
                    for role in ROLES:
                        if not any(getattr(value, role) is not None for value in held) and role != "value":
                            continue
                        number = next(ids)
                        unit = about["unit"] if role == "value" else "people"
                        copy.write_row((
                            number, family, about["dataset"], area, json.dumps({"made_up": key}), role, unit,
                            deliveries[about["dataset"]],
                        ))  # fmt: skip
                        numbered.append((number, deliveries[about["dataset"]], held, role))
            count = 0
            with (
                connection.cursor() as cursor,
                cursor.copy(
                    "copy raw.observations (series_id, period_start, period_months, value, lower_bound, upper_bound, "
                    "status, valid_from, delivery_id) from stdin"
                ) as copy,
            ):
                for number, delivery, held, role in numbered:
                    for value in held:
                        bounds = (value.lower, value.upper) if role == "value" else (None, None)
                        copy.write_row((
                            number, value.start, value.months, getattr(value, role), *bounds, value.status,
                            LOADED, delivery,
                        ))  # fmt: skip
                        count += 1
            connection.execute("select raw.analyse_history()")
        return count


@contextmanager
def warehouse(folder: Path, plans: Path) -> Iterator[Settings]:
    """Give an empty warehouse in an embedded PostgreSQL of its own, with a folder of plan files; end it afterwards."""
    home = folder / "home"
    ensure_secrets(home)
    settings = load_settings(home=home, plans=plans)
    embedded.start(settings)
    try:
        database.set_up(settings)
        yield settings
    finally:
        embedded.stop(settings)


@dataclass(frozen=True)
class Built:
    """A warehouse with its marts, and the seconds that building them took."""

    settings: Settings
    publication_id: str
    seconds: float
    #: What dbt says each node took, tests included.
    nodes: Mapping[str, float]

    def ask(self, query: str) -> list[dict[str, Any]]:
        """Return the rows of a query; marts and intermediate models are found by their names alone."""
        with database.connect(self.settings, Role.TRANSFORMER) as connection:
            cursor = connection.cursor(row_factory=dict_row)
            cursor.execute(
                f"set search_path = marts_{self.publication_id}, intermediate, staging, reference".encode()
            )
            return cursor.execute(query.encode()).fetchall()


def build(settings: Settings, as_of: date) -> Built:
    """Build as a night does after the fetch. Raises: TransformError, RegistryError."""
    night = steps.Night(
        run_id=steps.new_run_id(),
        publication_id=f"p{datetime.now(UTC):%Y%m%dt%H%M%S}_eval",
        as_of=as_of.isoformat(),
        datasets={},
        skipped={},
    )
    began = time.perf_counter()
    nodes = steps.build_marts(settings, night)
    seconds = time.perf_counter() - began
    return Built(settings, night["publication_id"], seconds, nodes)
