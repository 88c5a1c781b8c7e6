"""The memory of the Kyocera solar monitor PMD47A: where things stand, and the points they give.

    007C   35 dates, three bytes BCD yy mm dd, newest first
    00E5   generation: 35 days × 48 half-hours
    0E05   bought − sold: the same shape
    1B25   not understood, up to 8,527 bytes in all

A half-hour is an s16, big-endian, in tenths, and 7530 where there is no data; its time is its
start, in JST. The map follows from kyocera_dump.py: 7C + 35·3 = E5, E5 + 35·96 = E05.

A row is refused, not believed, when its date is none, does not come before that of the row above
(so neither twice nor out of order: the monitor's clock was set), or lies ahead of ours.
"""

from datetime import datetime
from typing import NamedTuple

from homemon.errors import WireError
from homemon.points import HALF_HOUR, JST, Point

DATES = 0x007C
DAYS, SLOTS = 35, 48
NO_DATA = 0x7530


class Series(NamedTuple):
    """Where 35 × 48 half-hours begin, and the measurement they are."""

    offset: int
    measurement: str


SERIES = (Series(0x00E5, "hatuden"), Series(0x0E05, "baiden_diff"))
MAP_END = 0x0E05 + DAYS * SLOTS * 2


class Report(NamedTuple):
    """What a memory said: points, newest day first, and complaints for a person."""

    points: list[Point]
    complaints: list[str]


def report(memory: bytes, days: int = 2, now: float | None = None, partial: bool = False) -> Report:
    """The points of the newest `days` (1 to 35) of a memory.

    `now`, in Unix seconds, refuses what cannot have happened yet; None where the clock is not to be
    trusted. A half-hour that is still running is left out without a word: it is not wrong, only not
    finished. Raises WireError for a memory that ends before the map does, unless `partial` asks
    for what is wholly there.
    """
    if not 1 <= days <= DAYS:
        raise ValueError(f"the monitor keeps {DAYS} days, not {days}")
    if len(memory) < MAP_END and not partial:
        raise WireError(f"the memory should hold {MAP_END:,} bytes at least", len(memory))
    said = Report([], [])
    above: datetime | None = None
    for row in range(days):
        values = _values(memory, row)
        bcd = memory[DATES + 3 * row : DATES + 3 * row + 3]
        midnight = _date(bcd)
        if midnight is None:
            if values:
                said.complaints.append(f"day {row}: {bcd.hex().upper()} is no date, {_lost(len(values))}")
            continue
        if above is not None and midnight >= above:
            if values:
                order = f"{midnight:%Y-%m-%d} does not come before {above:%Y-%m-%d}"
                said.complaints.append(f"day {row}: {order}, {_lost(len(values))}")
            continue
        start = int(midnight.timestamp())
        if now is None or start <= now:
            above = midnight
        ahead = 0
        for measurement, after, value in values:
            time = start + after
            if now is None or time + HALF_HOUR <= now:
                said.points.append(Point(measurement, {"value": value}, time))
            elif time > now:
                ahead += 1
        if ahead:
            said.complaints.append(f"day {row}: {midnight:%Y-%m-%d} lies ahead, {_lost(ahead)}")
    return said


def sure_until(memory: bytes) -> float:
    """A time at which a memory of unknown age is not younger: what `now` can be in `report`.

    The start of the newest half-hour that holds data, which may be running still, or the midnight with
    which the newest day begins.
    """
    times = [point.time for point in report(memory, DAYS, partial=True).points if point.time is not None]
    midnight = _date(memory[DATES : DATES + 3])
    return float(max([*times, int(midnight.timestamp()) if midnight else 0]))


def _lost(count: int) -> str:
    return f"{count} value{'s are' if count > 1 else ' is'} left out"


def _values(memory: bytes, row: int) -> list[tuple[str, int, float]]:
    """The half-hours of a row that hold data: measurement, seconds after midnight, value."""
    values = []
    for series in SERIES:
        for slot in range(SLOTS):
            at = series.offset + (row * SLOTS + slot) * 2
            tenths = int.from_bytes(memory[at : at + 2], signed=True)
            if at + 2 <= len(memory) and tenths != NO_DATA:
                values.append((series.measurement, slot * HALF_HOUR, tenths / 10))
    return values


def _date(bcd: bytes) -> datetime | None:
    """Midnight in JST of three bytes BCD; None where they are no date."""
    digits = bcd.hex()
    if len(digits) != 6 or not digits.isdecimal():
        return None
    try:
        return datetime(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]), tzinfo=JST)
    except ValueError:
        return None
