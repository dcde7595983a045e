"""What happens when a run is later than its readers can wait. Airflow's triggerer calls it."""

from __future__ import annotations

import logging
from typing import Any

log = logging.getLogger("planmark.deadline")


async def deadline_missed(context: dict[str, Any] | None = None, **facts: str) -> None:
    """Say, as an error in the triggerer's log, which run is late and what to do."""
    run = (context or {}).get("dag_run") or {}
    run_id = (
        run.get("dag_run_id") or run.get("run_id") if isinstance(run, dict) else getattr(run, "run_id", "")
    )
    log.error(
        "DEADLINE MISSED: %s (run %s) is not done %s after it was queued. Readers keep the last good "
        "publication. Next: look at the run in the Airflow UI, then docs/how-to/re-run-a-failure.md",
        facts.get("dag_id", "a run"), run_id or "unknown", facts.get("allowed", "in time"),
    )  # fmt: skip
