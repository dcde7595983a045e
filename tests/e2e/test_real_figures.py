"""The documented command for real figures, on the published ONS table, against values read by hand from it."""

from __future__ import annotations

import pytest

from planmark.cli.refresh import REAL_FIGURES
from tests.conftest import shared
from tests.e2e.conftest import Installation

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory):
    folder = shared("data/aps")
    base = Installation(tmp_path_factory.mktemp("real figures") / "home")
    run = base.planmark("refresh", "--plain", "--ons-folder", str(folder))
    yield run, Installation(base.home.with_name(base.home.name + REAL_FIGURES))
    base.planmark("down")


def test_the_plans_target_is_assessed_on_the_published_series(real):
    """Read by hand from els_employment_rate_la.csv.gz: Leicester 2007-01-01/P1Y, 66.7, 64.1 to 69.3.

    The plan wants 69.4 % by the end of March 2008 (line 811); the last calendar year that ended by then is 2007,
    and its whole interval lies below 69.4.
    """
    run, installation = real
    assert run.returncode == 0, run.stdout[-4000:]
    rows = installation.rows(
        "select baseline_value, target_value, due_date::text, assessed_value, round(assessed_lower::numeric, 1), "
        "round(assessed_upper::numeric, 1), assessed_period_label, position, evidence, is_demonstration "
        "from marts.mart_plan_progress where target_id = 'city_strategy_2007.employment_rate_march_2008'"
    )
    baseline, target, due, value, lower, upper, period, position, evidence, is_demonstration = rows[0]
    assert (baseline, target, due) == (66.4, 69.4, "2008-03-31")
    assert (value, float(lower), float(upper)) == (66.7, 64.1, 69.3)
    assert "2007" in period
    assert (position, evidence) == ("missed", "confirmed")
    assert is_demonstration is False


def test_the_whole_published_series_is_in_the_history(real):
    """The table holds Leicester for 2004 to 2023: twenty calendar years."""
    _, installation = real
    years = installation.rows(
        "select distinct extract(year from period_start)::int from marts.fct_observations "
        "where measure_id = 'employment_rate' and area_code = 'E06000016' and value is not null order by 1"
    )
    assert [year for (year,) in years] == list(range(2004, 2024))


def test_what_is_shown_is_not_called_demonstration(real):
    run, installation = real
    assert "DEMONSTRATION" not in run.stdout
    assert "missed" in run.stdout.lower()
    assert installation.value("select distinct origin from ops.publications") == "official"
