"""Which small areas replaced which, out of the lookups that ONS publishes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from planmark.errors import RegistryError
from planmark.registry.area_changes import Step, as_csv, read_lookup, steps_for
from planmark.settings import ROOT

OURS = ROOT / "dbt_project" / "seeds" / "plans"
LOOKUPS = [
    ROOT.parent / "shared" / "data" / "lsoa" / name
    for name in ("lsoa01_lsoa11_lad11_lookup.csv.gz", "lsoa11_lsoa21_lad22_exact_lookup.csv.gz")
]
#: E01013645 was split in 2011; one of its parts was merged with E01013647 in 2021 (typed from the lookups).
FIRST = """LSOA01CD,LSOA11CD,CHGIND
E01013645,E01032868,S
E01013645,E01032875,S
E01013647,E01013647,U
E01000001,E01000001,U
"""
SECOND = """LSOA11CD,LSOA21CD,CHGIND
E01032868,E01032868,U
E01032875,E01034020,M
E01013647,E01034020,M
E01000001,E01000001,U
"""


@pytest.fixture
def lookups(tmp_path: Path) -> list[list[Step]]:
    for name, text in (("first.csv", FIRST), ("second.csv", SECOND)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    return [read_lookup(tmp_path / "first.csv"), read_lookup(tmp_path / "second.csv")]


def test_what_an_area_was_merged_with_comes_along(lookups: list[list[Step]]) -> None:
    steps = steps_for(["E01013645"], lookups)
    assert [(s.from_vintage, s.from_code, s.to_code, s.change) for s in steps] == [
        (2001, "E01013645", "E01032868", "S"),
        (2001, "E01013645", "E01032875", "S"),
        (2001, "E01013647", "E01013647", "U"),
        (2011, "E01013647", "E01034020", "M"),
        (2011, "E01032868", "E01032868", "U"),
        (2011, "E01032875", "E01034020", "M"),
    ]


def test_areas_that_no_lookup_knows_have_no_steps(lookups: list[list[Step]]) -> None:
    assert steps_for(["E06000016"], lookups) == []


def test_a_file_that_is_no_lookup_is_named(tmp_path: Path) -> None:
    path = tmp_path / "wards.csv"
    path.write_text("WD07CD,LSOA01CD\n", encoding="utf-8")
    with pytest.raises(RegistryError, match="not a lookup") as raised:
        read_lookup(path)
    assert "CHGIND" in str(raised.value)


def published() -> list[list[Step]]:
    if not all(path.exists() for path in LOOKUPS):
        pytest.skip("shared material is missing: data/lsoa (lookups)")
    return [read_lookup(path) for path in LOOKUPS]


def test_our_own_file_is_what_the_published_lookups_say() -> None:
    targets = (OURS / "targets.csv").read_text(encoding="utf-8")
    areas = {
        area for area in (step.from_code for lookup in published() for step in lookup) if area in targets
    }
    assert (OURS / "area_changes.csv").read_text(encoding="utf-8") == as_csv(steps_for(areas, published()))


def test_england_changed_as_ons_says() -> None:
    """31,810 unchanged, 834 split, 194 merged, 6 fragmented (ONS, LSOA 2011 to 2021)."""
    steps = [step for step in published()[1] if step.from_code.startswith("E")]
    changed = Counter({step.from_code: step.change for step in steps}.values())
    assert changed == {"U": 31_810, "S": 834, "M": 194, "X": 6}


def test_an_area_keeps_its_code_where_it_is_unchanged_and_only_there() -> None:
    """So a value that is published under an area's own code is of the area as it was."""
    assert all(
        (step.change == "U") == (step.from_code == step.to_code) for lookup in published() for step in lookup
    )
