"""Which band each half-hour falls into, and which days are holidays of a plan."""

from dataclasses import replace
from datetime import date
from itertools import groupby

import pytest

from homemon.core.errors import ConfigError
from homemon.energy import shipped
from homemon.energy.calendar import bands_of_day, is_holiday
from homemon.energy.plan import Holidays
from homemon.energy.plan_file import read_plan

HOLIDAYS = """weekdays = ["sun"]
national = true
dates = ["01-02", "12-30"]
except = ["08-11 to 2018"]"""
PLAN = """
name = "a plan"
company = "a company"
area = "hokuriku"
[[version]]
source = "the contract"
checked = 2026-08-16
[version.base]
flat = 0
[version.holidays]
HOLIDAYS
[[version.band]]
name = "night"
price = 1
hours = ["22-8"]
[[version.band]]
name = "day"
price = 2
days = "weekday"
[[version.band]]
name = "rest"
price = 3
""".replace("HOLIDAYS", HOLIDAYS)
HOKURIKU = read_plan(PLAN, "own.toml", "own").versions[0].holidays


def hours(key: str, day: date) -> list[tuple[str, float]]:
    """The bands of a day in a row, and for how many hours each."""
    bands = bands_of_day(shipped.find(key).versions[-1], day)
    return [(name, len(list(group)) / 2) for name, group in groupby(band.name for band in bands)]


@pytest.mark.parametrize(
    ("key", "day", "found"),
    [
        ("tepco-juryo-b", date(2026, 8, 1), [("all", 24)]),
        ("tepco-smartlife-s", date(2026, 8, 1), [("day", 1), ("night", 5), ("day", 18)]),
        (
            "kepco-hapie-r",
            date(2026, 9, 30),
            [("night", 7), ("living", 3), ("day, summer", 7), ("living", 6), ("night", 1)],
        ),
        ("kepco-hapie-r", date(2026, 10, 1), [("night", 7), ("living", 3), ("day", 7), ("living", 6), ("night", 1)]),
        ("kepco-hapie-r", date(2026, 9, 22), [("night", 7), ("living", 16), ("night", 1)]),
        ("kepco-hapie-r", date(2026, 12, 30), [("night", 7), ("living", 16), ("night", 1)]),
        ("kyuden-night-select-22", date(2026, 1, 3), [("night", 8), ("holiday, summer and winter", 14), ("night", 2)]),
    ],
)
def test_each_half_hour_has_the_band_of_its_month_day_and_hour(
    key: str, day: date, found: list[tuple[str, float]]
) -> None:
    assert hours(key, day) == found


@pytest.mark.parametrize(
    ("day", "holiday"),
    [
        (date(2026, 9, 20), True),  # Sunday
        (date(2026, 9, 19), False),  # Saturday
        (date(2026, 9, 22), True),  # 国民の休日
        (date(2026, 5, 6), True),  # 振替休日
        (date(2027, 3, 22), True),
        (date(2026, 12, 30), True),
        (date(2026, 12, 31), False),
        (date(2017, 8, 11), False),  # 山の日, which the contract did not list yet
        (date(2018, 8, 11), False),
        (date(2023, 8, 11), True),
        (date(2024, 2, 29), False),
    ],
)
def test_a_day_is_a_holiday_as_the_plan_names_it(day: date, holiday: bool) -> None:
    assert is_holiday(HOKURIKU, day) == holiday


def test_an_excepted_day_that_is_a_sunday_is_billed_as_one() -> None:
    rule = Holidays(weekdays=frozenset({6}), national=True, exceptions=HOKURIKU.exceptions)
    assert is_holiday(rule, date(2013, 8, 11))


def test_national_holidays_are_no_holidays_of_a_plan_that_does_not_name_them() -> None:
    assert not is_holiday(Holidays(weekdays=frozenset({6})), date(2026, 1, 1))


def test_a_half_hour_of_a_plan_that_fits_no_band_has_no_price() -> None:
    version = shipped.find("kyuden-night-select-22").versions[-1]
    with pytest.raises(ConfigError, match="no price for holidays of month 1 at 8:00"):
        bands_of_day(replace(version, bands=version.bands[:3]), date(2026, 1, 1))


@pytest.mark.parametrize(
    ("old", "new", "line", "fault"),
    [
        (
            'name = "rest"\nprice = 3',
            'name = "rest"\nprice = 3\nmonths = [1]',
            5,
            "no band holds on holidays of month 2 at",
        ),
        ('name = "rest"\nprice = 3', 'name = "rest"\nprice = 3\nhours = ["8-21:30"]', 5, "month 1 at 21:30"),
        (HOLIDAYS, "", 10, "not which days those are"),
        ('"rest"', '"night"', 5, "two bands have the name night"),
        ("08-11 to 2018", "08-11 to then", 14, 'such as "08-11", or "08-11 to 2018"'),
        ("08-11 to 2018", "08-32", 14, 'such as "12-30"'),
    ],
)
def test_a_plan_that_leaves_a_half_hour_without_a_price_is_reported(old: str, new: str, line: int, fault: str) -> None:
    with pytest.raises(ConfigError) as error:
        read_plan(PLAN.replace(old, new), "own.toml", "own")
    assert str(error.value).startswith(f"own.toml:{line}: ")
    assert fault in str(error.value)
