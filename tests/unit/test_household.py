"""What a household bought, sold, generated and used."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from homemon.core.points import DAY, HALF_HOUR, Number
from homemon.energy.household import QUANTITIES, Household, Known, Summary, read
from homemon.energy.spans import Reading, differences, half_hours
from tests.registers import MIDNIGHT, register, span


def household(**readings: list[Reading]) -> Household:
    """Of the readings of each quantity: registers of the meter's, half-hours of the monitor's."""
    found = {name: readings.get(name, []) for name in QUANTITIES}
    registers = ("bought", "sold")
    return Household(
        {name: list((differences if name in registers else half_hours)(rows)) for name, rows in found.items()}
    )


def known(kwh: str, hours: float) -> Known:
    """So many kWh of so many hours; nothing for an empty text."""
    return Known(Decimal(kwh) if kwh else None, Decimal(hours))


def halves(*values: Number) -> list[Reading]:
    return [(MIDNIGHT + number * HALF_HOUR, value) for number, value in enumerate(values)]


def day(house: Household) -> Summary:
    return house.summary(MIDNIGHT, MIDNIGHT + DAY)


def test_used_is_bought_and_generated_without_what_was_sold() -> None:
    found = day(
        household(
            bought=register(MIDNIGHT, 100.0, 100.5, 100.6),
            sold=register(MIDNIGHT, 10, 10, 11.5),
            generated=halves(0.3, 2.0),
        )
    )
    assert found.bought == known("0.6", 1)
    assert found.sold == known("1.5", 1)
    assert found.generated == known("2.3", 1)
    assert found.used == known("1.4", 1)
    assert found.self_consumption == Decimal("0.8") * 100 / Decimal("2.3")
    assert found.self_sufficiency == Decimal("0.8") * 100 / Decimal("1.4")
    assert found.peak is not None
    assert found.peak[:3] == (MIDNIGHT, MIDNIGHT + HALF_HOUR, Decimal("0.5"))


def test_who_generates_nothing_uses_what_is_bought() -> None:
    found = day(household(bought=register(MIDNIGHT, 1, 2, 4), sold=register(MIDNIGHT, 0, 0, 0)))
    assert found.used == found.bought == known("3", 1)
    assert found.self_consumption is found.self_sufficiency is None
    assert found.generated == known("", 0)


def test_what_who_sells_without_a_monitor_uses_is_not_known() -> None:
    found = day(household(bought=register(MIDNIGHT, 1, 2, 4), sold=register(MIDNIGHT, 0, 0, 3)))
    assert found.used == known("", 0)
    assert found.sold == known("3", 1)


def test_where_the_meter_was_not_heard_the_monitors_balance_stands_in() -> None:
    found = day(household(generated=halves(2.0, 1.0, 0.5), balance=halves(-1.5, -0.5, 0.1)))
    assert found.used == known("1.6", 1.5)
    both = household(
        bought=register(MIDNIGHT, 5, 5.1),
        sold=register(MIDNIGHT, 7, 8.6),
        generated=halves(2.0, 1.0),
        balance=halves(-9, -0.5),
    )
    assert day(both).used == known("1.0", 1)


def test_unknown_is_not_nothing() -> None:
    found = day(household())
    assert all(each == known("", 0) for each in found[:4])
    assert found[4:7] == (None, None, None)
    assert found.differs == known("", 0)


def test_a_gap_of_the_meter_within_the_day_costs_no_energy() -> None:
    heard = register(MIDNIGHT, *(number / 10 for number in range(48)), 5.0)
    house = household(
        bought=heard[:10] + heard[30:], sold=[(time, 0.0) for time, _ in heard], generated=halves(*[0.1] * 48)
    )
    found = day(house)
    assert found.bought == known("5.0", 24)
    assert found.used == known("9.8", 24)
    assert found.peak is not None
    assert found.peak.seconds == HALF_HOUR, "of a gap no half-hour is known"


def test_what_the_portal_says_is_compared_where_both_are_known() -> None:
    bought = list(differences(register(MIDNIGHT, 1.0, 1.5, 2.5, 3.5, 4.0)))
    flows = {name: bought if name == "bought" else [] for name in QUANTITIES}
    says = [
        span(MIDNIGHT, MIDNIGHT + 2 * HALF_HOUR, 1.5),
        span(MIDNIGHT + 3 * HALF_HOUR, MIDNIGHT + 4 * HALF_HOUR, 0.7),
    ]
    assert Household(flows, says).summary(MIDNIGHT, MIDNIGHT + DAY).differs == known("0.2", 1.5)
    assert Household(flows).summary(MIDNIGHT, MIDNIGHT + DAY).differs == known("", 0)


class Recorded:
    """The same reading each half-hour, of any series."""

    def __init__(self) -> None:
        self.asked: dict[str, tuple[int, int]] = {}

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[Reading]:
        self.asked[measurement] = (since, until)
        return ((time, 1e16 if time == MIDNIGHT else 2.5) for time in range(since, until, HALF_HOUR))

    def latest(self, measurement: str, field: str, until: int) -> Reading | None:
        raise AssertionError("there is no edge")


class Rows:
    """Readings of every series, and how many of them were read."""

    def __init__(self, *rows: Reading) -> None:
        self.rows, self.read = rows, 0

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[Reading]:
        for row in self.rows:
            if since <= row[0] < until:
                self.read += 1
                yield row

    def latest(self, measurement: str, field: str, until: int) -> Reading | None:
        self.read += 1
        return max((row for row in self.rows if row[0] < until), default=None)


def test_the_registers_at_both_ends_are_read_and_impossible_values_are_not() -> None:
    recorded = Recorded()
    flows = read(recorded, MIDNIGHT - HALF_HOUR, MIDNIGHT + DAY)
    assert recorded.asked["+power"] == (MIDNIGHT - HALF_HOUR, MIDNIGHT + DAY + 1)
    assert recorded.asked["hatuden"] == (MIDNIGHT - HALF_HOUR, MIDNIGHT + DAY - HALF_HOUR + 1)
    assert [span.seconds for span in flows["bought"][:2]] == [2 * HALF_HOUR, HALF_HOUR]
    assert len(flows["generated"]) == 48


EDGE = 40  # days


def test_of_the_weeks_before_a_period_few_readings_are_read() -> None:
    begin = MIDNIGHT - 2 * EDGE * DAY
    rows = Rows(*((time, (time - begin) / HALF_HOUR / 2) for time in range(begin, MIDNIGHT + DAY, HALF_HOUR)))
    near = read(rows, MIDNIGHT, MIDNIGHT + DAY, names=["bought"], edge=EDGE * DAY)["bought"]
    assert rows.read < 2 * 48 + EDGE / 7 + 3
    assert (near[0].start, near[-1].end) == (MIDNIGHT - 36 * DAY - HALF_HOUR, MIDNIGHT + DAY - HALF_HOUR)
    whole = read(rows, MIDNIGHT - EDGE * DAY, MIDNIGHT + DAY, names=["bought"])["bought"]
    assert [span for span in near if span.start >= MIDNIGHT] == [span for span in whole if span.start >= MIDNIGHT]
    assert sum(span.kwh for span in near) == Decimal(37 * 24)


@pytest.mark.parametrize("days", [0.5, 3, 39])
def test_a_gap_at_the_begin_of_a_period_is_known_as_a_sum(days: float) -> None:
    before = int(MIDNIGHT - days * DAY)
    rows = Rows(*register(before - 2 * HALF_HOUR, 7, 8, 9), (MIDNIGHT + DAY, 12))
    found = read(rows, MIDNIGHT, MIDNIGHT + DAY, names=["bought", "generated"], edge=EDGE * DAY)
    assert found["bought"][-1] == (before, MIDNIGHT + DAY, Decimal(3))
    assert found["generated"], "there is a monitor, though it is silent"
    assert not read(Rows((MIDNIGHT - 41 * DAY, 1)), MIDNIGHT, MIDNIGHT + DAY, edge=EDGE * DAY)["generated"]


@pytest.mark.parametrize("since", [MIDNIGHT - DAY, MIDNIGHT + HALF_HOUR])
def test_a_period_without_readings_has_none(since: int) -> None:
    found = household(bought=register(MIDNIGHT, 1, 2)).summary(since, since + DAY)
    assert found.bought == known("", 0)
