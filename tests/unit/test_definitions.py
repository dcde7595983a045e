"""The catalogue: the models, the loader that reports every fault, and what is derived from a definition."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path
from typing import get_args

import pytest

from ingest.definitions import (
    NomisSource,
    OnsLocalSource,
    PeriodMeaning,
    Role,
    absent_areas,
    absent_codes,
    area_codes,
    area_names,
    check,
    definition_sha256,
    load_definitions,
    period_end,
    period_of,
    read_areas,
)
from ingest.periods import published_period
from ingest.rows import ROLES
from planmark.errors import DefinitionError

AREAS = """
city: {title: The city, codes: {E06000016: Leicester}}
districts: {title: Two districts, codes: {E07000129: Blaby, E07000130: Charnwood}}
all: {title: All of them, of: [city, districts]}
lsoas: {title: Small areas, name_prefix: 'Leicester ', codes: {E01013600: 003A}}
"""

CLAIMANTS = """
id: nomis_claimants
title: Claimants
description: People who claim.
publisher: ONS
licence: OGL-UK-3.0
landing_page: https://www.nomisweb.co.uk/sources/cc
owner: data engineer
cadence: monthly
provider: nomis
source:
  dataset: NM_162_1
  select: {gender: [0, 1, 2], age: 0, measure: [1, 2]}
  measures: {20100: {role: value}}
  units: {dimension: measure, of: {1: people, 2: percent}}
areas: [all]
periods: {from: 2004-01, to: latest}
period: {means: month}
valid: {minimum: 0, maximum: null}
door: {rows_at_least: 100}
evidence: known
"""

PAY = """
id: ons_local_pay
title: Pay
description: Median pay.
publisher: ONS
licence: OGL-UK-3.0
landing_page: https://www.ons.gov.uk/explore-local-statistics/
owner: data engineer
cadence: annual
provider: ons_local
source:
  table: els_pay_la
  columns: standard
  indicators:
    Median pay: {measure: Pounds, unit_label: "£", unit: gbp}
areas: [city]
periods: {from: 2004}
period: {means: published}
valid: {minimum: 0}
door: {rows_at_least: 1}
evidence: known
"""

COLUMNS = """column,2025,2023
area_code,areacd,AREACD
indicator,indicator,Indicator
period,period,Period
value,observation,Value
measure,measure,Measure
unit,unit,Unit
notes,-1,Notes
"""


@pytest.fixture()
def folder(tmp_path: Path) -> Path:
    """A catalogue without fault: one dataset of each provider."""
    (tmp_path / "areas.yml").write_text(AREAS, encoding="utf-8")
    for provider, name, text in (("nomis", "claimants", CLAIMANTS), ("ons_local", "pay", PAY)):
        (tmp_path / provider).mkdir()
        (tmp_path / provider / f"{name}.yml").write_text(text, encoding="utf-8")
    (tmp_path / "ons_local" / "standard.columns.csv").write_text(COLUMNS, encoding="utf-8")
    return tmp_path


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def faults(folder: Path) -> list[str]:
    return [str(fault) for fault in check(folder)]


def test_a_catalogue_without_fault_has_none(folder: Path) -> None:
    assert faults(folder) == []
    assert list(load_definitions(folder)) == ["nomis_claimants", "ons_local_pay"]


CHANGES = [
    # (what is written, what is written instead, the field, words of the message)
    ("title: Claimants", "titel: Claimants", "titel", "is not a known key; allowed: id, title, description"),
    ("title: Claimants\n", "", "title", "is missing"),
    ("title: Claimants", "title: ''", "title", "is empty"),
    ("id: nomis_claimants", "id: nomis_claimant", "id", "does not fit the file; allowed: nomis_claimants"),
    ("provider: nomis", "provider: ons_local", "provider", "does not fit the folder; allowed: nomis"),
    ("provider: nomis", "provider: stats", "provider", "'stats' is not known; allowed: nomis, ons_local"),
    ("provider: nomis\n", "", "provider", "allowed: nomis, ons_local"),
    (
        "owner: data engineer",
        "owner: one\nowner: two",
        "owner",
        "stands twice, in lines 8 and 9; allowed: once",
    ),
    ("dataset: NM_162_1", "dataset: NM_162", "source.dataset", "allowed: ^NM_"),
    ("age: 0", "geography: 0", "source.select.geography", "'geography' cannot be a dimension"),
    ("age: 0", "date: latest", "source.select.date", "'date' cannot be a dimension"),
    ("age: 0", "value: 0", "source.select.value", "'value' cannot be a dimension"),
    ("age: 0", "Age: 0", "source.select.Age", "allowed: lower case"),
    ("{gender: [0, 1, 2], age: 0, measure: [1, 2]}", "{}", "source.select", "is empty"),
    ("[0, 1, 2]", "[]", "source.select.gender", "is empty; allowed: at least one code"),
    ("[0, 1, 2]", "[0, 1, 1]", "source.select.gender", "repeats 1; allowed: each code once"),
    ("[0, 1, 2]", "[0...2, 1]", "source.select.gender", "repeats 1"),
    ("[0, 1, 2]", "[2...0]", "source.select.gender", "'2...0' is not a range"),
    ("[0, 1, 2]", "[1...9000000]", "source.select.gender", "is not a range"),
    ("[0, 1, 2]", "[1000000...9000000]", "source.select.gender", "holds more than 5000 codes"),
    ("[0, 1, 2]", "[true]", "source.select.gender", "True is not a code"),
    ("[0, 1, 2]", "[1.5]", "source.select.gender", "1.5 is not a code"),
    ("role: value", "role: mean", "source.measures.20100.role", "'mean' is not known; allowed: 'value'"),
    ("{role: value}", "{role: value, unit: persons}", "source.measures.20100.unit", "'persons' is not known"),
    ("{20100: {role: value}}", "{}", "source.measures", "is empty"),
    (
        "  units: {dimension: measure, of: {1: people, 2: percent}}\n",
        "",
        "source.measures.20100",
        "has no unit",
    ),
    ("{1: people, 2: percent}", "{1: people}", "source.units.of", "has no unit for measure 2"),
    ("2: percent}", "2: percent, 3: people}", "source.units.of", "'3' is not selected; allowed: 1, 2"),
    ("dimension: measure", "dimension: sex", "source.units.dimension", "'sex' is not in select"),
    ("  units:", "  unit: people\n  units:", "source.units", "stands beside `unit`"),
    (
        "{20100: {role: value}}",
        "{20100: {role: value}, 20101: {role: value}}",
        "source.measures.20101",
        "has role and unit of 20100",
    ),
    (
        "areas: [all]",
        "areas: [everywhere]",
        "areas",
        "'everywhere' is not an area list; allowed: city, districts",
    ),
    ("areas: [all]", "areas: [city, city]", "areas", "names a list twice"),
    ("areas: [all]", "areas: []", "areas", "is empty"),
    ("from: 2004-01", "from: 2004-13", "periods.from", "'2004-13' is not a period"),
    ("from: 2004-01", "from: 01/2004", "periods.from", "allowed: a year like 2004 or a month like 2004-01"),
    ("from: 2004-01", "until: 2004-01", "periods.from", "is missing"),
    ("to: latest", "to: 2003-12", "periods", "ends before it begins"),
    ("to: latest", "to: newest", "periods.to", "'newest'"),
    ("to: latest", "to: latest, months: [13]", "periods.months.0", "13"),
    ("means: month", "means: fortnight", "period.means", "'fortnight' is not known; allowed: 'month'"),
    ("means: month", "means: month, at: 06-30", "period", "allowed with `means: point` only"),
    ("means: month", "means: point, at: 02-30", "period.at", "is not a day of every year"),
    ("minimum: 0, maximum: null", "minimum: 5, maximum: 1", "valid", "minimum 5.0 is above maximum 1.0"),
    (
        "valid: {minimum: 0, maximum: null}",
        "valid: {by_unit: {percent: {minimum: 101, maximum: 100}}}",
        "valid.by_unit.percent",
        "minimum 101.0 is above maximum 100.0",
    ),
    ("minimum: 0, maximum: null", "by_unit: {persons: {minimum: 0}}", "valid.by_unit.persons", "'persons'"),
    (
        "evidence: known",
        "evidence: known\nmay_be_absent: [{areas: [city]}]",
        "may_be_absent.0.reason",
        "missing",
    ),
    (
        "evidence: known",
        "evidence: known\nmay_be_absent: [{areas: [lsoas], reason: x}]",
        "may_be_absent.0.areas",
        "'lsoas' is not among the areas of this dataset",
    ),
    (
        "evidence: known",
        "evidence: known\nmay_be_absent: [{areas: [county], reason: x}]",
        "may_be_absent.0.areas",
        "'county' is neither an area list nor a GSS code",
    ),
    (
        "evidence: known",
        "evidence: known\nmay_be_absent: [{select: {gender: 9}, reason: x}]",
        "may_be_absent.0.select.gender",
        "'9' is not selected",
    ),
    ("evidence: known", "evidence: known\nmay_be_absent: [{reason: x}]", "may_be_absent.0", "names nothing"),
    ("rows_at_least: 100", "rows_at_least: 0", "door.rows_at_least", "greater than or equal to 1"),
    ("cadence: monthly", "cadence: daily", "cadence", "'daily' is not known; allowed: 'monthly'"),
    ("licence: OGL-UK-3.0", "licence: free", "licence", "'free' is not known; allowed: 'OGL-UK-3.0'"),
    ("https://www.nomisweb", "www.nomisweb", "landing_page", "URL"),
    ("evidence: known", "evidence: known\nrounding: 0", "rounding", "greater than 0"),
    (
        "evidence: known",
        "evidence: known\nfull_check_days: 99",
        "full_check_days",
        "less than or equal to 31",
    ),
]


@pytest.mark.parametrize(
    ("old", "new", "field", "words"), CHANGES, ids=[f"{c[2]}: {c[1][:30]}" for c in CHANGES]
)
def test_each_fault_names_file_field_and_what_is_allowed(
    folder: Path, old: str, new: str, field: str, words: str
) -> None:
    change(folder / "nomis" / "claimants.yml", old, new)
    found = faults(folder)
    assert any(line.startswith(f"nomis/claimants.yml: {field}: ") and words in line for line in found), (
        "\n".join(found)
    )


def test_all_faults_of_all_files_are_reported_at_once(folder: Path) -> None:
    change(folder / "nomis" / "claimants.yml", "title: Claimants", "titel: Claimants")
    change(folder / "nomis" / "claimants.yml", "areas: [all]", "areas: [everywhere]")
    change(folder / "nomis" / "claimants.yml", "2: percent}", "3: percent}")
    change(folder / "ons_local" / "pay.yml", "from: 2004", "from: soon")
    change(folder / "areas.yml", "E07000129: Blaby", "E0700129: Blaby")
    with pytest.raises(DefinitionError) as error:
        load_definitions(folder)
    message = str(error.value)
    for part in (
        "areas.yml: districts.codes: 'E0700129' is not a GSS code",
        "nomis/claimants.yml: titel: is not a known key",
        "nomis/claimants.yml: title: is missing",
        "nomis/claimants.yml: source.units.of: has no unit for measure 2",
        "ons_local/pay.yml: periods.from: 'soon' is not a period",
    ):
        assert part in message
    assert "planmark datasets check" in message


def test_the_file_must_be_yaml_utf8_and_named_like_its_dataset(folder: Path) -> None:
    nomis = folder / "nomis"
    (nomis / "broken.yml").write_text("id: [1, 2\ntitle: x", encoding="utf-8")
    (nomis / "latin.yml").write_bytes("title: Café".encode("latin-1"))
    (nomis / "list.yml").write_text("- a\n- b\n", encoding="utf-8")
    (nomis / "empty.yml").write_text("", encoding="utf-8")
    (nomis / "claimants.yml").rename(nomis / "claimants.yaml")
    text = "\n".join(faults(folder))
    assert "nomis/broken.yml: line 2: is not YAML" in text
    assert "nomis/latin.yml: (file): is not UTF-8 text at byte 10" in text
    assert "nomis/list.yml: (file): is not a list of `key: value`" in text
    assert "nomis/empty.yml: (file): is not a list of `key: value`" in text
    assert "nomis/claimants.yaml: (file): ends in .yaml; allowed: .yml" in text


def test_a_key_that_stands_twice_deep_inside_is_found(folder: Path) -> None:
    change(folder / "nomis" / "claimants.yml", "{1: people, 2: percent}", "{1: people, 2: percent, 1: jobs}")
    assert any("1: stands twice" in line for line in faults(folder))


def test_a_catalogue_without_areas_or_datasets_is_a_fault(folder: Path, tmp_path: Path) -> None:
    (folder / "areas.yml").unlink()
    assert faults(folder) == ["areas.yml: (file): is missing"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "areas.yml").write_text(AREAS, encoding="utf-8")
    assert faults(tmp_path / "other") == ["other: (folder): holds no definition"]


AREA_CHANGES = [
    ("of: [city, districts]", "of: [city, counties]", "all.of: 'counties' is not a list of this file"),
    ("of: [city, districts]", "title2: x", "all: is empty; allowed: `codes`, `of` or both"),
    ("{E06000016: Leicester}", "{}", "city: is empty"),
    ("E07000130: Charnwood", "E07000129: Blaby", "E07000129: stands twice"),
    ("title: The city, ", "", "lists.city.title: is missing"),
    ("lsoas: {title: Small areas", "lsoas: {of: [all], title: Small areas", "'all' is made of lists itself"),
]


@pytest.mark.parametrize(("old", "new", "words"), AREA_CHANGES)
def test_faults_of_area_lists(folder: Path, old: str, new: str, words: str) -> None:
    change(folder / "areas.yml", old, new)
    assert any(words in line for line in faults(folder)), faults(folder)


COLUMN_CHANGES = [
    ("unit,unit,Unit\n", "", "2025: has no header for unit; it is required"),
    ("notes,-1,Notes", "notes,-1,Value", "2023: lists the header 'Value' twice"),
    ("notes,-1,Notes", "value,-1,Notes", "2023: fills value twice"),
    ("notes,-1,Notes", "remarks,-1,Notes", "remarks: is not a column of ours"),
    ("notes,-1,Notes", "notes,-1", "notes: has 2 fields; allowed: 3"),
    ("column,2025,2023", "name,2025,2023", "(header): is not `column`"),
]


@pytest.mark.parametrize(("old", "new", "words"), COLUMN_CHANGES)
def test_faults_of_the_columns_of_editions(folder: Path, old: str, new: str, words: str) -> None:
    change(folder / "ons_local" / "standard.columns.csv", old, new)
    assert any(f"ons_local/standard.columns.csv: {words}" in line for line in faults(folder)), faults(folder)


def test_a_columns_file_that_is_not_there_is_a_fault(folder: Path) -> None:
    change(folder / "ons_local" / "pay.yml", "columns: standard", "columns: wide")
    assert any("ons_local/wide.columns.csv: (file): is missing" in line for line in faults(folder))


def test_codes_are_text_as_written_and_ranges_are_written_out(folder: Path) -> None:
    change(folder / "nomis" / "claimants.yml", "[0, 1, 2]", "[007, 150994945...150994947, W01...W03]")
    source = load_definitions(folder)["nomis_claimants"].source
    assert isinstance(source, NomisSource)
    assert source.select["gender"] == ("007", "150994945", "150994946", "150994947", "W01", "W02", "W03")
    assert source.select["age"] == ("0",)


def test_the_unit_follows_measure_then_dimension(folder: Path) -> None:
    source = load_definitions(folder)["nomis_claimants"].source
    assert isinstance(source, NomisSource)
    assert source.unit_of("20100", {"gender": "0", "age": "0", "measure": "1"}) == "people"
    assert source.unit_of("20100", {"gender": "0", "age": "0", "measure": "2"}) == "percent"


def test_area_codes_keep_the_order_of_the_file_and_name_each_area_once(folder: Path) -> None:
    change(folder / "nomis" / "claimants.yml", "areas: [all]", "areas: [all, city, lsoas]")
    definition, areas = load_definitions(folder)["nomis_claimants"], read_areas(folder)
    assert area_codes(definition, areas) == ("E06000016", "E07000129", "E07000130", "E01013600")
    assert area_names(definition, areas)["E01013600"] == "Leicester 003A"


def test_what_may_be_absent_is_told_apart_by_area_and_code(folder: Path) -> None:
    change(
        folder / "nomis" / "claimants.yml",
        "evidence: known",
        "evidence: known\nmay_be_absent:\n"
        "  - {areas: [districts], reason: cities only}\n"
        "  - {select: {gender: 2}, reason: not for women}\n"
        "  - {areas: [E06000016], select: {measure: 2}, reason: no rate for the city}\n",
    )
    definition, areas = load_definitions(folder)["nomis_claimants"], read_areas(folder)
    assert absent_areas(definition, areas) == {"E07000129": "cities only", "E07000130": "cities only"}
    assert absent_codes(definition) == {"gender": {"2": "not for women"}}


def test_bounds_of_a_role_come_before_those_of_a_unit_and_those_before_all(folder: Path) -> None:
    change(
        folder / "nomis" / "claimants.yml",
        "valid: {minimum: 0, maximum: null}",
        "valid: {minimum: 0, by_unit: {percent: {maximum: 100}}, by_role: {numerator: {minimum: 7}}}",
    )
    valid = load_definitions(folder)["nomis_claimants"].valid
    assert not valid.bounds("value", "people").allow(-1)
    assert valid.bounds("value", "people").allow(101)
    assert not valid.bounds("value", "percent").allow(101)
    assert not valid.bounds("numerator", "percent").allow(6)


def test_the_hash_changes_with_the_request_and_with_the_areas_only(folder: Path) -> None:
    before, areas = load_definitions(folder)["nomis_claimants"], read_areas(folder)
    assert definition_sha256(before, areas) == definition_sha256(before, areas)
    assert re.fullmatch(r"[0-9a-f]{64}", definition_sha256(before, areas))
    change(folder / "areas.yml", "E07000130: Charnwood", "E07000131: Harborough")
    assert definition_sha256(before, read_areas(folder)) != definition_sha256(before, areas)
    change(folder / "nomis" / "claimants.yml", "age: 0", "age: 11")
    after = load_definitions(folder)["nomis_claimants"]
    assert definition_sha256(after, areas) != definition_sha256(before, areas)


PERIODS = [
    # (meaning, at, the publisher's date, first day, months, last day)
    ("month", None, "2006-12", date(2006, 12, 1), 1, date(2006, 12, 31)),
    ("quarter", None, "2006-02", date(2005, 12, 1), 3, date(2006, 2, 28)),
    ("year_ending", None, "2006-03", date(2005, 4, 1), 12, date(2006, 3, 31)),
    ("year_ending", None, "2021-12", date(2021, 1, 1), 12, date(2021, 12, 31)),
    ("calendar_year", None, "2007", date(2007, 1, 1), 12, date(2007, 12, 31)),
    ("point", "06-30", "2019", date(2019, 6, 30), 0, date(2019, 6, 30)),
    ("point", None, "2006-08", date(2006, 8, 1), 0, date(2006, 8, 1)),
    ("point", None, "2006-08-14", date(2006, 8, 14), 0, date(2006, 8, 14)),
]


@pytest.mark.parametrize(("means", "at", "code", "start", "months", "end"), PERIODS)
def test_what_a_publishers_date_stands_for(
    means: str, at: str | None, code: str, start: date, months: int, end: date
) -> None:
    meaning = PeriodMeaning.model_validate({"means": means, "at": at})
    assert period_of(meaning, code) == (start, months)
    assert period_end(start, months) == end


@pytest.mark.parametrize(
    ("means", "code"),
    [
        ("month", "2006"),
        ("calendar_year", "2006-01"),
        ("month", "2006-13"),
        ("month", "06-01"),
        ("point", "latest"),
    ],
)
def test_a_date_of_another_shape_is_refused(means: str, code: str) -> None:
    with pytest.raises(ValueError, match=r"2006|latest|06-01"):
        period_of(PeriodMeaning.model_validate({"means": means}), code)


@pytest.mark.parametrize(
    ("text", "start", "months"),
    [
        ("2004-01-01/P1Y", date(2004, 1, 1), 12),
        ("2011-01-01/P3Y", date(2011, 1, 1), 36),
        ("2019-02-01/P1M", date(2019, 2, 1), 1),
        ("2006-08-01T00:00:00/P1Y", date(2006, 8, 1), 12),
        ("2004-01-01/P1Y6M", date(2004, 1, 1), 18),
        ("2025-04-30", date(2025, 4, 30), 0),
        ("2004", date(2004, 1, 1), 12),
    ],
)
def test_periods_as_ons_tables_write_them(text: str, start: date, months: int) -> None:
    assert published_period(text) == (start, months)


@pytest.mark.parametrize(
    "text", ["", "2004-01", "2004-13-01", "2004-01-01/P", "2004-01-01/P0Y", "2004-01-01/P1W", "x"]
)
def test_a_period_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        published_period(text)


def test_the_roles_are_those_that_the_loader_takes() -> None:
    assert get_args(Role) == ROLES


def test_ons_indicators_keep_the_publishers_names(folder: Path) -> None:
    source = load_definitions(folder)["ons_local_pay"].source
    assert isinstance(source, OnsLocalSource)
    assert source.indicators["Median pay"].unit_label == "£"
