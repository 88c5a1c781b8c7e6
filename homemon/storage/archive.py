"""The readings in a store's database, for ever."""

from collections import Counter, deque
from collections.abc import Collection, Iterator, Sequence
from heapq import merge
from pathlib import Path
from typing import Any, NamedTuple

from homemon.core.clock import Instant
from homemon.core.errors import StoreMoved
from homemon.core.points import LARGEST, Number, Point, Received, field_rank
from homemon.storage import undated
from homemon.storage.database import Database
from homemon.storage.schema import SOUND, sound_sql
from homemon.storage.tagsets import TagSets, claim, tag_sets
from homemon.storage.trust import ClockTrust

READ_AT_ONCE = 1000  # rows
POSSIBLE = f"AND value > -{LARGEST} AND value < {LARGEST} AND {SOUND}"
JOURNAL = 5000  # points that are stored again where the store was moved; half a week of one a minute

INSERT = f"""
INSERT INTO point (series, time, value) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, sent = 0 WHERE NOT {sound_sql("0")}
"""
UPSERT = f"{INSERT} OR value <> excluded.value"
ANOTHER = "SELECT 1 FROM point WHERE series = ? AND time = ? AND value <> ?"


_journals: dict[Path, deque[Point]] = {}
"""What this process stored last in each folder: that of its threads is one."""


def _complete(since: int, times: Sequence[int], before: Sequence[int | None]) -> bool:
    """Return whether rows found from `since` on are all that were stored there: each says the time `before` it."""
    begun = before[0] in (None, times[0]) or before[0] < since
    return (begun and before[1:] == times[:-1]) or None in before  # from before there were seals


def _marks(values: Sequence[object]) -> str:
    """Return the placeholders of so many values in SQL."""
    return ",".join("?" * len(values))


def _sums_sql(
    large: list[int], other: list[int], since: int, until: int, least: Number, other_below: Number
) -> tuple[str, tuple[Number, ...]]:
    """Return a query for times and sums of `least` and more, of which series `large` have at least the half."""
    rows = f"SELECT time, value FROM point WHERE series IN ({_marks(large)}) AND time >= ? AND time < ?"
    others = f"SELECT time, value FROM point WHERE series IN ({_marks(other)}) AND value < ?"
    query = (
        f"SELECT time, round(a.value + b.value, 1) AS total FROM ({rows} AND value >= ? AND {SOUND}) AS a"
        f" CROSS JOIN ({others} AND {SOUND}) AS b USING (time) WHERE total >= ?"
    )
    return query, (*large, since, until, least / 2, *other, other_below, least)


class Series(NamedTuple):
    """What a series is known by. `tags` is None for this configuration's own, else as `points.tags_text` gives them."""

    measurement: str
    field: str
    tags: str | None


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
        self.differing = 0  # values that were not stored, as another one is there for their second
        self.first_differing: Point | None = None
        self._journal = _journals.setdefault(db.path.parent, deque(maxlen=JOURNAL))
        db.restore = self._store_again

    def add(self, arrivals: Sequence[tuple[Point, Instant]]) -> list[Point]:
        """Store points with the instant of their arrival, in one transaction; durable when this returns.

        Gives the points that brought something new, dated. Points without a time of their own are
        dated by their arrival, or kept undated while the clock is not to be trusted; those that were
        kept are dated, and given too, as soon as it is. Raise StoreError, and then nothing is stored.
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
        if arrivals and undated.has_any(self._db) and self._clock.trusts(arrivals[-1][1]):
            changed += self._date_the_undated(arrivals[-1][1])
        return changed

    def _store_again(self) -> int:
        """Store again what this process stored, in a file that was opened in place of the one it went to."""
        with self._db.explained("written"), self._db.writing():
            return sum(self._put(point) is not None for point in list(self._journal))

    def _claimed(self) -> TagSets:
        """Return our sets of tags, and claim the present one."""
        sets = tag_sets(self._db, self._tags, self._origin)
        claim(self._db, sets, self._origin)
        return sets

    def own_tags(self) -> tuple[str, ...]:
        """Return the sets of tags that this configuration has had, the present one first. Raise StoreError."""
        with self._db.explained("read"):
            return tag_sets(self._db, self._tags, self._origin).own

    def _placed(self, point: Point, sets: TagSets) -> Point:
        """Return the point with the tags under which the same reading is stored already, if it is.

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
        """Return those of a point's fields that are stored at its time under `tags`."""
        query = f"""
            SELECT field, value FROM series JOIN point ON series = id
            WHERE measurement = ? AND tags = ? AND time = ? AND {SOUND}
        """
        found = self._db.execute(query, (point.measurement, tags, point.time)).fetchall()
        return {name: value for name, value in found if name in point.fields}

    def _put(self, point: Point) -> Point | None:
        """Store a point; what of it the store has now, None where nothing of it is new.

        Of two readings of the same second that are `Received` the first one stays: that was printed, and a point
        that is printed is stored. A device's correction of a time that it names itself replaces what is there.
        """
        tags = self._tags if point.tags is None else point.tags
        new, stays = False, dict(point.fields)
        for name, value in point.fields.items():
            row = (self._series(point.measurement, tags, name), point.time, value)
            if self._db.execute(INSERT if isinstance(point, Received) else UPSERT, row).rowcount > 0:
                new = True
            elif isinstance(point, Received) and self._db.execute(ANOTHER, row).fetchone():
                del stays[name]
                self.differing += 1
                self.first_differing = self.first_differing or point._replace(fields={name: value})
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
        tags = self._tags if point.tags is None else point.tags
        values = [(self._series(point.measurement, tags, name), value) for name, value in point.fields.items()]
        undated.keep(self._db, at, values)

    def _date_the_undated(self, now: Instant) -> list[Point]:
        found = undated.take(self._db, now)
        points = [point._replace(tags=None) if point.tags == self._tags else point for point in found]
        return [new for point in points if (new := self._put(point))]

    def lines(
        self, since: int, until: int, measurement: str | None = None
    ) -> Iterator[tuple[int, str, str, dict[str, Number]]]:
        """Yield points from `since` up to but not including `until` (Unix seconds), oldest first, as they stream.

        Each is (time, measurement, tags, fields), whose order does not depend on which came first. Raise StoreError.
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
        self, measurement: str, field: str, since: int, until: int, tags: str | None = None
    ) -> Iterator[tuple[int, Number]]:
        """Return time → value of a period, nothing of an earlier meter."""
        with self._db.explained("read"):
            found = self._found(measurement, field, tags)
            if len(found) == 1:
                yield from self._rows(found[0], since, until)
                return
            last = None
            for time, _, value in merge(*(self._stream(*each, since, until) for each in enumerate(found))):
                if time != last:
                    yield time, value
                last = time

    def _stream(self, order: int, series: int, since: int, until: int) -> Iterator[tuple[int, int, Number]]:
        return self._rows(series, since, until, f"time, {order}, value")

    def _rows(self, series: int, since: int, until: int, columns: str = "time, value") -> Iterator[Any]:
        """Yield one series, some rows at a time: a slow reader must not keep the log from being used again.

        Where the gaps in the seals (`schema`) say that there are more rows than were found, that is reported.
        """
        which = f"series = ? AND time >= ? AND time < ? AND {SOUND} ORDER BY time LIMIT ?"
        query = f"SELECT {columns}, time - (seal >> 16) FROM point WHERE {which}"
        while rows := self._db.execute(query, (series, since, until, READ_AT_ONCE)).fetchall():
            times, *values, before = zip(*rows, strict=True)
            if times[-1] < since:
                raise IndexError("its rows are out of order")
            if not _complete(since, times, before):
                self._db.note_missing(series, times[0])
            yield from zip(times, *values, strict=True)
            since = times[-1] + 1
        self._look_at_end(series, since, until)

    def _look_at_end(self, series: int, since: int, until: int) -> None:
        """Report rows that a search from the end finds, and one from `since` does not."""
        query = f"SELECT time FROM point WHERE series = ? AND time >= ? AND time < ? AND {SOUND} ORDER BY time"
        last = self._db.execute(f"{query} DESC LIMIT 1", (series, since, until)).fetchone()
        if last and not self._db.execute(f"{query} LIMIT 1", (series, since, until)).fetchone():
            self._db.note_missing(series, last[0])

    def lacking(self, measurement: str, times: Collection[int]) -> list[int]:
        """Return those of `times` at which no `value` of the measurement is stored, in their order."""
        if not times:
            return []
        stored = self.values(measurement, "value", min(times), max(times) + 1)
        have = {time for time, _ in stored}
        return [time for time in times if time not in have]

    def latest(
        self,
        measurement: str,
        field: str,
        until: int,
        tags: str | None = None,
        bounds: tuple[Number, Number] = (-LARGEST, LARGEST),
    ) -> tuple[int, Number] | None:
        """Return the newest time and value, within the bounds, of one series before `until`, if there is any.

        `tags` as in `values`. Raise StoreError.
        """
        which = f"series = ? AND time < ? AND value BETWEEN ? AND ? {POSSIBLE}"
        query = f"SELECT time, value FROM point WHERE {which} ORDER BY time DESC LIMIT 1"
        with self._db.explained("read"):
            found = self._found(measurement, field, tags)
            rows = [row for series in found for row in self._db.execute(query, (series, until, *bounds))]
        return max(rows, key=lambda row: row[0], default=None)

    def extents(
        self,
        measurement: str,
        field: str,
        since: int,
        until: int,
        step: int,
        bounds: tuple[Number, Number] = (-LARGEST, LARGEST),
    ) -> Iterator[tuple[int, Number, Number, float, int]]:
        """Yield the least and the greatest value of a series of our own in each `step` seconds, their sum and number.

        Each with the time at which its period begins, from `since` on; a period without a value within the bounds is
        left out. Raise StoreError.
        """
        which = f"series IN ({{}}) AND time >= ? AND time < ? AND value BETWEEN ? AND ? AND {SOUND}"
        query = f"SELECT min(value), max(value), total(value), count(*) FROM point WHERE {which}"
        with self._db.explained("read"):
            found = self._found(measurement, field)
            query = query.format(_marks(found))
            while since < until:
                row = self._db.execute(query, (*found, since, min(since + step, until), *bounds)).fetchone()
                if row[-1]:
                    yield since, *row
                elif (first := self._first(found, since + step, until)) is None:
                    return
                else:
                    since += (first - since) // step * step - step
                since += step

    def count(self, measurement: str, field: str, since: int, until: int, each: int = 0) -> int:
        """Return how many values of one series of our own a period has, or in how many times of `each` seconds.

        Raise StoreError.
        """
        what = f"DISTINCT time / {each}" if each else "*"
        with self._db.explained("read"):
            found = self._found(measurement, field)
            query = f"SELECT count({what}) FROM point WHERE series IN ({_marks(found)}) AND time >= ? AND time < ?"
            number: int = self._db.execute(query, (*found, since, until)).fetchone()[0]
        return number

    def sums(
        self, measurement: str, fields: tuple[str, str], since: int, until: int, least: Number
    ) -> list[tuple[float, int, int]]:
        """Return the sums of two fields of one time that are at least `least`, rounded to tenths, ascending.

        Each with how often it came, and when first. A sum that large has a part of at least its half, so few rows are
        looked at. Raise StoreError.
        """
        with self._db.explained("read"):
            one, other = (self._found(measurement, field) for field in fields)
            parts = [(one, other, LARGEST), (other, one, least / 2)]
            queries, values = zip(
                *(_sums_sql(large, small, since, until, least, below) for large, small, below in parts), strict=True
            )
            groups = " GROUP BY total ORDER BY total"
            query = f"SELECT total, count(*), min(time) FROM ({' UNION ALL '.join(queries)}){groups}"
            return self._db.execute(query, tuple(value for each in values for value in each)).fetchall()

    def _first(self, found: list[int], since: int, until: int) -> int | None:
        """Return the time of the first row of any of the series in a period."""
        query = "SELECT time FROM point WHERE series = ? AND time >= ? AND time < ? ORDER BY time LIMIT 1"
        rows = (self._db.execute(query, (series, since, until)).fetchone() for series in found)
        return min((row[0] for row in rows if row), default=None)

    def _found(self, measurement: str, field: str, tags: str | None = None) -> list[int]:
        """Return the ids of one series, the most believable first."""
        query = "SELECT tags, id FROM series WHERE measurement = ? AND field = ?"
        found: dict[str, int] = dict(self._db.execute(query, (measurement, field)).fetchall())
        if tags is not None:
            wanted: tuple[str, ...] = (tags,)
        elif found.keys() <= {self._tags}:
            wanted = (self._tags,)
        else:
            sets = tag_sets(self._db, self._tags, self._origin)
            wanted = sets.own + sets.unclaimed
        return [found[each] for each in wanted if each in found]

    def series(self) -> list[Series]:
        """Return each series that was ever stored, in the order in which they first came.

        This configuration's own is one, whatever tags it had and with what nobody claims. Where it has none, what
        nobody claims is its own if that is one series.
        """
        with self._db.explained("read"):
            stored = self._db.execute("SELECT measurement, tags, field FROM series ORDER BY id").fetchall()
            sets = tag_sets(self._db, self._tags, self._origin)
        found = [Series(name, field, None if tags in sets.own else tags) for name, tags, field in stored]
        unclaimed = Counter(each[:2] for each in found if each.tags in sets.unclaimed)
        ours = {each[:2] for each in found if each.tags is None} | {one for one, n in unclaimed.items() if n == 1}
        return list(
            dict.fromkeys(
                each._replace(tags=None) if each.tags in sets.unclaimed and each[:2] in ours else each for each in found
            )
        )

    def undated(self, boot: str) -> tuple[int, int]:
        """Return how many values wait for a right clock, and how many never get a time: `boot` did not see them."""
        with self._db.explained("read"):
            return undated.count(self._db, boot)
