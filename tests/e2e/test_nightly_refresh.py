"""The night, whole: through Airflow from the replica to what `bi_reader` reads.

The tests of this file go on from each other, as nights do; each says what it stands on.
"""

from __future__ import annotations

import stat
import subprocess
import time
from collections.abc import Iterator
from datetime import date, timedelta

import psutil
import pytest

from ingest.replica.server import Handle, serve
from planmark.cli import airflow_home
from planmark.database import Role
from tests.e2e.conftest import Installation

pytestmark = pytest.mark.timeout(900)

# A day ahead, so that midnight in the middle of the tests changes nothing.
FIRST_NIGHT = date.today() + timedelta(days=1)
WRITTEN = (
    "select count(*), max(valid_from), count(*) filter (where valid_to < 'infinity') from raw.observations"
)
# Four datasets are enough to see what a failure does to the others.
FEW = "nomis_jobs_density,nomis_population,ons_local_employment_rate,ons_local_net_additions"


@pytest.fixture(scope="module")
def first(installation: Installation) -> subprocess.CompletedProcess[str]:
    return installation.planmark("refresh", PLANMARK_AS_OF=FIRST_NIGHT.isoformat())


@pytest.fixture(scope="module")
def written(first, installation: Installation) -> list[tuple]:
    return installation.rows(WRITTEN, Role.TRANSFORMER)


@pytest.fixture(scope="module")
def second(written, installation: Installation) -> subprocess.CompletedProcess[str]:
    return installation.planmark("refresh", PLANMARK_AS_OF=FIRST_NIGHT.isoformat())


@pytest.fixture()
def later() -> Iterator[Handle]:
    """A replica that lives three years from now: every living dataset has new periods, and it can misbehave."""
    with serve(today=date.today() + timedelta(days=3 * 365)) as handle:
        yield handle


def pointed_at(handle: Handle, nights_later: int, datasets: str = FEW) -> dict[str, str]:
    return {
        "PLANMARK_NOMIS_URL": f"{handle.url}/api/v01",
        "PLANMARK_ONS_LOCAL_SOURCE": f"{handle.url}/explore-local-statistics",
        "PLANMARK_DATASETS": datasets,
        "PLANMARK_AS_OF": (FIRST_NIGHT + timedelta(days=nights_later)).isoformat(),
        "PLANMARK_RETRY_ATTEMPTS": "2",
        "PLANMARK_RETRY_FIRST_WAIT_SECONDS": "0.05",
    }


def current(installation: Installation) -> str:
    return str(installation.value("select distinct publication_id from marts.mart_plan_progress"))


def test_the_first_night_ends_well_and_says_what_it_did(first, installation):
    assert first.returncode == 0, first.stdout[-4000:]
    assert "through Airflow" in first.stdout
    assert installation.rows("select kind, outcome from ops.runs") == [("refresh", "published")]
    datasets = installation.value(
        "select count(distinct dataset_id) from raw.deliveries where outcome = 'loaded'", Role.TRANSFORMER
    )
    assert f"ok     Publish: readers now see {current(installation)}" in first.stdout
    assert datasets >= 18


def test_the_scorecard_shows_target_due_baseline_latest_position_evidence_and_a_sentence(first):
    """The figures of the target are those of the plan, lines 811 and 822."""
    text = " ".join(first.stdout.split())
    assert "DEMONSTRATION DATA" in text
    assert "Employment rate by March 2008" in text
    assert "target 69.4 %; due 31 March 2008; baseline 66.4 %" in text
    assert "target 69.0 %; due 31 December 2009; baseline 65.0 % (April 2005 to March 2006)" in text
    assert "54 targets in 18 small areas" in text
    assert "evidence:" in text
    card = first.stdout.partition("====")[2].partition("Where to look")[0].splitlines()
    # A command stays whole, to be copied, however deep the folder lies.
    assert max(len(line) for line in card if not line.startswith("Every target: ")) <= 80
    # A command in a folder with a space in its name is shown quoted.
    for words in ("role bi_reader", "planmark db-url", "Airflow UI", "refresh-r"):
        assert words in text.replace("'", "")


def test_readers_find_the_figures_of_the_plan(first, installation):
    """Printed in the plan: 65 % for April 2005 to March 2006 (line 822, footnote 22); Tables 14 and 15."""
    rate = installation.rows(
        "select distinct baseline_value, target_value from marts.mart_plan_progress "
        "where target_id = 'city_strategy_2007.employment_rate_2009'"
    )
    assert rate == [(65.0, 69.0)]
    printed = installation.value(
        "select value from marts.fct_observations where measure_id = 'employment_rate' and area_code = 'E06000016' "
        "and period_start = '2005-04-01' and period_months = 12"
    )
    assert printed == 65.0
    targets = installation.value(
        "select count(*) from marts.mart_plan_progress where plan_id = 'city_strategy_2007'"
    )
    assert targets >= 4 + 3 + 18 * 3  # headline rates, Table 14, Table 15
    table_15 = installation.rows(
        "select measure_id, sum(target_printed_value) from marts.mart_plan_progress where area_code like 'E01%' "
        "group by measure_id order by 2"
    )
    # Sums of the three columns of Table 15, added by hand.
    assert [total for _, total in table_15] == [353, 392, 551]


def test_everything_that_readers_see_is_of_one_publication_and_says_that_it_is_demonstration(
    first, installation
):
    tables = installation.rows(
        "select table_name from information_schema.columns "
        "where table_schema = 'marts' and column_name = 'publication_id' order by 1"
    )
    assert len(tables) >= 10
    seen = {
        row
        for (table,) in tables
        for row in installation.rows(f"select distinct publication_id from marts.{table}")
    }
    assert len(seen) == 1
    assert installation.value(
        "select bool_and(is_demonstration) from marts.mart_plan_progress where origin is not null"
    )
    assert (
        installation.value("select origin from ops.publications where state = 'published'") == "demonstration"
    )


def test_passwords_are_in_no_log_and_on_no_screen(first, installation):
    settings = installation.settings
    secrets = [
        getattr(settings, name).get_secret_value()
        for name in ("loader_password", "transformer_password", "reader_password", "airflow_password",
                     "admin_password", "gate_password", "publisher_password", "airflow_jwt_secret")
    ]  # fmt: skip
    logs = [path for path in (installation.home / "logs").rglob("*") if path.is_file()]
    assert len(logs) >= 4
    for path in logs:
        text = path.read_text(encoding="utf-8", errors="replace")
        assert not [True for secret in secrets if secret in text], path
    assert not [True for secret in secrets if secret in first.stdout]
    assert stat.S_IMODE((installation.home / "secrets.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(airflow_home.password_file(settings).stat().st_mode) == 0o600


def test_a_second_night_says_that_nothing_changed_and_writes_no_observation(second, written, installation):
    assert second.returncode == 0, second.stdout[-4000:]
    assert f"Nothing changed since publication {current(installation)}." in second.stdout
    assert installation.rows(WRITTEN, Role.TRANSFORMER) == written
    assert installation.value("select count(*) from ops.publications") == 1
    assert "target 69.4 %" in second.stdout


def test_one_failing_dataset_leaves_the_others_published_and_the_run_red(second, installation, later):
    before = current(installation)
    population = (
        "select max(period_start) from raw.observations join raw.series using (series_id) where dataset_id = "
    )
    had = installation.value(f"{population} 'nomis_population'", Role.TRANSFORMER)
    later.misbehave("500", times=None, path="NM_31_1")
    run = installation.planmark("refresh", "--plain", **pointed_at(later, 1))
    assert run.returncode != 0
    assert "FAILED Fetch nomis_population" in run.stdout
    assert "1 dataset failed and kept the last good version" in " ".join(run.stdout.split())
    assert current(installation) != before
    newest = installation.rows("select outcome from ops.runs order by started_at desc limit 1")
    assert newest == [("published_with_stale_datasets",)]
    assert installation.value(f"{population} 'nomis_population'", Role.TRANSFORMER) == had
    others = installation.rows(
        "select dataset_id, outcome from raw.deliveries where run_id = (select max(run_id) from ops.runs) "
        "and dataset_id <> 'nomis_population' order by 1", Role.TRANSFORMER,
    )  # fmt: skip
    assert ("nomis_jobs_density", "loaded") in others
    assert {outcome for _, outcome in others} <= {"loaded", "unchanged"}

    # The next night, the service is well again.
    later.misbehave("none")
    healed = installation.planmark("refresh", "--plain", **pointed_at(later, 2))
    assert healed.returncode == 0, healed.stdout[-4000:]
    assert installation.value(f"{population} 'nomis_population'", Role.TRANSFORMER) > had


def test_a_gate_that_says_no_publishes_nothing_and_ends_red_through_airflow(second, installation):
    """A dataset that suddenly ends years earlier is what the gate must not let through."""
    before = current(installation)
    published = installation.value("select count(*) from ops.publication_events")
    with serve(today=date.today() - timedelta(days=2 * 365)) as past:
        run = installation.planmark("refresh", **pointed_at(past, 3, "nomis_jobs_density"))
    assert run.returncode != 0
    assert "FAILED Check what was loaded" in run.stdout
    assert f"readers see {before}" in " ".join(run.stdout.split())
    assert current(installation) == before
    assert installation.value("select count(*) from ops.publication_events") == published
    assert installation.rows("select outcome from ops.runs order by started_at desc limit 1") == [("failed",)]


def test_up_brings_airflow_up_and_down_leaves_no_process(second, installation):
    run = installation.planmark("up")
    assert run.returncode == 0, run.stdout[-4000:]
    settings = installation.settings
    address = next(word for word in run.stdout.split() if word.startswith("http://127.0.0.1:"))
    assert set(airflow_home.health(address).values()) == {"healthy"}
    ours = of_this_home(installation)
    assert len(ours) >= 6
    for process in ours:
        for connection in process.net_connections(kind="inet"):
            if connection.status == psutil.CONN_LISTEN:
                assert connection.laddr.ip == "127.0.0.1", (
                    f"{process.cmdline()} listens on {connection.laddr}"
                )
    paused = "select is_paused from dag where dag_id = 'nightly_refresh'"
    from planmark import database

    with database.connect(settings, Role.AIRFLOW, database=settings.airflow_database_name) as connection:
        assert connection.execute(paused).fetchone() == (False,)
        pools = dict(connection.execute("select pool, slots from slot_pool").fetchall())
    assert {"nomis": 1, "ons_local": 1}.items() <= pools.items()
    again = installation.planmark("up")
    assert again.returncode == 0
    assert "up already" in again.stdout
    assert "scheduler: running" in installation.planmark("status").stdout

    down = installation.planmark("down")
    assert down.returncode == 0, down.stdout
    deadline = time.monotonic() + 10
    while of_this_home(installation) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert [process.cmdline() for process in of_this_home(installation)] == []
    assert "Nothing was running." in installation.planmark("down").stdout


def of_this_home(installation: Installation) -> list[psutil.Process]:
    """Return every process that was started with this home, or works in it, the database included."""
    found = []
    home = str(installation.home)
    for process in psutil.process_iter():
        try:
            if home in " ".join(process.cmdline()) or process.environ().get("PLANMARK_HOME") == home:
                found.append(process)
        except psutil.Error:
            continue
    return found
