"""The datasets that the replica offers, as the catalogue of the true service describes them.

Not established for the true service, and so the replica's own: the codes of NM_4_1's AGE_DUR, of ages,
durations, children, statistical groups and benefits of the client group, of the items of NM_103_1, ages of
NM_31_1 other than 0, ages of NM_162_1 other than 0 and 11, and the survey variables 27, 36, 92, 93, 101,
102, 120, 129, 866, 1911, 1920, 1929 and 1938.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import lru_cache

from ingest.replica import DATA, claimants, economy, survey
from ingest.replica.areas import Geography, geography
from ingest.replica.periods import EVERY_MONTH, QUARTERS_BENEFITS, QUARTERS_SURVEY, Calendar
from ingest.replica.seeds import CellOf

_LARGE = (499, 480, 423, 424)


@dataclass(frozen=True, eq=False, slots=True)
class Code:
    """One code of a dimension. `short` is the display code, `type` what kind of thing it is."""

    value: str
    name: str
    short: str
    type: str
    type_code: int


@dataclass(frozen=True, eq=False)
class Dimension:
    """A dimension other than geography, time and measures. `default` is the code for "no breakdown"."""

    concept: str
    codes: tuple[Code, ...]
    default: str

    @property
    def by_value(self) -> dict[str, Code]:
        """Return the codes by value, in codelist order."""
        return _by_value(self)


@lru_cache(maxsize=128)
def _by_value(dimension: Dimension) -> dict[str, Code]:
    return {code.value: code for code in dimension.codes}


@dataclass(frozen=True, eq=False)
class Dataset:
    """One dataset.

    `columns` is the order of the dimensions in CSV, which is not always that of the definition.
    """

    id: str
    name: str
    description: str
    mnemonic: str
    keywords: str
    units: str
    source: str
    first_released: str
    dimensions: tuple[Dimension, ...]
    measures: tuple[Code, ...]
    types: tuple[int, ...]
    calendar: Calendar
    cell: CellOf = field(repr=False)
    urn: str = ""  # how the dimensions stand in a URN; {0}, {1} are codes in definition order
    columns: tuple[int, ...] = ()
    last_updated: str = ""  # where the true annotation lags behind the data
    edition: int = 0
    urn_dataset: str = ""
    sub_description: str = "previously unavailable"

    @property
    def geography(self) -> Geography:
        """Return the areas, under every type that the dataset offers."""
        return geography(self.types)

    @property
    def number(self) -> str:
        """Return the id without its prefix: 17_5."""
        return self.id.removeprefix("NM_")

    def concepts(self) -> list[str]:
        """Return the concepts in the order of the definition, FREQ last."""
        return ["GEOGRAPHY", *(dimension.concept for dimension in self.dimensions), "MEASURES", "FREQ"]

    def csv_order(self) -> tuple[int, ...]:
        """Return positions of the dimensions in the order of the CSV columns."""
        return self.columns or tuple(range(len(self.dimensions)))

    def updated(self, today: date) -> datetime:
        """Return LastUpdated as the annotation gives it."""
        if self.last_updated:
            return datetime.fromisoformat(self.last_updated)
        return datetime.combine(self.calendar.periods(today)[-1].released, time(9, 30))

    @property
    def urn_head(self) -> str:
        """Return the start of the address of every cell; the number of the period follows."""
        return f"Nm-{self.urn_dataset or self.number.replace('_', 'd')}d"

    def urn_tail(self, codes: tuple[str, ...], measures: str) -> str:
        """Return what follows the area in the address of a cell."""
        middle = _variable_formula(codes[0]) if self.id == "NM_17_5" else self.urn.format(*codes)
        return f"d{middle}d{measures}"


#: How the survey's percentages are made of its counts, where a recorded answer shows it.
_FORMULAS = {"18": "25b22", "45": "28b22", "84": "37b25", "111": "40b22", "248": "31b22", "249": "34b22"}


def _variable_formula(variable: str) -> str:
    return _FORMULAS.get(variable, f"{variable}b22")


@lru_cache(maxsize=1)
def _code_lists() -> dict[str, tuple[Code, ...]]:
    found: dict[str, list[Code]] = {}
    with (DATA / "codes.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            code = Code(row["code"], row["name"], row["short"], row["type"], int(row["type_code"]))
            found.setdefault(row["list"], []).append(code)
    ages, durations = found["jsa_age"], found["jsa_duration"]
    found["age_dur"] = [
        _joined(int(age.value) * 4 + int(duration.value), age, duration)
        for age in ages
        for duration in durations
    ]
    return {name: tuple(codes) for name, codes in found.items()}


def _joined(value: int, age: Code, duration: Code) -> Code:
    return Code(str(value), f"{age.name}, {duration.name.lower()}", str(value), "age_dur", 0)


def _dimension(concept: str, codes: str, default: str) -> Dimension:
    return Dimension(concept, _code_lists()[codes], default)


def _measure(code: str, name: str) -> Code:
    return Code(code, name, code, "measures", 0)


_VALUE = _measure("20100", "Value")
_PERCENT = _measure("20301", "Percent")
_Make = Callable[[], list[Dataset]]


def _survey() -> list[Dataset]:
    return [
        Dataset(
            id="NM_17_5",
            name="annual population survey (variables (percentages))",
            description=(
                "A residence based labour market survey encompassing population, economic "
                "activity (employment "
                "and unemployment), economic inactivity and qualifications. These are broken "
                "down where possible "
                "by gender, age, ethnicity, industry and occupation. Available at Local Authority level and "
                "above. Updated quarterly."
            ),
            mnemonic="apsnew",
            keywords="Employment,Unemployment,Qualification,Ethnic,Sex,Age",
            units="Persons",
            source="aps",
            first_released="2006-03-29 09:30:00",
            dimensions=(_dimension("VARIABLE", "variable", "45"),),
            measures=(
                _measure("20599", "Variable"),
                _measure("21001", "Numerator"),
                _measure("21002", "Denominator"),
                _measure("21003", "Confidence"),
            ),
            types=(*_LARGE, 464),
            calendar=Calendar((2004, 12), None, QUARTERS_SURVEY, lag=4, day=16, rolling=True),
            cell=survey.survey_cell,
        )
    ]


def _claimant_counts() -> list[Dataset]:
    sex = _dimension("SEX", "sex567", "7")
    return [
        Dataset(
            id="NM_162_1",
            name="Claimant count by sex and age",
            description=(
                "A count of the number of people claiming benefits principally for the reason of being "
                "unemployed, based on administrative data from the benefits system."
            ),
            mnemonic="ucjsa",
            keywords="Claimants,Unemployment,JSA,Universal Credit",
            units="Persons",
            source="cc",
            first_released="2015-03-18 09:30:00",
            dimensions=(
                _dimension("GENDER", "gender", "0"),
                _dimension("AGE", "claimant_age", "0"),
                _dimension("MEASURE", "claimant_measure", "1"),
            ),
            measures=(_VALUE, _PERCENT),
            types=(*_LARGE, 464, 298),
            calendar=Calendar((2004, 1), None, EVERY_MONTH, lag=1, day=17),
            cell=claimants.claimant_count_cell,
            urn="{0}d{1}d0d{2}",
        ),
        Dataset(
            id="NM_1_1",
            name="Jobseeker's Allowance with rates and proportions",
            description=(
                "Records the number of people claiming Jobseeker's Allowance (JSA) and National Insurance "
                "credits at Jobcentre Plus local offices. This is not an official measure of "
                "unemployment, but "
                "is the only indicative statistic available for areas smaller than Local Authorities."
            ),
            mnemonic="us",
            keywords="Claimants,JSA,Rates",
            units="Persons",
            source="jsa",
            first_released="2004-06-16 09:30:00",
            dimensions=(sex, _dimension("ITEM", "jsa_item", "1")),
            measures=(
                _measure("20100", "claimants"),
                _measure("20201", "workplace-based estimates"),
                _measure("20202", "economically active"),
                _measure("20203", "residence-based proportions"),
            ),
            types=(*_LARGE, 464, 298),
            calendar=Calendar((2004, 1), None, EVERY_MONTH, lag=1, day=17),
            cell=claimants.jsa_cell,
            urn="{0}d{1}",
            edition=1,
            sub_description="usw91 usp usu",
        ),
        Dataset(
            id="NM_4_1",
            name="Jobseeker's Allowance by age and duration",
            description=(
                "A monthly count of Jobseeker's Allowance (JSA) claimants broken down by age "
                "and the duration "
                "of claim. Totals exclude non-computerised clerical claims (approx. 1%). Available for areas "
                "smaller than Local Authorities."
            ),
            mnemonic="ucad",
            keywords="Claimants,JSA,Age,Duration",
            units="Persons",
            source="jsa",
            first_released="2004-06-16 09:30:00",
            dimensions=(sex, _dimension("AGE_DUR", "age_dur", "0")),
            measures=(_measure("20100", "claimants"),),
            types=(*_LARGE, 464),
            calendar=Calendar((2004, 1), (2018, 12), EVERY_MONTH, lag=1, day=17),
            cell=claimants.joined_age_duration_cell,
            urn="{0}d{1}",
            sub_description="ucadw91",
        ),
        Dataset(
            id="NM_18_1",
            name="Jobseeker's Allowance by age and duration with proportions",
            description=(
                "A monthly count of Jobseeker's Allowance (JSA) claimants broken down by age and duration of "
                "claim together with age based proportions. Totals exclude non-computerised clerical claims "
                "(approx. 1%). Available for Local Authorities."
            ),
            mnemonic="ccadr",
            keywords="Claimants,JSA,Age,Duration,Rates",
            units="Persons",
            source="jsa",
            first_released="2016-01-20 09:30:00",
            dimensions=(
                _dimension("AGE", "jsa_age", "0"),
                _dimension("DURATION", "jsa_duration", "0"),
                sex,
            ),
            measures=(_measure("20100", "claimants"), _measure("20206", "proportion of all claimants")),
            types=(*_LARGE, 464),
            calendar=Calendar((2004, 1), (2018, 12), EVERY_MONTH, lag=1, day=17),
            cell=claimants.age_duration_cell,
            urn="{0}d{1}d{2}",
            sub_description="na",
        ),
    ]


def _client_groups() -> list[Dataset]:
    ended = Calendar((2004, 2), (2016, 11), QUARTERS_BENEFITS, lag=6, day=17)
    return [
        Dataset(
            id="NM_105_1",
            name="benefit claimants - working age client group",
            description=(
                "Use this data set to get information on the number of working-age people who "
                "are claiming one "
                "or more key DWP benefits and to learn about the combination of benefits they are claiming."
            ),
            mnemonic="bwa",
            keywords="DWP benefits,Claimants,Clients,Working age",
            units="Persons",
            source="dwp_wpls",
            first_released="2005-10-30 09:30:00",
            dimensions=(
                _dimension("SEX", "sex567", "7"),
                _dimension("AGE", "group_age", "0"),
                _dimension("DURATION", "group_duration", "0"),
                _dimension("CHILDREN", "group_children", "0"),
                _dimension("STAT_GROUP", "stat_group", "0"),
                _dimension("BENEFIT", "group_benefit", "0"),
            ),
            measures=(_VALUE, _measure("20203", "residence-based proportions")),
            types=(*_LARGE, 464),
            calendar=ended,
            cell=claimants.client_group_cell,
            urn="{0}d{1}d{2}d{3}d{4}d{5}",
            last_updated="2017-05-17 09:30:00",
        ),
        Dataset(
            id="NM_103_1",
            name="benefit claimants - working age clients for small areas",
            description=(
                "A count of people who are claiming DWP working-age benefits. Use to analyse "
                "the combination of "
                "benefits people are claiming (for numbers claiming a particular benefit use the individual "
                "benefit dataset instead). Small areas (ward / SOA) only."
            ),
            mnemonic="bwasa",
            keywords="DWP benefits,Claimants,Clients,Working age",
            units="Persons",
            source="dwp_wpls",
            first_released="2005-10-30 09:30:00",
            dimensions=(_dimension("ITEM", "small_item", "1"),),
            measures=(_VALUE,),
            types=(304,),
            calendar=ended,
            cell=claimants.small_area_clients_cell,
            urn="{0}",
            last_updated="2017-05-17 09:30:00",
        ),
    ]


def _populations() -> list[Dataset]:
    def small(id_: str, name: str, types: tuple[int, ...], calendar: Calendar) -> Dataset:
        return Dataset(
            id=id_,
            name=name,
            description="Mid-year (30 June) estimates of the resident population.",
            mnemonic=f"pest{id_[3:7]}",
            keywords="Population,Age,Mid-year",
            units="Persons",
            source="pest",
            first_released="2012-12-12 09:30:00",
            dimensions=(_dimension("GENDER", "gender", "0"), _dimension("C_AGE", "c_age", "200")),
            measures=(_VALUE, _PERCENT),
            types=types,
            calendar=calendar,
            cell=claimants.small_population_cell,
            urn="{0}d{1}",
        )

    return [
        Dataset(
            id="NM_31_1",
            name="Population estimates - local authority based by five year age band",
            description=(
                "The midyear (30 June) estimates of population are based on results from the "
                "latest Census of "
                "Population with allowance for under-enumeration. Available at Local Authority "
                "level and above."
            ),
            mnemonic="pestnew",
            keywords="Population,Age,Mid-year",
            units="Persons",
            source="pest",
            first_released="2004-09-09 09:30:00",
            dimensions=(_dimension("SEX", "sex567", "7"), _dimension("AGE", "population_age", "0")),
            measures=(_VALUE, _PERCENT),
            types=(*_LARGE, 464),
            calendar=Calendar((2001, 0), None, (), lag=7, day=30),
            cell=claimants.population_cell,
            urn="{0}d{1}",
            sub_description="pest",
        ),
        small(
            "NM_2002_1",
            "Population estimates - local authority based by single year of age",
            _LARGE,
            Calendar((2001, 0), None, (), lag=7, day=30),
        ),
        small(
            "NM_2010_1",
            "Population estimates - small area based by single year of age (2011 super output areas)",
            (298,),
            Calendar((2011, 0), (2020, 0), (), lag=9, day=16),
        ),
        small(
            "NM_2014_1",
            "Population estimates - small area based by single year of age (2021 super output areas)",
            (151,),
            Calendar((2011, 0), None, (), lag=11, day=7),
        ),
    ]


def _economy() -> list[Dataset]:
    industry = _dimension("INDUSTRY", "industry", economy.TOTAL_INDUSTRY)
    return [
        Dataset(
            id="NM_57_1",
            name="jobs density",
            description=(
                "The numbers of jobs per resident aged 16-64. The total number of jobs is a workplace-based "
                "measure and comprises employees, self-employed, government-supported trainees and HM Forces."
            ),
            mnemonic="jd",
            keywords="Jobs,Density",
            units="Persons",
            source="jd",
            first_released="2004-07-14 09:30:00",
            dimensions=(_dimension("ITEM", "jobs_item", "1"),),
            measures=(_VALUE,),
            types=_LARGE,
            calendar=Calendar((2000, 0), None, (), lag=18, day=15),
            cell=economy.jobs_density_cell,
            urn="{0}",
            last_updated="2019-01-22 09:30:00",
        ),
        Dataset(
            id="NM_189_1",
            name="Business Register and Employment Survey : open access",
            description=(
                "An employer survey of the number of jobs held by employees, by industry and place of work."
            ),
            mnemonic="brs",
            keywords="Employees,Industry,Jobs",
            units="Employees",
            source="bres",
            first_released="2016-09-28 09:30:00",
            dimensions=(
                industry,
                _dimension("EMPLOYMENT_STATUS", "employment_status", "1"),
                _dimension("MEASURE", "bres_measure", "1"),
            ),
            measures=(_VALUE,),
            types=_LARGE,
            calendar=Calendar((2015, 0), None, (), lag=11, day=4),
            cell=economy.bres_cell,
            urn="{0}d0d{1}d{2}d3",
            urn_dataset="188d1",
        ),
        Dataset(
            id="NM_142_1",
            name="UK Business Counts - enterprises by industry and employment size band",
            description=(
                "The number of enterprises, recorded once a year from the Inter "
                "Departmental Business Register."
            ),
            mnemonic="idbrent",
            keywords="Businesses,Enterprises,Industry,Size",
            units="Enterprises",
            source="idbr",
            first_released="2013-10-08 09:30:00",
            dimensions=(
                industry,
                _dimension("EMPLOYMENT_SIZEBAND", "sizeband", "0"),
                _dimension("LEGAL_STATUS", "legal_status", "0"),
            ),
            measures=(_VALUE, _PERCENT),
            types=_LARGE,
            calendar=Calendar((2010, 0), None, (), lag=-3, day=25),
            cell=economy.business_counts_cell,
            urn="{0}d{1}d{2}",
        ),
        _earnings("NM_30_1", "resident", "asher", "Resident", False),
        _earnings("NM_99_1", "workplace", "ashe", "Workplace", True),
    ]


def _earnings(id_: str, kind: str, mnemonic: str, keyword: str, workplace: bool) -> Dataset:
    return Dataset(
        id=id_,
        name=f"annual survey of hours and earnings  - {kind} analysis",
        description="",
        mnemonic=mnemonic,
        keywords=f"Earnings,Hours worked,Pay,{keyword}",
        units="GB pounds,GB pounds per week,Hours per week",
        source="ashe",
        first_released="2005-11-17 09:30:00",
        dimensions=(
            _dimension("SEX", "ashe_sex", "7"),
            _dimension("ITEM", "ashe_item", "2"),
            _dimension("PAY", "ashe_pay", "1"),
        ),
        columns=(0, 2, 1),
        measures=(_VALUE, _measure("20701", "Confidence")),
        types=_LARGE,
        calendar=Calendar((2002, 0), None, (), lag=-2, day=28),
        cell=economy.earnings_cell(workplace),
        urn="{0}d{2}d{1}",
        last_updated="2018-11-25 09:30:00",
    )


def _censuses() -> list[Dataset]:
    def census(id_: str, name: str, dimensions: tuple[Dimension, ...], cell: CellOf, year: int) -> Dataset:
        return Dataset(
            id=id_,
            name=name,
            description="All usual residents.",
            mnemonic=name.split(" ")[0].lower(),
            keywords="Census,Population",
            units="Persons",
            source=f"census_{year}_ts",
            first_released=f"{year + 1}-11-02 09:30:00",
            dimensions=dimensions,
            measures=(_VALUE, _PERCENT),
            types=(499, 480, 464, 298) if year == 2011 else (499, 480, 424, 151),
            calendar=Calendar((year, 0), (year, 0), (), lag=11, day=2),
            cell=cell,
            urn="d".join(f"{{{place}}}" for place in range(len(dimensions))),
        )

    return [
        census(
            "NM_144_1",
            "KS101EW - Usual resident population",
            (_dimension("RURAL_URBAN", "rural_urban", "0"), _dimension("CELL", "census_population", "0")),
            economy.census_2011_cell,
            2011,
        ),
        census(
            "NM_2021_1",
            "TS001 - Number of usual residents in households and communal establishments",
            (_dimension("C2021_RESTYPE_3", "residence_type", "0"),),
            economy.census_2021_cell,
            2021,
        ),
    ]


@lru_cache(maxsize=1)
def all_datasets() -> dict[str, Dataset]:
    """Return every dataset by id, in the order of the catalogue."""
    makers: tuple[_Make, ...] = (_survey, _claimant_counts, _client_groups, _populations, _economy, _censuses)
    found = [dataset for make in makers for dataset in make()]
    found.sort(key=lambda dataset: [int(part) for part in dataset.number.split("_")])
    return {dataset.id: dataset for dataset in found}


def find(dataset_id: str) -> Dataset | None:
    """Return a dataset by its id, in any case; None if there is none."""
    return all_datasets().get(dataset_id.upper())
