"""Build marts: seeds, staging and intermediate by dbt, the forecasts from them, the marts by dbt.

A night and a look back both build so.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack

from planmark import forecasts, publication
from planmark.cli import dbt_stage, forecast_stage
from planmark.cli.progress import Note
from planmark.errors import DatabaseError
from planmark.settings import Settings

log = logging.getLogger(__name__)

BEFORE_MARTS = ("--select", "resource_type:seed", "path:models/staging", "path:models/intermediate",
                 "--indirect-selection", "cautious")  # fmt: skip
MARTS = ("--select", "path:models/marts", "--indirect-selection", "buildable")
#: A fetch that ends while marts are built would mix two states of `raw`; then they are built again.
_MOST_BUILDS = 3

Part = Callable[[str], AbstractContextManager[Note]]


def build(
    settings: Settings,
    variables: Mapping[str, str],
    *,
    log_name: str,
    part: Part,
    begin: Callable[[str], None] = lambda _: None,
    name: str = "",
) -> dict[str, float]:
    """Build the marts of `variables["publication_id"]`, all from one state of `raw`.

    Returns the seconds that each node of dbt took, by its id.

    They are in the schema `marts_candidate` then; those of a build that looks back, in the schema of its `name`.

    `part` is told of each part as it begins, `begin` of the fingerprint of what goes in.
    Raises: RegistryError if the plan files have faults; TransformError naming each node that failed; DatabaseError if
    deliveries keep arriving meanwhile.
    """
    for _ in range(_MOST_BUILDS):
        before = publication.fingerprint(settings)
        begin(before)
        seconds = _build(settings, variables, log_name, part, name)
        if publication.fingerprint(settings) == before:
            return seconds
        log.warning("deliveries arrived while the marts were built; building them again")
    raise DatabaseError(
        "deliveries keep arriving while the marts are built",
        next_step="planmark status shows who is loading",
    )


def _build(
    settings: Settings, variables: Mapping[str, str], log_name: str, part: Part, name: str
) -> dict[str, float]:
    # Importing what forecasts takes seconds, which pass while dbt reads its project.
    warm = threading.Thread(target=forecasts.warm_up, daemon=True)
    warm.start()
    with ExitStack() as stack:
        with part("transform") as note:
            dbt = stack.enter_context(dbt_stage.Dbt(settings, variables, log_name=log_name, build=name))
            built = dbt.build("staging and intermediate", BEFORE_MARTS)
            warm.join()
            note.message = f"{built}; {forecast_stage.run(settings, schema=forecast_stage.schema_of(name))}"
        with part("build_marts") as note:
            note.message = dbt.build("the marts", MARTS)
    return dbt.seconds
