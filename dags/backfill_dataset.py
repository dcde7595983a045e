"""One dataset, fetched whole and compared with what we hold. The work is in planmark.cli.steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, dag, task

PROVIDERS = ("nomis", "ons_local", "plan")

DOC = """
## Backfill one dataset
**Who needs it**: the engineer who added a dataset, changed its definition, or mends it after a failed night.

**What a failure blocks**: nothing. The dataset keeps its last good version.

**How to re-run**: trigger it again with the same `dataset_id`. It fetches every period of the
definition and writes only the values that differ. Readers see them with the next `nightly_refresh`; trigger
that afterwards if they should not wait.
"""


@dag(
    dag_id="backfill_dataset",
    schedule=None,
    catchup=False,
    max_active_runs=1,
    params={
        "dataset_id": Param("", type="string", minLength=1, description="for example nomis_claimant_count"),
        "force": Param(True, type="boolean", description="fetch everything, even if nothing new is promised"),
    },
    default_args={"owner": "data engineer"},
    tags=["planmark"],
    doc_md=DOC,
)
def backfill_dataset() -> None:
    """Fetch one dataset, in the pool of its provider."""

    @task
    def datasets_of(provider: str, params: dict[str, Any]) -> list[str]:
        """Return the dataset if it is this provider's."""
        from planmark.cli import steps

        dataset_id = params["dataset_id"]
        return [dataset_id] if steps.provider_of(dataset_id) == provider else []

    @task(retries=1, retry_delay=timedelta(seconds=10), execution_timeout=timedelta(hours=4))
    def fetch(dataset_id: str, params: dict[str, Any]) -> dict[str, Any]:
        """Bring the dataset up to date."""
        from planmark.cli import steps
        from planmark.settings import load_settings

        return steps.fetch_dataset(load_settings(), dataset_id, steps.new_run_id(), force=params["force"])

    for provider in PROVIDERS:
        names = datasets_of.override(task_id=f"{provider}_datasets")(provider)
        fetch.override(task_id=f"{provider}_fetch", pool=provider).expand(dataset_id=names)


backfill_dataset()
