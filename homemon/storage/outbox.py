"""The outbox: which points the server still lacks, as lines to send, and those that it refused for good."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import sleep
from typing import NamedTuple

from homemon.core.points import Number, head, headed, line
from homemon.storage.database import Database
from homemon.storage.schema import SOUND

WAITING, SENT, PARKED = 0, 1, 2  # point.sent
LACKED = f"sent = 0 AND +sent = 0 AND {SOUND}"  # by the index, and by the row: a damaged entry would be sent for ever
AGAIN_AT_ONCE = 5000  # rows
OTHERS_WRITE = 0.1  # seconds: the longest between two tries of a writer that waits (SQLite's busy handler)


Row = tuple[int, int, Number]
"""One field of one point, as it is stored: series, time, value."""


class Line(NamedTuple):
    """One line of line protocol, and the rows it is made of."""

    text: str
    rows: list[Row]

    @property
    def time(self) -> int:
        """In Unix seconds."""
        return self.rows[0][1]


class Stretch(NamedTuple):
    """The lines with one head (measurement and tags, see `points.head`) from `first` to `last`, both included."""

    head: str
    first: int
    last: int


class Backlog(NamedTuple):
    """Points (lines, not fields) that wait for the server, and those that it refused for good."""

    waiting: int
    parked: int


class Outbox:
    """What the server lacks of the points in a database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def waiting(self, limit: int, without: Sequence[Stretch] = ()) -> list[Line]:
        """Return about `limit` rows that the server lacks, newest first, as whole lines; of no stretch of `without`."""
        query = f"SELECT series, time, value FROM point WHERE {LACKED} {{}} ORDER BY time DESC, series DESC LIMIT ?"
        with self._reading() as named:
            out = _left_out(named, without)
            rows = self._db.execute(query.format(out), (limit,)).fetchall()
            if len(rows) == limit:  # the last line may have been cut in two
                series, time, _ = rows[-1]
                rest = self._db.execute(query.format("AND time = ? AND series < ?" + out), (time, series, -1))
                rows += [row for row in rest if named[row[0]][0] == named[series][0]]
            return _lines(named, rows)

    def waiting_heads(self, without: Sequence[Stretch] = ()) -> list[Stretch]:
        """Return for each head the stretch from its oldest waiting line to its newest; the newest first."""
        query = f"SELECT series, min(time), max(time) FROM point WHERE {LACKED} {{}} GROUP BY +series"
        found: dict[str, Stretch] = {}
        with self._reading() as named:
            for series, first, last in self._db.execute(query.format(_left_out(named, without))):
                head = named[series][0]
                other = found.get(head, Stretch(head, first, last))
                found[head] = Stretch(head, min(first, other.first), max(last, other.last))
        return sorted(found.values(), key=lambda stretch: (-stretch.last, stretch.head))

    def count_waiting(self, stretch: Stretch, without: Sequence[Stretch] = ()) -> int:
        """Return how many lines of a stretch wait."""
        with self._reading() as named:
            query = f"SELECT count(DISTINCT time) FROM point WHERE {_within(named, stretch)}{_left_out(named, without)}"
            count: int = self._db.execute(query).fetchone()[0]
        return count

    def waiting_in(self, stretch: Stretch, limit: int, skip: int = 0, without: Sequence[Stretch] = ()) -> list[Line]:
        """Return at most `limit` lines of a stretch, newest first, after the `skip` newest ones."""
        with self._reading() as named:
            which = f"{_within(named, stretch)}{_left_out(named, without)}"
            query = f"SELECT DISTINCT time FROM point WHERE {which} ORDER BY time DESC LIMIT {limit} OFFSET {skip}"
            times = [time for (time,) in self._db.execute(query)]
            if not times:
                return []
            query = f"SELECT series, time, value FROM point WHERE {which} AND time BETWEEN ? AND ? ORDER BY time DESC"
            return _lines(named, self._db.execute(f"{query}, series DESC", (times[-1], times[0])).fetchall())

    def newest_sent(self, head: str) -> Line | None:
        """Return the newest line with a head that the server took, if it took any."""
        newest = f"SELECT time FROM point WHERE series = ? AND sent = 1 AND {SOUND} ORDER BY time DESC LIMIT 1"
        with self._reading() as named:
            ids = [key for key, (its, _) in named.items() if its == head]
            last = max((time for key in ids for (time,) in self._db.execute(newest, (key,))), default=None)
            if last is None:
                return None
            which = f"series IN ({_listed(ids)}) AND time = ? AND sent = 1 AND {SOUND} ORDER BY series DESC"
            rows = self._db.execute(f"SELECT series, time, value FROM point WHERE {which}", (last,))
            return _lines(named, rows.fetchall())[0]

    def heads(self) -> list[str]:
        """Return every head that was ever stored."""
        with self._db.explained("read"):
            return list(dict.fromkeys(head for head, _ in self._named().values()))

    @contextmanager
    def _reading(self) -> Iterator[Mapping[int, tuple[str, str]]]:
        """Yield the series, in one state of the store with all that this block reads; others may add series."""
        with self._db.explained("read"):
            self._db.execute("BEGIN")
            try:
                yield self._named()
            finally:
                if self._db.connection.in_transaction:
                    self._db.execute("ROLLBACK")

    def _named(self) -> dict[int, tuple[str, str]]:
        """Return for each series its head and its field."""
        return {key: (head(name, tags), field) for key, name, tags, field in self._db.execute("SELECT * FROM series")}

    def mark_sent(self, lines: Iterable[Line]) -> None:
        """Mark lines as sent; a value that changed since it was read goes on waiting."""
        query = "UPDATE point SET sent = 1 WHERE series = ? AND time = ? AND value = ?"
        with self._db.explained("written"), self._db.writing():
            self._db.execute_many(query, [row for entry in lines for row in entry.rows])

    def park(self, refused: Line, reason: str) -> None:
        """Set a line aside that the server refuses for what it says. It stays in the archive, and is listed."""
        with self._db.explained("written"), self._db.writing():
            for series, time, value in refused.rows:
                self._db.execute(
                    "UPDATE point SET sent = 2 WHERE series = ? AND time = ? AND value = ?", (series, time, value)
                )
                self._db.execute("INSERT OR REPLACE INTO parked VALUES (?, ?, ?)", (series, time, reason))

    def send_again(self, since: int) -> None:
        """Let all points from `since` on wait once more, parked ones too; in parts, between which others write."""
        query = f"SELECT time FROM point WHERE series = ? AND time >= ? AND {SOUND} ORDER BY time LIMIT ?"
        with self._db.explained("written"):
            for (series,) in self._db.execute("SELECT id FROM series").fetchall():
                first = since
                while times := self._db.execute(query, (series, first, AGAIN_AT_ONCE)).fetchall():
                    (last,) = times[-1]
                    if last < first:
                        raise IndexError("its rows are out of order")
                    with self._db.writing():
                        self._db.execute(
                            "UPDATE point SET sent = 0 WHERE series = ? AND time BETWEEN ? AND ?", (series, first, last)
                        )
                    first = last + 1
                    if len(times) == AGAIN_AT_ONCE:
                        sleep(OTHERS_WRITE)
            with self._db.writing():
                self._db.execute("DELETE FROM parked WHERE time >= ?", (since,))

    def backlog(self) -> Backlog:
        """Return how many points wait and how many are parked."""
        which = f"JOIN series ON series = id WHERE sent = {{}} AND {SOUND}"
        points = f"SELECT DISTINCT measurement, tags, time FROM {{}} {which}"
        count = f"SELECT count(*) FROM ({points})"
        refused = "parked CROSS JOIN point USING (series, time)"  # in this order: few rows, then ten years of them
        with self._db.explained("read"):
            waiting = self._db.execute(count.format("point", WAITING)).fetchone()[0]
            parked = self._db.execute(count.format(refused, PARKED)).fetchone()[0]
        return Backlog(waiting, parked)

    def parked(self) -> list[tuple[str, str]]:
        """Return the lines that the server refuses for what is in them, newest first, each with its reason."""
        query = f"""
            SELECT measurement, tags, field, time, value, reason
            FROM parked CROSS JOIN point USING (series, time) JOIN series ON series = id
            WHERE sent = 2 AND {SOUND} ORDER BY time DESC
        """
        with self._db.explained("read"):
            found = self._db.execute(query).fetchall()
        return [(line(name, tags, {field: value}, time), reason) for name, tags, field, time, value, reason in found]


def _lines(named: Mapping[int, tuple[str, str]], rows: Iterable[Row]) -> list[Line]:
    """Return rows, newest first, as lines."""
    grouped: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        grouped.setdefault((named[row[0]][0], row[1]), []).append(row)
    return [
        Line(headed(name, [(named[series][1], value) for series, _, value in reversed(found)], time), found)
        for (name, time), found in grouped.items()
    ]


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _within(named: Mapping[int, tuple[str, str]], stretch: Stretch) -> str:
    """Return SQL for the waiting rows of a stretch; the plus makes SQLite use the index of waiting rows."""
    ids = _listed(key for key, (its, _) in named.items() if its == stretch.head)
    return f"{LACKED} AND +series IN ({ids}) AND time BETWEEN {stretch.first} AND {stretch.last}"


def _left_out(named: Mapping[int, tuple[str, str]], stretches: Sequence[Stretch]) -> str:
    """Return SQL for all rows but those of the stretches."""
    ids = {stretch: _listed(key for key, (its, _) in named.items() if its == stretch.head) for stretch in stretches}
    return "".join(
        f" AND NOT (+series IN ({ids[stretch]}) AND time BETWEEN {stretch.first} AND {stretch.last})"
        for stretch in stretches
    )
