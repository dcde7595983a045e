"""Sections of the evaluation: printed, and kept between two markers in docs/methodology.md."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from planmark.settings import ROOT

PAGE = ROOT / "docs" / "methodology.md"
BEGIN, END = "<!-- evaluate:begin -->", "<!-- evaluate:end -->"
_SECTION = re.compile(r"<!-- evaluate:section ([a-z]+) -->\n(.*?)(?=<!-- evaluate:section |\Z)", re.DOTALL)


@dataclass(frozen=True)
class Section:
    """One part of the evaluation: its lines in Markdown, and whether it reached what it should."""

    name: str
    title: str
    lines: Sequence[str]
    is_good: bool = True
    #: False where the figures could not be worked out here; the page then keeps those it has.
    is_kept: bool = True


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> list[str]:
    """Return a Markdown table, its columns padded so that it reads as plain text too."""
    cells = [[str(cell) for cell in row] for row in [header, *rows]]
    widths = [max(len(row[place]) for row in cells) for place in range(len(header))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    return [lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]]


def keep(sections: Sequence[Section], order: Sequence[str], page: Path = PAGE) -> None:
    """Write the sections between the markers; those that were not run now stay as they are.

    Raises: ValueError if the page has no markers.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    inside, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{page.name} has no {BEGIN} … {END}")
    kept = {name: content.strip("\n") for name, content in _SECTION.findall(inside)}
    kept |= {
        section.name: "\n".join([f"### {section.title}", "", *section.lines])
        for section in sections
        if section.is_kept
    }
    blocks = [
        f"<!-- evaluate:section {name} -->\n{kept[name].strip(chr(10))}\n" for name in order if name in kept
    ]
    page.write_text(f"{before}{BEGIN}\n" + "\n".join(blocks) + f"{END}{after}", encoding="utf-8")


def block(page: Path = PAGE) -> str:
    """Return what stands between the markers."""
    text = page.read_text(encoding="utf-8")
    return text.partition(BEGIN)[2].partition(END)[0]
