"""The gate's suites: every file is right, and a wrong one is refused with all its faults."""

from pathlib import Path

import pytest

from expectations.suites import SUITES, load_suites
from planmark.errors import DefinitionError

SUITE = """
suite: sizes
door: marts
table: raw.series
checks:
  - {id: one, expectation: X, severity: fail, owner: data engineer, expected: "what is right", next_step: "what to do"}
"""


@pytest.mark.parametrize("path", sorted(SUITES.glob("*.yml")), ids=lambda path: path.name)
def test_each_suite_has_the_name_of_its_file_and_begins_with_its_door(path: Path):
    suites = [*load_suites("raw"), *load_suites("marts")]
    assert [s.door for s in suites if s.suite == path.stem] == [path.stem.split("_")[0]]


def test_every_comparison_with_the_last_publication_is_exempt_the_first_time():
    for suite in [*load_suites("raw"), *load_suites("marts")]:
        for check in suite.checks:
            reads_last = any(
                word in str(check.kwargs) for word in (" marts.", "last_row_count", "ops.current_publication")
            )
            assert check.compares_with_last == reads_last, check.id


def test_no_query_looks_at_a_percent_sign_or_a_colon_that_sqlalchemy_would_read():
    for suite in [*load_suites("raw"), *load_suites("marts")]:
        for check in suite.checks:
            assert not {":", "%"} & set(str(check.kwargs.get("unexpected_rows_query", ""))), check.id


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path):
    (tmp_path / "a.yml").write_text(SUITE.replace("severity: fail", "severity: maybe"), encoding="utf-8")
    (tmp_path / "b.yml").write_text(SUITE.replace("owner: data engineer, ", ""), encoding="utf-8")
    (tmp_path / "c.yml").write_text("suite: [", encoding="utf-8")
    (tmp_path / "d.yml").write_text(SUITE + "colour: red\n", encoding="utf-8")
    with pytest.raises(DefinitionError) as raised:
        load_suites("marts", tmp_path)
    text = str(raised.value)
    assert "a.yml: checks.0.severity: Input should be 'fail' or 'warn'" in text
    assert "b.yml: checks.0.owner: Field required" in text
    assert "c.yml: while parsing" in text
    assert "d.yml: colour: Extra inputs are not permitted" in text


def test_a_check_id_used_twice_at_a_door_is_refused(tmp_path: Path):
    (tmp_path / "a.yml").write_text(SUITE, encoding="utf-8")
    (tmp_path / "b.yml").write_text(SUITE, encoding="utf-8")
    with pytest.raises(DefinitionError, match="marts: one: the id is used twice"):
        load_suites("marts", tmp_path)
