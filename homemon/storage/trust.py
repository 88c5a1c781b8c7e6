"""Whether the wall clock can be right, by what the store knows: the newest readings, and the meter's own clock.

A reading that was dated wrong, by a flipped bit or while our clock was ahead, must not make a right clock distrusted
for ever. So a half-hour does not count that the meter's clock contradicts, as it was reported since the boot; nor, once
nothing else will set the clock, a lone time ahead of it, which no other one of the series stands near.
"""

from collections.abc import Iterator

from homemon.core import clock
from homemon.core.clock import RELEASED, Instant
from homemon.storage.database import Database
from homemon.storage.schema import SOUND

METERED = ("+power", "-power")  # their times are the utility's
NOT_READ = ("spot", "portal", "portal_hour", "day", "month", "bill")  # tomorrow's prices say nothing of a clock
HOUR, DAY = 3600, 86_400  # seconds
MINUTE = 60
CLOCK_SLACK = 300  # seconds that the meter's clock may be ahead of ours
METER_SLACK = 150.0  # seconds that a clock which the meter confirms may be off; the meter reports minutes
CONFIRMED_AFTER, ALONE_AFTER = 900.0, 21_600.0  # seconds since boot; the router, too, comes up after a power cut
LONE = 2 * HOUR  # without another reading of the series before it
DOUBTED = 20  # times of a series that are not counted, at most
NEWEST = f"SELECT id, measurement, (SELECT max(time) FROM point WHERE series = id AND {SOUND}) FROM series"
BEFORE = f"SELECT max(time) FROM point WHERE series = ? AND time < ? AND {SOUND}"


class ClockTrust:
    """What the store in `db` says of a clock."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def trusts(self, at: Instant) -> bool:
        """Return whether the wall clock can be right: not before this release, nor before the newest point that counts.

        Where a time service has set it, it is right whatever the points are. Where one has not done so yet,
        the clock may show the hour of the last shutdown (fake-hwclock): it is believed after a quarter of an
        hour if the meter's own clock agrees. After six hours, or a quarter of one where no time service
        runs that could still set it, it is believed whatever the meter reports, as long as it is not behind what it
        dated itself: then it may be the meter's clock that is wrong. Raise StoreError.
        """
        if at.wall < RELEASED:
            return False
        alone = _is_alone(at)
        if all(self._is_behind(at, alone, *self._newest_times(when)) for when in (None, at)):
            return clock.kept_by_ntp()
        if alone or not clock.has_time_service():
            return True
        error = self._error_by_meter(at)
        confirmed = error is not None and at.ticks >= CONFIRMED_AFTER and abs(error) <= METER_SLACK
        return confirmed or clock.kept_by_ntp()

    def meter_ahead(self, at: Instant) -> tuple[float, bool]:
        """Return the seconds by which the meter's clock is ahead of ours, and whether it reported so itself.

        Else its newest half-hour shows by how many at least; 0 where nothing does. Raise StoreError.
        """
        error = self._error_by_meter(at)
        metered, _ = self._newest_times(None)
        return (max(0.0, (metered or 0) - at.wall), False) if error is None else (-error, True)

    def surely_past(self, at: Instant) -> int | None:
        """Return the latest time that is surely not ahead of the true one, for dropping old points; None where unknown.

        Where the meter ever reported half-hours, none later than its newest: a clock that leaps ahead, even one
        that a time service keeps, takes no reading away. Without a meter only a time service is believed.
        """
        if not self.trusts(at):
            return None
        metered, _ = self._newest_times(at)
        if metered is None:
            return int(at.wall) if clock.kept_by_ntp() else None
        return min(int(at.wall), metered)

    def note_meter_clock(self, meter_time: int, at: Instant) -> None:
        """Keep what the meter's clock (98, 97; Unix seconds, to the minute) said at an instant. Raise StoreError."""
        self._db.remember(meter_clock=f"{at.boot} {at.ticks} {meter_time}")

    @staticmethod
    def _is_behind(at: Instant, alone: bool, metered: int | None, ours: int) -> bool:
        """Return whether a clock is behind our newest point, or the newest half-hour, unless that is `alone`.

        A point more than a day ahead of the meter's own newest half-hour came while our clock was ahead,
        and does not count: else it would make us distrust a clock that is right again.
        """
        by_meter = metered if metered is None or not alone else min(metered, int(at.wall))
        newest = ours if by_meter is None else max(by_meter, ours if ours <= by_meter + DAY else 0)
        return at.wall < newest - CLOCK_SLACK

    def _newest_times(self, at: Instant | None) -> tuple[int | None, int]:
        """Return the time of the newest half-hour by the meter's clock, if any, and of the newest other point.

        Where it is asked `at` an instant, of those that count then.
        """
        newest: dict[bool, int] = {}
        with self._db.explained("read"):
            for series, measurement, time in self._db.execute(NEWEST).fetchall():
                if measurement in NOT_READ:
                    continue
                metered = measurement in METERED
                counts = next(self._counting(series, time, at, metered), 0) if at else time
                newest[metered] = max(counts or 0, newest.get(metered, 0))
        return newest.get(True) or None, newest.get(False, 0)

    def _counting(self, series: int, time: int | None, at: Instant, metered: bool) -> Iterator[int]:
        """Yield times of a series, the newest first, without those that contradict the meter's clock or are alone."""
        error = self._error_by_meter(at)
        latest = float("inf") if error is None or not metered else at.wall - error + CLOCK_SLACK
        alone = _is_alone(at)
        for _ in range(DOUBTED):
            if time is None:
                return
            (before,) = self._db.execute(BEFORE, (series, time)).fetchone()
            lone = alone and before is not None and time - before > LONE
            if time <= latest and not (lone and time > at.wall + CLOCK_SLACK):
                yield time
            time = before

    def _error_by_meter(self, at: Instant) -> float | None:
        """Return how many seconds our clock is ahead of the meter's; None where it is unknown since the boot."""
        boot, ticks, meter_time = str(self._db.recall("meter_clock") or " 0 0").rsplit(" ", 2)
        if boot != at.boot:
            return None
        return at.wall - (float(meter_time) + MINUTE / 2 + at.ticks - float(ticks))


def _is_alone(at: Instant) -> bool:
    """Return whether the clock has been up for so long that nothing else will set it."""
    return at.ticks >= ALONE_AFTER or (at.ticks >= CONFIRMED_AFTER and not clock.has_time_service())
