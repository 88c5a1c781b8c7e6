"""Times of a log that name no zone, against the meter's own clock, which keeps Japan's.

A container logs in UTC and does not say so. EA and EB come within minutes of the half-hour whose time they hold, and
97 with 98 is the meter's clock: from what lies between it and the line's time follows the zone of the lines. Until
the meter reported a time, what came is held back; what comes to an end without any is of the zone that was expected.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from homemon.core.errors import WireError
from homemon.core.points import HOUR, Point
from homemon.echonet import codec as echonet
from homemon.echonet.codec import NOTIFIED
from homemon.replay.moment import Moment
from homemon.replay.report import ReplayReport
from homemon.skstack.lines import Udp
from homemon.sources.meter import properties as meter
from homemon.sources.meter.history import reported_time, right_size
from homemon.sources.meter.properties import Dated

AHEAD = 300  # seconds that the meter's clock may be before the log's
MOST_HELD = 20_000  # datagrams
WEST, EAST = -12 * HOUR, 14 * HOUR  # the zones there are


class MeterTime(NamedTuple):
    """A time of the meter's own, how much later its line may be, and what distinguishes the zones (all seconds)."""

    time: float
    late: int
    step: int


class LocalTimes:
    """Gives datagrams to `received` with their times put right. `zone` is the expected one; None is the process'."""

    def __init__(
        self, zone: tzinfo | None, report: ReplayReport, received: Callable[[Udp, Moment], list[Point]]
    ) -> None:
        self._zone = zone
        self._report = report
        self._received = received
        self._held: list[tuple[Udp, Moment]] = []
        self._shift: int | None = None  # of the lines' clock, from the expected zone
        self._doubtful = False
        self._hint: tuple[int, float] | None = None  # a shift that a second time of the meter's must confirm

    def received(self, udp: Udp, came: Moment) -> list[Point]:
        """Return the points of a datagram, and of those that were held back for want of the zone."""
        if not came.naive and not self._held:
            return self._received(udp, came)
        self._held.append((udp, came))
        if came.naive and came.at is not None and (own := meter_time(udp)):
            return self._compare(came.at, own)
        return self.close() if len(self._held) > MOST_HELD else []

    def close(self) -> list[Point]:
        """Return the points of what is held back, by the zone that is known so far."""
        return self._release(not self._doubtful)

    def _compare(self, at: float, own: MeterTime) -> list[Point]:
        ahead = at - own.time
        shift = int((ahead + AHEAD) // own.step * own.step)
        base = self._offset(at)
        if ahead - shift > own.late or not WEST <= base + shift <= EAST or 0 < abs(shift) < HOUR:
            return self._disagree(ahead)
        if abs(shift) == HOUR and own.step == HOUR and shift != self._shift:  # or an old half-hour was reported
            before, self._hint = self._hint, (shift, own.time)
            if before is None or before[0] != shift or before[1] == own.time:
                return []
        points: list[Point] = []
        if self._shift is not None and shift != self._shift:  # somewhere between, the clock was set
            last = self._held.pop()
            points, self._held = self._release(False), [last]
        self._shift, self._doubtful = shift, False
        if shift:
            self._report.note(
                f"the lines' times name no zone: by the meter's own clock they are {_name(base + shift)}, "
                f"not {_name(base)}, and so their readings are dated"
            )
        return points + self._release(True)

    def _disagree(self, ahead: float) -> list[Point]:
        """Note that the lines' clock and the meter's differ by what is no zone; return no points."""
        if abs(ahead) < HOUR:
            return []
        if abs(ahead) > EAST - WEST:
            days = abs(ahead) / (24 * HOUR)
            self._report.note(
                f"the lines' times are {days:,.0f} days from the meter's own; their readings are dated by them"
            )
            return self._release(True)
        self._shift, self._doubtful = None, True
        return self._release(False)

    def _release(self, believed: bool) -> list[Point]:
        held, self._held = self._held, []
        points: list[Point] = []
        for udp, came in held:
            if came.naive and came.at is not None:
                if self._shift is None and believed:
                    zone = _name(self._offset(came.at))
                    self._report.note(f"the lines' times name no zone, and no time of the meter does: taken for {zone}")
                came = Moment(came.at - (self._shift or 0), believed)
            points += self._received(udp, came)
        return points

    def _offset(self, at: float) -> int:
        """Return the seconds east of Greenwich of the expected zone."""
        moment = datetime.fromtimestamp(at, self._zone) if self._zone else datetime.fromtimestamp(at, UTC).astimezone()
        return int((moment.utcoffset() or timedelta()).total_seconds())


def meter_time(udp: Udp) -> MeterTime | None:
    """Return the time that a datagram of the meter has: 97 with 98, or that of a half-hour (EA, EB)."""
    if echonet.PORT not in (udp.lport, udp.rport) or not udp.secured:
        return None
    try:
        frame = echonet.decode(udp.data)
    except WireError:
        return None
    if frame.seoj != meter.EOJ:
        return None
    if clock := reported_time(frame):
        return MeterTime(clock.timestamp(), AHEAD + 60, HOUR // 4)
    for prop in frame.reported:
        if prop.epc in (0xEA, 0xEB) and right_size(prop) and isinstance(value := meter.value_of(prop), Dated):
            pushed = frame.esv in NOTIFIED
            return MeterTime(value.time, 900, HOUR // 2) if pushed else MeterTime(value.time, HOUR // 2 + AHEAD, HOUR)
    return None


def _name(offset: int) -> str:
    hours, minutes = divmod(abs(offset) // 60, 60)
    return {0: "UTC", 9 * HOUR: "JST"}.get(offset, f"UTC{'-' if offset < 0 else '+'}{hours:02}:{minutes:02}")
