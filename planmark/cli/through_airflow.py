"""`python -m planmark.cli.through_airflow DAG_ID CONF`: run a DAG now, in this process, and end with its outcome.

This is `airflow dags test` less the deadline: a person watches, and with a deadline Airflow 3.3 ends that
command with an error after a run that went well (apache/airflow issue 73428).
"""

from __future__ import annotations

import json
import sys


def main(dag_id: str, conf: str) -> int:
    """Run every task of the DAG; return 0 if the run succeeded."""
    from airflow.configuration import conf as configuration
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(configuration.get("core", "dags_folder"))
    if dag_id not in bag.dags:
        sys.exit(f"no DAG {dag_id}: {bag.import_errors or 'the folder does not hold it'}")
    dag = bag.dags[dag_id]
    dag.deadline = None
    run = dag.test(run_conf=json.loads(conf))
    return 0 if run.state == "success" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
