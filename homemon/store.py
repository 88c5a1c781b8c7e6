"""The embedded store: every reading, for ever, and which of them the server still lacks.

One SQLite file is archive and outbox. A row is one field of one point: `(series, time)` is
unique, so fields of one point merge as in InfluxDB, and a value that comes again changes
nothing. Only a new or changed value waits to be sent (again).

Here is the archive, and which clock it believes; `outbox` is what waits for the server,
`database` the file and its schema, `retention` what is dropped by those who do not keep for ever.

Readings that came while the clock was wrong wait in `undated` with the seconds since boot,
and are dated once it is right; see `clock.Instant`.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from pathlib import Path

from homemon import clock
from homemon.clock import RELEASED, Instant
from homemon.database import BUSY_SECONDS, FILE
from homemon.outbox import Backlog, Line, Outbox
from homemon.points import Number, Point, field_rank

__all__ = ["BUSY_SECONDS", "FILE", "Backlog", "Line", "Store"]

METERED = ("+power", "-power")  # their times are the utility's
DAY = 86_400  # seconds
MINUTE = 60
CLOCK_SLACK = 300  # seconds that the meter's clock may be ahead of ours
METER_SLACK = 150.0  # seconds that a clock which the meter confirms may be off; the meter tells minutes
CONFIRMED_AFTER, ALONE_AFTER = 900.0, 21_600.0  # seconds since boot; the router, too, comes up after a power cut
READ_AT_ONCE = 1000  # rows

UPSERT = """
INSERT INTO point (series, time, value) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, sent = 0 WHERE value <> excluded.value
"""


class Store(Outbox):
    """One connection, for one thread. `tags`, as `points.tags_text` gives them, go with every point without its own.

    `busy`: seconds to wait for another process that writes.
    """

    def __init__(self, folder: Path, tags: str = "", busy: float = BUSY_SECONDS) -> None:
        super().__init__(folder, busy)
        self._tags = tags
        self._ids: dict[tuple[str, str, str], int] = {}

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction, after which a series of one that failed is not taken for known."""
        try:
            with super().writing():
                yield
        except BaseException:
            self._ids.clear()
            raise

    # --- readings ------------------------------------------------------------------

    def add(self, arrivals: Sequence[tuple[Point, Instant]]) -> list[Point]:
        """Store points with the instant of their arrival, in one transaction; durable when this returns.

        Gives the points that brought something new, dated. Points without a time of their own are
        dated by their arrival, or kept undated while the clock is not to be trusted; those that were
        kept are dated, and given too, as soon as it is. Raises StoreError, and then nothing is stored.
        """
        changed: list[Point] = []
        with self.explained("written"), self.writing():
            for point, at in arrivals:
                if point.time is None and not self.trusts(at):
                    self._keep_undated(point, at)
                    continue
                dated = point if point.time is not None else point._replace(time=int(at.wall))
                if self._put(dated):
                    changed.append(dated)
            if arrivals and self._keeps_undated() and self.trusts(arrivals[-1][1]):
                changed += self._date_the_undated(arrivals[-1][1])
        return changed

    def trusts(self, at: Instant) -> bool:
        """Whether the wall clock can be right: not before this release, nor before the newest point.

        Where a time service has set it, it is right whatever the points say. Where one has not done so yet,
        the clock may show the hour of the last shutdown (fake-hwclock): it is believed after a quarter of an
        hour if the meter's own clock says the same, and after six hours where nobody asks the meter.
        Raises StoreError.
        """
        if at.wall < RELEASED:
            return False
        if at.wall < self._newest() - CLOCK_SLACK:
            return clock.kept_by_ntp()
        if not clock.has_time_service():
            return True
        error = self._error_by_meter(at)
        seen = at.ticks >= ALONE_AFTER if error is None else at.ticks >= CONFIRMED_AFTER and abs(error) <= METER_SLACK
        return seen or clock.kept_by_ntp()

    def surely_past(self, at: Instant) -> int | None:
        """The latest time that is surely not ahead of the true one, for who drops what is old; None where unknown.

        Where the meter ever told half-hours, none later than its newest: a clock that leaps ahead, even one
        that a time service keeps, takes no reading away. Without a meter only a time service is believed.
        """
        if not self.trusts(at):
            return None
        metered, _ = self._newest_times()
        if metered is None:
            return int(at.wall) if clock.kept_by_ntp() else None
        return min(int(at.wall), metered)

    def _newest(self) -> int:
        """The time of the newest point, before which no right clock is.

        A point more than a day ahead of the meter's own newest half-hour came while our clock was ahead,
        and does not count: else it would make us distrust a clock that is right again.
        """
        metered, others = self._newest_times()
        return others if metered is None else max(metered, others if others <= metered + DAY else 0)

    def _newest_times(self) -> tuple[int | None, int]:
        """Of the newest half-hour by the meter's clock, if there is any, and of the newest other point."""
        newest: dict[bool, int] = {}
        query = "SELECT measurement, (SELECT max(time) FROM point WHERE series = id) FROM series"
        with self.explained("read"):
            for measurement, time in self._db.execute(query):
                metered = measurement in METERED
                newest[metered] = max(time or 0, newest.get(metered, 0))
        return newest.get(True) or None, newest.get(False, 0)

    def hear_clock(self, meter_time: int, at: Instant) -> None:
        """Remember what the meter's clock (98, 97; to the minute) said at an instant."""
        self.remember(meter_clock=f"{at.boot} {at.ticks} {meter_time}")

    def _error_by_meter(self, at: Instant) -> float | None:
        """How many seconds our clock is ahead of the meter's; None where nobody asked it since the boot."""
        boot, ticks, meter_time = str(self.recall("meter_clock") or " 0 0").rsplit(" ", 2)
        if boot != at.boot:
            return None
        return at.wall - (float(meter_time) + MINUTE / 2 + at.ticks - float(ticks))

    def _put(self, point: Point) -> bool:
        tags = self._tags if point.tags is None else point.tags
        rows = [
            (self._series(point.measurement, tags, name), point.time, value) for name, value in point.fields.items()
        ]
        return sum(self._db.execute(UPSERT, row).rowcount for row in rows) > 0

    def _series(self, measurement: str, tags: str, field: str) -> int:
        key = (measurement, tags, field)
        if key not in self._ids:
            self._db.execute("INSERT OR IGNORE INTO series (measurement, tags, field) VALUES (?, ?, ?)", key)
            query = "SELECT id FROM series WHERE measurement = ? AND tags = ? AND field = ?"
            self._ids[key] = self._db.execute(query, key).fetchone()[0]
        return self._ids[key]

    def _keep_undated(self, point: Point, at: Instant) -> None:
        rows = [
            (at.boot, at.ticks, self._series(point.measurement, self._tags, name), value)
            for name, value in point.fields.items()
        ]
        self._db.executemany("INSERT INTO undated VALUES (?, ?, ?, ?)", rows)

    def _keeps_undated(self) -> bool:
        return self._db.execute("SELECT 1 FROM undated LIMIT 1").fetchone() is not None

    def _date_the_undated(self, now: Instant) -> list[Point]:
        """Date what this boot kept; what another boot left behind has no time that anyone could know."""
        query = """
            SELECT ticks, measurement, field, value FROM undated JOIN series ON series = id
            WHERE boot = ? ORDER BY ticks, measurement
        """
        kept: dict[tuple[int, str], dict[str, Number]] = {}
        for then, measurement, field, value in self._db.execute(query, (now.boot,)).fetchall():
            kept.setdefault((int(now.wall - (now.ticks - then)), measurement), {})[field] = value
        if not kept:
            return []
        self._db.execute("DELETE FROM undated WHERE boot = ?", (now.boot,))
        points = [Point(measurement, fields, time) for (time, measurement), fields in kept.items()]
        return [point for point in points if self._put(point)]

    def lines(
        self, since: int, until: int, measurement: str | None = None
    ) -> Iterator[tuple[int, str, str, dict[str, Number]]]:
        """Points from `since` up to but not including `until` (Unix seconds), oldest first, as they stream.

        Each is (time, measurement, tags, fields), whose order does not depend on which came first. Raises StoreError.
        """
        with self.explained("read"):
            query = "SELECT id, measurement, tags, field FROM series"
            wanted = [row for row in self._db.execute(query) if measurement in (None, row[1])]
            wanted.sort(key=lambda row: (row[1], row[2], field_rank(row[3])))
            streams = [self._stream(order, row[0], since, until) for order, row in enumerate(wanted)]
            key: tuple[int, str, str] | None = None
            fields: dict[str, Number] = {}
            for time, order, value in merge(*streams):
                _, name, tags, field = wanted[order]
                if key != (time, name, tags):
                    if key is not None:
                        yield *key, fields
                    key, fields = (time, name, tags), {}
                fields[field] = value
            if key is not None:
                yield *key, fields

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[tuple[int, Number]]:
        """Times and values of one field from `since` up to but not including `until`, oldest first, as they stream."""
        with self.explained("read"):
            found = [self._rows(series, since, until) for series in self._found(measurement, field)]
            yield from found[0] if len(found) == 1 else merge(*found)

    def _stream(self, order: int, series: int, since: int, until: int) -> Iterator[tuple[int, int, Number]]:
        return ((time, order, value) for time, value in self._rows(series, since, until))

    def _rows(self, series: int, since: int, until: int) -> Iterator[tuple[int, Number]]:
        """One series, some rows at a time: a reader who takes long must not keep the log from being used again."""
        query = "SELECT time, value FROM point WHERE series = ? AND time >= ? AND time < ? ORDER BY time LIMIT ?"
        while rows := self._db.execute(query, (series, since, until, READ_AT_ONCE)).fetchall():
            yield from rows
            since = rows[-1][0] + 1

    def lacking(self, measurement: str, times: Collection[int]) -> list[int]:
        """Those of `times` at which no `value` of the measurement is stored, in their order."""
        if not times:
            return []
        have = {time for time, _ in self.values(measurement, "value", min(times), max(times) + 1)}
        return [time for time in times if time not in have]

    def latest(self, measurement: str, field: str, until: int) -> tuple[int, Number] | None:
        """The newest time and value of one field before `until`, if there is any."""
        query = "SELECT time, value FROM point WHERE series = ? AND time < ? ORDER BY time DESC LIMIT 1"
        with self.explained("read"):
            found = self._found(measurement, field)
            return max((row for series in found for row in self._db.execute(query, (series, until))), default=None)

    def extent(self, measurement: str, field: str, since: int, until: int) -> tuple[Number, Number, Number] | None:
        """The least, the mean and the greatest value of one field in a period, if it has any."""
        query = "SELECT min(value), avg(value), max(value) FROM point WHERE series IN ({}) AND time >= ? AND time < ?"
        with self.explained("read"):
            found = self._found(measurement, field)
            row = self._db.execute(query.format(",".join("?" * len(found))), (*found, since, until)).fetchone()
        return None if row[0] is None else row

    def newest_faults(self, rows: int = 50_000) -> list[str]:
        """As `integrity_faults`, of the newest `rows` of each series only: a store of years takes long to read.

        Raises StoreError where one of them cannot be read.
        """
        query = "SELECT count(value) FROM (SELECT value FROM point WHERE series = ? ORDER BY time DESC LIMIT ?)"
        with self.explained("read"):
            for (series,) in self._db.execute("SELECT id FROM series").fetchall():
                self._db.execute(query, (series, rows)).fetchone()
        return self.faults_of_small_tables()

    def _found(self, measurement: str, field: str) -> list[int]:
        """The series of one field, one for each set of tags it ever had."""
        query = "SELECT id FROM series WHERE measurement = ? AND field = ?"
        return [row[0] for row in self._db.execute(query, (measurement, field))]

    def series(self) -> list[tuple[str, str]]:
        """Each measurement and field that was ever stored, in the order in which they first came."""
        with self.explained("read"):
            found = self._db.execute(
                "SELECT measurement, field FROM series GROUP BY measurement, field ORDER BY min(id)"
            )
            return found.fetchall()

    def undated(self, boot: str) -> tuple[int, int]:
        """How many values wait for a clock that is right, and how many never get a time: `boot` did not see them."""
        with self.explained("read"):
            query = "SELECT count(*) FILTER (WHERE boot = ?), count(*) FILTER (WHERE boot <> ?) FROM undated"
            waiting, lost = self._db.execute(query, (boot, boot)).fetchone()
        return waiting, lost
