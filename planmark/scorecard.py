"""The scorecard: what the marts say of every target of one plan, read as every reader may."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import LiteralString

import psycopg
from psycopg.rows import class_row

from planmark import publication
from planmark.database import Role, connect
from planmark.errors import PublicationError
from planmark.settings import Settings

CITY_STRATEGY = "city_strategy_2007"

POSITIONS = {
    "met": "met",
    "on_trajectory": "on the way",
    "within_tolerance": "nearly on the way",
    "off_trajectory": "behind",
    "not_due": "no verdict yet",
    "missed": "missed",
    "no_data": "no data",
}
EVIDENCE = {
    "confirmed": "confirmed",
    "not_distinguishable": "could be chance",
    "too_early": "too early to say",
    "unreliable": "unreliable figures",
    "unverifiable": "cannot be verified",
    "none": "none",
}


@dataclass(frozen=True)
class Target:
    """One target as `mart_plan_progress` shows it. Values are in `unit`; None where there is no value."""

    target_id: str
    target_title: str
    measure_title: str | None
    area_code: str
    area_name: str
    unit: str
    kind: str
    polarity: str | None
    due_date: date | None
    baseline_value: float | None
    baseline_period: str | None
    target_value: float | None
    target_printed_value: float | None
    latest_value: float | None
    latest_lower: float | None
    latest_upper: float | None
    latest_period_label: str | None
    assessed_value: float | None
    assessed_period_label: str | None
    position: str
    evidence: str
    reason: str
    is_demonstration: bool
    publication_id: str
    as_of: date

    @property
    def is_small_area(self) -> bool:
        """True for a target of one LSOA."""
        return self.area_code.startswith("E01")


@dataclass(frozen=True)
class Scorecard:
    """All targets of a plan in one publication, as of a day."""

    publication_id: str
    as_of: date
    targets: tuple[Target, ...]

    @property
    def is_demonstration(self) -> bool:
        """True if any value shown is demonstration data."""
        return any(target.is_demonstration for target in self.targets)

    @property
    def main(self) -> tuple[Target, ...]:
        """Targets of the city as a whole."""
        return tuple(target for target in self.targets if not target.is_small_area)

    @property
    def small_areas(self) -> tuple[Target, ...]:
        """Targets of one small area each."""
        return tuple(target for target in self.targets if target.is_small_area)


_COLUMNS: LiteralString = (
    "target_id, target_title, measure_title, area_code, area_name, unit, kind, polarity, due_date, baseline_value, "
    "baseline_period, target_value, target_printed_value, latest_value, latest_lower, latest_upper, "
    "latest_period_label, assessed_value, assessed_period_label, position, evidence, reason, "
    "is_demonstration, publication_id, as_of"
)


def read(settings: Settings, plan_id: str = CITY_STRATEGY) -> Scorecard:
    """Return the scorecard of a plan, read as `bi_reader`.

    Raises: PublicationError if nothing is published yet, or the plan has no target.
    """
    if publication.current(settings) is None:
        raise PublicationError("nothing is published yet", next_step="planmark refresh")
    with (
        connect(settings, Role.READER) as connection,
        connection.cursor(row_factory=class_row(Target)) as cursor,
    ):
        try:
            targets = cursor.execute(
                f"select {_COLUMNS} from marts.mart_plan_progress where plan_id = %s "  # noqa: S608
                "order by due_date nulls last, target_id",
                (plan_id,),
            ).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise PublicationError("the marts have no mart_plan_progress", got=str(error).strip()) from error
    if not targets:
        raise PublicationError("the plan has no targets", got=plan_id)
    return Scorecard(targets[0].publication_id, targets[0].as_of, tuple(targets))
