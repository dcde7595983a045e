"""The night: from the providers to what readers see. The work is in planmark.cli.steps."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    AsyncCallback,
    CronTriggerTimetable,
    DeadlineAlert,
    DeadlineReference,
    Param,
    dag,
    task,
    task_group,
)

# One pool each, one slot each: a provider is asked one question at a time.
PROVIDERS = ("nomis", "ons_local", "plan")

DOC = """
## Nightly refresh
**Who needs it**: everybody who reads the scorecard or a dashboard in the morning. It should be done by 06:00.

**What a failure blocks**
* *One dataset* (`<provider>.fetch`): nothing. It keeps its last good version and is shown as stale;
  the rest is published, and the run ends red.
* *The plan files* (`plan_night`): everything. `planmark plans check` names each fault.
* *The gate, or dbt*: the publication. Readers keep the last good one.

**How to re-run**: clear the failed task with everything downstream of it, or trigger the DAG again. Every
task may be run again at any moment. One dataset alone: `backfill_dataset`. More in
`docs/how-to/re-run-a-failure.md`.
"""


@dag(
    dag_id="nightly_refresh",
    schedule=CronTriggerTimetable("0 2 * * *", timezone="Europe/London"),
    catchup=False,
    max_active_runs=1,
    dagrun_timeout=timedelta(hours=12),
    params={
        "run_id": Param("", type="string", description="name of the run; empty: one is made"),
        "kind": Param("nightly", type="string", pattern="^[a-z]+$", description="who asked for it"),
        "force": Param(
            False, type="boolean", description="fetch everything, even if nothing new is promised"
        ),
    },
    deadline=DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(hours=4),
        callback=AsyncCallback(
            "planmark.cli.deadline.deadline_missed",
            kwargs={"dag_id": "nightly_refresh", "allowed": "4 hours"},
        ),
    ),
    default_args={"owner": "data engineer"},
    tags=["planmark"],
    doc_md=DOC,
)
def nightly_refresh() -> None:
    """Fetch what is due, build, check, publish."""

    @task(execution_timeout=timedelta(minutes=10))
    def plan_night(params: dict[str, Any]) -> dict[str, Any]:
        """Decide what the run does. Raises if the plan files have faults: nothing is fetched then."""
        from planmark.cli import steps
        from planmark.settings import load_settings

        return dict(steps.plan_night(load_settings(), run_id=params["run_id"], kind=params["kind"]))

    @task
    def datasets_of(provider: str, night: dict[str, Any]) -> list[str]:
        """Return the datasets to ask a provider for."""
        return list(night["datasets"].get(provider, []))

    # A provider's own hiccups are waited out inside the task; these retries are for a worker or a database
    # that went away, so they are few and soon.
    @task(
        retries=2,
        retry_delay=timedelta(seconds=5),
        retry_exponential_backoff=True,
        max_retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(hours=2),
        map_index_template="{{ dataset_id }}",
    )
    def fetch(dataset_id: str, night: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
        """Bring one dataset up to date."""
        from airflow.sdk import get_current_context

        from planmark.cli import steps
        from planmark.settings import load_settings

        get_current_context()["dataset_id"] = dataset_id  # type: ignore[literal-required]
        return steps.fetch_dataset(load_settings(), dataset_id, night["run_id"], force=params["force"])

    @task.short_circuit(trigger_rule="all_done", ignore_downstream_trigger_rules=False)
    def anything_new(night: dict[str, Any]) -> bool:
        """Go on only if readers do not see these very inputs already; a failed dataset stops nobody."""
        from planmark.cli import steps
        from planmark.settings import load_settings

        return steps.has_changed(load_settings(), night)  # type: ignore[arg-type]

    def stage(name: str, **options: Any) -> Any:  # noqa: ANN401
        """Return the task that calls the step of that name."""

        @task(task_id=name, execution_timeout=timedelta(hours=1), **options)
        def run(night: dict[str, Any]) -> None:
            from planmark.cli import steps
            from planmark.settings import load_settings

            getattr(steps, name)(load_settings(), night)

        run.operator_class.doc = None
        return run(night)

    night = plan_night()
    new = anything_new(night)
    for provider in PROVIDERS:

        @task_group(group_id=provider)
        def fetched(provider: str = provider) -> None:
            names = datasets_of.override(task_id="datasets")(provider, night)
            fetch.override(task_id="fetch", pool=provider).partial(night=night).expand(dataset_id=names)

        fetched() >> new
    # Trying again after a moment helps when the database went away; a gate that said no will say it again.
    again = {"retries": 1, "retry_delay": timedelta(seconds=5)}
    (
        new
        >> stage("gate_raw")
        >> stage("build_marts", **again)
        >> stage("gate_marts")
        >> stage("publish", **again)
        >> stage("finish", trigger_rule="all_done")
    )


nightly_refresh()
