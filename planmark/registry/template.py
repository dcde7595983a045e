"""A folder of plan files to begin with: every file with its header, and one small invented plan that passes the check.

CSV has no comments, so the comments are a README beside the files, made from the declaration.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from planmark.errors import RegistryError
from planmark.registry import declaration
from planmark.registry.declaration import Column, File

TEXT_FILE = "example_plan.txt"
#: The invented plan, as its text would stand in a file beside the registry.
TEXT = """Example Council Plan 2030 (invented: replace it with the text of your own plan)

More people in work
We will raise the employment rate from 70% in 2024 to 75% by March 2030.
We will open 3 advice centres in 2027/28.
"""

PLAN = "example_plan"
_SHA256 = hashlib.sha256(TEXT.encode()).hexdigest()
_INVENTED = "Invented example: replace this row."
_CITED = {"citation_section": "More people in work", "note": _INVENTED}

ROWS: Mapping[str, list[dict[str, str]]] = {
    "plans": [
        {
            "plan_id": PLAN, "plan_title": "Example plan", "owner": "Example Council", "area_code": "X00000001",
            "document_title": "Example Council Plan 2030", "text_file": TEXT_FILE, "text_sha256": _SHA256,
            **_CITED, "citation_section": "Title", "citation_line": "1",
            "citation_quote": "Example Council Plan 2030",
        }
    ],
    "plan_areas": [
        {
            "area_code": "X00000001", "area_name": "Example", "area_type": "other",
            "source": "Invented example: replace it with your council and its ONS code",
        }
    ],
    "objectives": [
        {
            "objective_id": f"{PLAN}.work", "plan_id": PLAN, "objective_title": "More people in work",
            "objective_kind": "theme", "position": "1", **_CITED, "citation_line": "3",
            "citation_quote": "More people in work",
        }
    ],
    "targets": [
        {
            "target_id": f"{PLAN}.employment_rate", "plan_id": PLAN, "objective_id": f"{PLAN}.work",
            "measure_id": "employment_rate", "target_title": "Higher employment rate",
            "population": "Residents aged 16 to 64", "area_code": "X00000001", "area_name": "Example",
            "baseline_value": "70", "baseline_period": "2024-01-01/P12M", "target_value": "75",
            "comparator": "at_least", "comparator_basis": "implied", "kind": "share", "direction": "increase",
            "polarity": "higher", "unit": "percent", "due_date": "2030-03-31", "due_basis": "printed", "due_rule": "ends_by",
            "shape": "linear", "owner": "Example Council", "provisional": "false", **_CITED,
            "citation_line": "4", "citation_quote": "from 70% in 2024 to 75% by March 2030",
        },
        {
            "target_id": f"{PLAN}.advice_centres", "plan_id": PLAN, "objective_id": f"{PLAN}.work",
            "measure_id": "advice_centres_opened", "target_title": "Open advice centres",
            "population": "Advice centres", "area_code": "X00000001", "area_name": "Example",
            "target_value": "3", "comparator": "at_least", "comparator_basis": "implied",
            "kind": "count_in_period", "polarity": "higher", "unit": "items", "period": "2027-04-01/P12M",
            "due_date": "2028-03-31", "due_basis": "printed", "due_rule": "ends_by", "shape": "linear",
            "owner": "Example Council", "provisional": "false", **_CITED, "citation_line": "5",
            "citation_quote": "open 3 advice centres in 2027/28",
        },
    ],
    "measures": [
        {
            "measure_id": "employment_rate", "measure_title": "Employment rate",
            "definition": "People aged 16 to 64 in work, as a share of all people aged 16 to 64.",
            "unit": "percent", "polarity": "higher", "commitment": "influence", "decimals": "1",
            "usual_period": "year", "uncertainty": "Sample survey: published with a 95 % confidence interval",
        },
        {
            "measure_id": "advice_centres_opened", "measure_title": "Advice centres opened",
            "definition": "Advice centres that the council opened.", "unit": "items", "polarity": "higher",
            "commitment": "control", "decimals": "0", "usual_period": "financial year",
            "returned_by": "The council's advice service", "note": _INVENTED,
        },
    ],
    "bindings": [
        {
            "binding_id": "employment_rate.ons_local_employment_rate", "measure_id": "employment_rate",
            "provider": "ons_local", "source_table": "els_employment_rate_la",
            "dataset_id": "ons_local_employment_rate", "selection": '[{"indicator": "Employment rate"}]',
            "unit": "percent", "coverage": "official", "segment": "1", "priority": "1",
        }
    ],
    "target_tables": [
        {
            "plan_id": PLAN, "table_name": "More people in work", "first_line": "4", "last_line": "5", "cell": "0",
            "note": _INVENTED,
        }
    ],
}  # fmt: skip


def write(folder: Path) -> list[Path]:
    """Write the template into a new or empty folder; return the files.

    Raises: RegistryError if there is anything in the folder: nothing of yours is written over.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RegistryError(
            "the folder is not empty; nothing is written over",
            where=str(folder),
            next_step="name a new folder",
        )
    declared = declaration.files()
    contents = {f"{name}.csv": text(file, ROWS.get(name, ())) for name, file in declared.items()}
    contents["README.md"] = guide(declared.values())
    contents[f"texts/{TEXT_FILE}"] = TEXT
    (folder / "texts").mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    return [folder / name for name in contents]


def text(file: File, rows: Iterable[Mapping[str, str]]) -> str:
    """Return the text of a file of the registry."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(file.columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def guide(files: Iterable[File]) -> str:
    """Return the README of the template: what each file and each column is."""
    lines = [
        "# Plan files",
        "",
        "One CSV file for each kind of fact, one row a fact, every row with the line of the plan that it came from.",
        "The rows here are an invented example: replace them with your own plan. Keep the headers. Edit the files as",
        "UTF-8 text; a spreadsheet may turn dates round or put commas into numbers, which the check names.",
        "A file that you have nothing for keeps its header only.",
        "",
        "```",
        "planmark plans check FOLDER --texts FOLDER/texts",
        "```",
        "",
        "`texts/` holds the plan as plain text: a citation names a line of it. Its checksum stands in plans.csv",
        "(`sha256sum texts/example_plan.txt`), so that a line number always means the same line.",
        *columns_in_words(files),
    ]
    return "\n".join(lines) + "\n"


def columns_in_words(files: Iterable[File]) -> list[str]:
    """Return a section for each file: a table of its columns and what they may hold."""
    lines = []
    for file in files:
        lines += [
            "",
            f"## {file.name}.csv",
            "",
            file.description,
            "",
            "| column | is | may hold |",
            "|---|---|---|",
        ]
        for column in file.columns.values():
            lines.append(
                f"| `{column.name}` | {column.description.replace('|', '/')} | {_may_hold(column)} |"
            )
    return lines


_TYPES = {"text": "text", "date": "a date, 2014-03-31", "double precision": "a number", "integer": "a whole number",
          "boolean": "true or false", "jsonb": "JSON"}  # fmt: skip
_FORMS = {"period": "2013-04-01/P12M", "period_or_each": "2013-04-01/P12M or R/P1Y"}


def _may_hold(column: Column) -> str:
    words = [
        ", ".join(f"`{value}`" for value in column.allowed) or _FORMS.get(column.form) or _TYPES[column.type]
    ]
    if column.list:
        words.append('several, separated by "; "')
    if column.references:
        words.append(f"one of {column.references}")
    if column.words:
        words.append(f"{column.words} words at most")
    if column.minimum is not None or column.maximum is not None:
        words.append(" ".join(
            part for part in (f"from {column.minimum:g}" if column.minimum is not None else "",
                              f"to {column.maximum:g}" if column.maximum is not None else "") if part
        ))  # fmt: skip
    words.append("key" if column.key else "always" if column.required else "or empty")
    return "; ".join(words)
