"""`python -m planmark.cli.plain RUN_ID [--force]`: the steps of a night in one process, without Airflow."""

from __future__ import annotations

import argparse
import logging
import sys

from planmark.cli import steps
from planmark.errors import PlanmarkError
from planmark.settings import load_settings


def main() -> int:
    """Run the night; return 0 if everything went well."""
    parser = argparse.ArgumentParser(prog="python -m planmark.cli.plain", description=__doc__)
    parser.add_argument("run_id")
    parser.add_argument(
        "--force", action="store_true", help="fetch everything, even if nothing new is promised"
    )
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        steps.run_plain(load_settings(), run_id=options.run_id, force=options.force)
    except PlanmarkError as error:
        logging.getLogger(__name__).error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
