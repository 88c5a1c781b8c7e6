"""Plans compared: what is shifted, which kW and which amperes are asked for."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from homemon.core.errors import ConfigError
from homemon.core.points import HALF_HOUR, Point
from homemon.energy import amperes, compare, shift, shipped
from homemon.energy.amperes import Load
from homemon.energy.bill import Contract
from homemon.energy.compare import Past
from homemon.energy.periods import Billed, month_after, starts
from homemon.energy.plan import Plan
from homemon.energy.selling import SellPrice, Step
from homemon.energy.spans import Span
from homemon.energy.tariff import Tariff, tariff
from homemon.energy.usage import Shape
from homemon.storage.store import Store
from tests.stores import NOW, T, put

DAY = date(2026, 6, 1)
NIGHT, NOON = range(4, 10), shift.slots((20, 30))


def day(*spans: tuple[Sequence[int], str]) -> list[Decimal]:
    """48 half-hours: in which of them how many kWh are."""
    return [sum((Decimal(kwh) for slots, kwh in spans if n in slots), Decimal(0)) for n in range(48)]


# --- the EcoCute in other hours ------------------------------------------------------------


def test_what_it_used_is_taken_out_and_spread_evenly() -> None:
    found = shift.shift({DAY: day((range(48), "0.5"))}, {DAY: day((NIGHT, "0.4"))}, {}, NOON)
    assert found.days == {DAY: day((range(48), "0.5"), (NIGHT, "-0.4"), (NOON, "0.24"))}
    assert (found.moved, found.unsold) == (Decimal("2.4"), {DAY: Decimal(0)})


def test_of_no_half_hour_more_is_taken_than_was_bought() -> None:
    found = shift.shift({DAY: day((NIGHT, "0.1"))}, {DAY: day((NIGHT, "0.4"), (NOON, "0.3"))}, {}, NOON)
    assert min(found.days[DAY]) == 0
    assert found.moved == sum(found.days[DAY]) == Decimal("0.6")


def test_what_does_not_divide_is_not_lost() -> None:
    found = shift.shift({DAY: day(([0], "0.1"))}, {DAY: day(([0], "9"))}, {}, range(20, 23))
    assert sum(found.days[DAY]) == Decimal("0.1")


def test_what_was_sold_is_used_first_and_no_longer_paid_for() -> None:
    sold = {DAY: day((NOON, "0.2"))}
    found = shift.shift({DAY: day((NIGHT, "0.5"))}, {DAY: day((NIGHT, "0.5"))}, sold, NOON)
    assert found.days == {DAY: day((NOON, "0.1"))}
    assert found.unsold == {DAY: Decimal("2.0")}
    prices = (Step(date.min, SellPrice(None)), Step(DAY, SellPrice(Decimal(16))))
    assert shift.not_paid(found.unsold, prices) == 32
    assert shift.not_paid({DAY - timedelta(days=1): Decimal(1)}, prices) == 0


def test_hours_may_pass_midnight() -> None:
    assert shift.slots((44, 4)) == [44, 45, 46, 47, 0, 1, 2, 3]


def test_a_day_of_which_nothing_of_it_is_known_stays() -> None:
    bought = {DAY: day((NIGHT, "0.5"))}
    assert shift.shift(bought, {}, {}, NOON).days == bought


def test_its_register_comes_first_and_rolls_over() -> None:
    registers = [(0, 999_999_900), (HALF_HOUR, 100), (2 * HALF_HOUR, 350)]
    found = shift.heating(registers, [(0, 1000), (60, 1000)])
    assert found == [
        Span(0, HALF_HOUR, Decimal("0.2")),
        Span(HALF_HOUR, 2 * HALF_HOUR, Decimal("0.25")),
    ]


def test_without_a_register_its_power_holds_until_the_next_one_or_half_an_hour() -> None:
    found = shift.heating([], [(0, 1200), (600, 600), (36_000, 5)])
    assert found == [Span(0, 600, Decimal("0.2")), Span(600, 600 + HALF_HOUR, Decimal("0.3"))]


# --- plans ----------------------------------------------------------------------------------


def periods(*peaks: str) -> list[Past]:
    """Billing periods from 2025-01 on, calendar months, in each one half-hour of so many kWh."""
    found, first = [], date(2025, 1, 1)
    for peak in peaks:
        after = month_after(first)
        billed = Billed((first.year, first.month), first, after, (after - first).days, (after.year, after.month))
        shape = Shape(starts(first), starts(after), {first: day(([20], peak))}, (), ())
        found.append(compare.past(billed, shape))
        first = after
    return found


def charge(plan: Plan, billed: Billed, agreed: Contract) -> Tariff:
    found = tariff(plan, billed, agreed, {}, {})
    if found is None:
        raise shipped.too_early(plan)
    return found


def kilowatts(*peaks: str) -> list[str]:
    found = compare.outcome(shipped.find("kepco-hapie-r"), periods(*peaks), Contract(), charge)
    return [line.name for line in found.lines if line.name.startswith("base charge")]


def test_the_real_demand_is_that_of_twelve_bills() -> None:
    assert kilowatts("1", "1.75", *["1"] * 10) == ["base charge, 4 kW"]
    assert kilowatts(*["1"] * 12, "3", *["1"] * 12) == [f"base charge, {kw} kW" for kw in (2, 6)]
    found = compare.outcome(shipped.find("kepco-hapie-r"), periods(*["3", *["1"] * 12]), Contract(), charge)
    assert [line.yen for line in found.lines if line.name == "base charge, 6 kW"] == [12 * Decimal("2409.40")]


def test_a_real_demand_of_fewer_bills_is_said_to_be_what_is_known() -> None:
    found = compare.outcome(shipped.find("kepco-hapie-r"), periods("1.75", "1"), Contract(), charge)
    assert "4 kW of real demand are those of the half-hours that are known" in found.doubts
    agreed = compare.outcome(shipped.find("kepco-hapie-r"), periods("1.75", "1"), Contract(kw=5), charge)
    assert not any("real demand" in doubt for doubt in agreed.doubts)


def test_a_plan_that_lacks_one_of_the_periods_is_compared_in_none() -> None:
    names = ("kyuden-juryo-b", "looop-smart-time-one-tokyo", "energia-juryo-b", "tepco-juryo-b")
    agreed = Contract(ampere=40)
    found, left_out = compare.outcomes(map(shipped.find, names), periods("300", "300"), agreed, charge)
    assert [each.plan.key for each in found] == ["kyuden-juryo-b", "tepco-juryo-b"]
    assert [each.plan.key for each in left_out] == ["looop-smart-time-one-tokyo", "energia-juryo-b"]
    old = [each._replace(billed=each.billed._replace(month=(2020, 1))) for each in periods("1", "1")[:1]]
    with pytest.raises(ConfigError, match="has prices from the bill of 2024-04 on"):
        compare.outcome(shipped.find("tepco-juryo-b"), [*periods("1"), *old], agreed, charge)


def test_what_only_a_sum_is_known_of_concerns_the_plans_by_hours() -> None:
    (whole,) = periods("300")
    night = Span(whole.shape.start + 4 * HALF_HOUR, whole.shape.start + 20 * HALF_HOUR, Decimal(3))
    known = [whole._replace(shape=whole.shape._replace(spread=[night]))]
    found, _ = compare.outcomes(
        map(shipped.find, ("tepco-juryo-b", "tepco-smartlife-s")), known, Contract(ampere=40), charge
    )
    doubts = {each.plan.key: any("as a sum only" in doubt for doubt in each.doubts) for each in found}
    assert doubts == {"tepco-juryo-b": False, "tepco-smartlife-s": True}


def test_bills_of_fewer_months_make_a_year() -> None:
    found = compare.outcome(shipped.find("tepco-juryo-b"), periods("100", "100", "100"), Contract(ampere=40), charge)
    assert len(set(found.bills)) <= 3
    assert (found.a_year, found.yen) == (4 * found.yen, sum(found.bills))


# --- amperes --------------------------------------------------------------------------------


def test_the_highest_sum_is_found_however_low_currents_are(store: Store) -> None:
    wires = [(1.0, 0.5), (1.2, 0.1), (-2.0, 1.0)]
    put(store, *(Point("current", {"r": r, "t": t}, T + n) for n, (r, t) in enumerate(wires)))

    def load(until: int) -> Load | None:
        readings = store.archive.count("current", "r", T, until)
        return amperes.load(lambda least: store.archive.sums("current", ("r", "t"), T, until, least), readings, 60)

    assert load(T + 3) == Load(Decimal("1.5"), T, 3, 0, 0)
    assert load(T) is None


def test_sums_are_each_time_counted_once_and_of_the_period_only(store: Store) -> None:
    wires = [(20.0, 20.0), (30.1, 10.0), (10.0, 30.1), (39.9, 0.0), (20.0, 20.0), (50.0, 50.0)]
    put(store, *(Point("current", {"r": r, "t": t}, T + n) for n, (r, t) in enumerate(wires)), at=NOW)
    put(store, Point("current", {"r": 99.0}, T + 3600))
    assert store.archive.sums("current", ("r", "t"), T, T + 5, 40) == [(40.0, 2, T), (40.1, 2, T + 1)]


def test_the_smallest_ampere_that_is_not_below_the_highest_sum_would_have_held() -> None:
    offered = amperes.offered(shipped.find("tepco-juryo-b"))
    assert amperes.least_of(offered, Decimal("30.0")) == 30
    assert amperes.least_of(offered, Decimal("30.1")) == 40
    assert amperes.least_of(offered, Decimal(61)) is None
    assert amperes.offered(shipped.find("energia-juryo-a")) == []
