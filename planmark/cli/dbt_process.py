"""dbt in a process of its own, for several stages: importing it and parsing the project cost seconds, so both happen once.

What dbt has parsed is kept beside what it runs (`partial_parse.msgpack`), and is good for as long as no file of the project
changes: dbt parses anew what has changed, and all of it where the version of dbt or the variables are others. So only the
variable that decides names of schemas is known when it parses; the others take effect when a model is compiled.

Reads a line of JSON for each stage, the arguments of `dbt build`, and answers with one: `{"success": true, "nodes": [...]}`,
each node with its `unique_id`, `status`, `message` and `execution_time` in seconds. What dbt prints goes to the standard
error.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import sys
from typing import Any

#: What dbt would write of its own besides takes a second a stage: two copies of the project as it has parsed it, and a log
#: of all that it thinks.
QUIETLY = ("--no-use-colors", "--no-write-json", "--log-level-file", "none")
PARSED_BY = ("--project-dir", "--profiles-dir", "--target-path", "--log-path")
NAMING_VARIABLE = "build"


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
            parsed = dbtRunner().invoke([*QUIETLY, "parse", *_parsed_by(arguments)])
            manifest = parsed.result if parsed.success else None
        answer: dict[str, Any] = {"success": False, "nodes": []}
        if manifest is not None:
            done = dbtRunner(manifest=manifest).invoke([*QUIETLY, "build", *arguments])
            answer = {"success": done.success, "nodes": _nodes(done.result)}
        print(json.dumps(answer), file=answers, flush=True)
    # Nothing is left to be done, and taking all that was made apart takes seconds.
    sys.stderr.flush()
    os._exit(0)


def _nodes(result: Any) -> list[dict[str, Any]]:  # noqa: ANN401  (dbt has no types)
    return [
        {
            "unique_id": one.node.unique_id,
            "status": str(one.status),
            "message": one.message,
            "execution_time": one.execution_time,
        }
        for one in getattr(result, "results", [])
    ]


def _parsed_by(arguments: list[str]) -> list[str]:
    given = dict(itertools.pairwise(arguments))
    variables = json.loads(given["--vars"])
    naming = {name: value for name, value in variables.items() if name == NAMING_VARIABLE}
    return [*(part for name in PARSED_BY for part in (name, given[name])), "--vars", json.dumps(naming)]


if __name__ == "__main__":
    main()
