"""The memory of the Kyocera solar monitor PMD47A: where things stand, and the points they give.

    007C   35 dates, three bytes BCD yy mm dd, newest first
    00E5   generation: 35 days × 48 half-hours
    0E05   bought − sold: the same shape
    1B25   not understood, up to 8,527 bytes in all

A half-hour is an s16, big-endian, in tenths, and 7530 where there is no data; its time is its
start, in JST. The map follows from kyocera_dump.py: 7C + 35·3 = E5, E5 + 35·96 = E05.

A row is refused, not believed, when its date is none, lies ahead of ours, or does not fit among the
others: rows go back in time, by a year at most from one to the next. Where one does not fit, the most
rows that do are kept, so that a single wrong date costs a single row; two that changed places cost both.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from homemon.core.errors import WireError
from homemon.core.points import HALF_HOUR, JST, Point

DATES = 0x007C
DAYS, SLOTS = 35, 48
NO_DATA = 0x7530
LONGEST_GAP = timedelta(days=366)  # between a row and the next: a house that stood empty


class Series(NamedTuple):
    """Where 35 × 48 half-hours begin, and the measurement they are."""

    offset: int
    measurement: str


SERIES = (Series(0x00E5, "hatuden"), Series(0x0E05, "baiden_diff"))
MAP_END = 0x0E05 + DAYS * SLOTS * 2


Row = tuple[int, datetime]
"""A row and its midnight."""


class _Chain(NamedTuple):
    """Rows whose dates fit together, newest first, and how many are as many days apart as rows."""

    rows: list[Row]
    in_step: int = 0

    @property
    def worth(self) -> tuple[int, int]:
        return len(self.rows), self.in_step

    def under(self, row: Row) -> "_Chain":
        """Return this chain with `row` above it."""
        below = self.rows[0]
        return _Chain([row, *self.rows], self.in_step + (row[1] - below[1] == timedelta(below[0] - row[0])))


class Report(NamedTuple):
    """What a memory said: points, newest day first, and warnings for a person."""

    points: list[Point]
    warnings: list[str]


def report(memory: bytes, days: int = 2, now: float | None = None, partial: bool = False) -> Report:
    """Return the points of the newest `days` (1 to 35) of a memory.

    `now`, in Unix seconds, refuses what cannot have happened yet; None where the clock is not to be
    trusted. A half-hour that is still running is left out without a word: it is not wrong, only not
    finished. Raise WireError for a memory that ends before the map does, unless `partial` asks
    for what is wholly there.
    """
    if not 1 <= days <= DAYS:
        raise ValueError(f"the monitor keeps {DAYS} days, not {days}")
    if len(memory) < MAP_END and not partial:
        raise WireError(f"the memory should hold {MAP_END:,} bytes at least", len(memory))
    said = Report([], [])
    dates = _dates(memory)
    kept = believed(memory, now)
    above: datetime | None = None
    for row in range(days):
        values = _values(memory, row)
        midnight = dates.get(row)
        if midnight is None or (row not in kept and (now is None or midnight.timestamp() <= now)):
            if values:
                said.warnings.append(f"day {row}: {_misdated(memory, row, midnight, above)}, {_lost(len(values))}")
            continue
        above = midnight if row in kept else above
        start = int(midnight.timestamp())
        ahead = 0
        for measurement, after, value in values:
            time = start + after
            if now is None or time + HALF_HOUR <= now:
                said.points.append(Point(measurement, {"value": value}, time))
            elif time > now:
                ahead += 1
        if ahead:
            said.warnings.append(f"day {row}: {midnight:%Y-%m-%d} lies ahead, {_lost(ahead)}")
    return said


def believed(memory: bytes, now: float | None = None) -> Mapping[int, datetime]:
    """Return the rows whose dates fit together, newest first, each with its midnight: as many as can be.

    Those that begin after `now` are left out. Of two that exclude each other the one that is as many days
    before another as it is rows below it is kept, and neither where that decides nothing.
    """
    dates = [(row, day) for row, day in _dates(memory).items() if now is None or day.timestamp() <= now]
    kept = _longest(dates)
    if len(kept.rows) == len(dates):
        return dict(kept.rows)
    return dict(row for row in kept.rows if _longest([each for each in dates if each[1] != row[1]]).worth < kept.worth)


def _longest(dates: list[Row]) -> _Chain:
    """Return the chain with the most rows; of several, that with the most steps of a day a row, then the uppermost."""
    chains: list[_Chain] = []  # the best that begins with each row, the last row's first
    for row in reversed(dates):
        below = [
            chain.under(row) for chain in reversed(chains) if timedelta() < row[1] - chain.rows[0][1] <= LONGEST_GAP
        ]
        chains.append(max(below, key=lambda chain: chain.worth, default=_Chain([row])))
    return max(reversed(chains), key=lambda chain: chain.worth, default=_Chain([]))


def _dates(memory: bytes) -> dict[int, datetime]:
    """Return the rows that have a date, each with its midnight."""
    found = ((row, _date(memory[DATES + 3 * row : DATES + 3 * row + 3])) for row in range(DAYS))
    return {row: midnight for row, midnight in found if midnight is not None}


def _misdated(memory: bytes, row: int, midnight: datetime | None, above: datetime | None) -> str:
    """Return what is wrong with the date of a row that is refused; `above` is that of the row kept before it."""
    if midnight is None:
        return f"{memory[DATES + 3 * row : DATES + 3 * row + 3].hex().upper()} is no date"
    if above is not None and midnight >= above:
        return f"{midnight:%Y-%m-%d} does not come before {above:%Y-%m-%d}"
    return f"{midnight:%Y-%m-%d} does not fit among the other days"


def sure_until(memory: bytes) -> float:
    """Return a time at which a memory of unknown age is not younger: what `now` can be in `report`.

    The start of the newest half-hour that holds data, which may be running still, or the midnight with
    which the newest day begins.
    """
    times = [point.time for point in report(memory, DAYS, partial=True).points if point.time is not None]
    midnight = _date(memory[DATES : DATES + 3])
    return float(max([*times, int(midnight.timestamp()) if midnight else 0]))


def _lost(count: int) -> str:
    return f"{count} value{'s are' if count > 1 else ' is'} left out"


def _values(memory: bytes, row: int) -> list[tuple[str, int, float]]:
    """Return the half-hours of a row that hold data: measurement, seconds after midnight, value."""
    values = []
    for series in SERIES:
        for slot in range(SLOTS):
            at = series.offset + (row * SLOTS + slot) * 2
            tenths = int.from_bytes(memory[at : at + 2], signed=True)
            if at + 2 <= len(memory) and tenths != NO_DATA:
                values.append((series.measurement, slot * HALF_HOUR, tenths / 10))
    return values


def _date(bcd: bytes) -> datetime | None:
    """Return the midnight in JST of three bytes BCD; None where they are no date."""
    digits = bcd.hex()
    if len(digits) != 6 or not digits.isdecimal():
        return None
    try:
        return datetime(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]), tzinfo=JST)
    except ValueError:
        return None
