"""What energy costs by a plan that follows JEPX, half-hour by half-hour."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

import pytest

from homemon.core.errors import ConfigError
from homemon.energy import shipped
from homemon.energy.bill import Contract, Price, Used
from homemon.energy.market import HalfHour, MarketCost, market_cost, slot_price
from homemon.energy.plan import Market
from homemon.energy.plan_file import read_plan

DAY = date(2026, 8, 26)
LOOOP = Market(loss=Decimal("6.9"), fee=Decimal("15.11"))
PLAIN = Market(tax=Decimal(1), cut=Decimal(0))


def cost(used: Mapping[int, str], spot: Mapping[int, str], market: Market = PLAIN) -> MarketCost:
    """What the half-hours of a day cost; the prices are of the same half-hours."""

    def known(half_hour: HalfHour) -> Decimal | None:
        return Decimal(spot[half_hour[1]]) if half_hour[1] in spot else None

    return market_cost(market, [((DAY, number), Decimal(kwh)) for number, kwh in used.items()], known)


@pytest.mark.parametrize(
    ("market", "spot", "price"),
    [
        (LOOOP, "55.23", "80.36"),  # 55.23 / 0.931 * 1.1 = 65.2556…
        (LOOOP, "0.01", "15.12"),  # 0.0118… is cut
        (PLAIN, "12.345", "12.345"),
        (Market(tax=Decimal(1)), "12.345", "12.34"),
    ],
)
def test_a_half_hour_has_the_area_price_with_losses_and_tax_cut_and_the_fee(
    market: Market, spot: str, price: str
) -> None:
    assert slot_price(market, Decimal(spot)) == Decimal(price)


def test_each_half_hour_is_paid_at_its_own_price() -> None:
    assert cost({0: "1.5", 47: "0.5"}, {0: "10", 47: "30"}) == MarketCost(Decimal(2), Decimal(30))


def test_a_half_hour_whose_price_is_missing_has_the_mean_price_of_the_others() -> None:
    found = cost({0: "1.5", 1: "1", 47: "0.5"}, {0: "10", 47: "30"})
    assert found == MarketCost(Decimal(3), Decimal(45), 1, Decimal(1))


def test_a_missing_price_of_a_half_hour_without_use_is_missed_by_nobody() -> None:
    assert cost({0: "1", 1: "0"}, {0: "10"}).missing == 0


def test_where_no_price_at_all_is_known_there_is_no_bill() -> None:
    with pytest.raises(ConfigError, match="no JEPX price is known"):
        cost({0: "1"}, {})
    assert cost({0: "0"}, {}).yen == 0


def test_the_bill_has_the_half_hours_the_items_and_the_levy() -> None:
    plan = shipped.find("looop-smart-time-one-tokyo")
    market = cost({0: "60.4", 1: "40"}, {0: "10", 1: "20"}, LOOOP)
    used, prices = {"all": market.kwh}, {"capacity": Price(Decimal(171), each=False)}
    bill = shipped.bill(plan, (2026, 8), Contract(), used, prices, market=market)
    energy = Decimal("60.4") * Decimal("26.92") + 40 * Decimal("38.74")
    assert [(line.name, line.yen) for line in bill.lines[1:]] == [
        ("energy by half-hour", energy),
        ("capacity", 171),
        ("levy", 418),
    ]
    assert bill.total == int(energy) + 171 + 418
    assert bill.provisional == ("the fee since 2024-04 is not confirmed by a source",)


def test_half_hours_without_a_price_make_the_bill_provisional() -> None:
    market = cost({0: "1.5", 1: "1", 47: "0.5"}, {0: "10", 47: "30"})
    plan = shipped.find("looop-smart-time-one-tokyo")
    bill = shipped.bill(plan, (2023, 8), Contract(), {"all": market.kwh}, {}, market=market)
    assert bill.provisional == (
        "JEPX's price is missing for 1 half-hours (1.0 kWh): the mean price of the others stands in",
    )


def test_the_kwh_of_a_period_alone_give_no_bill_by_the_market() -> None:
    plan = shipped.find("looop-smart-time-one-tokyo")
    with pytest.raises(ConfigError, match="follows JEPX each half-hour"):
        shipped.bill(plan, (2023, 8), Contract(), {"all": Decimal(100)}, {})
    assert shipped.bill(plan, (2023, 8), Contract(), {"all": Decimal(0)}, {}).total == 0


def test_a_part_of_a_bill_that_follows_the_market_needs_its_half_hours_too() -> None:
    plan = shipped.find("looop-smart-time-one-tokyo")
    market = MarketCost(Decimal(1), Decimal(10))
    earlier = [Used(plan.versions[0], {"all": Decimal(1)})]
    with pytest.raises(ConfigError, match="follows JEPX each half-hour"):
        shipped.bill(plan, (2023, 8), Contract(), {"all": Decimal(1)}, {}, earlier=earlier, market=market)
    paid = [earlier[0]._replace(market=market)]
    assert shipped.bill(plan, (2023, 8), Contract(), {"all": Decimal(1)}, {}, earlier=paid, market=market).total == 22


@pytest.mark.parametrize(
    ("old", "new"), [("loss = 5", "loss = 93"), ("tax = 1.1", "tax = 10"), ("cut = 0.1", "cut = 10")]
)
def test_a_wrong_number_of_a_market_price_is_reported_with_its_line(old: str, new: str) -> None:
    plan = 'name = "a"\ncompany = "b"\narea = "tokyo"\n[[version]]\n[version.base]\nflat = 0\n[version.market]\n'
    numbers = "loss = 5\ntax = 1.1\ncut = 0.1\n"
    assert read_plan(plan + numbers, "own.toml", "own").versions[0].market
    with pytest.raises(ConfigError, match=r"own.toml:(8|9|10): .*is to be a number from"):
        read_plan(plan + numbers.replace(old, new), "own.toml", "own")
