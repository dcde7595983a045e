"""The plans' own texts: does each quote stand on its line, is every figure of a table of targets used?

The texts are kept outside the project, since the plans belong to their authors. Where they are missing, these rules
cannot be checked, and the report says so.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from planmark.registry.files import Fault, Row
from planmark.registry.rules import Registry

_TAG = re.compile(r"<[^>]*>")
#: A figure as printed: 1,062 · 13.6 · 5.77 · 2008. Letters before it make it a name, such as NI93 or KS1.
_FIGURE = re.compile(r"(?<![A-Za-z\d.,])\d+(?:,\d{3})*(?:\.\d+)?")
#: Years, and the periods made of them, say when and not how much: 2013 · 2013/14 · 2013-14 · 2005-09.
_WHEN = re.compile(r"\b(?:19|20)\d\d(?:\s?[/–-]\s?(?:(?:19|20)\d\d|\d\d?))?\b")


@dataclass(frozen=True)
class Text:
    """One plan's text: its lines, blanks made one and tags left out."""

    lines: tuple[str, ...]
    raw: tuple[str, ...]

    def line(self, number: int) -> str:
        """Return a line, counted from 1; empty beyond the end."""
        return self.lines[number - 1] if 0 < number <= len(self.lines) else ""

    def cell(self, number: int, cell: int) -> str:
        """Return one cell of a line, counted from 1; the whole line for 0."""
        if cell == 0:
            return self.line(number)
        cells = self.raw[number - 1].split("\t") if 0 < number <= len(self.raw) else []
        return plain(cells[cell - 1]) if cell <= len(cells) else ""


def plain(text: str) -> str:
    """Return a text without tags, its blanks made one."""
    return " ".join(_TAG.sub("", text).split())


def read_texts(registry: Registry, folder: Path) -> tuple[dict[str, Text], list[Fault]]:
    """Read the text of each plan by plan id; a plan whose text is not there is left out."""
    texts: dict[str, Text] = {}
    faults = []
    for row in registry.rows("plans"):
        path = folder / (row["text_file"] or "")
        if not row["text_file"] or not path.is_file():
            continue
        content = path.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if row["text_sha256"] and found != row["text_sha256"]:
            faults.append(row.fault("text_sha256", f"{found}, of {row['text_file']} as it is now"))
        raw = tuple(content.decode("utf-8").split("\n"))
        texts[row["plan_id"]] = Text(tuple(plain(line) for line in raw), raw)
    return texts, faults


def quotes_stand_on_their_lines(registry: Registry, texts: Mapping[str, Text]) -> Iterator[Fault]:
    """The words of a citation are found on the line that it names."""
    for name, table in registry.tables.items():
        if "citation_quote" not in table.declared.columns:
            continue
        for row in table.rows:
            yield from _quote(row, texts, plan_of(registry, name, row), "citation_line", "citation_quote")
            if name == "plan_findings":
                yield from _quote(row, texts, row["other_plan_id"], "other_line", "other_quote")


def plan_of(registry: Registry, name: str, row: Row) -> str:
    """Return the plan of a row; marks and interim values have that of what they belong to."""
    if "plan_id" in row.cells:
        return row["plan_id"] or ""
    column = "action_id" if name == "action_marks" else "target_id"
    return (row[column] or "").partition(".")[0]


def _quote(row: Row, texts: Mapping[str, Text], plan: str | None, line: str, quote: str) -> Iterator[Fault]:
    text = texts.get(plan or "")
    if text is None or row[line] is None or not row[quote]:
        return
    if row[line] > len(text.lines):
        yield row.fault(line, f"a line of the text, which has {len(text.lines)}")
    elif row[quote] not in text.line(row[line]):
        elsewhere = [str(n) for n, words in enumerate(text.lines, start=1) if row[quote] in words]
        where = f"; they stand on line {', '.join(elsewhere[:5])}" if elsewhere else "; they stand on no line"
        yield row.fault(quote, f"words of line {row[line]}{where}")


def every_figure_is_used(registry: Registry, texts: Mapping[str, Text]) -> Iterator[Fault]:
    """Each figure in a table of targets is in the quote of a row that cites its line, or listed with the reason."""
    quoted: dict[tuple[str, int], set[str]] = {}
    for name, table in registry.tables.items():
        if "citation_quote" not in table.declared.columns:
            continue
        for row in table.rows:
            if row["citation_line"] and row["citation_quote"]:
                place = (plan_of(registry, name, row), row["citation_line"])
                quoted.setdefault(place, set()).update(figures(row["citation_quote"]))
    listed: dict[tuple[str, int], set[str]] = {}
    for row in registry.rows("unused_figures"):
        if row["plan_id"] and row["citation_line"] and row["figure"]:
            listed.setdefault((row["plan_id"], row["citation_line"]), set()).add(row["figure"])
    for row in registry.rows("target_tables"):
        text = texts.get(row["plan_id"] or "")
        if text is None or None in (row["first_line"], row["last_line"], row["cell"]):
            continue
        for number in range(row["first_line"], row["last_line"] + 1):
            place = (row["plan_id"], number)
            used = quoted.get(place, set()) | listed.get(place, set())
            for figure in figures(text.cell(number, row["cell"])):
                if figure not in used:
                    yield row.fault("first_line", f"line {number} to be used by a row, or listed in unused_figures.csv",
                                    f"the figure {figure}")  # fmt: skip


def figures(text: str) -> list[str]:
    """Return the figures of a text as printed, years and periods left out."""
    return _FIGURE.findall(_WHEN.sub(" ", text))
