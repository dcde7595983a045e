"""The scorecard: what the marts say of every target of every plan, read as every reader may."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import LiteralString

import psycopg
from psycopg.rows import class_row

from planmark import publication
from planmark.database import Role, connect
from planmark.errors import PublicationError
from planmark.settings import Settings

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
    plan_id: str
    plan_title: str
    target_title: str
    measure_title: str | None
    area_code: str
    area_name: str
    unit: str
    kind: str
    direction: str | None
    polarity: str | None
    target_printed_unit: str
    target_lower_value: float | None
    target_upper_value: float | None
    benchmark: str | None
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
    since_due_words: str | None
    people_gap: float | None
    outlook_words: str | None
    counterfactual_words: str | None
    standing_words: str | None
    is_demonstration: bool
    publication_id: str
    as_of: date

    @property
    def is_small_area(self) -> bool:
        """True for a target of one LSOA."""
        return self.area_code.startswith("E01")


@dataclass(frozen=True)
class Scorecard:
    """The targets of one or several plans in one publication, as of a day."""

    publication_id: str
    as_of: date
    targets: tuple[Target, ...]

    @property
    def is_demonstration(self) -> bool:
        """True if any value shown is demonstration data."""
        return any(target.is_demonstration for target in self.targets)

    @property
    def plans(self) -> dict[str, Scorecard]:
        """The scorecard of each plan by the plan's name, in the order of the targets."""
        titles = dict.fromkeys(target.plan_title for target in self.targets)
        return {
            title: replace(
                self, targets=tuple(target for target in self.targets if target.plan_title == title)
            )
            for title in titles
        }

    @property
    def main(self) -> tuple[Target, ...]:
        """Targets of whole places for which there is a value."""
        return tuple(
            target for target in self.targets if not target.is_small_area and target.latest_value is not None
        )

    @property
    def without_value(self) -> tuple[Target, ...]:
        """Targets that nothing measures yet; their reason says why."""
        return tuple(
            target for target in self.targets if not target.is_small_area and target.latest_value is None
        )

    @property
    def small_areas(self) -> tuple[Target, ...]:
        """Targets of one small area each."""
        return tuple(target for target in self.targets if target.is_small_area)


_COLUMNS: LiteralString = (
    "p.target_id, p.plan_id, plans.plan_title, p.target_title, p.measure_title, p.area_code, p.area_name, p.unit, p.kind, "
    "p.direction, p.polarity, p.target_printed_unit, p.target_lower_value, p.target_upper_value, p.benchmark, p.due_date, "
    "p.baseline_value, p.baseline_period, p.target_value, p.target_printed_value, p.latest_value, p.latest_lower, "
    "p.latest_upper, p.latest_period_label, p.assessed_value, p.assessed_period_label, p.position, p.evidence, p.reason, "
    "p.since_due_words, p.people_gap, p.outlook_words, p.counterfactual_words, p.standing_words, "
    "p.is_demonstration, p.publication_id, p.as_of"
)


def read(settings: Settings, plan_id: str = "") -> Scorecard:
    """Return the scorecard of a plan, or of all plans, read as `bi_reader`.

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
                f"select {_COLUMNS} from marts.mart_plan_progress as p "  # noqa: S608
                "inner join marts.dim_plans as plans on p.plan_id = plans.plan_id "
                "where %s in ('', p.plan_id) "
                "order by plans.published_date nulls last, p.plan_id, p.due_date nulls last, p.target_id",
                (plan_id,),
            ).fetchall()
        except psycopg.errors.UndefinedTable as error:
            raise PublicationError("the marts have no mart_plan_progress", got=str(error).strip()) from error
    if not targets:
        raise PublicationError(
            "no such plan, or it has no targets", got=plan_id or None, next_step="planmark plans list"
        )
    return Scorecard(targets[0].publication_id, targets[0].as_of, tuple(targets))
