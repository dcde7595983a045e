"""What readers are shown of each target, kept whenever it changes: `ops.published_targets`.

The marts of old publications are dropped after a week; this short history stays: the mart of changes compares with it,
and the forecasts in it, each for the due date beside it, are scored once that value is known.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime

import psycopg
from psycopg import sql

#: The mart that it is read from.
MART = "mart_plan_progress"
#: What is kept, with its SQL type. A mart of an earlier version may lack some: those are null.
KEPT = {
    "target_title": "text", "measure_id": "text", "area_code": "text", "unit": "text", "position": "text",
    "evidence": "text", "due_state": "text", "is_overridden": "boolean", "assessed_value": "double precision",
    "assessed_lower": "double precision", "assessed_upper": "double precision", "assessed_period_label": "text",
    "assessed_period_start": "date", "assessed_period_months": "integer", "assessed_period_end": "date",
    "compared_value": "double precision", "level_value": "double precision", "latest_value": "double precision",
    "latest_period_label": "text", "latest_period_start": "date", "latest_period_months": "integer",
    "latest_period_end": "date", "baseline_value": "double precision", "target_value": "double precision",
    "due_date": "date", "dataset_id": "text", "origin": "text", "binding_id": "text", "boundary_grade": "text",
    "method_version": "integer", "version_number": "integer", "target_hash": "text",
    "forecast_value": "double precision", "lower_80": "double precision", "upper_80": "double precision",
    "lower_95": "double precision", "upper_95": "double precision", "chance": "double precision",
}  # fmt: skip


def remember(
    connection: psycopg.Connection,
    schema: str,
    columns: Collection[str],
    *,
    publication_id: str,
    as_of: date,
    event_id: int,
    happened_at: datetime,
) -> int:
    """Add a row for each target of which readers now see something else; return how many.

    `columns` are those of the mart in `schema`; without the mart, or its target ids, nothing is kept. Call it in the
    transaction that changes what readers see, so that both happen or neither.
    """
    if "target_id" not in columns:
        return 0
    names = [sql.Identifier(name) for name in KEPT]
    found = [
        sql.SQL("{}::{} as {}").format(
            sql.Identifier(name) if name in columns else sql.SQL("null"), sql.SQL(kind), sql.Identifier(name)
        )
        for name, kind in KEPT.items()
    ]
    statement = sql.SQL(
        """
        insert into ops.published_targets
            (target_id, event_id, publication_id, published_at, as_of, is_listed, {names})
        with seen as (
            select target_id, {found} from {mart}
        ),
        last as (
            select distinct on (target_id) * from ops.published_targets order by target_id, event_id desc
        )
        select seen.target_id, %(event_id)s, %(publication_id)s, %(happened_at)s, %(as_of)s, true, {seen}
        from seen
        left join last on last.target_id = seen.target_id
        where last.is_listed is not true or ({seen}) is distinct from ({last})
        union all
        select last.target_id, %(event_id)s, %(publication_id)s, %(happened_at)s, %(as_of)s, false, {last}
        from last
        left join seen on seen.target_id = last.target_id
        where last.is_listed and seen.target_id is null
        """
    ).format(
        names=sql.SQL(", ").join(names),
        found=sql.SQL(", ").join(found),
        mart=sql.Identifier(schema, MART),
        seen=sql.SQL(", ").join(sql.SQL("seen.{}").format(name) for name in names),
        last=sql.SQL(", ").join(sql.SQL("last.{}").format(name) for name in names),
    )
    return connection.execute(
        statement,
        {
            "event_id": event_id,
            "publication_id": publication_id,
            "happened_at": happened_at,
            "as_of": as_of,
        },
    ).rowcount
