"""The readings in a store's database, for ever.

Readings that came while the clock was wrong are kept undated with the seconds since boot, and are dated once it is
right; see `clock.Instant`.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import NamedTuple

from homemon.core.clock import Instant
from homemon.core.errors import StoreMoved
from homemon.core.points import LARGEST, Number, Point, Received, field_rank
from homemon.storage.database import Database
from homemon.storage.tagsets import TagSets, claim, tag_sets
from homemon.storage.trust import ClockTrust

READ_AT_ONCE = 1000  # rows
POSSIBLE = f"AND value > -{LARGEST} AND value < {LARGEST}"
JOURNAL = 5000  # points that are stored again where the store was moved; half a week of one a minute

UPSERT = """
INSERT INTO point (series, time, value) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, sent = 0 WHERE value <> excluded.value
"""
INSERT = "INSERT INTO point (series, time, value) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
ANOTHER = "SELECT 1 FROM point WHERE series = ? AND time = ? AND value <> ?"


_journals: dict[Path, deque[Point]] = {}
"""What this process stored last in each folder: that of its threads is one."""


class Archive:
    """The readings in a database. `tags`, as `points.tags_text` gives them, go with every point without its own.

    `origin`: the path of the configuration that has the tags; a reading that is stored under other tags which that
    one has had is not stored again. `clock` says whether a wall clock can be right.
    """

    def __init__(self, db: Database, clock: ClockTrust, tags: str = "", origin: str = "") -> None:
        self._db = db
        self._clock = clock
        self._tags = tags
        self._origin = origin
        self._ids: dict[tuple[str, str, str], int] = {}
        self._ids_of = db.generation
        self._journal = _journals.setdefault(db.path.parent, deque(maxlen=JOURNAL))
        db.restore = self._store_again

    def add(self, arrivals: Sequence[tuple[Point, Instant]]) -> list[Point]:
        """Store points with the instant of their arrival, in one transaction; durable when this returns.

        Gives the points that brought something new, dated. Points without a time of their own are
        dated by their arrival, or kept undated while the clock is not to be trusted; those that were
        kept are dated, and given too, as soon as it is. Raises StoreError, and then nothing is stored.
        """
        try:
            return self._add(arrivals)
        except StoreMoved:
            return self._add(arrivals)

    def _add(self, arrivals: Sequence[tuple[Point, Instant]]) -> list[Point]:
        with self._db.explained("written"):
            with self._db.writing():
                changed = self._store(arrivals)
            self._journal += (point if point.tags is not None else point._replace(tags=self._tags) for point in changed)
        return changed

    def _store(self, arrivals: Sequence[tuple[Point, Instant]]) -> list[Point]:
        changed: list[Point] = []
        sets = self._claimed()
        for point, at in arrivals:
            if point.time is None and not self._clock.trusts(at):
                self._keep_undated(point, at)
                continue
            dated = point if point.time is not None else Received(*point)._replace(time=int(at.wall))
            if new := self._put(self._placed(dated, sets)):
                changed.append(new)
        if arrivals and self._keeps_undated() and self._clock.trusts(arrivals[-1][1]):
            changed += self._date_the_undated(arrivals[-1][1])
        return changed

    def _store_again(self) -> int:
        """Store again what this process stored, in a file that was opened in place of the one it went to."""
        with self._db.explained("written"), self._db.writing():
            return sum(self._put(point) is not None for point in list(self._journal))

    def _claimed(self) -> TagSets:
        """Our sets of tags, the present one claimed."""
        sets = tag_sets(self._db, self._tags, self._origin)
        claim(self._db, sets, self._origin)
        return sets

    def own_tags(self) -> tuple[str, ...]:
        """Return the sets of tags that this configuration has had, the present one first. Raises StoreError."""
        with self._db.explained("read"):
            return tag_sets(self._db, self._tags, self._origin).own

    def _placed(self, point: Point, sets: TagSets) -> Point:
        """The point with the tags under which the same reading is stored already, if it is.

        Under a set that nobody claims it is the same only where the values are: it may be another house's.
        """
        tags = self._tags if point.tags is None else point.tags
        others = [each for each in sets.own + sets.unclaimed if each != tags] if tags in sets.own else []
        if not others or self._stored(point, tags):
            return point
        for other in others:
            stored = self._stored(point, other)
            if stored and (other in sets.own or stored == point.fields):
                return point._replace(tags=other)
        return point

    def _stored(self, point: Point, tags: str) -> dict[str, Number]:
        """Those of a point's fields that are stored at its time under `tags`."""
        query = """
            SELECT field, value FROM series JOIN point ON series = id
            WHERE measurement = ? AND tags = ? AND time = ?
        """
        found = self._db.execute(query, (point.measurement, tags, point.time)).fetchall()
        return {name: value for name, value in found if name in point.fields}

    def _put(self, point: Point) -> Point | None:
        """Store a point; what of it the store has now, None where nothing of it is new.

        Of two readings that came in the same second and have no time of their own the first one stays: that was
        printed, and a point that is printed is stored.
        """
        tags = self._tags if point.tags is None else point.tags
        new, stays = False, dict(point.fields)
        for name, value in point.fields.items():
            row = (self._series(point.measurement, tags, name), point.time, value)
            if self._db.execute(INSERT if isinstance(point, Received) else UPSERT, row).rowcount > 0:
                new = True
            elif isinstance(point, Received) and self._db.execute(ANOTHER, row).fetchone():
                del stays[name]
        return Point(point.measurement, stays, point.time, point.tags) if new else None

    def _series(self, measurement: str, tags: str, field: str) -> int:
        if self._ids_of != self._db.generation:
            self._ids.clear()
            self._ids_of = self._db.generation
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
        self._db.execute_many("INSERT INTO undated VALUES (?, ?, ?, ?)", rows)

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
            at = int(now.wall - (now.ticks - then)), measurement
            kept.setdefault(at, {}).setdefault(field, value)
        if not kept:
            return []
        self._db.execute("DELETE FROM undated WHERE boot = ?", (now.boot,))
        points = [Received(measurement, fields, time) for (time, measurement), fields in kept.items()]
        return [new for point in points if (new := self._put(point))]

    def lines(
        self, since: int, until: int, measurement: str | None = None
    ) -> Iterator[tuple[int, str, str, dict[str, Number]]]:
        """Points from `since` up to but not including `until` (Unix seconds), oldest first, as they stream.

        Each is (time, measurement, tags, fields), whose order does not depend on which came first. Raises StoreError.
        """
        with self._db.explained("read"):
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

    def values(
        self, measurement: str, field: str, since: int, until: int, foreign: bool = True
    ) -> Iterator[tuple[int, Number]]:
        """Times and values of one field from `since` up to but not including `until`, oldest first, as they stream.

        What is stored twice, because [tags] changed, is given once. `foreign`: what other configurations stored, too.
        """
        with self._db.explained("read"):
            found = self._found(measurement, field)
            if len(found.own) == len(found.all) == 1:
                yield from self._rows(found.all[0], since, until)
                return
            streams = [self._stream(rank, series, since, until) for rank, series in enumerate(found.own)]
            others = [self._stream(len(found.own), series, since, until) for series in found.unclaimed]
            apart = [self._rows(series, since, until) for series in found.foreign if foreign]
            yield from merge(_once(merge(*streams, *others), len(found.own)), *apart)

    def _stream(self, order: int, series: int, since: int, until: int) -> Iterator[tuple[int, int, Number]]:
        return ((time, order, value) for time, value in self._rows(series, since, until))

    def _rows(self, series: int, since: int, until: int) -> Iterator[tuple[int, Number]]:
        """One series, some rows at a time: a reader who takes long must not keep the log from being used again."""
        query = "SELECT time, value FROM point WHERE series = ? AND time >= ? AND time < ? ORDER BY time LIMIT ?"
        while rows := self._db.execute(query, (series, since, until, READ_AT_ONCE)).fetchall():
            if rows[-1][0] < since:
                raise IndexError("its rows are out of order")
            yield from rows
            since = rows[-1][0] + 1

    def lacking(self, measurement: str, times: Collection[int]) -> list[int]:
        """Those of `times` at which no `value` of the measurement is stored, in their order."""
        if not times:
            return []
        stored = self.values(measurement, "value", min(times), max(times) + 1, foreign=False)
        have = {time for time, _ in stored}
        return [time for time in times if time not in have]

    def latest(self, measurement: str, field: str, until: int) -> tuple[int, Number] | None:
        """The newest time and value of one field before `until`, if there is any."""
        query = f"SELECT time, value FROM point WHERE series = ? AND time < ? {POSSIBLE} ORDER BY time DESC LIMIT 1"
        with self._db.explained("read"):
            found = self._found(measurement, field).all
            rows = [row for series in found for row in self._db.execute(query, (series, until))]
        return max(rows, key=lambda row: row[0], default=None)

    def extent(self, measurement: str, field: str, since: int, until: int) -> tuple[Number, Number, Number] | None:
        """The least, the mean and the greatest value of one field in a period, if it has any."""
        query = "SELECT min(value), avg(value), max(value) FROM point WHERE series IN ({}) AND time >= ? AND time < ?"
        with self._db.explained("read"):
            found = self._found(measurement, field).all
            row = self._db.execute(query.format(",".join("?" * len(found))), (*found, since, until)).fetchone()
        return None if row[0] is None else row

    def _found(self, measurement: str, field: str) -> "_Found":
        """The series of one field, by whose their tags are."""
        query = "SELECT tags, id FROM series WHERE measurement = ? AND field = ?"
        found: dict[str, int] = dict(self._db.execute(query, (measurement, field)).fetchall())
        if found.keys() <= {self._tags}:
            return _Found(list(found.values()), [], [])
        kinds = tag_sets(self._db, self._tags, self._origin)
        own, unclaimed = ([found.pop(tags) for tags in kind if tags in found] for kind in kinds)
        return _Found(own, unclaimed, list(found.values()))

    def series(self) -> list[tuple[str, str]]:
        """Each measurement and field that was ever stored, in the order in which they first came."""
        with self._db.explained("read"):
            found = self._db.execute(
                "SELECT measurement, field FROM series GROUP BY measurement, field ORDER BY min(id)"
            )
            return found.fetchall()

    def undated(self, boot: str) -> tuple[int, int]:
        """How many values wait for a clock that is right, and how many never get a time: `boot` did not see them."""
        with self._db.explained("read"):
            query = "SELECT count(*) FILTER (WHERE boot = ?), count(*) FILTER (WHERE boot <> ?) FROM undated"
            waiting, lost = self._db.execute(query, (boot, boot)).fetchone()
        return waiting, lost


class _Found(NamedTuple):
    """Series of one field under different tags: see `tagsets`."""

    own: list[int]
    unclaimed: list[int]
    foreign: list[int]

    @property
    def all(self) -> list[int]:
        """The most believable first."""
        return self.own + self.unclaimed + self.foreign


def _once(rows: Iterable[tuple[int, int, Number]], own: int) -> Iterator[tuple[int, Number]]:
    """Rows (time, rank, value), in order, without those that say again what one of the same time said.

    Those of a rank below `own` are one house's, so one a time is enough; others say it again by the same value.
    """
    before, given = None, set[Number]()
    for time, rank, value in rows:
        if time != before:
            before, given = time, set()
        elif rank < own or value in given:
            continue
        given.add(value)
        yield time, value
