"""What of the meter's values is believed at once, and what it is asked for again.

ECHONET Lite has no checksum, and on the serial line a flipped bit of a hex digit is another hex digit. So what
the meter said once is not yet what it is: a value that cannot be, or that nothing known speaks for, is believed
when an answer to another question says the same. To doubt a right value costs one question; so the limits are
those of an ordinary house, and a greater one is only asked more often.

A low bit of E7 or E8 shows in nothing else: such a value is believed, and wrong by little.
"""

from bisect import bisect_left
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from homemon.core.points import DAY, HALF_HOUR, Number, Point
from homemon.sources.meter import properties as meter

USUAL_KW = 10.0  # mean over a half-hour; a contract by the ampere ends at 6 kVA
LARGEST_W = 50_000  # a low-voltage contract ends at 50 kW
LARGEST_A = 500.0  # 50 kVA at 100 V on one of the two phases
NEAR, FAR = 2 * DAY, 100 * DAY  # where neighbours are looked for
CLOCK_SLACK = 300  # seconds that two clocks may differ
LATE = HALF_HOUR + 600  # seconds after a half-hour in which the meter still gives it
AT_ONCE = 60.0  # seconds between an answer and the one that confirms it
BEYOND = 1.25  # a load that was confirmed goes up and down by so much
KEPT = 100  # half-hours remembered of each register

Series = tuple[str, str]
"""Measurement and field."""
EPCS: dict[Series, int] = {
    (series.measurement, field): epc for epc, series in meter.SERIES.items() for field in series.fields
}
RECORDED = {"import": "+power", "export": "-power"}
"""The running registers' fields → the measurement of the same register at half-hours."""


class Archive(Protocol):
    """What is stored of this meter."""

    def met(self, address: str) -> None:
        """Note that the meter at `address` is this one: what was stored until now may be of another."""

    def values(self, measurement: str, field: str, since: int, until: int) -> dict[int, Number]:
        """Return time → value from `since` up to, without, `until` (Unix seconds); nothing of an earlier meter."""

    def first(self) -> int:
        """Return the time before which another meter counted, 0 for a first meter."""

    def settled(self) -> bool:
        """Return whether all that was received is stored, so that what is not there is really lacking."""


class Reading(NamedTuple):
    """A point of one frame: its TID, and when it came, by the boot clock and by the wall clock."""

    point: Point
    tid: int
    ticks: float
    wall: float


def can_be(before: tuple[float, Number], after: tuple[float, Number], scale: meter.Scale) -> bool:
    """Return whether a register can have gone from one (time in seconds, kWh) to a later one, a roll-over included."""
    kwh = after[1] - before[1]
    if kwh < 0:
        kwh += scale.modulus
    return 0 <= kwh <= USUAL_KW * (after[0] - before[0]) / 3600 + 2 * scale.kwh(1)


def fits(time: int, value: Number, known: Mapping[int, Number], scale: meter.Scale) -> bool | None:
    """Return whether a register at `time` fits between its neighbours among `known`; None without neighbours."""
    if time in known:
        return known[time] == value
    times = sorted(known)
    at = bisect_left(times, time)
    before, after = times[:at][-1:], times[at:][:1]
    if not before and not after:
        return None
    return all(can_be((then, known[then]), (time, value), scale) for then in before) and all(
        can_be((time, value), (then, known[then]), scale) for then in after
    )


class Doubts:
    """Judges readings as they come. `open` are those that wait for another answer to say the same.

    `contradicted`: a half-hour that was confirmed does not agree with what is stored, or one was not confirmed.
    """

    def __init__(self, archive: Archive | None) -> None:
        self.open: dict[Series, Reading] = {}
        self.contradicted = False
        self._archive = archive
        self._recent: dict[str, dict[int, Number]] = {}  # measurement → half-hours that were believed
        self._largest = {"power": float(LARGEST_W), "current": LARGEST_A}  # what is believed at once
        self._running: dict[str, tuple[float, Number]] = {}  # field of `energy` → the last believed, by the boot clock
        self._clock: tuple[float, int] | None = None  # boot clock → half-hour that was believed then

    def epcs(self) -> tuple[int, ...]:
        """Return the EPCs to ask again."""
        return tuple(sorted({EPCS[series] for series in self.open}))

    def forget(self) -> None:
        """Forget earlier readings: with another meter, or another unit, they prove nothing about later ones."""
        self.open.clear()
        self._recent.clear()
        self._running.clear()

    def give_up(self) -> list[str]:
        """Stop waiting; a note on each reading that nothing confirmed."""
        notes = [f"did not record {_text(reading.point)}: no other answer says so" for reading in self.open.values()]
        self.open.clear()
        return notes

    def admit(self, reading: Reading, scale: meter.Scale | None) -> tuple[list[Point], list[str]]:
        """Return what of a reading, and of earlier ones that it confirms, is believed now; and notes."""
        sure: list[Point] = []
        notes: list[str] = []
        for part in _parts(reading):
            points, said = self._admit(part, scale)
            sure += points
            notes += said
        return _joined(sure), notes

    def _admit(self, reading: Reading, scale: meter.Scale | None) -> tuple[list[Point], list[str]]:
        series, time = _series(reading), reading.point.time
        if time is not None and self._archive and time < self._archive.first():
            return [], []  # a half-hour of the meter that was here before
        doubted = self.open.get(series)
        fault = self._fault(reading, scale)
        if fault is None:
            self.open.pop(series, None)
            self._believe(reading)
            dropped = doubted and not _same(doubted, reading, scale)
            self.contradicted |= bool(dropped) and time is not None
            return _believed(None if dropped else doubted, reading), [
                f"did not record {_text(doubted.point)}, which the next answer does not confirm"
            ] if doubted and dropped else []
        if doubted is None or doubted.tid == reading.tid or not _same(doubted, reading, scale):
            self.open[series] = reading
            return [], []
        del self.open[series]
        self._believe(reading)
        if not fault:
            return _believed(doubted, reading), []
        self.contradicted |= time is not None
        if series[0] in self._largest:
            self._largest[series[0]] = max(map(abs, reading.point.fields.values())) * BEYOND
        return _believed(doubted, reading), [
            f"{fault.format(_text(reading.point))}, but the meter says so twice: recorded"
        ]

    def _believe(self, reading: Reading) -> None:
        measurement, field = _series(reading)
        value, time = reading.point.fields[field], reading.point.time
        if time is not None:
            recent = self._recent.setdefault(measurement, {})
            recent[time] = value
            recent.pop(min(recent) if len(recent) > KEPT else -1, None)
            self._clock = reading.ticks, time
        elif measurement == "energy":
            self._running[field] = reading.ticks, value

    def _fault(self, reading: Reading, scale: meter.Scale | None) -> str | None:
        """Return why a reading is doubted; the empty text where there is nothing to compare it with."""
        measurement, field = _series(reading)
        value = reading.point.fields[field]
        if limit := self._largest.get(measurement):
            largest = max(map(abs, reading.point.fields.values()))
            return None if largest <= limit else "{} is more than a house draws"
        if scale is None:
            return None
        if reading.point.time is None:
            return self._running_fault(reading, field, value, scale)
        if not self._is_now(reading, reading.point.time):
            return ""
        return _verdict(fits(reading.point.time, value, self._neighbours(measurement, reading.point.time), scale))

    def _is_now(self, reading: Reading, time: int) -> bool:
        """Return whether the meter can give this half-hour now, by our clock or by those that it gave before."""
        near = self._clock and abs((time - self._clock[1]) - (reading.ticks - self._clock[0])) <= LATE
        return time % HALF_HOUR == 0 and (bool(near) or -CLOCK_SLACK <= reading.wall - time <= LATE)

    def _neighbours(self, measurement: str, time: int) -> dict[int, Number]:
        recent = self._recent.get(measurement, {})
        if self._archive is None:
            return recent
        stored = self._archive.values(measurement, "value", time - NEAR, time + NEAR)
        return recent | (stored or self._archive.values(measurement, "value", time - FAR, time))

    def _running_fault(self, reading: Reading, field: str, value: Number, scale: meter.Scale) -> str | None:
        """Return why E0 or E3, of the moment in which they come, is doubted; the first ever has to be believed."""
        if known := self._running.get(field):
            return _verdict(can_be(known, (reading.ticks, value), scale))
        if self._archive is None:
            return None
        now = int(reading.wall)
        before = self._archive.values("energy", field, now - NEAR, now)
        before = before or self._archive.values(RECORDED[field], "value", now - FAR, now)
        newest = {time: before[time] for time in sorted(before)[-1:]}
        return _verdict(fits(now, value, newest, scale)) or None


def _verdict(fitting: bool | None) -> str | None:
    if fitting is None:
        return ""
    return None if fitting else "{} does not fit what was recorded before"


def _series(reading: Reading) -> Series:
    return reading.point.measurement, next(iter(reading.point.fields))


def _parts(reading: Reading) -> list[Reading]:
    """Return a reading for each property: E0 and E3 share a point, R and T are one property's."""
    point = reading.point._replace(received=reading.ticks if reading.point.time is None else None)
    if point.measurement != "energy":
        return [reading._replace(point=point)]
    return [reading._replace(point=point._replace(fields={name: value})) for name, value in point.fields.items()]


def _same(doubted: Reading, reading: Reading, scale: meter.Scale | None) -> bool:
    """Return whether two answers say the same of a value that goes on changing."""
    measurement, field = _series(reading)
    before, after = doubted.point.fields.get(field), reading.point.fields[field]
    if before is None:
        return False
    if measurement in ("power", "current"):
        return abs(before - after) <= max(abs(before), abs(after)) / 2
    if scale is None:
        return True
    if reading.point.time is None or doubted.point.time is None:
        return can_be((doubted.ticks, before), (reading.ticks, after), scale)
    if reading.point.time == doubted.point.time:
        return before == after
    passed = reading.point.time - doubted.point.time
    in_time = passed % HALF_HOUR == 0 and abs(passed - (reading.ticks - doubted.ticks)) <= 2 * CLOCK_SLACK
    return in_time and can_be((doubted.point.time, before), (reading.point.time, after), scale)


def _believed(doubted: Reading | None, reading: Reading) -> list[Point]:
    """Return one point of two answers about the same; both if the first waited for its unit or half-hours differ."""
    if doubted is None or (reading.point.time == doubted.point.time and reading.ticks - doubted.ticks <= AT_ONCE):
        return [reading.point]
    return [doubted.point, reading.point]


def _joined(points: list[Point]) -> list[Point]:
    """Return fields of one moment as one point again."""
    merged: dict[tuple[str, int | None, float | None], dict[str, Number]] = {}
    for measurement, fields, time, _, received in points:
        merged.setdefault((measurement, time, received), {}).update(fields)
    return [Point(name, fields, time, None, received) for (name, time, received), fields in merged.items()]


def _text(point: Point) -> str:
    return f"{point.measurement} {' '.join(f'{name}={value}' for name, value in point.fields.items())}"
