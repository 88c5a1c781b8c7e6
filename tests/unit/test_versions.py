"""Which version of a plan holds: by the label of the bill, or by the day of use, which may divide a bill."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from homemon.core.errors import ConfigError
from homemon.energy import shipped
from homemon.energy.bill import Bill, Contract, Price, Used
from homemon.energy.plan import Plan
from homemon.energy.plan_file import read_plan

PLAN = """
name = "a plan"
company = "a company"
area = "chubu"
[[version]]
from = "2024-04"
source = "the contract"
checked = 2026-08-16
price = [[100, 10], 20]
items = ["levy"]
[version.base]
flat = 300
[[version]]
used_from = 2026-07-21
source = "a letter"
checked = 2026-08-16
price = [[100, 11], 22]
items = ["levy"]
[version.base]
flat = 400
"""
FREE = {"levy": Price(Decimal(0))}


def plan(**replaced: str) -> Plan:
    text = PLAN
    for old, new in replaced.items():
        text = text.replace(old, new)
    return read_plan(text, "own.toml", "own")


def billed(own: Plan, *kwh: int) -> Bill:
    """The August bill of 07-12 to 08-11, with so many kWh in each of its parts."""
    parts = own.parts((2026, 8), date(2026, 7, 12), date(2026, 8, 12))
    used = [Used(part.version, all_of(count)) for part, count in zip(parts, kwh, strict=True)]
    last = used.pop()
    return shipped.bill(own, (2026, 8), Contract(), last.kwh, FREE, version=last.version, earlier=used)


def all_of(kwh: int) -> Mapping[str, Decimal]:
    return {"all": Decimal(kwh)}


@pytest.mark.parametrize(
    ("month", "begin", "end", "first_days"),
    [
        ((2026, 7), date(2026, 6, 12), date(2026, 7, 12), {300: date(2026, 6, 12)}),
        ((2026, 8), date(2026, 7, 12), date(2026, 8, 12), {300: date(2026, 7, 12), 400: date(2026, 7, 21)}),
        ((2026, 8), date(2026, 7, 21), date(2026, 8, 21), {400: date(2026, 7, 21)}),
        ((2026, 7), date(2026, 6, 21), date(2026, 7, 21), {300: date(2026, 6, 21)}),
        ((2024, 4), date(2024, 3, 12), date(2024, 4, 12), {300: date(2024, 3, 12)}),
        ((2024, 3), date(2024, 2, 12), date(2024, 3, 12), {}),
    ],
)
def test_a_version_holds_from_its_bill_or_from_its_day(
    month: tuple[int, int], begin: date, end: date, first_days: dict[int, date]
) -> None:
    parts = plan().parts(month, begin, end)
    assert {int(part.version.base.flat or 0): part.begin for part in parts} == first_days
    assert not parts or parts[-1].end == end


@pytest.mark.parametrize("order", [1, -1])
def test_two_versions_of_one_month_hold_one_after_the_other_in_whichever_order_they_are_written(order: int) -> None:
    own = plan(**{'from = "2024-04"': "used_from = 2026-07-15"})
    own = replace(own, versions=own.versions[::order])
    parts = own.parts((2026, 8), date(2026, 7, 12), date(2026, 8, 12))
    assert [(part.begin.day, part.end.day, str(part.version.base.flat)) for part in parts] == [
        (15, 21, "300"),
        (21, 12, "400"),
    ]


def test_a_bill_that_a_change_divides_has_each_parts_prices_and_the_base_of_its_end() -> None:
    bill = billed(plan(), 60, 50)
    assert [f"{line.kwh} x {line.price}" for line in bill.lines[1:4]] == ["60 x 10", "40 x 11", "10 x 22"]
    assert bill.lines[0].yen == 400
    assert bill.total == 400 + 600 + 440 + 220


def test_tiers_that_run_through_a_change_make_the_bill_provisional() -> None:
    assert "its tiers run on" in billed(plan(), 60, 50).provisional[0]
    untiered = plan(**{"[[100, 10], 20]": "10", "[[100, 11], 22]": "11"})
    assert billed(untiered, 60, 50).provisional == ()


def test_a_plan_may_have_the_base_of_the_periods_beginning() -> None:
    own = plan(**{"used_from = 2026-07-21": 'used_from = 2026-07-21\nbase_at = "begin"'})
    assert billed(own, 60, 50).lines[0].yen == 300


@pytest.mark.parametrize(("day", "months"), [("2026-07-21", {7, 8}), ("2026-07-01", {7})])
def test_where_the_days_are_not_known_a_change_that_may_lie_within_makes_the_bill_provisional(
    day: str, months: set[int]
) -> None:
    own = plan(**{"2026-07-21": day})
    bills = {month: shipped.bill(own, (2026, month), Contract(), all_of(10), FREE) for month in range(5, 11)}
    assert {month for month, bill in bills.items() if bill.provisional} == months
    assert bills[7].provisional == (f"prices changed on {day}: those from that day on are taken for all of the period",)


def test_a_band_that_a_part_of_the_bill_lacks_is_no_bill() -> None:
    own = plan()
    earlier = [Used(replace(own.versions[0]), {"night": Decimal(1)})]
    with pytest.raises(ConfigError, match="no band night"):
        shipped.bill(own, (2026, 8), Contract(), all_of(1), FREE, version=own.versions[1], earlier=earlier)


@pytest.mark.parametrize(
    ("new", "fault"),
    [
        ('used_from = "2026-07"', "is to be a day such as"),
        ('used_from = 2026-07-21\nfrom = "2026-07"', "a version has one of them"),
        ('used_from = 2026-07-21\nbase_at = "middle"', "is to be one of begin, end"),
        ('from = "2024-04"', "another version begins then too"),
    ],
)
def test_a_wrong_beginning_of_a_version_is_reported_with_its_line(new: str, fault: str) -> None:
    with pytest.raises(ConfigError, match=r"own.toml:1[45]: .*" + fault):
        plan(**{"used_from = 2026-07-21": new})
