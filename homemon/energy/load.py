"""How near a household comes to what its contract allows: by current, and by the demand of the running half-hour.

A limiter acts on the sum of both wires, r + t; 1 kVA is 10 A of that, at 100 V. A contract by kW counts the kWh of each
half-hour, twice as many kW.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from homemon.core.points import HALF_HOUR, Number
from homemon.energy.spans import Reading, exact

VOLTS = 100
AMPERES_A_KVA = 10
WATT_SECONDS = 3_600_000  # of a kWh
LASTS = 55  # seconds: two readings of a poll each minute may be a little less apart


class Agreed(Protocol):
    """What a contract allows; of the three at most one counts."""

    @property
    def ampere(self) -> int | None: ...
    @property
    def kva(self) -> int | None: ...
    @property
    def kw(self) -> int | None: ...


class Load(NamedTuple):
    """What was used at a time (Unix seconds), and what is allowed: both in A, or both in kW."""

    time: int
    amount: Decimal
    limit: Decimal

    @property
    def percent(self) -> Decimal:
        """How much that is of what is allowed."""
        return self.amount * 100 / self.limit


def allowed(agreed: Agreed) -> int | None:
    """Return how many A a contract allows; None where it is not by ampere or kVA."""
    return agreed.ampere or (agreed.kva and agreed.kva * AMPERES_A_KVA)


def currents(r: Iterable[Reading], t: Mapping[int, Number], powers: Iterable[Reading], limit: int) -> list[Load]:
    """Return the load at each reading in A, ascending; by the power in W where no current is read."""
    found = [Load(time, exact(amperes) + exact(t.get(time, 0)), Decimal(limit)) for time, amperes in r]
    return found or [Load(time, exact(watts) / VOLTS, Decimal(limit)) for time, watts in powers]


def demands(powers: Sequence[Reading], limit: Decimal) -> list[Load]:
    """Return, at each reading of the power in W, the kW to which its half-hour comes if the power stays so."""
    return [Load(time, _expected(powers, time) * 2, limit) for time, _ in powers]


def headroom(powers: Sequence[Reading], limit: Decimal, now: int) -> Decimal:
    """Return the mean kW that may be used up to the end of the running half-hour; 0 where it is over already."""
    left = HALF_HOUR - now % HALF_HOUR
    rest = limit / 2 - _so_far(powers, now)
    return max(Decimal(0), rest * 3600 / left)


def _expected(powers: Sequence[Reading], time: int) -> Decimal:
    """Return the kWh that the half-hour of a reading comes to if its power stays."""
    newest = next(watts for at, watts in reversed(powers) if at <= time)
    return _so_far(powers, time) + _kwh(newest, HALF_HOUR - time % HALF_HOUR)


def _so_far(powers: Sequence[Reading], now: int) -> Decimal:
    """Return the kWh bought from the start of the half-hour up to `now`; its first power counts from its start."""
    inside = [(at, watts) for at, watts in powers if now - now % HALF_HOUR <= at <= now]
    begins = [now - now % HALF_HOUR, *(at for at, _ in inside[1:]), now]
    return sum((_kwh(watts, begins[i + 1] - begins[i]) for i, (_, watts) in enumerate(inside)), Decimal(0))


def _kwh(watts: Number, seconds: int) -> Decimal:
    """Return what is bought; what is sold is counted by itself."""
    return max(Decimal(0), exact(watts)) * seconds / WATT_SECONDS


def lasting(loads: Sequence[Load], percent: int) -> bool:
    """Return whether so many percent or more were used for a minute."""
    return any(stretch[-1].time - stretch[0].time >= LASTS for stretch in _stretches(loads, percent))


def _stretches(loads: Sequence[Load], percent: int) -> Iterator[list[Load]]:
    stretch: list[Load] = []
    for load in loads:
        if load.percent >= percent:
            stretch.append(load)
        elif stretch:
            yield stretch
            stretch = []
    if stretch:
        yield stretch
