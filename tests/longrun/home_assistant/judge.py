"""What Home Assistant is to hold, by someone who knows which readings were given and nothing of how hours are computed.

All in whole tenths of a kWh, in Wh for the water heater, and in sen. `Given` is what the store was given.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

HOUR, HALF = 3600, 1800
JAPAN = timedelta(hours=9)
Piece = tuple[int, int, int]
"""From when to when, and how much."""


@dataclass
class Given:
    """Readings by their times: registers in tenths of a kWh, half-hours by their starts, the heater's in Wh."""

    bought: dict[int, int] = field(default_factory=dict)
    sold: dict[int, int] = field(default_factory=dict)
    made: dict[int, int] = field(default_factory=dict)
    heated: dict[int, int] = field(default_factory=dict)
    balance: dict[int, int] = field(default_factory=dict)  # what the solar monitor says of bought - sold
    price: int = 3000  # sen a kWh
    paid: int = 1600

    def copy(self) -> "Given":
        """Return what was given until now."""
        return deepcopy(self)


def between(registers: Mapping[int, int]) -> list[Piece]:
    """Return what was counted from each reading to the next."""
    return [(a, b, registers[b] - registers[a]) for a, b in pairwise(sorted(registers))]


def heated(registers: Mapping[int, int]) -> list[Piece]:
    """The same; what lies over the full hour counts to the one before it, where readings are close together."""
    found = []
    for start, end, count in between(registers):
        full = (start // HOUR + 1) * HOUR
        found.append((start, full if end - start <= HALF and full < end else end, count))
    return found


def used(given: Given) -> list[Piece]:
    """Return what was used where all three are known, else what the monitor says of it.

    A month is computed by itself: where the monitor knows its last half-hour, nothing is counted over its end.
    """
    monitored = given.made.keys() & given.balance.keys()
    by_meter = [piece for piece in metered(given) if not any(end - HALF in monitored for end in month_ends(*piece))]
    covered = {slot for start, end, _ in by_meter for slot in range(start, end, HALF)}
    rest = monitored - covered
    return sorted([*by_meter, *((slot, slot + HALF, given.balance[slot] + given.made[slot]) for slot in rest)])


def metered(given: Given) -> Iterator[Piece]:
    """Yield what was used where all three are known."""
    ends = dict.fromkeys(given.made, 0) | {start + HALF: 0 for start in given.made}
    times = sorted(given.bought.keys() & given.sold.keys() & ends.keys())
    for start, end in pairwise(times):
        slots = range(start, end, HALF)
        if all(slot in given.made for slot in slots):
            bought, sold = (each[end] - each[start] for each in (given.bought, given.sold))
            yield start, end, bought - sold + sum(given.made[slot] for slot in slots)


def month_ends(start: int, end: int, *_: int) -> list[int]:
    """Return the ends of months within a time."""
    slots = range(start + HALF, end, HALF)
    return [slot for slot in slots if (datetime.fromtimestamp(slot, UTC) + JAPAN).strftime("%d%H%M") == "010000"]


def cost(given: Given) -> Iterator[Piece]:
    """Yield sen × 10; a sum over the end of a billing period, here a month, has no known price in either."""
    for start, end, tenths in between(given.bought):
        if not month_ends(start, end):
            yield start, end, tenths * given.price


def rows(pieces: Iterable[Piece]) -> dict[int, int]:
    """Return by the start of each known hour what was counted until its end, from the first full hour on."""
    known = list(pieces)
    first = next((edge for piece in known for edge in piece[:2] if edge % HOUR == 0), None)
    found, counted = {}, 0
    for start, end, count in known:
        if first is not None and start >= first:
            counted += count
            if end % HOUR == 0:
                found[end - HOUR] = counted
    return found


def expected(given: Given) -> dict[str, tuple[dict[int, int], int]]:
    """Return the rows of each statistic, and how many of their counts are a kWh or a yen."""
    sold = between(given.sold)
    return {
        "homemon:grid_import": (rows(between(given.bought)), 10),
        "homemon:grid_export": (rows(sold), 10),
        "homemon:solar": (rows((start, start + HALF, given.made[start]) for start in sorted(given.made)), 10),
        "homemon:used": (rows(used(given)), 10),
        "homemon:ecocute": (rows(heated(given.heated)), 1000),
        "homemon:grid_import_cost": (rows(cost(given)), 1000),
        "homemon:grid_export_income": (rows((a, b, tenths * given.paid) for a, b, tenths in sold), 1000),
    }


def faults(given: Given, there: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[str]:
    """Yield what is wrong with the statistics that are there."""
    for name, (wanted, each) in expected(given).items():
        yield from _faults(name, wanted, each, there.get(name, ()))


def _faults(name: str, wanted: Mapping[int, int], each: int, said: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not wanted:
        return
    first, last = min(wanted), max(wanted)
    has = {int(row["start"]) // 1000: row for row in said}
    before = [row["sum"] for start, row in has.items() if start < first and row["state"] is not None]
    base = before[-1] if before else 0.0
    for start in sorted(wanted.keys() - has.keys()):
        yield f"{name}: the hour of {start} is missing"
    previous = base
    for start in sorted(start for start in has if first <= start <= last):
        row = has[start]
        right = base + wanted[start] / each if start in wanted else previous
        if abs(row["sum"] - right) > 0.00001:
            yield f"{name}: {start} is {row['sum']}, not {right}"
        if (row["state"] is None) is (start in wanted):
            yield f"{name}: {start} has the state {row['state']}"
        previous = row["sum"]
