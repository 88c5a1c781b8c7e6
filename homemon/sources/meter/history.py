"""The half-hours that nobody was there to receive, read from the meter, which remembers 99 days.

The meter's record is read a day at a time: set E5 to "so many days ago", then get E2 (forward) and
E4 (reverse). Which day that is depends on the meter's own date, so date and clock (98, 97) are
asked before and after; where midnight fell in between, the day is read again. Our own clock has
no part in it.

What one reading says is believed of half-hours that were lacking and fit between their neighbours. What does not
fit, or differs from what is stored, is believed when a second reading says it too.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple, Protocol

from homemon.core.dialogue import Dialogue
from homemon.core.errors import DeviceError
from homemon.core.points import DAY, HALF_HOUR, JST, Number, Point
from homemon.echonet.codec import Esv, Frame, Property
from homemon.sources.meter import properties as meter
from homemon.sources.meter.plausible import NEAR, Archive, fits

LONGEST = 99  # days that E5 can go back
TRIES = 3  # to read a day between two midnights, and to read it the same way twice
SAME_TIME = timedelta(minutes=2)  # between two answers about the time
RECORDS = {0xE2: "+power", 0xE4: "-power"}


class Asker(Protocol):
    """Who talks to the meter: `session.Session`."""

    scale: meter.Scale | None

    def ask(self, epcs: Iterable[int]) -> Dialogue[Frame]: ...
    def exchange(self, esv: Esv, properties: list[Property]) -> Dialogue[Frame]: ...
    def poll_if_due(self) -> Dialogue[None]: ...


class NoHistory(DeviceError):
    """The meter does not give its record."""


class Day(NamedTuple):
    """What is wanted of a day's record: measurement → the half-hours that are lacking, maybe none."""

    date: date
    lacking: Mapping[str, frozenset[int]]


class Repaired(NamedTuple):
    """What came of reading a day: `points` that are new or right what was stored, and how many of each kind.

    `missing`: half-hours that are lacking still. `unread`: what the meter gave no record of at all, lacking or not.
    """

    points: list[Point]
    found: int
    corrected: int
    missing: int
    unread: Mapping[str, frozenset[int]]

    def notes(self, day: date) -> list[str]:
        """Return what a person should know of it."""
        refused = sum(map(len, self.unread.values()))
        without = self.missing - refused
        counted = (
            (self.corrected, f"corrected {self.corrected} half-hours of {day} by the meter's record"),
            (refused, f"the meter did not give its record of {refused} of the half-hours missing on {day}"),
            (without, f"the meter has no record of {without} of the half-hours missing on {day}"),
        )
        return [text for number, text in counted if number]


Counts = dict[str, dict[int, Number]]
"""Measurement → half-hour → kWh."""


def plan(asker: Asker, archive: Archive, days: int, compared: int, without: frozenset[str]) -> Dialogue[list[Day]]:
    """Return the days to read, newest first: of the last `days` those that lack half-hours, and the last `compared`
    anyway.

    Today not counted, by the meter's clock. `without`: measurements that the meter refuses: they are left
    out where it never gave them on these days. Raise NoHistory.
    """
    now = yield from _sure_time(asker)
    until = int(now.timestamp()) // HALF_HOUR * HALF_HOUR + 1
    wanted: dict[date, dict[str, frozenset[int]]] = {}
    had: set[str] = set()
    for ago in range(min(max(days, compared), LONGEST) + 1):
        day = now.date() - timedelta(days=ago)
        begin = midnight(day)
        for name in RECORDS.values():
            times = range(max(begin, -(-archive.first() // HALF_HOUR) * HALF_HOUR), min(begin + DAY, until), HALF_HOUR)
            if not times:
                continue
            stored = archive.values(name, "value", begin, begin + DAY)
            lacking = frozenset(times).difference(stored) if ago <= days and days else frozenset()
            if lacking or (stored and ago <= compared and compared):
                wanted.setdefault(day, {})[name] = lacking
            had |= {name} if stored else set()
    never = without - had
    days_wanted = [Day(day, {name: wanted[day][name] for name in wanted[day] if name not in never}) for day in wanted]
    return [day for day in days_wanted if day.lacking]


def repair(asker: Asker, archive: Archive, day: Day) -> Dialogue[Repaired]:
    """Read a day's record as often as it takes to be sure. Needs the scale. Raise NoHistory."""
    begin = midnight(day.date)
    stored = {name: archive.values(name, "value", begin - NEAR, begin + DAY + NEAR) for name in day.lacking}
    first = _since(archive, (yield from read_day(asker, day.date, day.lacking)))
    doubted = _doubted(asker, day, first, stored)
    sure = [key for key in _keys(day, first) if key not in doubted and key[1] not in stored[key[0]]]
    right = {(name, time): first[name][time] for name, time in sure}
    said = {key: {first[key[0]][key[1]]} for key in doubted}
    for _ in range(TRIES - 1):
        if not said:
            break
        again = yield from read_day(asker, day.date, {name for name, _ in said})
        for key in [key for key in said if key[1] in again.get(key[0], {})]:
            name, time = key
            value = again[name][time]
            if value == stored[name].get(time):
                del said[key]
            elif value in said[key]:
                right[key] = value
                del said[key]
            else:
                said[key].add(value)
    points = [Point(name, {"value": value}, time) for (name, time), value in right.items()]
    found = sum(time in day.lacking[name] for name, time in right)
    missing = sum(map(len, day.lacking.values())) - found
    unread = {name: times for name, times in day.lacking.items() if name not in first}
    return Repaired(points, found, len(points) - found, missing, unread)


def _since(archive: Archive, counts: Counts) -> Counts:
    """Return counts without those of another meter."""
    first = archive.first()
    return {name: {time: kwh for time, kwh in values.items() if time >= first} for name, values in counts.items()}


def _keys(day: Day, counts: Counts) -> list[tuple[str, int]]:
    """Return what of a reading is wanted, or can be compared."""
    return [(name, time) for name in day.lacking for time in counts.get(name, ())]


def _doubted(asker: Asker, day: Day, counts: Counts, stored: Counts) -> set[tuple[str, int]]:
    """Return what differs from what is stored, or is new and does not fit between its neighbours."""
    assert asker.scale is not None
    doubted = set()
    for name, values in counts.items():
        known = values | stored[name]
        for time, value in values.items():
            others = known if time in stored[name] else {then: kwh for then, kwh in known.items() if then != time}
            if not fits(time, value, others, asker.scale):
                doubted.add((name, time))
    return doubted


def read_day(asker: Asker, day: date, names: Iterable[str]) -> Dialogue[Counts]:
    """Return what the meter's record has of one day up to now, for each of `names` that it gives. Needs the scale.

    Raise NoHistory where the meter refuses E5.
    """
    scale = asker.scale
    assert scale is not None
    names = list(names)
    for _ in range(TRIES):
        before = yield from meter_time(asker)
        ago = (before.date() - day).days
        if not 0 <= ago <= LONGEST:
            return {}
        reply = yield from asker.exchange(Esv.SETC, [Property(0xE5, bytes((ago,)))])
        if reply.esv is not Esv.SET_RES:
            raise NoHistory("the meter gives no record of past days (it refuses E5)")
        records = yield from _records(asker, ago, names)
        after = yield from meter_time(asker)
        if after.date() == before.date():
            times = range(midnight(day), midnight(day) + DAY, HALF_HOUR)
            return {
                name: {
                    time: scale.kwh(count)
                    for time, count in zip(times, counts, strict=True)
                    if count is not None and time <= before.timestamp()
                }
                for name, counts in records.items()
            }
    return {}


def _records(asker: Asker, ago: int, wanted: Iterable[str]) -> Dialogue[dict[str, tuple[int | None, ...]]]:
    """Return 48 counts for each wanted measurement whose record the meter has; it must be that of the day asked for."""
    records: dict[str, tuple[int | None, ...]] = {}
    for epc, name in RECORDS.items():
        if name in wanted:
            value = yield from _value(asker, epc)
            if isinstance(value, meter.History) and value.day == ago:
                records[name] = value.counts
    return records


def meter_time(asker: Asker) -> Dialogue[datetime]:
    """Return the meter's date and clock (98, 97). Raise NoHistory where it does not report them."""
    reported = reported_time((yield from _ask(asker, (0x98, 0x97))))
    if reported is None:
        raise NoHistory("the meter does not report its date and time (98, 97), by which its record is found")
    return reported


def _sure_time(asker: Asker) -> Dialogue[datetime]:
    """Return the meter's date and clock, reported twice. Raise NoHistory."""
    before = yield from meter_time(asker)
    for _ in range(TRIES):
        now = yield from meter_time(asker)
        if abs(now - before) <= SAME_TIME:
            return now
        before = now
    raise NoHistory("the meter's date and time (98, 97) are another each time it is asked")


def reported_time(frame: Frame) -> datetime | None:
    """Return the meter's date and clock, to the minute, where `frame` reports both."""
    own = (prop for prop in frame.reported if prop.epc in (0x98, 0x97) and right_size(prop))
    values = {prop.epc: meter.value_of(prop) for prop in own}
    day, clock = values.get(0x98), values.get(0x97)
    if not isinstance(day, str) or not isinstance(clock, str):
        return None
    return datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=JST)


def right_size(prop: Property) -> bool:
    """Return whether a property of the table has the bytes that it must have."""
    return len(prop.edt) == meter.PROPS[prop.epc].size


def _value(asker: Asker, epc: int) -> Dialogue[Any]:
    answer = yield from _ask(asker, (epc,))
    for prop in answer.reported:
        if prop.epc == epc and right_size(prop):
            return meter.value_of(prop)
    return None


def _ask(asker: Asker, epcs: Iterable[int]) -> Dialogue[Frame]:
    """Ask, after the poll that is due: a slow meter takes minutes to give its record of a day."""
    yield from asker.poll_if_due()
    return (yield from asker.ask(epcs))


def midnight(day: date) -> int:
    """Return the beginning of a day in JST, in Unix seconds."""
    return int(datetime(day.year, day.month, day.day, tzinfo=JST).timestamp())
