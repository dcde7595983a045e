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


def test_what_was_parsed_is_used_again_on_another_day_and_made_anew_where_it_is_broken(warehouse: Settings):
    """The day and the publication take effect all the same; a file cut short by a kill stops nothing."""
    saved = warehouse.home / "dbt" / "target" / "partial_parse.msgpack"

    def built(publication_id: str, as_of: str) -> str:
        variables = {"publication_id": publication_id, "run_id": "none", "as_of": as_of}
        log = warehouse.home / "logs" / f"dbt-{publication_id}.log"
        with Dbt(warehouse, variables, log_name=log.name) as dbt:
            dbt.build("the standings", ["--select", "+int_datasets_observed", "--exclude", "test_type:data"])
        return log.read_text(encoding="utf-8")

    def compiled() -> str:
        (found,) = (warehouse.home / "dbt" / "target" / "compiled").rglob("int_datasets_observed.sql")
        return found.read_text(encoding="utf-8")

    assert "Unable to do partial parsing" in built("p1", "2026-11-20")
    written = saved.stat().st_mtime_ns
    assert "Unable to do partial parsing" not in built("p2", "2008-05-01")
    assert saved.stat().st_mtime_ns == written
    assert "2008-05-01" in compiled()
    saved.write_bytes(saved.read_bytes()[:1000])
    built("p3", "2026-11-20")
    assert saved.stat().st_size > 1000
    assert "2026-11-20" in compiled()
