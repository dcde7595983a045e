"""Carry the series of targets forward: between dbt's two stages, from `int_forecast_inputs` to `int_forecasts_made`.

Every target gets a row: a forecast, or why there is none. The two tables are emptied and filled in one transaction, so a
run that was cut off left nothing.
"""

from __future__ import annotations

import calendar
import itertools
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from planmark.database import Role, connect
from planmark.forecasts import Forecast, Scale, forecast_series, words_of
from planmark.settings import Settings

#: Rows read and written at a time. A batch that is smaller is not worth a second process.
_BATCH, _ALONE = 2_000, 500
_DIGITS = 6

_INPUTS = """
    select
        i.target_id, i.measure_id, i.area_code, i.scale, i.sign, i.level_value, i.lower_value, i.upper_value, i.is_range,
        i.newest_period_end, i.spacing_months, i.points_count, i.deadline_date, i.horizon, i.status_reason,
        s.series_values, s.series_errors
    from {schema}.int_forecast_inputs as i
    left join (
        select
            measure_id, area_code,
            array_agg(value order by point_number) as series_values,
            array_agg(standard_error order by point_number) as series_errors
        from {schema}.int_series_annual
        group by measure_id, area_code
    ) as s on i.status_reason is null and i.measure_id = s.measure_id and i.area_code = s.area_code
    order by i.measure_id, i.area_code, i.target_id
"""
_MADE = (
    "target_id", "status", "status_reason", "method", "points_count", "newest_period_end", "forecast_value",
    "lower_80", "upper_80", "lower_95", "upper_95", "scenario_value", "chance", "chance_words",
)  # fmt: skip
_POINTS = ("target_id", "point_date", "forecast_value", "lower_80", "upper_80", "lower_95", "upper_95")

Row = tuple[object, ...]


@dataclass(frozen=True)
class Input:
    """One target, and the yearly series that it is about; no series where `status_reason` says why."""

    target_id: str
    measure_id: str
    area_code: str
    scale: Scale
    sign: int | None
    level_value: float | None
    lower_value: float | None
    upper_value: float | None
    is_range: bool
    newest_period_end: date | None
    spacing_months: int | None
    points_count: int
    deadline_date: date | None
    horizon: float | None
    status_reason: str | None
    series_values: list[float] | None
    series_errors: list[float | None] | None


def schema_of(build: str = "") -> str:
    """Return the schema of the tables, of the night or of a build that looks back."""
    return f"{build}_intermediate" if build else "intermediate"


def run(settings: Settings, *, schema: str = "intermediate") -> str:
    """Fill both tables of `schema`; return how many forecasts there are: `12 forecasts, 573 targets without`."""
    made = without = 0
    with (
        connect(settings, Role.TRANSFORMER) as reading,
        connect(settings, Role.TRANSFORMER) as writing,
        ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool,
    ):
        name = sql.Identifier(schema)
        for table in ("int_forecasts_made", "int_forecast_points"):
            writing.execute(sql.SQL("truncate {}.{}").format(name, sql.Identifier(table)))
        for batch in _batches(reading, schema):
            rows = list(_worked(pool, batch))
            _copy(writing, schema, "int_forecasts_made", _MADE, (row for row, _ in rows))
            _copy(writing, schema, "int_forecast_points", _POINTS, (p for _, points in rows for p in points))
            made += sum(1 for row, _ in rows if row[1] == "forecast")
            without += sum(1 for row, _ in rows if row[1] != "forecast")
        for table in ("int_forecasts_made", "int_forecast_points"):
            writing.execute(sql.SQL("analyze {}.{}").format(name, sql.Identifier(table)))
    return f"{made:,} forecasts, {without:,} targets without"


def _batches(connection: psycopg.Connection, schema: str) -> Iterator[list[Input]]:
    with connection.cursor(name="forecast_inputs", row_factory=class_row(Input)) as cursor:
        cursor.execute(sql.SQL(_INPUTS).format(schema=sql.Identifier(schema)))
        while batch := cursor.fetchmany(_BATCH):
            yield batch


def _worked(pool: ProcessPoolExecutor, batch: Sequence[Input]) -> Iterable[tuple[Row, list[Row]]]:
    """Forecast a batch, target by target; in several processes where that is worth it."""
    if sum(1 for one in batch if one.status_reason is None) < _ALONE:
        return map(forecast_target, batch)
    return pool.map(forecast_target, batch, chunksize=100)


def forecast_target(target: Input) -> tuple[Row, list[Row]]:
    """Return the row of `int_forecasts_made` and the rows of `int_forecast_points` for one target."""
    if target.status_reason is not None or target.series_values is None or target.horizon is None:
        return _without(target, target.status_reason or "no value is loaded"), []
    horizons = [float(step) for step in range(1, 1 + int(target.horizon - 1e-9))] + [target.horizon]
    forecast = forecast_series(
        target.series_values, horizons, scale=target.scale, standard_errors=target.series_errors or ()
    )
    if forecast.reason:
        return _without(target, forecast.reason), []
    chance = _chance(target, forecast)
    last = forecast.points[-1]
    row = (
        target.target_id, "forecast", None, forecast.method, target.points_count, target.newest_period_end,
        *_rounded(last.middle, last.lower_80, last.upper_80, last.lower_95, last.upper_95, forecast.scenario),
        *_rounded(chance), None if chance is None else words_of(chance),
    )  # fmt: skip
    days = [_later(target, int(step)) for step in horizons[:-1]] + [target.deadline_date]
    points: list[Row] = [
        (target.target_id, day, *_rounded(p.middle, p.lower_80, p.upper_80, p.lower_95, p.upper_95))
        for day, p in zip(days, forecast.points, strict=True)
    ]
    return row, points


def _without(target: Input, reason: str) -> Row:
    nothing = itertools.repeat(None, 6)
    return (
        target.target_id, "none", reason, None, target.points_count, target.newest_period_end, *nothing, None, None,
    )  # fmt: skip


def _chance(target: Input, forecast: Forecast) -> float | None:
    if target.is_range and target.lower_value is not None and target.upper_value is not None:
        if target.lower_value >= target.upper_value:
            return None  # A single value, as a ratio of exactly 1, has no chance that means anything.
        return forecast.chance_within(-1, lower=target.lower_value, upper=target.upper_value)
    if target.level_value is None or target.sign is None:
        return None
    return forecast.chance(-1, level=target.level_value, sign=target.sign)


def _rounded(*numbers: float | None) -> list[float | None]:
    return [None if number is None else round(number, _DIGITS) for number in numbers]


def _later(target: Input, steps: int) -> date | None:
    """Return the last day of the period so many spacings after the newest."""
    if target.newest_period_end is None or target.spacing_months is None:
        return None
    day = target.newest_period_end
    months = day.year * 12 + day.month - 1 + steps * target.spacing_months
    year, month = divmod(months, 12)
    length = calendar.monthrange(year, month + 1)[1]
    is_last = day.day == calendar.monthrange(day.year, day.month)[1]
    return date(year, month + 1, length if is_last else min(day.day, length))


def _copy(
    connection: psycopg.Connection, schema: str, table: str, columns: Sequence[str], rows: Iterable[Row]
) -> None:
    statement = sql.SQL("copy {}.{} ({}) from stdin").format(
        sql.Identifier(schema), sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)
