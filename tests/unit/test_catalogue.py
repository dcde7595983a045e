"""The catalogue that we ship: without fault, in the shape of the schema, and its generated files fresh."""

from __future__ import annotations

import csv
import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from typer.testing import CliRunner

from ingest.dataset_pages import GENERATED, PAGES, pages
from ingest.definitions import (
    CATALOGUE,
    SCHEMA_FILE,
    SCHEMA_LINE,
    NomisSource,
    area_codes,
    check,
    load_definitions,
    read_areas,
    schema,
)
from ingest.yaml_file import read_yaml
from planmark.cli import datasets
from planmark.settings import ROOT
from tests.conftest import shared

DEFINITIONS = load_definitions()
FILES = sorted(CATALOGUE.glob("*/*.yml"))

# Dimensions besides geography, measures, freq and time, as the publisher's own catalogue of 5 August 2020
# lists them (NM_1_1 to NM_131_1), and as recorded answers of 2026 or public clients carry them (the others).
TRUE_DIMENSIONS = {
    "NM_1_1": {"sex", "item"},
    "NM_17_5": {"variable"},
    "NM_18_1": {"age", "duration", "sex"},
    "NM_30_1": {"sex", "item", "pay"},
    "NM_31_1": {"sex", "age"},
    "NM_57_1": {"item"},
    "NM_99_1": {"sex", "item", "pay"},
    "NM_103_1": {"item"},
    "NM_105_1": {"sex", "age", "duration", "children", "stat_group", "benefit"},
    "NM_142_1": {"industry", "employment_sizeband", "legal_status"},
    "NM_162_1": {"gender", "age", "measure"},
    "NM_189_1": {"industry", "employment_status", "measure"},
    "NM_2010_1": {"gender", "c_age"},
    "NM_2014_1": {"gender", "c_age"},
}


def test_it_has_no_fault_and_every_file_is_a_dataset() -> None:
    assert check() == []
    assert len(DEFINITIONS) == len(FILES) >= 27


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(CATALOGUE).as_posix())
def test_each_file_names_the_schema_for_editors_and_says_what_is_assumed(path: Path) -> None:
    assert path.read_text(encoding="utf-8").splitlines()[0] == SCHEMA_LINE
    evidence = DEFINITIONS[f"{path.parent.name}_{path.stem}"].evidence
    assert "Known:" in evidence
    assert "ssumed" in evidence


def test_each_file_fits_the_schema_for_editors() -> None:
    text = (CATALOGUE / SCHEMA_FILE).read_text(encoding="utf-8")
    validator = jsonschema.Draft202012Validator(json.loads(text))
    for path in FILES:
        content = json.loads(json.dumps(read_yaml(path, path.name)[0]))
        assert [error.message for error in validator.iter_errors(content)] == [], path
        assert not validator.is_valid({**content, "titel": "x"})
        assert not validator.is_valid({**content, "areas": ["everywhere"]})


def test_the_schema_is_fresh() -> None:
    assert (CATALOGUE / SCHEMA_FILE).read_text(encoding="utf-8") == schema(), "planmark datasets docs"


def test_the_pages_are_fresh_and_say_that_they_are_generated() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in PAGES.glob("*.md")}
    assert written == pages(DEFINITIONS), "planmark datasets docs"
    assert {text.splitlines()[0] for text in written.values()} == {GENERATED}


def test_every_dimension_of_a_nomis_dataset_is_pinned() -> None:
    sources = [item.source for item in DEFINITIONS.values() if isinstance(item.source, NomisSource)]
    assert {source.dataset for source in sources} == set(TRUE_DIMENSIONS)
    for source in sources:
        assert set(source.select) == TRUE_DIMENSIONS[source.dataset], source.dataset


def test_the_dimensions_are_those_of_the_publishers_catalogue() -> None:
    path = shared("recorded/nomis/census-test-2020/dataset.def.sdmx.from-notebook.json")
    families = json.loads(path.read_text(encoding="utf-8"))["structure"]["keyfamilies"]["keyfamily"]
    listed = {
        family["id"]: {
            dimension["conceptref"].lower()
            for dimension in family["components"]["dimension"]
            if dimension["conceptref"] not in ("GEOGRAPHY", "MEASURES", "FREQ")
        }
        for family in families
    }
    known = set(listed) & set(TRUE_DIMENSIONS)
    assert len(known) == 9
    assert {dataset: listed[dataset] for dataset in known} == {d: TRUE_DIMENSIONS[d] for d in known}


@pytest.mark.parametrize(
    ("name", "file", "code", "authority", "count"),
    [
        ("leicester_lsoas_2001", "lsoa01_lsoa11_lad11_lookup.csv.gz", "LSOA01CD", "LAD11CD", 187),
        ("leicester_lsoas_2011", "lsoa01_lsoa11_lad11_lookup.csv.gz", "LSOA11CD", "LAD11CD", 192),
        ("leicester_lsoas_2021", "lsoa11_lsoa21_lad22_exact_lookup.csv.gz", "LSOA21CD", "LAD22CD", 200),
    ],
)
def test_small_areas_are_those_of_the_published_lookup(
    name: str, file: str, code: str, authority: str, count: int
) -> None:
    names = read_areas().names(name)
    assert len(names) == count
    with gzip.open(shared(f"data/lsoa/{file}"), "rt", encoding="utf-8-sig", newline="") as text:
        published = {
            row[code]: row[code.replace("CD", "NM")]
            for row in csv.DictReader(text)
            if row[authority] == "E06000016"
        }
    assert names == published


def test_the_areas_of_the_first_case() -> None:
    codes = area_codes(DEFINITIONS["nomis_claimant_count"])
    assert codes == (
        "E06000016",
        "E10000018",
        *(f"E0700{number:04d}" for number in range(129, 136)),
        "E06000017",
        "E06000018",
        "E06000015",
        "E12000004",
        "E92000001",
        "K03000001",
    )


def test_what_measures_are_bound_to_is_asked_for() -> None:
    with (ROOT / "dbt_project" / "seeds" / "plans" / "bindings.csv").open(
        encoding="utf-8", newline=""
    ) as file:
        bindings = [row for row in csv.DictReader(file) if row["dataset_id"]]
    assert bindings
    for binding in bindings:
        definition = DEFINITIONS[binding["dataset_id"]]
        source = definition.source
        for chosen in json.loads(binding["selection"]):
            if isinstance(source, NomisSource):
                units = {
                    source.unit_of(code, chosen)
                    for code, measure in source.measures.items()
                    if measure.role == "value"
                }
                assert all(code in source.select[name] for name, code in chosen.items()), binding[
                    "binding_id"
                ]
            else:
                units = {source.indicators[chosen["indicator"]].unit}
            assert binding["unit"] in units, binding["binding_id"]


def run(*arguments: str) -> str:
    result = CliRunner().invoke(datasets.app, list(arguments), env={"COLUMNS": "80"})
    assert result.exit_code == 0, result.output
    return result.output


def test_list_fits_80_columns_and_names_every_dataset() -> None:
    output = run("list")
    assert max(map(len, output.splitlines())) <= 80
    for name in DEFINITIONS:
        assert name in output


def test_list_and_show_as_json() -> None:
    assert {item["id"] for item in json.loads(run("list", "--json"))} == set(DEFINITIONS)
    shown = json.loads(run("show", "nomis_bres", "--json"))
    assert shown["source"]["dataset"] == "NM_189_1"
    assert shown["area_names"]["E06000016"] == "Leicester"


@pytest.mark.parametrize("name", ["nomis_claimant_count", "ons_local_healthy_life_expectancy"])
def test_show_fits_80_columns_and_says_what_is_asked_for(name: str) -> None:
    output = run("show", name)
    assert max(map(len, output.splitlines())) <= 80
    assert "Leicester" in output or "leicester_and_leicestershire" in output


def test_show_of_an_unknown_dataset_names_those_that_are_like_it() -> None:
    result = CliRunner().invoke(datasets.app, ["show", "claimant"])
    assert result.exit_code == 1
    assert "nomis_claimant_count, nomis_claimant_count_lsoa, ons_local_claimant_count" in str(
        result.exception
    )


def test_check_prints_each_fault_and_fails(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(datasets, "check", lambda: check(tmp_path))
    result = CliRunner().invoke(datasets.app, ["check"])
    assert result.exit_code == 1
    assert "areas.yml: (file): is missing" in result.output


def test_check_needs_little_time_and_no_settings() -> None:
    code = (
        "import resource, socket\n"
        "from planmark.cli.datasets import check_datasets\n"
        "socket.socket = None\n"
        "check_datasets()\n"
        "assert resource.getrusage(resource.RUSAGE_SELF).ru_utime < 5\n"
    )
    home = {name: value for name, value in os.environ.items() if not name.startswith("PLANMARK_")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=home,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("datasets, no fault\n")
