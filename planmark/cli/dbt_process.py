"""dbt in a process of its own, for several stages: importing it and parsing the project cost seconds, so both happen once.

Reads a line of JSON for each stage, the arguments of `dbt build`, and answers `true` or `false`: did it go well.
What dbt prints goes to the standard error.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
from typing import Any

PARSED_BY = ("--project-dir", "--profiles-dir", "--target-path", "--log-path", "--vars")


def main() -> None:
    """Serve until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    # Parsing makes a great many objects that stay: looking through them all again and again takes a fifth of the time.
    gc.set_threshold(200_000, 50, 50)
    from dbt.cli.main import dbtRunner

    manifest: Any = None
    for line in sys.stdin:
        arguments: list[str] = json.loads(line)
        if manifest is None:
            parsed = dbtRunner().invoke(
                ["--no-use-colors", "--no-partial-parse", "--no-write-json", "parse", *_shared(arguments)]
            )
            manifest = parsed.result if parsed.success else None
        is_good = manifest is not None
        if is_good:
            is_good = dbtRunner(manifest=manifest).invoke(["--no-use-colors", "build", *arguments]).success
        print(json.dumps(is_good), file=answers, flush=True)
    # Nothing is left to be done, and taking all that was made apart takes seconds.
    sys.stderr.flush()
    os._exit(0)


def _shared(arguments: list[str]) -> list[str]:
    return [
        part for name, value in itertools.pairwise(arguments) if name in PARSED_BY for part in (name, value)
    ]


if __name__ == "__main__":
    main()
