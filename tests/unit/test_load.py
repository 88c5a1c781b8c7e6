"""How near a household comes to its contract, by current and by the demand of a half-hour."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from homemon.core.points import HALF_HOUR
from homemon.energy import load

START = 1_800_000_000 // HALF_HOUR * HALF_HOUR


@pytest.mark.parametrize(
    ("agreed", "limit"),
    [({"ampere": 40}, 40), ({"kva": 6}, 60), ({"kw": 5}, None), ({}, None)],
)
def test_a_contract_allows_so_many_amperes(agreed: dict[str, int], limit: int | None) -> None:
    assert load.allowed(SimpleNamespace(**{"ampere": None, "kva": None, "kw": None, **agreed})) == limit


def test_a_load_is_the_sum_of_both_wires_and_the_power_where_no_current_is_read() -> None:
    both = load.currents([(START, 20.1), (START + 60, 5)], {START: 12.2}, [(START, 900)], 40)
    assert [each.amount for each in both] == [Decimal("32.3"), Decimal(5)]
    assert both[0].percent == Decimal("80.75")
    assert [each.amount for each in load.currents([], {}, [(START, 3950)], 40)] == [Decimal("39.5")]


def test_a_demand_is_what_the_half_hour_comes_to_if_the_power_stays() -> None:
    powers = [(START - 60, 9000), (START + 60, 2000), (START + 900, 6000)]
    at_start, at_first, at_middle = load.demands(powers, Decimal(5))
    assert at_start.amount == 9, "of the half-hour before"
    assert at_first.amount == 2
    assert at_middle.amount == 4  # half of it 2 kW, half of it 6 kW


def test_the_room_that_is_left_is_what_was_not_used_over_the_time_that_is_left() -> None:
    powers = [(START, 2000), (START + 900, 6000)]
    assert load.headroom(powers, Decimal(5), START + 900) == 8  # 2.5 kWh - 0.5 kWh in a quarter of an hour
    assert load.headroom([(START, 12_000)], Decimal(5), START + 900) == 0
    assert load.headroom([(START, -12_000)], Decimal(5), START + 900) == 10  # what is sold takes nothing away


@pytest.mark.parametrize(
    ("amounts", "lasts"), [([33], False), ([33, 31], False), ([33, 33], True), ([33, 10, 33], False), ([], False)]
)
def test_a_load_lasts_where_two_readings_a_minute_apart_reach_it(amounts: list[int], lasts: bool) -> None:
    loads = [load.Load(START + i * 60, Decimal(amount), Decimal(40)) for i, amount in enumerate(amounts)]
    assert load.lasting(loads, 80) is lasts
