"""Which 契約アンペア would have held, by the currents that were recorded.

The limiter of a contract by amperes acts on the sum of both wires, r + t. Recorded is that of one moment a minute or
so: between two of them it may have been higher.
"""

from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import NamedTuple

from homemon.energy.plan import Plan
from homemon.energy.spans import exact

NEAR = Decimal("0.8")  # of the contract: what is above is near its limit
USUAL = 40  # A
LEAST = -1e9  # A: no current is less
Sums = Sequence[tuple[float, int, int]]
"""Sums of r + t in A that came, ascending: each with how often, and when first (Unix seconds)."""


class Load(NamedTuple):
    """The highest sum of both currents in A, when it came first, and how many of so many readings were above limits."""

    highest: Decimal
    time: int
    readings: int
    near: int
    over: int


class Advice(NamedTuple):
    """What currents came to, of a contract by `ampere`, None where it is not by ampere.

    `hours` of the `compared` ones have a reading. Where that is most of them, `enough` is the smallest ampere of the
    plan that would have held, None where there is none, and `saved` the yen a month that it costs less than now.
    """

    load: Load
    ampere: int | None
    hours: int
    compared: int
    enough: int | None
    saved: int | None

    @property
    def is_sure(self) -> bool:
        """Whether enough is recorded to say which ampere would have held."""
        return self.hours * 2 > self.compared


def load(sums: Callable[[float], Sums], readings: int, ampere: int | None) -> Load | None:
    """Return how near currents came to a contract of `ampere`; None where none is recorded.

    `sums` gives those from so many A on; fewer A are asked for as long as there are none, as most readings are low.
    """
    near = float((ampere or USUAL) * NEAR)
    found = next(filter(None, map(sums, (near, near / 2, near / 4, near / 8, LEAST))), None)
    if not found:
        return None
    highest, _, time = found[-1]
    limit = Decimal(ampere or 0)
    return Load(exact(highest), time, readings, _above(found, limit * NEAR), _above(found, limit))


def _above(sums: Sums, limit: Decimal) -> int:
    return sum(count for total, count, _ in sums if exact(total) > limit)


def offered(plan: Plan) -> list[int]:
    """Return the amperes that a plan has, ascending; empty where its base charge is not by ampere."""
    return sorted(plan.versions[-1].base.ampere)


def least_of(amperes: Iterable[int], highest: Decimal) -> int | None:
    """Return the smallest of the amperes that is not below the highest sum; None where all are."""
    return min((ampere for ampere in amperes if ampere >= highest), default=None)
