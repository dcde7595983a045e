"""Draw the picture of the README: the top of the scorecard as the terminal shows it, on demonstration data.

`.venv/bin/python scripts/picture.py`, after `make refresh`.
"""

from __future__ import annotations

import dataclasses
import io
import re

from rich.console import Console
from rich.terminal_theme import DEFAULT_TERMINAL_THEME

from planmark import scorecard
from planmark.cli import show
from planmark.settings import ROOT, load_settings

WANTED = ("employment_rate_2009", "employment_rate_80_percent", "jsa_long_term")


def main() -> None:
    """Write docs/images/scorecard.svg."""
    card = scorecard.read(load_settings(), "city_strategy_2007")
    if not card.is_demonstration:
        raise SystemExit("the picture shows demonstration data only; run `make refresh` first")
    shown = tuple(t for t in card.targets if t.area_code.startswith("E01") or t.target_id.endswith(WANTED))
    out = Console(
        record=True, width=show.WIDTH, file=io.StringIO(), highlight=False, emoji=False, markup=False
    )
    out.print("$ make refresh   # ... the last lines, shortened")
    show.scorecard(out, dataclasses.replace(card, targets=shown))
    drawing = out.export_svg(title="Planmark: demonstration data", theme=DEFAULT_TERMINAL_THEME)
    # A picture must not fetch a font from elsewhere.
    drawing = re.sub(r"@font-face \{.*?\}\s*", "", drawing, flags=re.DOTALL)
    drawing = re.sub(r"<!--.*?-->\s*", "", drawing, flags=re.DOTALL)
    drawing = drawing.replace("Fira Code", "DejaVu Sans Mono, Menlo, Consolas")
    path = ROOT / "docs" / "images" / "scorecard.svg"
    path.write_text(drawing, encoding="utf-8")


if __name__ == "__main__":
    main()
