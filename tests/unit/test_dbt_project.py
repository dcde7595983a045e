"""The dbt project as files: who may read whom, citations that can be found, generated files fresh."""

import csv
import importlib.util
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from ingest.definitions import area_codes, load_definitions
from planmark.cli.dbt_process import NAMING_VARIABLE
from planmark.registry import declaration
from planmark.registry.declaration import FILE as DECLARATION
from planmark.settings import ROOT
from tests.conftest import shared

PROJECT = ROOT / "dbt_project"
MODELS = sorted((PROJECT / "models").rglob("*.sql"))
PLAN = "plans/002_c146647b0fd30100.txt"

# What each layer may read: the table of the naming rules. `dim_` and `fct_` may read dims for names and keys.
MAY_READ = {
    "stg": {"source", "seed"},
    "int": {"stg", "int", "seed"},
    "dim": {"stg", "int"},
    "fct": {"stg", "int", "dim"},
    "mart": {"dim", "fct"},
}
# The gate writes after the marts are built and staging is made anew every night, so this one view reads its
# source itself.
# Five marts narrow, count or compare the rows of mart_plan_progress, so that a target has one verdict wherever it is shown;
# one counts those of mart_forecast_scores.
EXCEPTIONS = {
    ("mart_quality", "source"),
    ("mart_changes", "mart"),
    ("mart_forecast_reliability", "mart"),
    ("mart_objective_progress", "mart"),
    ("mart_objective_spread", "mart"),
    ("mart_plan_health", "mart"),
    ("mart_small_area_targets", "mart"),
}


def rows(path: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def layer_of(name: str) -> str:
    prefix = name.split("_", 1)[0]
    return prefix if prefix in MAY_READ else "seed"


def reads(path: Path) -> set[tuple[str, str]]:
    """Return what a model reads, as (layer, name)."""
    text = path.read_text(encoding="utf-8")
    found = {(layer_of(name), name) for name in re.findall(r"ref\('(\w+)'\)", text)}
    return found | {("source", table) for table in re.findall(r"source\('\w+', '(\w+)'\)", text)}


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.stem)
def test_a_model_reads_only_the_layers_below_it(path: Path) -> None:
    layer = layer_of(path.stem)
    assert layer in MAY_READ, f"{path.stem} has no layer's prefix"
    wrong = {
        f"{name} ({kind})"
        for kind, name in reads(path)
        if kind not in MAY_READ[layer] and (path.stem, kind) not in EXCEPTIONS
    }
    assert not wrong


def test_every_model_is_in_the_folder_of_its_layer() -> None:
    folders = {"stg": "staging", "int": "intermediate", "dim": "marts", "fct": "marts", "mart": "marts"}
    wrong = [
        p.stem for p in MODELS if p.relative_to(PROJECT / "models").parts[0] != folders[layer_of(p.stem)]
    ]
    assert not wrong


def test_staging_neither_joins_nor_filters() -> None:
    wrong = [
        path.stem
        for path in MODELS
        if layer_of(path.stem) == "stg" and re.search(r"\b(join|where|group by|distinct)\b", path.read_text())
    ]
    assert not wrong


def described() -> dict[str, dict]:
    found = {}
    for path in (PROJECT / "models").rglob("_*.yml"):
        for model in yaml.safe_load(path.read_text(encoding="utf-8")).get("models", []):
            found[model["name"]] = model
    return found


def test_every_model_states_its_grain() -> None:
    models = described()
    assert {path.stem for path in MODELS} == set(models)
    assert [
        name for name, model in models.items() if not model["description"].startswith("One row per")
    ] == []


def test_no_variable_but_the_one_known_when_dbt_parses_decides_what_a_model_is() -> None:
    """What was parsed is kept from night to night (ADR 17), so a variable that differs by night would not be seen."""
    naming = (PROJECT / "macros" / "generate_schema_name.sql").read_text(encoding="utf-8")
    assert set(re.findall(r"var\('(\w+)'", naming)) == {NAMING_VARIABLE}
    configured = {path.name: path.read_text(encoding="utf-8") for path in PROJECT.rglob("*.yml")}
    configured |= {
        path.name: " ".join(
            re.findall(r"config\((.*?)\)\s*-?\}\}", path.read_text(encoding="utf-8"), re.DOTALL)
        )
        for path in [*MODELS, *(PROJECT / "tests").rglob("*.sql")]
    }
    assert [name for name, text in configured.items() if re.search(r"\bvar\(", text)] == []
    assert "contract" in configured["dbt_project.yml"]
    assert any("materialized" in text for name, text in configured.items() if name.endswith(".sql"))


def test_every_mart_names_its_publication_first_and_describes_every_column() -> None:
    for name, model in described().items():
        if layer_of(name) not in ("dim", "fct", "mart"):
            continue
        assert model["columns"][0]["name"] == "publication_id", name
        assert all(column["description"].strip() and column["data_type"] for column in model["columns"]), name
        if name != "mart_quality":
            assert any(c["type"] == "primary_key" for c in model["constraints"]), name


def test_every_printed_figure_of_table_15_is_a_target() -> None:
    """The table is read from the plan's text: 18 neighbourhoods, three reductions each."""
    lines = shared(PLAN).read_text(encoding="utf-8").split("\n")[826:844]
    printed = {
        (cells[1], measure): float(value)
        for cells in (line.split("\t") for line in lines)
        for measure, value in zip(
            ("jsa_claimants", "incapacity_benefit_claimants", "lone_parent_claimants"), cells[2:], strict=True
        )
    }
    kept = {
        (row["area_code"], row["measure_id"]): float(row["target_value"])
        for row in rows("plans/targets.csv")
        if row["citation_table"] == "Table 15"
    }
    assert len(printed) == 54
    assert kept == printed
    sums = Counter()
    for (_, measure), value in kept.items():
        sums[measure] += value
    # Added up by hand; Table 14 prints 386, 550 and 354.
    assert sums == {
        "jsa_claimants": 392,
        "incapacity_benefit_claimants": 551,
        "lone_parent_claimants": 353,
    }


def test_headline_targets_stand_as_printed() -> None:
    """Lines 807 to 822 of the plan."""
    kept = {row["target_id"].split(".")[1]: row for row in rows("plans/targets.csv")}
    values = {
        name: (row["baseline_value"], row["target_value"], row["due_date"]) for name, row in kept.items()
    }
    assert values["employment_rate_march_2008"] == ("66.4", "69.4", "2008-03-31")
    assert values["employment_rate_2009"] == ("65", "69", "2009-12-31")
    assert values["employment_rate_2009_with_strategy"] == ("65", "69.7", "2009-12-31")
    assert values["employment_rate_80_percent"] == ("66.4", "80", "")
    assert values["jsa_long_term"] == ("", "386", "")
    assert values["incapacity_benefit"] == ("", "550", "")
    assert values["lone_parents"] == ("", "354", "")
    assert values["three_groups"] == ("", "1290", "")


def test_targets_have_the_columns_of_the_plan_registry_first_named_so() -> None:
    wanted = [
        "target_id",
        "plan_id",
        "objective_id",
        "measure_id",
        "population",
        "area_code",
        "area_name",
        "baseline_value",
        "baseline_period",
        "target_value",
        "target_lower",
        "target_upper",
        "comparator",
        "comparator_basis",
        "kind",
        "direction",
        "polarity",
        "unit",
        "period",
        "due_date",
        "owner",
        "depends_on",
        "provisional",
        "repeats",
        "contradicts",
        "citation_section",
        "citation_table",
        "citation_row",
        "citation_line",
        "citation_quote",
        "note",
    ]
    assert set(wanted) <= set(rows("plans/targets.csv")[0])


def test_leicesters_small_areas_are_those_of_the_official_lookups() -> None:
    """187 areas of 2001, 192 of 2011, 200 of 2021: counted in the ONS lookups with `grep -c`."""
    kept = [row for row in rows("reference/areas.csv") if row["area_type"] == "lsoa"]
    counts = {
        vintage: sum(1 for row in kept if row["boundary_vintage"] <= vintage <= row["boundary_vintage_last"])
        for vintage in ("2001", "2011", "2021")
    }
    assert counts == {"2001": 187, "2011": 192, "2021": 200}
    wards = {row["area_code"]: row["ward_name"] for row in kept}
    for row in rows("plans/targets.csv"):
        if row["citation_table"] == "Table 15":
            assert row["citation_row"] == f"{wards[row['area_code']]} {row['area_code']}"


def test_every_area_of_the_catalogue_can_be_shown() -> None:
    known = {row["area_code"] for row in rows("reference/areas.csv")}
    declared = {code for definition in load_definitions().values() for code in area_codes(definition)}
    assert declared <= known


def test_every_column_of_every_seed_has_a_written_type() -> None:
    written = {}
    for path in (*(PROJECT / "seeds").rglob("_*.yml"), DECLARATION):
        for seed in yaml.safe_load(path.read_text(encoding="utf-8"))["seeds"]:
            written[seed["name"]] = list(seed["config"]["column_types"])
    seeds = sorted((PROJECT / "seeds").rglob("*.csv"))
    assert {path.stem for path in seeds} == set(written)
    for path in seeds:
        header = path.read_text(encoding="utf-8").split("\n", 1)[0].split(",")
        assert written[path.stem] == header, path.name


def test_the_declaration_is_held_over_every_plan_file() -> None:
    """The dbt test names its files, since dbt must know what to load first."""
    declared = set(declaration.files())
    named = set(
        re.findall(r"'(\w+)'", (PROJECT / "macros" / "plan_files.sql").read_text().split("endmacro")[0])
    )
    waits_for = re.findall(
        r"ref\('(\w+)'\)", (PROJECT / "tests" / "plan_files_follow_their_declaration.sql").read_text()
    )
    assert declared == named
    assert declared | {"areas", "datasets"} == set(waits_for)


def load_generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("dbt_project_generate", PROJECT / "generate.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_files_are_fresh() -> None:
    generate = load_generate()
    next_step = "python dbt_project/generate.py"
    assert generate.DATASETS.read_text(encoding="utf-8") == generate.datasets_csv(), next_step
    assert generate.DICTIONARY.read_text(encoding="utf-8") == generate.dictionary(), next_step
    assert generate.REGISTRY.read_text(encoding="utf-8") == generate.registry(), next_step
