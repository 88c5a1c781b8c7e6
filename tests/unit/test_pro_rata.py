"""日割り: what is scaled of a period that is not an ordinary one, and by what."""

from datetime import date
from decimal import Decimal

import pytest

from homemon.core.errors import ConfigError
from homemon.energy.bill import Bill, Contract, Price, compute
from homemon.energy.plan import Base, Minimum, Month, ProRata, Version
from homemon.energy.plan_file import read_plan
from homemon.energy.pro_rata import Days, Share, days_of, scaled, share_of

PLAN = """
name = "a plan"
company = "a company"
area = "tokyo"
[[version]]
source = "the contract"
checked = 2026-08-16
price = [[120, 10], [300, 20], 30]
items = ["levy"]
[version.pro_rata]
per = "calendar"
beyond = 5
[version.base]
ampere = { 30 = 900 }
"""
ENEOS = ProRata(per="calendar", beyond=5)


def version(text: str = PLAN) -> Version:
    return read_plan(text, "own.toml", "own").versions[0]


def billed(own: Version, kwh: int, days: Days | None, levy: str = "1") -> Bill:
    def prices(item: str, month: Month) -> Price:
        return Price(Decimal(levy)) if item == "levy" else Price(Decimal(-2), Decimal(-31))

    return compute(own, Contract(ampere=30), {"all": Decimal(kwh)}, (2026, 5), prices, days=days)


@pytest.mark.parametrize(
    ("rule", "days", "share"),
    [
        (ENEOS, Days(15, 30), Share(15, 30)),
        (ENEOS, Days(25, 30), Share(25, 30)),
        (ENEOS, Days(26, 30), None),
        (ENEOS, Days(34, 30), None),
        (ENEOS, Days(35, 30), Share(35, 30)),
        (ENEOS, Days(35, 31), None),
        (ProRata(per="30"), Days(27, 31), Share(27, 30)),
        (ProRata(per="30"), Days(28, 31), None),
        (ProRata(per="30"), Days(35, 31), None),
        (ProRata(per="30"), Days(36, 31), Share(36, 30)),
        (ProRata(per="period"), Days(10, 31, 29), Share(10, 29)),
        (ProRata(per="period"), Days(10, 31), None),
    ],
)
def test_only_a_period_that_is_not_ordinary_is_scaled(rule: ProRata, days: Days, share: Share | None) -> None:
    assert share_of(rule, days) == share


def test_days_are_those_of_the_period_and_of_the_month_it_starts_in() -> None:
    assert days_of(date(2024, 2, 20), date(2024, 3, 12)) == Days(21, 29)
    assert days_of(date(2026, 12, 31), date(2027, 1, 12), 33) == Days(12, 31, 33)


def test_half_a_period_has_half_the_base_charge_and_tiers() -> None:
    bill = billed(version(), 160, Days(15, 30))
    assert [line.yen for line in bill.lines] == [450, 60 * 10, 90 * 20, 10 * 30, 160]
    assert bill.provisional == ()


def test_an_ordinary_period_is_billed_as_one_whose_days_nobody_knows() -> None:
    assert billed(version(), 160, Days(31, 30)) == billed(version(), 160, None)


def test_the_kwh_of_a_minimum_charge_and_of_each_tier_above_are_rounded_half_up() -> None:
    own = read_plan(PLAN.replace("ampere = { 30 = 900 }", "minimum = { price = 500, kwh = 15 }"), "own.toml", "own")
    found = scaled(own.versions[0], Share(15, 30))
    assert found.base.minimum == Minimum(price=Decimal(250), kwh=8)
    assert [limit for limit, _ in found.bands[0].tiers] == [61, 151, None]


@pytest.mark.parametrize(
    ("base", "price"), [("kva = 300", "150"), ("flat = 300", "150"), ("block = { price = 300, above = 20 }", "150")]
)
def test_each_kind_of_base_charge_is_scaled(base: str, price: str) -> None:
    found: Base = scaled(version(PLAN.replace("ampere = { 30 = 900 }", base)), Share(15, 30)).base
    assert Decimal(price) in (found.kva, found.flat, found.block and found.block.price)
    assert found.block is None or found.block.above == 10


def test_a_lump_for_the_minimums_kwh_is_scaled_and_makes_the_bill_provisional() -> None:
    own = PLAN.replace("ampere = { 30 = 900 }", "minimum = { price = 500, kwh = 15 }")
    bill = billed(version(own.replace('["levy"]', '["fuel", "levy"]')), 0, Days(15, 30))
    assert [line.yen for line in bill.lines] == [250, Decimal("-15.5"), 8]
    assert bill.provisional == ("that fuel is scaled as the minimum charge is not confirmed by a source",)


def test_an_unusual_period_of_a_plan_without_a_rule_is_provisional() -> None:
    own = version(PLAN.replace('[version.pro_rata]\nper = "calendar"\nbeyond = 5\n', ""))
    assert billed(own, 160, Days(15, 30)).provisional == (
        "the period has 15 days and is billed in full: the plan does not say how it is scaled",
    )
    assert billed(own, 160, Days(35, 30)).provisional == ()


def test_an_unusual_period_whose_ordinary_length_nobody_knows_is_provisional() -> None:
    own = version(PLAN.replace('"calendar"\nbeyond = 5', '"period"'))
    assert "its ordinary length is not known" in billed(own, 160, Days(15, 30)).provisional[0]


def test_a_wrong_rule_is_reported_with_its_line() -> None:
    with pytest.raises(ConfigError, match=r"own.toml:11: .*is to be one of 30, calendar, period"):
        version(PLAN.replace('"calendar"', '"week"'))
