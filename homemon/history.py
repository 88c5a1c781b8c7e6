"""The half-hours that nobody was there to hear, asked of the meter, which remembers 99 days.

The meter's record is read a day at a time: set E5 to "so many days ago", then get E2 (forward) and
E4 (reverse). Which day that is depends on the meter's own date, so date and clock (98, 97) are
asked before and after; where midnight fell in between, the day is read again. Our own clock has
no part in it.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from homemon.devices import meter
from homemon.errors import DeviceError
from homemon.points import HALF_HOUR, JST, Point
from homemon.wire.dialogue import Dialogue
from homemon.wire.echonet import Esv, Frame, Property

LONGEST = 99  # days that E5 can go back
TRIES = 3  # to read a day between two midnights
RECORDS = {0xE2: "+power", 0xE4: "-power"}

Lacking = Callable[[str, int, int], Iterable[int]]
"""(measurement, since, until) → the half-hours (Unix seconds) in that period that the store lacks."""


class Asker(Protocol):
    """Who talks to the meter: `session.Session`."""

    scale: meter.Scale | None

    def ask(self, epcs: Iterable[int]) -> Dialogue[Frame]: ...
    def exchange(self, esv: Esv, properties: list[Property]) -> Dialogue[Frame]: ...


class NoHistory(DeviceError):
    """The meter does not give its record."""


Plan = list[tuple[date, Mapping[str, frozenset[int]]]]
"""The half-hours to ask for: days, newest first, and of each day measurement → their times."""


def plan(asker: Asker, lacking: Lacking, days: int, without: frozenset[str]) -> Dialogue[Plan]:
    """What the store lacks of the last `days` days, today included, by the meter's clock.

    `without`: measurements that this meter does not have.
    """
    now = yield from meter_time(asker)
    since = midnight(now.date() - timedelta(days=min(days, LONGEST)))
    wanted: dict[date, dict[str, set[int]]] = {}
    for measurement in RECORDS.values():
        if measurement in without:
            continue
        for time in lacking(measurement, since, int(now.timestamp()) // HALF_HOUR * HALF_HOUR + 1):
            day = datetime.fromtimestamp(time, JST).date()
            wanted.setdefault(day, {}).setdefault(measurement, set()).add(time)
    newest_first = sorted(wanted, reverse=True)
    return [(day, {name: frozenset(times) for name, times in wanted[day].items()}) for day in newest_first]


def read_day(asker: Asker, day: date, wanted: Mapping[str, frozenset[int]]) -> Dialogue[list[Point]]:
    """The points of one day that are `wanted` and that the meter has. Needs the scale.

    Raises NoHistory where the meter refuses E5.
    """
    assert asker.scale is not None
    for _ in range(TRIES):
        before = yield from meter_time(asker)
        ago = (before.date() - day).days
        if not 0 <= ago <= LONGEST:
            return []
        reply = yield from asker.exchange(Esv.SETC, [Property(0xE5, bytes((ago,)))])
        if reply.esv is not Esv.SET_RES:
            raise NoHistory("the meter gives no record of past days (it refuses E5)")
        records = yield from _records(asker, ago, wanted)
        after = yield from meter_time(asker)
        if after.date() == before.date():
            return [
                Point(name, {"value": asker.scale.kwh(count)}, time)
                for name, counts in records.items()
                for time, count in zip(range(midnight(day), midnight(day) + 86_400, HALF_HOUR), counts, strict=True)
                if count is not None and time in wanted[name]
            ]
    return []


def _records(asker: Asker, ago: int, wanted: Iterable[str]) -> Dialogue[dict[str, tuple[int | None, ...]]]:
    """48 counts for each wanted measurement whose record the meter has; it must be that of the day asked for."""
    records: dict[str, tuple[int | None, ...]] = {}
    for epc, name in RECORDS.items():
        if name in wanted:
            value = yield from _value(asker, epc)
            if isinstance(value, meter.History) and value.day == ago:
                records[name] = value.counts
    return records


def meter_time(asker: Asker) -> Dialogue[datetime]:
    """The meter's date and clock (98, 97). Raises NoHistory where it does not tell them."""
    told = told_time((yield from asker.ask((0x98, 0x97))))
    if told is None:
        raise NoHistory("the meter does not tell its date and time (98, 97), by which its record is found")
    return told


def told_time(frame: Frame) -> datetime | None:
    """The meter's date and clock, to the minute, where `frame` tells both."""
    told = {prop.epc: meter.value_of(prop) for prop in frame.reported if prop.epc in (0x98, 0x97) and right_size(prop)}
    day, clock = told.get(0x98), told.get(0x97)
    if not isinstance(day, str) or not isinstance(clock, str):
        return None
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=JST)


def right_size(prop: Property) -> bool:
    """Whether a property of the table has the bytes that it must have."""
    return len(prop.edt) == meter.PROPS[prop.epc].size


def _value(asker: Asker, epc: int) -> Dialogue[Any]:
    answer = yield from asker.ask((epc,))
    for prop in answer.reported:
        if prop.epc == epc and right_size(prop):
            return meter.value_of(prop)
    return None


def midnight(day: date) -> int:
    """The beginning of a day in JST, in Unix seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=JST).timestamp())
