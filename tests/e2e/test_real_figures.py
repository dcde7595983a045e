"""The documented command for real figures, on the published ONS tables, against values read by hand from them."""

from __future__ import annotations

import pytest

from planmark.cli.refresh import REAL_FIGURES
from tests.conftest import shared
from tests.e2e.conftest import Installation

pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory):
    folder = shared("data")
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


# Read by hand from the published tables: the line of the file, then the aim and the day as the plan prints them.
BY_HAND = [
    # els_employment_rate_la: E06000016, 2009-01-01/P1Y, 63.1, 60.3 to 65.9. Plan, line 822: 69 % by 2009, and
    # 69.7 % with the strategy.
    ("city_strategy_2007.employment_rate_2009", 69.0, "2009-12-31", 63.1, 60.3, 65.9, "missed", "confirmed"),
    (
        "city_strategy_2007.employment_rate_2009_with_strategy",
        69.7, "2009-12-31", 63.1, 60.3, 65.9, "missed", "confirmed",
    ),
    # els_claimant_count_la: E10000018, 2020-01-01/P1Y, 3.4, no interval. Plan, line 206: 1.1 % by 2020.
    ("county_strategic_plan_2014.unemployment_1_1", 1.1, "2020-12-31", 3.4, None, None, "missed", None),
    # els_overweight_year6_2006_2021_la: E10000018, 2021-08-01/P1Y, 33.20053, 32.14996 to 34.27705. Plan, line 338:
    # halt the rise, 31.3 %; no day. The whole interval lies above 31.3.
    (
        "county_strategic_plan_2014.excess_weight_age_10_11_halted",
        31.3, None, 33.20053, 32.14996, 34.27705, "off_trajectory", "confirmed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("target_id", "aim", "due", "value", "lower", "upper", "position", "evidence"), BY_HAND
)
def test_targets_are_assessed_on_the_line_that_was_read_by_hand(
    real, target_id, aim, due, value, lower, upper, position, evidence
):
    _, installation = real
    [row] = installation.rows(
        "select target_value, due_date::text, coalesce(assessed_value, latest_value), "
        "coalesce(assessed_lower, latest_lower), coalesce(assessed_upper, latest_upper), position, evidence, origin "
        f"from marts.mart_plan_progress where target_id = '{target_id}'"
    )
    assert row[:2] == (aim, due)
    assert row[2:5] == tuple(
        None if read is None else pytest.approx(read, abs=1e-5) for read in (value, lower, upper)
    )
    assert row[5] == position
    assert evidence is None or row[6] == evidence
    assert row[7] == "official"


def test_only_what_is_the_same_quantity_is_measured(real):
    """Each of these has a published table of its name that counts something else; a verdict on it would be wrong.

    Persistent absence from 10 % of sessions for an aim counted from 15 %; the expected standard for Level 4;
    overweight for obesity, and for the counterpart of a healthy weight; CO2 for each resident for a total.
    """
    _, installation = real
    measured = installation.rows(
        "select target_id from marts.mart_plan_progress where latest_value is not null and measure_id in "
        "('pupils_persistently_absent', 'key_stage_2_level_4_reading_writing_maths', 'obesity_age_10_11', "
        "'healthy_weight_age_10_11', 'co2_within_influence_of_local_authority', 'business_survival_rate')"
    )
    assert measured == []


def test_a_withheld_value_is_missing_and_not_nought(real):
    """els_overweight_year6_2006_2021_la: E10000018, 2020-08-01/P1Y, empty, status u."""
    _, installation = real
    rows = installation.rows(
        "select value from marts.fct_observations where measure_id = 'excess_weight_age_10_11' "
        "and area_code = 'E10000018' and period_start = '2020-08-01'"
    )
    assert rows == [(None,)]


def test_the_standing_of_the_survey_is_that_of_today(real):
    _, installation = real
    rows = installation.rows(
        "select standing, standing_since_date::text from marts.dim_datasets "
        "where dataset_id = 'ons_local_employment_rate'"
    )
    assert rows == [("official statistics; accreditation suspended", "2024-10-09")]


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
