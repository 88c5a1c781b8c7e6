"""Days, weeks, months, years and billing periods, in Japan."""

from datetime import date
from itertools import pairwise
from typing import NamedTuple

import pytest

from homemon.core.points import DAY, HALF_HOUR
from homemon.energy.periods import Billed, billed, calendar, day_of, reading_date, starts
from tests.registers import MIDNIGHT


class Agreed(NamedTuple):
    since: date
    reading_day: int | None


def bills(*agreed: Agreed, since: str, until: str) -> list[Billed]:
    return [each for _, each in billed(agreed, date.fromisoformat(since), date.fromisoformat(until))]


def test_a_day_starts_at_midnight_in_japan() -> None:
    assert starts(date(2026, 11, 24)) == MIDNIGHT
    assert [day_of(MIDNIGHT + more) for more in (-1, 0, DAY - 1)] == [date(2026, 11, day) for day in (23, 24, 24)]


@pytest.mark.parametrize(
    ("by", "labels"),
    [
        ("half-hour", ["2026-11-24 00:00", "2026-11-24 00:30"]),
        ("day", ["2026-11-24"]),
        ("week", ["2026-11-23, week"]),
        ("month", ["2026-11"]),
        ("year", ["2026"]),
    ],
)
def test_a_period_is_whole_and_has_the_name_that_people_call_it(by: str, labels: list[str]) -> None:
    found = list(calendar(by, MIDNIGHT, MIDNIGHT + 2 * HALF_HOUR))
    assert [period.label for period in found] == labels
    assert found[0].start <= MIDNIGHT < found[0].end


@pytest.mark.parametrize("by", ["day", "week", "month", "year"])
def test_periods_follow_each_other_without_a_gap_over_a_leap_day(by: str) -> None:
    found = list(calendar(by, starts(date(2023, 11, 5)), starts(date(2025, 2, 3))))
    assert all(earlier.end == later.start for earlier, later in pairwise(found))
    days = sum(period.end - period.start for period in found) // DAY
    assert days == (day_of(found[-1].end) - day_of(found[0].start)).days


def test_the_august_bill_ends_on_the_day_before_augusts_reading_day() -> None:
    (bill,) = bills(Agreed(date(2024, 1, 12), 12), since="2026-07-12", until="2026-08-12")
    assert bill == ((2026, 8), date(2026, 7, 12), date(2026, 8, 12), 31, (2026, 8))
    assert bill.days == 31
    assert bill.period == ("2026-08", starts(date(2026, 7, 12)), starts(date(2026, 8, 12)))


@pytest.mark.parametrize(
    ("day", "month", "found"),
    [(31, (2026, 2), 28), (29, (2026, 2), 28), (29, (2028, 2), 29), (30, (2026, 4), 30), (31, (2026, 4), 30)],
)
def test_a_reading_day_that_a_month_lacks_is_its_last_day(day: int, month: tuple[int, int], found: int) -> None:
    assert reading_date(*month, day) == date(*month, found)


@pytest.mark.parametrize("day", [None, 1, 15, 28, 29, 30, 31])
def test_each_day_of_many_years_is_in_one_bill_and_each_month_has_one(day: int | None) -> None:
    found = bills(Agreed(date.min, day), since="2020-01-15", until="2030-01-15")
    assert found[0].first <= date(2020, 1, 15)
    assert found[-1].after >= date(2030, 1, 15)
    assert all(earlier.after == later.first for earlier, later in pairwise(found))
    assert len({bill.month for bill in found}) == len(found)
    assert all(27 < bill.days < 33 for bill in found)


def test_without_a_reading_day_a_bill_is_of_a_calendar_month() -> None:
    (bill,) = bills(Agreed(date.min, None), since="2026-02-03", until="2026-02-04")
    assert bill == ((2026, 2), date(2026, 2, 1), date(2026, 3, 1), 28, (2026, 3))


def test_with_the_first_as_the_reading_day_a_bill_is_called_by_the_reading_that_ends_it() -> None:
    (bill,) = bills(Agreed(date.min, 1), since="2026-04-03", until="2026-04-04")
    assert bill == ((2026, 5), date(2026, 4, 1), date(2026, 5, 1), 30, (2026, 5))


def test_another_contract_ends_a_period_early_and_nothing_is_billed_twice() -> None:
    found = bills(Agreed(date(2026, 1, 1), 12), Agreed(date(2026, 3, 20), 5), since="2026-03-01", until="2026-05-01")
    assert [bill[1:4] for bill in found] == [
        (date(2026, 2, 12), date(2026, 3, 12), 28),
        (date(2026, 3, 12), date(2026, 3, 20), 31),
        (date(2026, 3, 20), date(2026, 4, 5), 31),
        (date(2026, 4, 5), date(2026, 5, 5), 30),
    ]
    assert [bill.month for bill in found] == [(2026, 3), (2026, 4), (2026, 4), (2026, 5)], (
        "as the whole periods have it"
    )


def test_before_the_first_contract_nothing_is_billed() -> None:
    assert not bills(Agreed(date(2026, 3, 20), 5), since="2025-01-01", until="2026-03-20")
    (first,) = bills(Agreed(date(2026, 3, 20), 5), since="2025-01-01", until="2026-03-21")
    assert first.first == date(2026, 3, 20)
