"""What the smart meter said, out of a trace or a log: the points that `session` made of it, and its records.

The address and the unit are taken from what was written down; where they are missing there, from what
`known` remembers. Registers that come before the unit wait for it.
"""

import re
from datetime import date, datetime, timedelta
from typing import NamedTuple

from homemon.core.errors import WireError
from homemon.core.points import HALF_HOUR, JST, Point, Received
from homemon.echonet.codec import Frame, Property
from homemon.replay.moment import Moment
from homemon.replay.report import BROKEN, CLOCK, NO_DAY, NO_TIME, NO_UNIT, ODD, OPEN, OTHERS, UNMEASURED, ReplayReport
from homemon.skstack.lines import Udp
from homemon.sources.meter import properties as meter
from homemon.sources.meter.history import LONGEST, RECORDS, midnight, reported_time, right_size
from homemon.sources.meter.properties import History, ReportedScale, Scale
from homemon.sources.meter.reception import NotBelieved, Reception

GUIDES_FOR = 600.0  # seconds that the meter's clock is a guide to its date
CLOCK_SLACK = 300.0  # seconds that the meter's clock may differ from ours
MINUTE = 60.0
_ADDRESSED = re.compile(rb"SK(?:JOIN|SENDTO \d) ([0-9A-Fa-f]{4}(?::[0-9A-Fa-f]{4}){7})\b")


class Known(NamedTuple):
    """What state.toml remembers: the meter's address, and its scale."""

    address: str | None = None
    scale: Scale | None = None


class RecordedMeter:
    """One meter at a time. `day` is what a record of today is of, where nothing else shows it."""

    def __init__(self, known: Known, day: date | None, report: ReplayReport) -> None:
        self._known = known
        self._day = day
        self._report = report
        self._address: str | None = None
        self._unit = ReportedScale()
        self._reception = Reception()  # registers wait with when they came, and of a record the midnight of its day
        self._clock: tuple[datetime, Moment] | None = None  # the meter's, and when it reported it

    def sent(self, data: bytes) -> None:
        """Take a command that was sent: it may name the meter's address. An echo, maybe damaged, is not taken."""
        if found := _ADDRESSED.search(data):
            address = found[1].decode().upper()
            if self._address not in (None, address):
                self.close()
                self._unit, self._clock = ReportedScale(), None
            self._address = address

    def received(self, udp: Udp, came: Moment) -> list[Point]:
        """Return the points of a datagram."""
        try:
            frame = self._reception.frame(udp, self._address)
        except NotBelieved as stranger:
            self._refuse(stranger.frame, udp)
            return []
        except WireError:
            self._report.refuse(BROKEN)
            return []
        if frame is None:
            return []
        self._unit.receive(frame)
        if time := reported_time(frame) or (reported_date(frame) if came.at is None else None):
            self._clock = time, came
        scale = self._unit.over(self._known.scale if self._known.address in (None, udp.sender) else None)
        points = self._flush(scale) if scale else []
        return points + self._points(frame, scale, came) + self._records(frame, scale, came)

    def close(self) -> None:
        """Leave out what still waits for a unit, at the end of the record."""
        self._report.refuse(NO_UNIT, self._reception.forget())

    def _refuse(self, frame: Frame | None, udp: Udp) -> None:
        """Count what is not believed."""
        if frame is None:
            self._report.refuse(BROKEN)
        elif frame.seoj == meter.EOJ:
            self._report.refuse(OTHERS if udp.secured else OPEN, len(frame.reported))

    def _points(self, frame: Frame, scale: Scale | None, came: Moment) -> list[Point]:
        report = self._reception.report(frame, scale, (came, None))
        self._report.refuse(ODD, len(report.warnings))
        own = (prop for prop in frame.reported if prop.epc in meter.SERIES and right_size(prop))
        self._report.refuse(UNMEASURED, sum(meter.value_of(prop) is None for prop in own))
        return self._dated(report.points, came)

    def _dated(self, points: list[Point], came: Moment) -> list[Point]:
        second = came.second
        if second is None:
            undated = sum(point.time is None for point in points)
            self._report.refuse(NO_TIME if came.at is None else CLOCK, undated)
            return [point for point in points if point.time is not None]
        return [point if point.time is not None else Received(*point)._replace(time=second) for point in points]

    def _records(self, frame: Frame, scale: Scale | None, came: Moment) -> list[Point]:
        """Return the half-hours of a whole day (E2, E4)."""
        points: list[Point] = []
        for prop in frame.reported:
            if prop.epc not in RECORDS or not prop.edt:
                continue
            if not right_size(prop):
                self._report.refuse(ODD)
                continue
            day = self._midnight(prop, came)
            if day is None:
                self._report.refuse(NO_DAY, len(_counts(prop)))
            elif scale is None:
                self._reception.wait([prop], (came, day))
            else:
                points += _of_record(prop, day, scale)
        return points

    def _midnight(self, prop: Property, came: Moment) -> int | None:
        """Return the beginning of the day that a record is of; None where that is unknown."""
        record = meter.value_of(prop)
        today = self._today(came)
        if not isinstance(record, History) or today is None or record.day > LONGEST:
            return None
        return midnight(today - timedelta(days=record.day))

    def _today(self, came: Moment) -> date | None:
        """Return the date that the meter has: by its own clock, by that of the lines, or the one given."""
        if self._clock:
            reported, when = self._clock
            if when.at is None or came.at is None:
                return reported.date()
            if 0 <= (since := came.at - when.at) < GUIDES_FOR:
                return _same_day(reported.timestamp() + since, reported.timestamp() + since + MINUTE)
        if came.at is None:
            return self._day
        return _same_day(came.at - CLOCK_SLACK, came.at + CLOCK_SLACK) if came.believed else None

    def _flush(self, scale: Scale) -> list[Point]:
        """Return the points of registers that waited."""
        points: list[Point] = []
        for prop, (came, day) in self._reception.waited():
            points += (
                self._dated(meter.scaled_points(prop, scale), came) if day is None else _of_record(prop, day, scale)
            )
        return points


def reported_date(frame: Frame) -> datetime | None:
    """Return the meter's date (98) alone."""
    for prop in frame.reported:
        if prop.epc == 0x98 and right_size(prop) and isinstance(day := meter.value_of(prop), str):
            return datetime.fromisoformat(day).replace(tzinfo=JST)
    return None


def _same_day(first: float, last: float) -> date | None:
    """Return the JST date of both; None where a midnight lies between."""
    days = {datetime.fromtimestamp(moment, JST).date() for moment in (first, last)}
    return days.pop() if len(days) == 1 else None


def _counts(prop: Property) -> list[tuple[int, int]]:
    """Return seconds after midnight and counts of a record, where it has one."""
    record = meter.value_of(prop)
    assert isinstance(record, History)
    return [(number * HALF_HOUR, count) for number, count in enumerate(record.counts) if count is not None]


def _of_record(prop: Property, day: int, scale: Scale) -> list[Point]:
    return [Point(RECORDS[prop.epc], {"value": scale.kwh(count)}, day + after) for after, count in _counts(prop)]
