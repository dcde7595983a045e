"""`make evaluate`: print what the assessment is worth, and keep the figures in docs/methodology.md."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable

from tests.evaluate import backtest, real_verdicts, report, simulated, vectors

SECTIONS: dict[str, Callable[[], report.Section]] = {
    "vectors": vectors.run,
    "simulated": simulated.run,
    "backtest": backtest.run,
    "real": real_verdicts.run,
}


def main() -> int:
    """Run the sections that were asked for; 1 if a figure is not what it should be."""
    asked = argparse.ArgumentParser(prog="python -m tests.evaluate", description=__doc__)
    asked.add_argument(
        "--section", choices=tuple(SECTIONS), action="append", help="one section; may be repeated"
    )
    asked.add_argument("--print-only", action="store_true", help="leave docs/methodology.md as it is")
    wanted = asked.parse_args()
    done = []
    for name in wanted.section or SECTIONS:
        print(f"\n== {name}", flush=True)
        began = time.perf_counter()
        section = SECTIONS[name]()
        done.append(section)
        print(f"\n{section.title}\n")
        print("\n".join(section.lines))
        print(f"\n({time.perf_counter() - began:.0f} s)", flush=True)
    if not wanted.print_only:
        report.keep(done, tuple(SECTIONS))
        print(f"\nkept in {report.PAGE.relative_to(report.PAGE.parents[1])}")
    missed = [section.title for section in done if not section.is_good]
    if missed:
        print(f"\nNot as it should be: {', '.join(missed)}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
