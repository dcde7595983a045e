"""Seeded counts of people: population, claimants, jobseekers and the working-age client group."""

from __future__ import annotations

import math
from datetime import date
from functools import lru_cache

from ingest.replica import areas, seeds
from ingest.replica.areas import Area
from ingest.replica.periods import Period
from ingest.replica.seeds import NOT_HELD, Cell, Shape, lasting, noise, rate, round_to, wave

_NEVER = date.min
Codes = tuple[str, ...]

#: Claimants of Great Britain in percent of residents aged 16-64: the rough course of the published series.
_CLAIMANT_RATE = Shape(
    ((2004.0, 2.4), (2005.5, 2.3), (2006.45, 2.6), (2006.95, 2.5), (2008.2, 2.1), (2009.3, 3.9),
     (2010.5, 3.6),
     (2012.0, 4.0), (2013.5, 3.5), (2015.5, 2.0), (2018.0, 2.1), (2020.15, 3.0), (2020.5, 6.4), (2021.2, 6.3),
     (2022.5, 3.7), (2024.0, 3.8), (2025.5, 4.1), (2027.0, 4.0))
)  # fmt: skip
#: Share of them on Jobseeker's Allowance: Universal Credit took over from 2013.
_UNIVERSAL_CREDIT = 2013.3
_JSA_SHARE = Shape(((_UNIVERSAL_CREDIT, 1.0), (2015.5, 0.75), (2018.0, 0.40), (2020.0, 0.12), (2026.0, 0.05)))
_FEMALE_SHARE = Shape(((2004.0, 0.26), (2010.0, 0.30), (2016.0, 0.37), (2026.0, 0.43)))
#: Age groups of claimants: shares of all, in the order of the smallest groups.
_AGE_SHARE = {
    "1": 0.011, "15": 0.170, "16": 0.109, "2": 0.135, "3": 0.120, "4": 0.105, "5": 0.095, "6": 0.085,
    "7": 0.070, "8": 0.055, "9": 0.040, "10": 0.005,
}  # fmt: skip
_AGE_UNIONS = {
    "0": tuple(_AGE_SHARE),
    "11": ("15", "16"),
    "12": ("1", "15", "16"),
    "13": ("2", "3", "4", "5", "6"),
    "14": ("7", "8", "9", "10"),
}
_POPULATION_BANDS = (62, 58, 59, 64, 70, 68, 67, 68, 72, 71, 64, 58, 56, 48, 40, 32, 24, 19)


# --- population ---------------------------------------------------------------------------------------


@lru_cache(maxsize=50_000)
def population(area: Area, year: int) -> int:
    """Return all residents in the middle of a year, in people."""
    if area.kind == "lsoa":
        city = areas.city()
        return round(population(city, year) * _population_share(area) * (1 + 0.01 * wave(area.code, year)))
    level = area.population * (1 + area.growth) ** (year - 2011) * (1 + 0.004 * wave(area.code, year))
    return round(level + _to_printed(area, ("7", "0"), level, year))


@lru_cache(maxsize=50_000)
def working_age(area: Area, year: int) -> int:
    """Return residents aged 16-64 in the middle of a year, in people."""
    share = area.working_share + 0.008 * wave(f"{area.code}|working", year) - 0.0012 * (year - 2011)
    if area.kind == "lsoa":
        share = min(0.9, max(0.45, share + 0.05 * lasting(f"{area.vintage}|{area.code}|working")))
    level = population(area, year) * share
    return round(level + _to_printed(area, ("7", "203"), level, year))


def _to_printed(area: Area, codes: Codes, level: float, year: int) -> float:
    """Return how far a level is drawn to printed figures: all of it in their year, a third three years away.

    The modelled level of the printed year is worked back from this one by the area's growth.
    """
    return sum(
        (figure - level * (1 + area.growth) ** (time - 0.5 - year)) * math.exp(-abs(time - 0.5 - year) / 3)
        for time, figure in seeds.printed_times("NM_31_1", area.code, codes, "20100")
    )


@lru_cache(maxsize=2_000)
def _population_share(area: Area) -> float:
    return _raw_population_share(area) / _share_total(area.vintage)


def _raw_population_share(area: Area) -> float:
    return 1 + 0.15 * lasting(f"{area.vintage}|{area.code}|size")


@lru_cache(maxsize=4)
def _share_total(vintage: str) -> float:
    return sum(_raw_population_share(area) for area in areas.small_areas(vintage))


def _of_sex(total: int, sex: str, share_of_men: float) -> int:
    """Split a count so that men and women add to all: sex is 5 or 1, 6 or 2, 7 or 0."""
    men = round(total * share_of_men)
    return {"5": men, "1": men, "6": total - men, "2": total - men}.get(sex, total)


def population_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_31_1: sex, age."""
    sex, age = codes
    if area.kind == "lsoa" or measures != "20100":
        return NOT_HELD
    figure = seeds.printed("NM_31_1", area.code, period.code, codes, measures)
    if figure is not None:
        return Cell(figure)
    share = 0.493 + 0.004 * lasting(f"{area.code}|men")
    if age == "203":
        total = working_age(area, period.year)
        return Cell(_of_sex(total, sex, _working_men(area, share + 0.008, period.time)))
    total = _of_sex(population(area, period.year), sex, share)
    return Cell(total if age == "0" else _band(total, int(age)))


def _working_men(area: Area, share: float, time: float) -> float:
    """Return the share of men among those of working age, drawn to the printed one."""
    men = seeds.printed_times("NM_31_1", area.code, ("5", "203"), "20100")
    everyone = dict(seeds.printed_times("NM_31_1", area.code, ("7", "203"), "20100"))
    anchors = tuple((when, count / everyone[when] - share) for when, count in men if when in everyone)
    return share + seeds.pull(time, anchors)


def _band(total: int, band: int) -> int:
    """Return one five-year band; the eighteen add to the total."""
    whole = sum(_POPULATION_BANDS)
    upper = round(total * sum(_POPULATION_BANDS[:band]) / whole)
    return upper - round(total * sum(_POPULATION_BANDS[: band - 1]) / whole)


def small_population_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_2010_1 and NM_2014_1, and NM_2002_1 for larger areas: gender, c_age."""
    gender, age = codes
    if measures != "20100":
        return NOT_HELD
    everyone = population(area, period.year)
    working = min(working_age(area, period.year), everyone)
    children = round((everyone - working) * (0.55 + 0.05 * lasting(f"{area.code}|children")))
    total = {
        "200": everyone,
        "201": children,
        "202": everyone - children,
        "203": working,
        "209": everyone - working - children,
    }[age]
    return Cell(_of_sex(total, gender, 0.493 + 0.01 * lasting(f"{area.code}|men")))


# --- claimants ----------------------------------------------------------------------------------------


def _claimant_rate(area: Area, time: float) -> float:
    season = 1 + 0.025 * math.cos(2 * math.pi * (time - 0.1))
    return (
        _CLAIMANT_RATE.at(time) * area.claimants * season * (1 + 0.05 * wave(f"{area.code}|claimants", time))
    )


@lru_cache(maxsize=4_000)
def _claimant_anchors(area: Area) -> tuple[tuple[float, float], ...]:
    """Return (time, printed rate minus modelled rate).

    The rates of June 2006 and, from the count, December 2006.
    """
    found = [
        (time, figure - _claimant_rate(area, time))
        for time, figure in seeds.printed_times("NM_162_1", area.code, ("0", "0", "2"), "20100")
    ]
    counts = seeds.printed_times("NM_1_1", area.code, ("7", "1"), "20100")
    found += [
        (time, 100 * figure / working_age(area, int(time) - 1) - _claimant_rate(area, time))
        for time, figure in counts
    ]
    if not counts:
        found += [
            (time, figure - _claimant_rate(area, time))
            for time, figure in seeds.printed_times("NM_1_1", area.code, ("7", "1"), "20203")
        ]
    return tuple(found)


def _resident_base(area: Area, period: Period) -> int:
    """Return the residents aged 16-64 that a rate is of.

    The estimate of the year before, as when published.
    """
    return working_age(area, period.year - 1)


@lru_cache(maxsize=50_000)
def _claimants(area: Area, period: Period) -> float:
    """Return the claimant count before rounding, in people."""
    if area.kind == "lsoa":
        share = _share(area, "claimants", 0.45)
        # Universal Credit moved claims from place to place slowly: the wave; the rest is chance.
        drift = 1 + 0.15 * wave(f"{area.vintage}|{area.code}|claimants", period.time)
        chance = 1 + 0.06 * noise(f"{area.vintage}|{area.code}|{period.code}|claimants")
        return _claimants(areas.city(), period) * share * drift * chance
    jobseekers = seeds.printed("NM_1_1", area.code, period.code, ("7", "1"), "20100")
    if jobseekers is not None and period.time < _UNIVERSAL_CREDIT:
        return jobseekers  # all claimants were jobseekers then
    level = _claimant_rate(area, period.time) + seeds.pull(period.time, _claimant_anchors(area))
    level *= 1 + 0.004 * noise(f"{area.code}|{period.code}|claimants")
    return _resident_base(area, period) * level / 100


@lru_cache(maxsize=20_000)
def _share(area: Area, group: str, spread: float) -> float:
    """Return the part of Leicester's count that falls to one LSOA; the parts add to 1."""
    return _raw_share(area, group, spread) / _raw_share_total(area.vintage, group, spread)


def _raw_share(area: Area, group: str, spread: float) -> float:
    place = lasting(f"{area.vintage}|{area.code}|poverty")
    own = lasting(f"{area.vintage}|{area.code}|{group}")
    if area.is_worst_performing:
        # The plan chose the areas where more than a fifth of residents claim.
        return 1.8 * math.exp(spread * (0.4 * abs(place) + 0.5 * own))
    return math.exp(spread * (0.8 * place + 0.5 * own))


@lru_cache(maxsize=64)
def _raw_share_total(vintage: str, group: str, spread: float) -> float:
    return sum(_raw_share(area, group, spread) for area in areas.small_areas(vintage))


def _gender_age_share(area: Area, period: Period, gender: str, age: str) -> float:
    women = _FEMALE_SHARE.at(period.time) * (1 + 0.03 * lasting(f"{area.code}|women"))
    sex = {"0": 1.0, "1": 1 - women, "2": women}[gender]
    return sex * sum(_AGE_SHARE[part] for part in _AGE_UNIONS.get(age, (age,)))


def claimant_count_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_162_1: gender, age, measure. Counts are rounded to 5; LSOAs have counts only, from 2013 on."""
    gender, age, measure = codes
    if area.kind == "lsoa" and (measure != "1" or period.year < 2013):
        return NOT_HELD
    if measure == "4" and area.kind not in ("region", "country"):
        return NOT_HELD
    if measures == "20301":
        share = _gender_age_share(area, period, gender, age)
        return Cell(round(100 * share, 1), 1, 0.1) if measure == "1" else NOT_HELD
    figure = seeds.printed("NM_162_1", area.code, period.code, codes, measures)
    if figure is not None:
        return Cell(figure, 1, 0.1)
    count = round_to(_claimants(area, period) * _gender_age_share(area, period, gender, age), 5)
    if measure == "1":
        return Cell(count, 0, 5)
    # Rates are of residents of that sex, of all ages 16-64, as on the service.
    base = _resident_base(area, period) * (1 if gender == "0" else 0.5)
    share = {"2": 1.0, "3": 0.77, "4": 0.82}[measure]
    return Cell(rate(count, base * share), 1, 0.1)


# --- Jobseeker's Allowance ----------------------------------------------------------------------------


def _jobseekers(area: Area, period: Period) -> float:
    return _claimants(area, period) * _JSA_SHARE.at(period.time)


_ITEM_SHARE = {"1": 1.0, "2": 0.0, "3": 0.001, "4": 0.012, "9": 0.07}
_RATE_BASE = {"20201": 0.86, "20202": 0.77, "20203": 1.0}


def jsa_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_1_1: sex, item. Counts are not rounded; rates are of residents aged 16-64 for 20203."""
    sex, item = codes
    figure = seeds.printed("NM_1_1", area.code, period.code, codes, measures)
    if figure is not None:
        return Cell(figure) if measures == "20100" else Cell(figure, 1, 0.1)
    women = _FEMALE_SHARE.at(period.time) * (1 + 0.03 * lasting(f"{area.code}|women"))
    everyone = seeds.printed("NM_1_1", area.code, period.code, ("7", "1"), "20100")
    everyone = _jobseekers(area, period) if everyone is None else everyone
    count = _of_sex(round(everyone * _ITEM_SHARE[item]), sex, 1 - women)
    if measures == "20100":
        return Cell(count)
    if area.kind == "lsoa":
        return NOT_HELD
    base = _resident_base(area, period) * (1 if sex == "7" else 0.5) * _RATE_BASE[measures]
    return Cell(rate(count, base), 1, 0.1)


_JSA_AGES = {"4": 0.0137, "5": 0.2758, "2": 0.5408, "3": 0.1697}  # Leicester, December 2006, of 8,395
_JSA_DURATIONS = {"1": 0.595, "2": 0.2055, "3": 0.1995}
#: How the long durations grew and shrank with the slump after 2008.
_LONG_TERM = Shape(
    ((2004.0, 0.9), (2007.0, 1.0), (2009.0, 0.65), (2012.0, 1.6), (2015.0, 1.9), (2019.0, 2.2))
)


def age_duration_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_18_1: age, duration, sex; counts rounded to 5, and 20206 = percent of all claimants."""
    age, duration, sex = codes
    if area.kind == "lsoa":
        return NOT_HELD
    figure = seeds.printed("NM_18_1", area.code, period.code, codes, measures)
    if figure is not None:
        return Cell(figure, 0, 5) if measures == "20100" else Cell(figure, 1, 0.1)
    counts = _age_by_duration(area, period)
    ages = {"0": tuple(_JSA_AGES), "1": ("4", "5")}.get(age, (age,))
    durations = tuple(_JSA_DURATIONS) if duration == "0" else (duration,)
    total = sum(counts[one, other] for one in ages for other in durations)
    if measures != "20100":
        return Cell(rate(total, sum(counts.values())), 1, 0.1) if sex == "7" else NOT_HELD
    women = _FEMALE_SHARE.at(period.time)
    return Cell(_of_sex_in_fives(total, sex, 1 - women), 0, 5)


def _of_sex_in_fives(total: int, sex: str, share_of_men: float) -> int:
    men = round_to(total * share_of_men, 5)
    return {"5": men, "6": total - men}.get(sex, total)


@lru_cache(maxsize=20_000)
def _age_by_duration(area: Area, period: Period) -> dict[tuple[str, str], int]:
    """Return claimants by smallest age and duration, in fives: totals are the sums of these."""
    everyone = _jobseekers(area, period) * 0.998  # clerical claims are left out
    longer = _LONG_TERM.at(period.time)
    weights = {"1": _JSA_DURATIONS["1"], "2": _JSA_DURATIONS["2"] * longer, "3": _JSA_DURATIONS["3"] * longer}
    whole = sum(weights.values())
    found = {
        (age, duration): round_to(everyone * share * weight / whole, 5)
        for age, share in _JSA_AGES.items()
        for duration, weight in weights.items()
    }
    return _fit_to_printed(area, period, found)


def _fit_to_printed(
    area: Area, period: Period, counts: dict[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """Fit the table to the printed ages and durations: the middle age takes what the others leave.

    The youngest are not printed; they are what the printed ages leave of the printed durations.
    """

    def margin(age: str, duration: str) -> int | None:
        figure = seeds.printed("NM_18_1", area.code, period.code, (age, duration, "7"), "20100")
        return None if figure is None else int(figure)

    durations = {duration: margin("0", duration) for duration in _JSA_DURATIONS}
    ages = {age: margin(age, "0") for age in _JSA_AGES if age != "4"}
    whole = sum(count for count in durations.values() if count is not None)
    known = sum(count for count in ages.values() if count is not None)
    if not whole or not known:
        return counts
    fitted = dict(counts)
    for age, total in {**ages, "4": whole - known}.items():
        if total is not None:
            fitted[age, "1"] = total - fitted[age, "2"] - fitted[age, "3"]
    for duration, total in durations.items():
        if total is not None:
            fitted["2", duration] = total - sum(fitted[age, duration] for age in _JSA_AGES if age != "2")
    return fitted


def joined_age_duration_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_4_1: sex, age_dur, one code for each age and duration."""
    sex, age_duration = codes
    age, duration = divmod(int(age_duration), 4)
    return age_duration_cell(area, (str(age), str(duration), sex), period, measures)


# --- the working-age client group ---------------------------------------------------------------------

#: Percent of residents of working age in Great Britain in 2006, and the course since.
_GROUPS: dict[str, tuple[float, Shape]] = {
    "1": (2.60, Shape(((2004.0, 0.92), (2006.4, 1.0), (2008.2, 0.82), (2009.3, 1.5), (2012.0, 1.55),
         (2014.0, 1.0),
                       (2016.9, 0.45)))),
    "2": (7.30, Shape(((2004.0, 1.03), (2006.4, 1.0), (2010.0, 0.93), (2013.0, 0.90), (2016.9, 0.93)))),
    "3": (2.20, Shape(((2004.0, 1.05), (2006.4, 1.0), (2009.0, 0.93), (2012.0, 0.72), (2016.9, 0.50)))),
    "4": (1.00, Shape(((2004.0, 0.93), (2006.4, 1.0), (2011.0, 1.25), (2016.9, 1.65)))),
    "5": (0.50, Shape(((2004.0, 1.0), (2006.4, 1.0), (2016.9, 0.55)))),
    "6": (0.90, Shape(((2004.0, 0.95), (2006.4, 1.0), (2012.0, 1.15), (2016.9, 0.85)))),
    "7": (0.25, Shape(((2004.0, 1.05), (2006.4, 1.0), (2016.9, 0.70)))),
}  # fmt: skip
#: How Leicester stands to Great Britain, group by group, beyond its level of jobseekers and of all benefits.
_LEICESTER_GROUPS = {"1": 1.0, "2": 0.84, "3": 1.12, "4": 0.92, "5": 1.35, "6": 0.73, "7": 0.72}
_AGE_OF_GROUP = {"1": 0.13, "2": 0.56, "3": 0.305}
_DURATION_OF_GROUP = {"1": 0.21, "2": 0.10, "3": 0.13, "4": 0.22, "5": 0.34}
_CHILDREN_OF_GROUP = {"1": 0.68, "2": 0.15, "3": 0.17}
_BENEFIT_OF_GROUP = {"1": 0.48, "2": 0.24, "3": 0.28}
#: A group's number in the small-area table, whose items are groups and one age.
_ITEM_GROUP = {"2": "1", "3": "2", "4": "3", "5": "4", "6": "5", "7": "6", "8": "7"}


@lru_cache(maxsize=20_000)
def _group(area: Area, group: str, period: Period) -> float:
    """Return the people of one statistical group, before rounding."""
    if area.kind == "lsoa":
        return _small_group(area, group, period)
    level = _group_level(area, group, period.time, period.year)
    anchors = tuple(
        (time, figure / _group_level(area, group, time, int(time)) - 1)
        for time, figure in seeds.printed_times(
            "NM_105_1", area.code, ("7", "0", "0", "0", group, "0"), "20100"
        )
    )
    level *= 1 + seeds.pull(period.time, anchors)
    return level * (1 + 0.003 * noise(f"{area.code}|{group}|{period.code}"))


def _group_level(area: Area, group: str, time: float, year: int) -> float:
    percent, course = _GROUPS[group]
    factor = area.claimants if group == "1" else area.benefits
    own = _LEICESTER_GROUPS[group] if area.code == areas.city().code else 1.0
    place = 1 + 0.03 * wave(f"{area.code}|{group}", time)
    return working_age(area, year - 1) * percent / 100 * course.at(time) * factor * own * place


def _small_group(area: Area, group: str, period: Period) -> float:
    level = _small_level(area, group, period)
    item = next(item for item, of_group in _ITEM_GROUP.items() if of_group == group)
    return max(0.0, level * (1 + seeds.pull(period.time, _small_anchors(area, group, item))))


def _small_level(area: Area, group: str, period: Period) -> float:
    key = f"{area.vintage}|{area.code}|{group}"
    drift = 1 + 0.12 * wave(key, period.time) + 0.04 * noise(f"{key}|{period.code}")
    return _group(areas.city(), group, period) * _share(area, f"group {group}", 0.4) * drift


@lru_cache(maxsize=4_000)
def _small_anchors(area: Area, group: str, item: str) -> tuple[tuple[float, float], ...]:
    found = []
    for time, figure in seeds.printed_times("NM_103_1", area.code, (item,), "20100"):
        month = round((time - int(time)) * 12 + 0.5)
        period = Period(f"{int(time)}-{month:02d}", "", int(time), month, _NEVER)
        found.append((time, figure / _small_level(area, group, period) - 1))
    return tuple(found)


def client_group_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_105_1.

    Sex, age, duration, children, stat_group, benefit; rounded to 10; 20203 = percent of residents.
    """
    sex, age, duration, children, group, benefit = codes
    if area.kind == "lsoa":
        return NOT_HELD
    figure = seeds.printed("NM_105_1", area.code, period.code, codes, measures)
    if figure is not None:
        return Cell(figure, 0, 10) if measures == "20100" else Cell(figure, 1, 0.1)
    groups = tuple(_GROUPS) if group == "0" else (group,)
    part = _AGE_OF_GROUP.get(age, 1.0) * _DURATION_OF_GROUP.get(duration, 1.0)
    part *= _CHILDREN_OF_GROUP.get(children, 1.0) * _BENEFIT_OF_GROUP.get(benefit, 1.0)
    part *= {"5": 0.485, "6": 0.515}.get(sex, 1.0)
    count = sum(round_to(_group(area, one, period) * part, 10) for one in groups)
    if measures == "20100":
        return Cell(count, 0, 10)
    return Cell(rate(count, _resident_base(area, period)), 1, 0.1)


def small_area_clients_cell(area: Area, codes: Codes, period: Period, measures: str) -> Cell:
    """NM_103_1: item; rounded to 5. The total is the sum of the groups unless it is printed."""
    (item,) = codes
    if measures != "20100":
        return NOT_HELD
    figure = seeds.printed("NM_103_1", area.code, period.code, codes, measures)
    if figure is not None:
        return Cell(figure, 0, 5)
    if item in _ITEM_GROUP:
        return Cell(round_to(_group(area, _ITEM_GROUP[item], period), 5), 0, 5)
    total = sum(round_to(_group(area, group, period), 5) for group in _GROUPS)
    if item == "1":
        return Cell(total, 0, 5)
    return Cell(round_to(total * (0.30 + 0.03 * lasting(f"{area.code}|older")), 5), 0, 5)
