"""The outbox: which points the server still lacks, as lines to send, and those that it refused for good."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from time import sleep
from typing import NamedTuple

from homemon.core.points import NANOSECONDS, head, headed, line, number_text
from homemon.storage.counted import Rows, count_points, uncount
from homemon.storage.database import Database, Version
from homemon.storage.ledger import AT_ONCE, FIRST, OTHERS_WRITE, Row, fill, is_filled, lack_again, ledger
from homemon.storage.schema import SOUND

SPARSE = 600  # seconds from one row to the next


class Line(NamedTuple):
    """One line of line protocol, and the rows it is made of."""

    text: str
    rows: list[Row]

    @property
    def time(self) -> int:
        """In Unix seconds."""
        return self.rows[0][1]


class Batch(NamedTuple):
    """Lines to be sent at once, and the rows they are made of; newest first.

    `seen` is the version of the store (`Database.version`) in which they were read; None where that is not known.
    """

    texts: list[str]
    rows: list[Row]
    seen: Version | None = None


NOTHING = Batch([], [])


def together(lines: Sequence[Line]) -> Batch:
    """Return lines as a batch."""
    return Batch([line.text for line in lines], [row for line in lines for row in line.rows])


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
    """What a server lacks of the points in a database; `name` is its sink's, which has an account (`ledger`)."""

    def __init__(self, db: Database, name: str = FIRST) -> None:
        self._db = db
        self._name = name
        self._ledger = ledger(name)
        self._marked = 0  # changes

    def fill(self, deadline: float) -> bool:
        """Find all that a further server lacks, until `deadline` (monotonic); whether it is known. Raise StoreError."""
        return self._name == FIRST or fill(self._db, self._name, deadline)

    def lacks(self, without: Sequence[Stretch] = ()) -> bool:
        """Return whether anything waits, but of the stretches of `without`. Raise StoreError."""
        with self._db.explained("read"):
            filled = self._name == FIRST or is_filled(self._db, self._name)
        return not filled or bool(self.waiting(1, without).rows)

    def waiting(self, limit: int, without: Sequence[Stretch] = (), sending: Batch = NOTHING) -> Batch:
        """Return about `limit` rows that the server lacks, newest first, all of each second.

        None of a stretch of `without`, nor of the seconds of a batch that is being sent.
        """
        which = f"{self._ledger.rows} WHERE {self._ledger.waiting} {{}}"
        query = f"SELECT series, time, value FROM {which} ORDER BY time DESC, series DESC LIMIT ?"
        rows: list[Row] = []
        with self._reading() as named:
            out = _left_out(named, without)
            for part in _around(sending):
                rows += self._db.execute(query.format(part + out), (limit - len(rows),))
            if len(rows) == limit:
                series, time, _ = rows[-1]
                rows += self._db.execute(query.format("AND time = ? AND series < ?" + out), (time, series, -1))
            return Batch(_texts(named, rows), rows, self._seen())

    def waiting_heads(self, without: Sequence[Stretch] = ()) -> list[Stretch]:
        """Return for each head the stretch from its oldest waiting line to its newest; the newest first."""
        which = f"{self._ledger.rows} WHERE {self._ledger.waiting} {{}}"
        query = f"SELECT series, min(time), max(time) FROM {which} GROUP BY +series"
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
            which = self._within(named, stretch, without)
            count: int = self._db.execute(f"SELECT count(DISTINCT time) FROM {which}").fetchone()[0]
        return count

    def waiting_in(self, stretch: Stretch, limit: int, skip: int = 0, without: Sequence[Stretch] = ()) -> list[Line]:
        """Return at most `limit` lines of a stretch, newest first, after the `skip` newest ones."""
        with self._reading() as named:
            which = self._within(named, stretch, without)
            query = f"SELECT DISTINCT time FROM {which} ORDER BY time DESC LIMIT {limit} OFFSET {skip}"
            times = [time for (time,) in self._db.execute(query)]
            if not times:
                return []
            query = f"SELECT series, time, value FROM {which} AND time BETWEEN ? AND ? ORDER BY time DESC"
            return _lines(named, self._db.execute(f"{query}, series DESC", (times[-1], times[0])).fetchall())

    def newest_sent(self, head: str) -> Line | None:
        """Return the newest line with a head that the server took, if it took any."""
        taken = f"{self._ledger.taken} AND {SOUND}"
        newest = f"SELECT time FROM point WHERE series = ? AND {taken} ORDER BY time DESC LIMIT 1"
        with self._reading() as named:
            ids = [key for key, (its, _) in named.items() if its == head]
            last = max((time for key in ids for (time,) in self._db.execute(newest, (key,))), default=None)
            if last is None:
                return None
            which = f"series IN ({_listed(ids)}) AND time = ? AND {taken} ORDER BY series DESC"
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

    def mark_sent(self, batch: Batch) -> None:
        """Mark rows as sent; a value that changed since it was read goes on waiting."""
        if not batch.rows:
            return
        with self._db.explained("written"), self._db.writing():
            before = self._db.connection.total_changes
            if batch.seen != self._seen() or not self._marked_at_once(batch.rows):
                self._db.execute_many(self._ledger.take, batch.rows)
            uncount(self._db, self._name, batch.rows[-1][1], batch.rows[0][1])
            self._marked += self._db.connection.total_changes - before

    def _seen(self) -> Version:
        """Return what differs once anything was written but our marks."""
        file, others, ours = self._db.version()
        return file, others, ours - self._marked

    def _marked_at_once(self, rows: Sequence[Row]) -> bool:
        """Mark rows in one statement, in a third of the time, where they are all that wait for their seconds.

        Others may not have been read, as the store is damaged, or they are not to be sent now. Where they are far
        apart it takes longer: it looks at all that was sent in between.
        """
        newest, oldest = rows[0][1], rows[-1][1]
        if newest - oldest > SPARSE * len(rows):
            return False
        return self._db.change_exactly(len(rows), self._ledger.take_all, (oldest, newest))

    def park(self, refused: Line, reason: str) -> None:
        """Set a line aside that the server refuses for what it says. It stays in the archive, and is listed."""
        with self._db.explained("written"), self._db.writing():
            for statement in self._ledger.park:
                self._db.execute_many(statement, [(reason, *row) for row in refused.rows])
            uncount(self._db, self._name, refused.time, refused.time)

    def send_again(self, since: int) -> None:
        """Let all points from `since` on wait once more, parked ones too; in parts, between which others write."""
        if self._name != FIRST:
            with self._db.explained("written"), self._db.writing():
                lack_again(self._db, self._name, since)
            return
        query = f"SELECT time FROM point WHERE series = ? AND time >= ? AND {SOUND} ORDER BY time LIMIT ?"
        with self._db.explained("written"):
            for (series,) in self._db.execute("SELECT id FROM series").fetchall():
                first = since
                while times := self._db.execute(query, (series, first, AT_ONCE)).fetchall():
                    (last,) = times[-1]
                    if last < first:
                        raise IndexError("its rows are out of order")
                    with self._db.writing():
                        self._db.execute(
                            "UPDATE point SET sent = 0 WHERE series = ? AND time BETWEEN ? AND ?", (series, first, last)
                        )
                        uncount(self._db, self._name, first, last)
                    first = last + 1
                    if len(times) == AT_ONCE:
                        sleep(OTHERS_WRITE)
            with self._db.writing():
                self._db.execute("DELETE FROM parked WHERE time >= ?", (since,))

    def backlog(self) -> Backlog:
        """Return how many points wait and how many are parked."""
        kept = self._ledger
        parked = f"SELECT DISTINCT measurement, tags, time FROM {kept.refused} JOIN series ON series = id"
        with self._db.explained("read"):
            waiting = count_points(self._db, self._name, self._lacked())
            (number,) = self._db.execute(f"SELECT count(*) FROM ({parked} WHERE {kept.parked})").fetchone()
        return Backlog(waiting, number)

    def _lacked(self) -> Rows:
        """Return the waiting rows, with those that an account that is new has still to be filled with."""
        which = f"{self._ledger.rows} WHERE {self._ledger.waiting} AND time"
        earliest = f"SELECT * FROM (SELECT time FROM {which} >= :first ORDER BY time LIMIT 1)"
        rows = f"SELECT series, time FROM {which} BETWEEN :first AND :last"
        if self._name != FIRST:
            of, since = f"sink = '{self._name}'", f"{SOUND} AND time BETWEEN max(since, :first)"
            unfilled = f"SELECT time FROM point WHERE point.series = fill.series AND {since} AND before - 1"
            earliest += f" UNION ALL SELECT ({unfilled} ORDER BY time LIMIT 1) FROM fill WHERE {of}"
            unfilled = f"SELECT series, time FROM fill CROSS JOIN point USING (series) WHERE {of} AND {since}"
            rows += f" UNION {unfilled} AND min(before - 1, :last)"
        return Rows(f"SELECT min(time) FROM ({earliest})", rows)

    def parked(self) -> list[tuple[str, str]]:
        """Return the lines that the server refuses for what is in them, newest first, each with its reason."""
        kept = self._ledger
        query = f"""
            SELECT measurement, tags, field, time, value, {kept.reason}
            FROM {kept.refused} JOIN series ON series = id WHERE {kept.parked} ORDER BY time DESC
        """
        with self._db.explained("read"):
            found = self._db.execute(query).fetchall()
        return [(line(name, tags, {field: value}, time), reason) for name, tags, field, time, value, reason in found]

    def _within(self, named: Mapping[int, tuple[str, str]], stretch: Stretch, without: Sequence[Stretch]) -> str:
        """Return SQL for the waiting rows of a stretch; the plus makes SQLite use the index of waiting rows."""
        ids = _listed(key for key, (its, _) in named.items() if its == stretch.head)
        which = f"+series IN ({ids}) AND time BETWEEN {stretch.first} AND {stretch.last}"
        return f"{self._ledger.rows} WHERE {self._ledger.waiting} AND {which}{_left_out(named, without)}"


def _lines(named: Mapping[int, tuple[str, str]], rows: Iterable[Row]) -> list[Line]:
    """Return rows, newest first, as lines."""
    grouped: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        grouped.setdefault((named[row[0]][0], row[1]), []).append(row)
    return [
        Line(headed(name, [(named[series][1], value) for series, _, value in reversed(found)], time), found)
        for (name, time), found in grouped.items()
    ]


def _texts(named: Mapping[int, tuple[str, str]], rows: Iterable[Row]) -> list[str]:
    """Return the same as their texts alone, which takes a third of the time."""
    grouped: dict[tuple[str, int], str] = {}
    for series, time, value in rows:
        head, field = named[series]
        text, key = f"{field}={value if type(value) is int else number_text(value)}", (head, time)
        grouped[key] = f"{text},{grouped[key]}" if key in grouped else text
    return [f"{head} {fields} {time}{NANOSECONDS}" for (head, time), fields in grouped.items()]


def _listed(numbers: Iterable[int]) -> str:
    return ",".join(map(str, numbers))


def _around(sending: Batch) -> tuple[str, ...]:
    """Return SQL for the rows after a batch and for those before it, as it takes long to pass over all of its own."""
    if not sending.rows:
        return ("",)
    return f" AND time > {sending.rows[0][1]}", f" AND time < {sending.rows[-1][1]}"


def _left_out(named: Mapping[int, tuple[str, str]], stretches: Sequence[Stretch]) -> str:
    """Return SQL for all rows but those of the stretches."""
    ids = {stretch: _listed(key for key, (its, _) in named.items() if its == stretch.head) for stretch in stretches}
    return "".join(
        f" AND NOT (+series IN ({ids[stretch]}) AND time BETWEEN {stretch.first} AND {stretch.last})"
        for stretch in stretches
    )
