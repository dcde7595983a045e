"""What is said when dbt fails: which node, what the database said, where to read on."""

from __future__ import annotations

import pytest

from planmark.cli.dbt_stage import Dbt
from planmark.errors import TransformError
from planmark.settings import Settings

VARIABLES = {"publication_id": "p1", "run_id": "none", "as_of": "2026-11-20"}


def test_a_node_that_fails_is_named_with_what_the_database_said(warehouse: Settings):
    with Dbt(warehouse, VARIABLES, log_name="dbt-failing.log") as dbt:
        with pytest.raises(TransformError) as failed:
            dbt.build("the datasets", ["--select", "int_datasets_accepted"])
        # It stands on a view that was not built. The process goes on, and builds what is asked of it next.
        assert dbt.build(
            "the datasets", ["--select", "+int_datasets_accepted", "--exclude", "test_type:data"]
        )
    said = str(failed.value)
    assert "dbt could not build the datasets" in said
    assert "model int_datasets_accepted" in said
    assert "stg_raw__deliveries" in said
    assert "dbt-failing.log" in said


def test_a_process_that_was_ended_is_a_fault_and_not_a_wait(warehouse: Settings):
    with Dbt(warehouse, VARIABLES, log_name="dbt-ended.log") as dbt:
        dbt._process.kill()
        with pytest.raises(TransformError, match="could not build the marts"):
            dbt.build("the marts", ["--select", "path:models/marts"])
