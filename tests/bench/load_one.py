"""One measured load in a process of its own, so that its peak memory is its own: prints one line of JSON.

Timed: from opening the delivery in the archive to the commit. Not timed: starting Python and importing.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from ingest.archive import Archive
from ingest.load import load_pages
from ingest.providers.nomis_answer import read_answers
from planmark import database
from planmark.database import Role
from planmark.settings import load_settings
from tests.bench.deliveries import definition


def main(home: Path, folder: Path, path: str) -> dict[str, object]:
    """Load one stored delivery as a refresh does; return seconds, counts and peak memory in MB (10^6 bytes)."""
    chosen = definition()
    started, cpu = time.perf_counter(), time.process_time()
    with database.connect(load_settings(home=home), Role.LOADER) as connection:
        row = connection.execute(
            "insert into raw.deliveries (dataset_id, provider, origin) "
            "values (%s, 'nomis', 'demonstration') returning delivery_id",
            (chosen.id,),
        ).fetchone()
        assert row is not None
        reader = Archive((folder / "archive").as_uri()).open(path)
        counts = load_pages(
            connection,
            delivery_id=row[0],
            dataset_id=chosen.id,
            pages=read_answers(chosen, reader),
            loaded_at=datetime.now(UTC),
        )
    return {
        "seconds": time.perf_counter() - started,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6,
        "delivery_id": row[0],
        "counts": asdict(counts),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])))
