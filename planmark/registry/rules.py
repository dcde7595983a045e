"""What the files of the registry must hold together: rules across columns, rows and files.

Rules about a single cell stand in the declaration. Each function here is one rule and yields every breach of it.
"""

from __future__ import annotations

import ast
import operator
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from planmark.periods import period_end
from planmark.registry.files import PERIOD, Fault, Row, Table, shown

#: Kinds whose value is a size or a place, so that their unit is not the measure's.
OWN_UNITS = {"percent_change": "percent", "rank": "rank", "quartile": "quartile"}
CHANGES = ("absolute_change", "percent_change")
#: Targets that lie a way off the level that was expected without an agreement.
REWARDED = ("level", "share", *CHANGES)
#: Kinds that may stand without a figure: "reduce", "below the national average".
WITHOUT_VALUE = ("absolute_change", "percent_change", "benchmark", "milestone", "maintain")
_AGAINST = {
    "higher": ("at_most", "less_than"),
    "lower": ("at_least", "more_than"),
}
_WORSE = {"higher": "decrease", "lower": "increase"}


@dataclass(frozen=True)
class Registry:
    """All files of the registry, with the areas and datasets that they may name."""

    tables: Mapping[str, Table]
    known: Mapping[str, frozenset[str]]

    def rows(self, name: str) -> list[Row]:
        """Return the rows of a file."""
        return self.tables[name].rows

    def by_key(self, name: str) -> dict[Any, Row]:
        """Return the rows of a file whose key is one column, by key."""
        (key,) = self.tables[name].declared.key
        return {row[key]: row for row in self.rows(name)}

    def values(self, place: str) -> frozenset[str]:
        """Return the values that a reference to `file.column` may have."""
        file, column = place.split(".")
        outside = self.known.get(place, frozenset())
        own = {row[column] for row in self.rows(file)} if file in self.tables else set()
        if place == "areas.area_code":
            own = {row[column] for row in self.rows("plan_areas")}
        return outside | {value for value in own if value is not None}


Rule = Callable[[Registry], Iterator[Fault]]


def keys_are_unique(registry: Registry) -> Iterator[Fault]:
    """No two rows of a file have the same key, and no area of a plan is one that the warehouse has already."""
    for table in registry.tables.values():
        seen: dict[tuple[Any, ...], int] = {}
        for row in table.rows:
            key = tuple(row[column] for column in table.declared.key)
            if None in key:
                continue
            if key in seen:
                yield row.fault(
                    table.declared.key[0],
                    f"a key of its own; row {seen[key]} has it",
                    " ".join(map(shown, key)),
                )
            seen.setdefault(key, row.number)
    for row in registry.rows("plan_areas"):
        if row["area_code"] in registry.known["areas.area_code"]:
            yield row.fault("area_code", "an area that is not among the reference areas already")


def references_are_kept(registry: Registry) -> Iterator[Fault]:
    """What a column refers to is there."""
    for table in registry.tables.values():
        for column in table.declared.columns.values():
            if not column.references:
                continue
            there = registry.values(column.references)
            for row in table.rows:
                value = row[column.name]
                if value is None:
                    continue
                for part in str(value).split("; ") if column.list else (str(value),):
                    if part not in there:
                        yield row.fault(
                            column.name, f"a value of {column.references}{_near(part, there)}", part
                        )


def _near(text: str, there: frozenset[str]) -> str:
    import difflib

    near = difflib.get_close_matches(text, there, n=3)
    return f", for example {', '.join(near)}" if near else ""


def ids_begin_with_their_plan(registry: Registry) -> Iterator[Fault]:
    """The id of a row begins with its plan's id, so that a reader sees whose it is."""
    for table in registry.tables.values():
        if (
            len(table.declared.key) != 1
            or "plan_id" not in table.declared.columns
            or table.declared.name == "plans"
        ):
            continue
        (key,) = table.declared.key
        for row in table.rows:
            if row[key] and row["plan_id"] and not row[key].startswith(f"{row['plan_id']}."):
                yield row.fault(key, f"an id that begins with {row['plan_id']}.")


def rows_stay_in_their_plan(registry: Registry) -> Iterator[Fault]:
    """An objective, and whatever hangs on it, are of one plan."""
    plan_of = {row["objective_id"]: row["plan_id"] for row in registry.rows("objectives")}
    for name, column in (
        ("objectives", "parent_objective_id"),
        *(
            (name, "objective_id")
            for name in ("targets", "actions", "documents", "milestones", "kpis", "budget_lines")
        ),
    ):
        for row in registry.rows(name):
            other = plan_of.get(row[column])
            if other and row["plan_id"] and other != row["plan_id"]:
                yield row.fault(column, f"an objective of {row['plan_id']}")


def areas_change_as_their_code_says(registry: Registry) -> Iterator[Fault]:
    """An unchanged area has one successor, a split one several, a merged one shares its own; and none is left half way."""
    rows = [row for row in registry.rows("area_changes") if row["change"]]
    after, before = defaultdict(list), defaultdict(list)
    for row in rows:
        after[row["from_vintage"], row["from_code"]].append(row)
        before[row["to_vintage"], row["to_code"]].append(row)
    goes_on = {vintage for vintage, _ in after}
    for row in rows:
        parts = len(after[row["from_vintage"], row["from_code"]])
        sources = len(before[row["to_vintage"], row["to_code"]])
        if row["from_vintage"] >= row["to_vintage"]:
            yield row.fault("to_vintage", f"a census after {row['from_vintage']}")
        elif row["change"] != "U" and row["from_code"] == row["to_code"]:
            yield row.fault(
                "to_code", f"another code: an area that is not unchanged gets one ({row['change']})"
            )
        elif row["change"] == "U" and (parts, sources) != (1, 1):
            yield row.fault("change", "U only where one area becomes one area", f"U, {sources} to {parts}")
        elif row["change"] == "S" and (parts < 2 or sources != 1):
            yield row.fault("change", "S only where one area becomes several", f"S, {sources} to {parts}")
        elif row["change"] == "M" and sources < 2:
            yield row.fault("change", "M only where several areas become one", f"M, {sources} to {parts}")
        elif row["to_vintage"] in goes_on and (row["to_vintage"], row["to_code"]) not in after:
            yield row.fault(
                "to_code",
                f"a code that has a row from {row['to_vintage']} on too, as others of that census have",
            )


def shapes_are_whole(registry: Registry) -> Iterator[Fault]:
    """A due date has its rule; a seasonal target has four quarters that average 1, and only such a target has any."""
    profiles = defaultdict(list)
    for row in registry.rows("target_profiles"):
        profiles[row["target_id"]].append(row)
    for row in registry.rows("targets"):
        if row["due_date"] and not row["due_rule"]:
            yield row.fault("due_rule", "ends_by or contains, since there is a due date")
        quarters = profiles[row["target_id"]]
        factors = [quarter["factor"] for quarter in quarters if quarter["factor"] is not None]
        if row["shape"] == "seasonal" and {quarter["quarter"] for quarter in quarters} != {1, 2, 3, 4}:
            yield row.fault("shape", "seasonal only with all four quarters in target_profiles")
        elif row["shape"] != "seasonal" and quarters:
            yield row.fault("shape", "seasonal, since target_profiles has quarters for it")
        elif len(factors) == 4 and abs(sum(factors) / 4 - 1) > 0.005:
            yield quarters[0].fault(
                "factor", f"four factors that average 1; these average {sum(factors) / 4:.3f}"
            )


def rewards_have_a_way_to_go(registry: Registry) -> Iterator[Fault]:
    """A reward is for reaching a level, from another that was expected without the agreement."""
    targets = {row["target_id"]: row for row in registry.rows("targets")}
    for row in registry.rows("target_rewards"):
        target = targets.get(row["target_id"])
        if target and target["kind"] not in REWARDED:
            yield row.fault(
                "target_id", f"a target of kind {', '.join(REWARDED)}; this one is {target['kind']}"
            )
        elif target and target["kind"] not in CHANGES and row["without_value"] == target["target_value"]:
            yield row.fault("without_value", "another level than the target's own")


def overrides_end(registry: Registry) -> Iterator[Fault]:
    """A verdict set by a person ends, and within a year: what still holds then is set again, with its reason."""
    for row in registry.rows("overrides"):
        if not row["made_on"] or not row["expires_on"]:
            continue
        days = (row["expires_on"] - row["made_on"]).days
        if not 0 <= days <= 366:
            yield row.fault("expires_on", f"a day from {row['made_on']} to a year later")


def the_tree_has_no_loop(registry: Registry) -> Iterator[Fault]:
    """Going up from any objective ends at the top."""
    parents = {row["objective_id"]: row["parent_objective_id"] for row in registry.rows("objectives")}
    for row in registry.rows("objectives"):
        above, seen = parents.get(row["objective_id"]), {row["objective_id"]}
        while above is not None and above not in seen:
            seen.add(above)
            above = parents.get(above)
        if above is not None:
            yield row.fault("parent_objective_id", "a parent that does not lie below this objective itself")


def units_fit(registry: Registry) -> Iterator[Fault]:
    """Baseline, aim, binding and printed figure are in the measure's unit; changes in per cent are in per cent."""
    units = {row["measure_id"]: row["unit"] for row in registry.rows("measures")}
    for row in registry.rows("targets"):
        measured = units.get(row["measure_id"])
        wanted = OWN_UNITS.get(row["kind"], measured)
        if measured and row["unit"] and row["unit"] != wanted:
            yield row.fault("unit", f"{wanted}, the unit of {row['measure_id']} for the kind {row['kind']}")
        if row["kind"] == "level" and row["unit"] == "percent":
            yield row.fault("kind", "share, where the unit is percent")
        if row["kind"] == "share" and row["unit"] not in (None, "percent"):
            yield row.fault("kind", "level, where the unit is not percent")
        if measured == "percent" and row["kind"] not in CHANGES:
            for column in ("baseline_value", "target_value", "target_lower", "target_upper"):
                if row[column] is not None and not 0 <= row[column] <= 100 and row["kind"] not in OWN_UNITS:
                    yield row.fault(column, "0 to 100, for a share in percent")
    for name in ("bindings", "printed_statistics"):
        for row in registry.rows(name):
            measured = units.get(row["measure_id"])
            if measured and row["unit"] and row["unit"] != measured:
                yield row.fault("unit", f"{measured}, the unit of {row['measure_id']}")


def polarity_fits(registry: Registry) -> Iterator[Fault]:
    """Target and measure agree on which way is better, and the aim goes that way."""
    measures = registry.by_key("measures")
    for row in registry.rows("measures"):
        if row["polarity"] is None and "polarity" not in row.faulty and not row["note"]:
            yield row.fault("note", "the reason why it cannot be decided which way is better")
    for row in registry.rows("targets"):
        measure = measures.get(row["measure_id"])
        polarity = row["polarity"]
        if measure and "polarity" not in row.faulty and polarity != measure["polarity"]:
            yield row.fault("polarity", f"{measure['polarity'] or 'empty'}, as for {row['measure_id']}")
        if polarity is None and "polarity" not in row.faulty and not row["note"]:
            yield row.fault("note", "the reason why it cannot be decided which way is better")
        if row["kind"] in CHANGES:
            if row["direction"] == _WORSE.get(polarity or ""):
                yield row.fault("direction", f"the way that is better ({polarity})")
        elif row["kind"] not in ("rank", "quartile") and row["comparator"] in _AGAINST.get(
            polarity or "", ()
        ):
            yield row.fault("comparator", f"one that goes the way that is better ({polarity})")


def parities_are_ratios(registry: Registry) -> Iterator[Fault]:
    """What is best at 1 is a ratio above 0 that is reached or held, and its aim lies on the way to 1."""
    for row in registry.rows("measures"):
        if row["polarity"] == "parity" and row["unit"] not in (None, "ratio"):
            yield row.fault("polarity", "parity only for the unit ratio")
    parities = {row["target_id"]: row for row in registry.rows("targets") if row["polarity"] == "parity"}
    for row in parities.values():
        if row["kind"] not in (None, "level", "maintain"):
            yield row.fault("kind", "level or maintain, for a parity")
        if row["comparator"] == "between":
            yield row.fault("comparator", "one that names a single value, for a parity")
        if row["shape"] == "seasonal":
            yield row.fault("shape", "linear or stepped, for a parity")
        yield from _above_zero(row, "target_value", "baseline_value")
        yield from _towards_one(row, row["comparator"], row["target_value"])
    for row in registry.rows("target_points"):
        if row["target_id"] in parities:
            yield from _above_zero(row, "point_value")
    for row in registry.rows("target_reissues"):
        if first := parities.get(row["target_id"]):
            yield from _above_zero(row, "target_value", "baseline_value")
            if first["comparator"] != "between":
                yield from _towards_one(row, first["comparator"], row["target_value"])


def _above_zero(row: Row, *columns: str) -> Iterator[Fault]:
    for column in columns:
        if row[column] is not None and row[column] <= 0:
            yield row.fault(column, "more than 0, for a parity")


def _towards_one(row: Row, comparator: str | None, value: float | None) -> Iterator[Fault]:
    """Yield a fault for "at least 1.05" and "at most 0.95", which ask for a way from 1, and for "more than 1"."""
    if value is None:
        return
    if (comparator == "at_least" and value > 1) or (comparator == "more_than" and value >= 1):
        allowed = "1 or less" if comparator == "at_least" else "less than 1"
    elif (comparator == "at_most" and value < 1) or (comparator == "less_than" and value <= 1):
        allowed = "1 or more" if comparator == "at_most" else "more than 1"
    else:
        return
    yield row.fault("target_value", f"{allowed}, for a parity that is {comparator}")


def aims_are_whole(registry: Registry) -> Iterator[Fault]:
    """A target has the values that its kind and its comparator need, and no others; a range is the right way up."""
    for row in registry.rows("targets"):
        value, lower, upper = row["target_value"], row["target_lower"], row["target_upper"]
        if row.faulty & {"target_value", "target_lower", "target_upper", "kind", "comparator"}:
            continue
        if lower is not None and upper is not None and lower > upper:
            yield row.fault("target_lower", f"not above target_upper, {shown(upper)}")
        if row["comparator"] == "between":
            if lower is None or upper is None or value is not None:
                yield row.fault(
                    "comparator", "between only with target_lower and target_upper, without target_value"
                )
        elif lower is not None or upper is not None:
            yield row.fault("target_lower", "empty, unless the comparator is between", lower or upper)
        elif row["comparator"] == "unset":
            if value is not None:
                yield row.fault("target_value", "empty, where the target is unset")
        elif value is None and row["kind"] not in WITHOUT_VALUE:
            yield row.fault("target_value", f"a value, for the kind {row['kind']}, or the comparator unset")
        if row["kind"] in CHANGES and row["comparator"] != "unset" and row["direction"] is None:
            yield row.fault("direction", "increase or decrease, for a change")
        if row["kind"] in ("rank", "quartile", "benchmark") and not row["benchmark"]:
            yield row.fault("benchmark", f"what it is compared with, for the kind {row['kind']}")
        if row["kind"] == "quartile" and value not in (None, 1, 2, 3, 4):
            yield row.fault("target_value", "1 (top) to 4, for a quartile")
        if row["kind"] == "rank" and value is not None and (value < 1 or value % 1):
            yield row.fault("target_value", "1 or more, for a rank")


def dates_fit(registry: Registry) -> Iterator[Fault]:
    """A date has its basis; a baseline ends before the due date, a period not after it; a plan begins before it ends."""
    for name in ("targets", "actions", "milestones"):
        for row in registry.rows(name):
            if not row.faulty & {"due_date", "due_basis"} and (row["due_date"] is None) != (
                row["due_basis"] is None
            ):
                yield row.fault("due_basis", "printed or read beside a due date, empty without one")
    for row in registry.rows("targets"):
        due = row["due_date"]
        for column, fault in (("baseline_period", "a baseline that ends before the due date"),
                              ("period", "a period that ends by the due date")):  # fmt: skip
            end = _end(row[column])
            if due and end and (end > due or (column == "baseline_period" and end == due)):
                yield row.fault(column, f"{fault}, {due}")
        if _end(row["period"]) and due is None and "due_date" not in row.faulty:
            yield row.fault("due_date", f"a date, such as the last day of the period, {_end(row['period'])}")
    for row in registry.rows("plans"):
        if row["period_start"] and row["period_end"] and row["period_start"] > row["period_end"]:
            yield row.fault("period_start", f"not after period_end, {row['period_end']}")
    points: dict[str, Row] = registry.by_key("targets")
    for row in registry.rows("target_points"):
        target = points.get(row["target_id"])
        if target and target["due_date"] and row["point_date"] and row["point_date"] >= target["due_date"]:
            yield row.fault("point_date", f"a day before the target's due date, {target['due_date']}")


def _end(period: str | None) -> date | None:
    found = PERIOD.fullmatch(period or "")
    return period_end(date.fromisoformat(found[1]), int(found[3] or 0)) if found else None


_REISSUED = ("target_value", "target_lower", "target_upper", "due_date", "baseline_value", "baseline_period")


def reissues_change_something(registry: Registry) -> Iterator[Fault]:
    """A target that is issued again has another value, of a kind that it had before, and a baseline before its due date.

    What a row does not give stays as it was; the values in force are followed from one issue to the next.
    """
    targets = registry.by_key("targets")
    rows = [row for row in registry.rows("target_reissues") if targets.get(row["target_id"])]
    held: dict[str, dict[str, Any]] = {}
    for row in sorted(rows, key=lambda row: (row["target_id"], row["issued_date"] or date.min)):
        first = targets[row["target_id"]]
        values = held.setdefault(row["target_id"], {name: first[name] for name in _REISSUED})
        given = {name: row[name] for name in _REISSUED if row[name] is not None}
        if not given and not row.faulty & set(_REISSUED):
            yield row.fault("target_value", "at least one value, date or period that changed")
        if "target_value" in given and first["comparator"] in ("between", "unset"):
            yield row.fault("target_value", f"empty, where the target is {first['comparator']}")
        if given.keys() & {"target_lower", "target_upper"} and first["comparator"] != "between":
            yield row.fault("target_lower", "empty, unless the comparator is between")
        if (
            "baseline_period" in given
            and "baseline_value" not in given
            and first["baseline_value"] is not None
        ):
            yield row.fault("baseline_value", "the new baseline beside its period")
        values.update(given)
        if None not in (values["target_lower"], values["target_upper"]) and (
            values["target_lower"] > values["target_upper"]
        ):
            yield row.fault("target_lower", f"not above target_upper, {shown(values['target_upper'])}")
        end = _end(values["baseline_period"])
        if end and values["due_date"] and end >= values["due_date"]:
            yield row.fault("due_date", f"a day after the baseline, which ends on {end}")


def repeats_repeat(registry: Registry) -> Iterator[Fault]:
    """A repeated target is another one of the same measure, printed before; a contradicted one is another one."""
    targets = registry.by_key("targets")
    for row in registry.rows("targets"):
        for column in ("repeats", "contradicts"):
            other = targets.get(row[column])
            if other is None:
                continue
            if row[column] == row["target_id"]:
                yield row.fault(column, "another target")
            elif column == "repeats":
                if other["measure_id"] != row["measure_id"]:
                    yield row.fault(column, f"a target of the same measure, {row['measure_id']}")
                if other["plan_id"] == row["plan_id"] and (other["citation_line"] or 0) > (
                    row["citation_line"] or 0
                ):
                    yield row.fault(column, "a target that is printed before this one")


def names_of_areas_agree(registry: Registry) -> Iterator[Fault]:
    """An area has one name."""
    names = {row["area_code"]: row["area_name"] for row in registry.rows("plan_areas")}
    for pair in registry.known["areas.names"]:
        code, name = pair.split("\t")
        names[code] = name
    for file in ("targets", "printed_statistics"):
        for row in registry.rows(file):
            wanted = names.get(row["area_code"])
            if wanted and row["area_name"] and row["area_name"] != wanted:
                yield row.fault("area_name", wanted)


def somebody_can_measure(registry: Registry) -> Iterator[Fault]:
    """Every measure is used, and is supplied by a published table or by somebody who could return it."""
    bound = {row["measure_id"] for row in registry.rows("bindings")}
    used = {
        row["measure_id"] for name in ("targets", "kpis", "printed_statistics") for row in registry.rows(name)
    } | bound
    for row in registry.rows("measures"):
        if row["measure_id"] not in used:
            yield row.fault("measure_id", "a measure that a target, an indicator, a figure or a binding uses")
        if row["measure_id"] not in bound and not row["returned_by"] and "returned_by" not in row.faulty:
            yield row.fault("returned_by", "who could return it, or a row of bindings.csv")
    for row in registry.rows("bindings"):
        if (row["dataset_id"] is None) != (row["selection"] is None) and not row.faulty & {
            "dataset_id",
            "selection",
        }:
            yield row.fault("selection", "the codes beside a dataset_id, empty without one")
        if row["coverage"] == "proxy" and not row["coverage_note"]:
            yield row.fault("coverage_note", "how it differs from what the plan means")
        start, end = row["valid_from_date"], row["valid_to_date"]
        if start and end and start > end:
            yield row.fault("valid_from_date", f"not after valid_to_date, {end}")


def dates_of_actions_are_honest(registry: Registry) -> Iterator[Fault]:
    """A due date is taken only from an entry that belongs to the action."""
    for row in registry.rows("actions"):
        if row.faulty & {"by_when", "by_when_basis", "due_date"}:
            continue
        if (row["by_when"] is None) != (row["by_when_basis"] == "not_printed"):
            yield row.fault("by_when", "the printed words, or empty with the basis not_printed")
        if row["due_date"] and row["by_when_basis"] in ("unmatched", "not_printed"):
            yield row.fault("due_date", f"empty, where by_when is {row['by_when_basis']}")


def marks_tie_to_cross_cutting_objectives(registry: Registry) -> Iterator[Fault]:
    """A mark ties an action to an objective of its own plan that cuts across the others."""
    kinds = {
        row["objective_id"]: (row["plan_id"], row["objective_kind"]) for row in registry.rows("objectives")
    }
    plans = {row["action_id"]: row["plan_id"] for row in registry.rows("actions")}
    for row in registry.rows("action_marks"):
        plan, kind = kinds.get(row["objective_id"], (None, None))
        if plan and kind != "vital_few":
            yield row.fault("objective_id", "an objective of kind vital_few")
        if plan and plans.get(row["action_id"], plan) != plan:
            yield row.fault("objective_id", f"an objective of {plans[row['action_id']]}")


def totals_add_up_or_are_found(registry: Registry) -> Iterator[Fault]:
    """Lines of money add up to their printed total, or a finding at that total says that they do not."""
    lines = registry.by_key("budget_lines")
    parts: dict[str, float] = defaultdict(float)
    for row in registry.rows("budget_lines"):
        if row["part_of"] and row["amount_gbp"] is not None:
            parts[row["part_of"]] += row["amount_gbp"]
    places = {
        (plan, line)
        for row in registry.rows("plan_findings")
        if row["finding_kind"] == "sum_differs"
        for plan, line in (
            (row["plan_id"], row["citation_line"]),
            (row["other_plan_id"], row["other_line"]),
        )
    }
    for total_id, added in parts.items():
        total = lines.get(total_id)
        if total is None or total["amount_gbp"] is None or abs(total["amount_gbp"] - added) < 0.005:
            continue
        if (total["plan_id"], total["citation_line"]) not in places:
            yield total.fault(
                "amount_gbp", f"the sum of its lines, {shown(added)}, or a finding sum_differs at this line"
            )


_OPERATORS: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
}  # fmt: skip
_SUM = re.compile(r"[\d.,\s+\-*/×÷−()]*[+\-*/×÷−][\d.,\s+\-*/×÷−()]*=\s*(-?[\d,]+(?:\.\d+)?)")


def arithmetic_is_right(registry: Registry) -> Iterator[Fault]:
    """What a finding works out is worked out rightly, to the digits it gives."""
    for row in registry.rows("plan_findings"):
        for found in _SUM.finditer(row["arithmetic"] or ""):
            text = found[0].strip()
            left, _, right = text.rpartition("=")
            digits = len(right.partition(".")[2])
            value = _worked_out(left)
            if value is None or abs(value - float(right.replace(",", ""))) > 0.5 * 10**-digits + 1e-9:
                worked = "not to be worked out" if value is None else shown(round(value, 6))
                yield row.fault("arithmetic", f"{left.strip()} = {worked}", text)


def _worked_out(text: str) -> float | None:
    plain = text.replace(",", "").replace("×", "*").replace("÷", "/").replace("−", "-").strip()
    try:
        return _evaluate(ast.parse(plain, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, KeyError, TypeError, ValueError):
        return None


def _evaluate(node: ast.expr) -> float:
    if isinstance(node, ast.BinOp):
        return _OPERATORS[type(node.op)](_evaluate(node.left), _evaluate(node.right))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_evaluate(node.operand)
    if isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        return float(node.value)
    raise ValueError


def tables_do_not_overlap(registry: Registry) -> Iterator[Fault]:
    """The lines of a table of targets run forward, and belong to one table."""
    ends: dict[str, tuple[int, int]] = {}
    rows = [
        row
        for row in registry.rows("target_tables")
        if not row.faulty & {"plan_id", "first_line", "last_line"}
    ]
    for row in sorted(rows, key=lambda row: (row["plan_id"], row["first_line"])):
        if row["last_line"] < row["first_line"]:
            yield row.fault("last_line", f"not before first_line, {row['first_line']}")
        last, number = ends.get(row["plan_id"], (0, 0))
        if row["first_line"] <= last:
            yield row.fault("first_line", f"a line after the table of row {number}")
        ends[row["plan_id"]] = (row["last_line"], row.number)


RULES: tuple[Rule, ...] = (
    keys_are_unique,
    references_are_kept,
    ids_begin_with_their_plan,
    rows_stay_in_their_plan,
    the_tree_has_no_loop,
    areas_change_as_their_code_says,
    shapes_are_whole,
    rewards_have_a_way_to_go,
    overrides_end,
    units_fit,
    polarity_fits,
    parities_are_ratios,
    aims_are_whole,
    dates_fit,
    reissues_change_something,
    repeats_repeat,
    names_of_areas_agree,
    somebody_can_measure,
    dates_of_actions_are_honest,
    marks_tie_to_cross_cutting_objectives,
    totals_add_up_or_are_found,
    arithmetic_is_right,
    tables_do_not_overlap,
)


def unverifiable(registry: Registry) -> dict[str, str]:
    """Return the targets that can never be verified as they are printed, each with the reason."""
    found = {}
    for row in registry.rows("targets"):
        if row["comparator"] == "unset" and row["kind"] == "milestone":
            found[row["target_id"]] = "the plan names a state, and no test of it"
        elif row["comparator"] == "unset":
            found[row["target_id"]] = "the plan sets no value to reach"
        elif row["comparator"] == "towards":
            found[row["target_id"]] = "the plan says towards a value, not that it is to be reached"
        elif row["kind"] in CHANGES and row["target_value"] is None and not row["baseline_period"]:
            found[row["target_id"]] = "the plan says neither by how much nor from when"
    return found
