"""What if the EcoCute heated at other hours: its energy out of each day's half-hours, and evenly into others.

What is put into a half-hour in which energy was sold is taken from that first, as the house would do.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import NamedTuple

from homemon.core.points import HOUR
from homemon.energy.plan import WHOLE_DAY
from homemon.energy.selling import Selling, price_of
from homemon.energy.spans import ZERO, Reading, Span, differences, exact
from homemon.energy.usage import Days

COUNTS = 1000  # of the EcoCute's register make a kWh
MODULUS = 1_000_000  # kWh: the register has nine digits
HOLDS = 1800  # seconds that a reading of its power holds at most
JOULES = 1000 * HOUR  # W of one second in a kWh
NOTHING = (ZERO,) * WHOLE_DAY


class Shifted(NamedTuple):
    """Days as they would have been: what is bought, what of it was `moved`, in kWh, and what would not be sold."""

    days: Days
    moved: Decimal
    unsold: dict[date, Decimal]


def slots(hours: tuple[int, int]) -> list[int]:
    """Return the half-hours of a day, from 0, from the first one up to the second, which may pass midnight."""
    begin, end = hours
    return [number % WHOLE_DAY for number in range(begin, end if begin < end else end + WHOLE_DAY)]


def heating(registers: Iterable[Reading], powers: Iterable[Reading]) -> list[Span]:
    """Return what the EcoCute used, by its register in 0.001 kWh; where there is none, by its power in W."""
    counted = differences(((time, value / COUNTS) for time, value in registers), MODULUS)
    return list(counted) or list(_held(powers))


def _held(powers: Iterable[Reading]) -> Iterator[Span]:
    """Yield energy by power: a reading holds until the next one, or for half an hour."""
    for (start, watts), (end, _) in pairwise(powers):
        end = min(end, start + HOLDS)
        yield Span(start, end, exact(watts) * (end - start) / JOULES)


def shift(bought: Days, heated: Days, sold: Days, into: Sequence[int]) -> Shifted:
    """Return the days with the EcoCute's energy spread evenly over the half-hours `into` of the same day.

    Of no half-hour more is taken away than was bought in it.
    """
    days: dict[date, list[Decimal]] = {}
    unsold: dict[date, Decimal] = {}
    moved = ZERO
    for day, half_hours in bought.items():
        taken = [min(own, used) for own, used in zip(half_hours, heated.get(day, NOTHING), strict=True)]
        left = [own - part for own, part in zip(half_hours, taken, strict=True)]
        surplus = sold.get(day, NOTHING)
        unsold[day] = ZERO
        for slot, part in zip(into, _even(sum(taken, ZERO), len(into)), strict=True):
            own = min(part, surplus[slot])
            left[slot] += part - own
            unsold[day] += own
        days[day] = left
        moved += sum(taken, ZERO)
    return Shifted(days, moved, unsold)


def _even(kwh: Decimal, count: int) -> Iterator[Decimal]:
    """Yield so many equal parts; the last takes what does not divide, so that they add up exactly."""
    part = kwh / count
    yield from (part for _ in range(count - 1))
    yield kwh - part * (count - 1)


def not_paid(unsold: dict[date, Decimal], selling: Selling) -> Decimal:
    """Return the yen that would not be paid for what would not be sold; nothing where no price is known."""
    return sum((kwh * (price_of(selling, day).value or ZERO) for day, kwh in unsold.items() if kwh), ZERO)
