"""The embedded store: every reading, for ever, and which of them the server still lacks.

One SQLite file is archive and outbox. A row is one field of one point: `(series, time)` is
unique, so fields of one point merge as in InfluxDB, and a value that comes again changes
nothing. Only a new or changed value waits to be sent (again).

Many processes write at once: WAL, BEGIN IMMEDIATE and a busy timeout let them queue up.
`synchronous=FULL` puts a commit on the disk before it returns, pages of 1 KB keep what is
written for it small (an SD card's life).

Readings that came while the clock was wrong wait in `undated` with the seconds since boot,
and are dated once it is right; see `clock.Instant`.
"""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import merge
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from homemon import clock
from homemon.clock import RELEASED, Instant
from homemon.errors import StoreError
from homemon.files import make_private_dir, make_private_file
from homemon.points import Number, Point, head, headed, line

FILE = "homemon.db"
SCHEMA_VERSION = 1
BUSY_SECONDS = 30.0
METERED = ("+power", "-power")  # their times are the utility's
DAY = 86_400  # seconds
MINUTE = 60
CLOCK_SLACK = 300  # seconds that the meter's clock may be ahead of ours
METER_SLACK = 150.0  # seconds that a clock which the meter confirms may be off; the meter tells minutes
CONFIRMED_AFTER, ALONE_AFTER = 900.0, 21_600.0  # seconds since boot; the router, too, comes up after a power cut
WAITING, SENT, PARKED = 0, 1, 2  # point.sent

SCHEMA = """
CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    measurement TEXT NOT NULL, tags TEXT NOT NULL, field TEXT NOT NULL,
    UNIQUE (measurement, tags, field)
);
CREATE TABLE point (
    series INTEGER NOT NULL, time INTEGER NOT NULL, value NOT NULL, sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE INDEX waiting ON point (time) WHERE sent = 0;
CREATE TABLE parked (
    series INTEGER NOT NULL, time INTEGER NOT NULL, reason TEXT NOT NULL,
    PRIMARY KEY (series, time)
) WITHOUT ROWID;
CREATE TABLE undated (boot TEXT NOT NULL, ticks REAL NOT NULL, series INTEGER NOT NULL, value NOT NULL);
CREATE TABLE delivery (key TEXT PRIMARY KEY, value NOT NULL) WITHOUT ROWID;
"""

UPSERT = """
INSERT INTO point (series, time, value) VALUES (?, ?, ?)
ON CONFLICT DO UPDATE SET value = excluded.value, sent = 0 WHERE value <> excluded.value
"""


Row = tuple[int, int, Number]
"""One field of one point, as it is stored: series, time, value."""


class Line(NamedTuple):
    """One line of line protocol, and the rows it is made of."""

    text: str
    rows: list[Row]


class Backlog(NamedTuple):
    """Points (lines, not fields) that wait for the server, and those that it refused for good."""

    waiting: int
    parked: int


class Store:
    """One connection, for one thread. `tags`, as `points.tags_text` gives them, go with every point added.

    `busy`: seconds to wait for another process that writes.
    """

    def __init__(self, folder: Path, tags: str = "", busy: float = BUSY_SECONDS) -> None:
        self.path = folder / FILE
        self._tags = tags
        self._ids: dict[tuple[str, str], int] = {}
        make_private_dir(folder)
        with self._explained("opened"):
            try:
                self._db = _open(self.path)
                self._db.execute(f"PRAGMA busy_timeout = {int(busy * 1000)}")
            except OSError as error:
                text = error.strerror or str(error)
                raise StoreError(f"the store {self.path} cannot be opened: {text}", _remedy(text)) from None

    def close(self) -> None:
        """Close the connection; what was committed stays."""
        self._db.close()

    # --- readings ------------------------------------------------------------------

    def add(self, arrivals: Sequence[tuple[Point, Instant]]) -> list[Point]:
        """Store points with the instant of their arrival, in one transaction; durable when this returns.

        Gives the points that brought something new, dated. Points without a time of their own are
        dated by their arrival, or kept undated while the clock is not to be trusted; those that were
        kept are dated, and given too, as soon as it is. Raises StoreError, and then nothing is stored.
        """
        changed: list[Point] = []
        with self._explained("written"), self._writing():
            for point, at in arrivals:
                if point.time is None and not self.trusts(at):
                    self._keep_undated(point, at)
                    continue
                dated = point if point.time is not None else point._replace(time=int(at.wall))
                if self._put(dated):
                    changed.append(dated)
            if arrivals and self.trusts(arrivals[-1][1]):
                changed += self._date_the_undated(arrivals[-1][1])
        return changed

    def trusts(self, at: Instant) -> bool:
        """Whether the wall clock can be right: not before this release, nor before the newest point.

        Where a time service has set it, it is right whatever the points say. Where one has not done so yet,
        the clock may show the hour of the last shutdown (fake-hwclock): it is believed after a quarter of an
        hour if the meter's own clock says the same, and after six hours where nobody asks the meter.
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

    def _newest(self) -> int:
        """The time of the newest point, before which no right clock is.

        A point more than a day ahead of the meter's own newest half-hour came while our clock was ahead,
        and does not count: else it would make us distrust a clock that is right again.
        """
        newest: dict[bool, int] = {}
        query = "SELECT measurement, (SELECT max(time) FROM point WHERE series = id) FROM series"
        for measurement, time in self._db.execute(query):
            metered = measurement in METERED
            newest[metered] = max(time or 0, newest.get(metered, 0))
        meters = newest.get(True)
        others = newest.get(False, 0)
        return others if meters is None else max(meters, others if others <= meters + DAY else 0)

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
        rows = [(self._series(point.measurement, name), point.time, value) for name, value in point.fields.items()]
        return sum(self._db.execute(UPSERT, row).rowcount for row in rows) > 0

    def _series(self, measurement: str, field: str) -> int:
        key = (measurement, field)
        if key not in self._ids:
            where = (measurement, self._tags, field)
            self._db.execute("INSERT OR IGNORE INTO series (measurement, tags, field) VALUES (?, ?, ?)", where)
            query = "SELECT id FROM series WHERE measurement = ? AND tags = ? AND field = ?"
            self._ids[key] = self._db.execute(query, where).fetchone()[0]
        return self._ids[key]

    def _keep_undated(self, point: Point, at: Instant) -> None:
        rows = [
            (at.boot, at.ticks, self._series(point.measurement, name), value) for name, value in point.fields.items()
        ]
        self._db.executemany("INSERT INTO undated VALUES (?, ?, ?, ?)", rows)

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

        Each is (time, measurement, tags, fields). Raises StoreError.
        """
        with self._explained("read"):
            query = "SELECT id, measurement, tags, field FROM series ORDER BY measurement, tags, id"
            wanted = [row for row in self._db.execute(query) if measurement in (None, row[1])]
            streams = [self._stream(order, row, since, until) for order, row in enumerate(wanted)]
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

    def _stream(
        self, order: int, row: tuple[int, str, str, str], since: int, until: int
    ) -> Iterator[tuple[int, int, Number]]:
        query = "SELECT time, value FROM point WHERE series = ? AND time >= ? AND time < ? ORDER BY time"
        for time, value in self._db.execute(query, (row[0], since, until)):
            yield time, order, value

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[tuple[int, Number]]:
        """Times and values of one field from `since` up to but not including `until`, oldest first, as they stream."""
        query = "SELECT time, value FROM point WHERE series = ? AND time >= ? AND time < ? ORDER BY time"
        with self._explained("read"):
            found = [self._db.execute(query, (series, since, until)) for series in self._found(measurement, field)]
            yield from found[0] if len(found) == 1 else merge(*found)

    def lacking(self, measurement: str, times: Collection[int]) -> list[int]:
        """Those of `times` at which no `value` of the measurement is stored, in their order."""
        if not times:
            return []
        have = {time for time, _ in self.values(measurement, "value", min(times), max(times) + 1)}
        return [time for time in times if time not in have]

    def latest(self, measurement: str, field: str, until: int) -> tuple[int, Number] | None:
        """The newest time and value of one field before `until`, if there is any."""
        query = "SELECT time, value FROM point WHERE series = ? AND time < ? ORDER BY time DESC LIMIT 1"
        with self._explained("read"):
            found = self._found(measurement, field)
            return max((row for series in found for row in self._db.execute(query, (series, until))), default=None)

    def extent(self, measurement: str, field: str, since: int, until: int) -> tuple[Number, Number, Number] | None:
        """The least, the mean and the greatest value of one field in a period, if it has any."""
        query = "SELECT min(value), avg(value), max(value) FROM point WHERE series IN ({}) AND time >= ? AND time < ?"
        with self._explained("read"):
            found = self._found(measurement, field)
            row = self._db.execute(query.format(",".join("?" * len(found))), (*found, since, until)).fetchone()
        return None if row[0] is None else row

    def _found(self, measurement: str, field: str) -> list[int]:
        """The series of one field, one for each set of tags it ever had."""
        query = "SELECT id FROM series WHERE measurement = ? AND field = ?"
        return [row[0] for row in self._db.execute(query, (measurement, field))]

    # --- delivery ------------------------------------------------------------------

    def waiting(self, limit: int, before: tuple[int, int] | None = None) -> list[Line]:
        """About `limit` rows that the server lacks, newest first, as whole lines; `before` (time, series) goes on."""
        query = """
            SELECT series, time, value FROM point
            WHERE sent = 0 AND (time, series) < (?, ?) {} ORDER BY time DESC, series DESC LIMIT ?
        """
        with self._explained("read"):
            named = {
                key: (head(name, tags), field) for key, name, tags, field in self._db.execute("SELECT * FROM series")
            }
            rows = self._db.execute(query.format(""), (*(before or (1 << 62, 0)), limit)).fetchall()
            if len(rows) == limit:  # the last line may have been cut in two
                series, time, _ = rows[-1]
                rest = self._db.execute(query.format("AND time = ?"), (time, series, time, -1))
                rows += [row for row in rest if named[row[0]][0] == named[series][0]]
        grouped: dict[tuple[str, int], list[Row]] = {}
        for row in rows:
            grouped.setdefault((named[row[0]][0], row[1]), []).append(row)
        return [
            Line(headed(name, [(named[series][1], value) for series, _, value in reversed(found)], time), found)
            for (name, time), found in grouped.items()
        ]

    def mark_sent(self, lines: Iterable[Line]) -> None:
        """The server has these; a value that changed since it was read goes on waiting."""
        query = "UPDATE point SET sent = 1 WHERE series = ? AND time = ? AND value = ?"
        with self._explained("written"), self._writing():
            self._db.executemany(query, [row for entry in lines for row in entry.rows])

    def park(self, refused: Line, reason: str) -> None:
        """Set a line aside that the server refuses for what it says. It stays in the archive, and is listed."""
        with self._explained("written"), self._writing():
            for series, time, value in refused.rows:
                self._db.execute(
                    "UPDATE point SET sent = 2 WHERE series = ? AND time = ? AND value = ?", (series, time, value)
                )
                self._db.execute("INSERT OR REPLACE INTO parked VALUES (?, ?, ?)", (series, time, reason))

    def send_again(self, since: int) -> None:
        """Let all points from `since` on wait once more, parked ones too."""
        with self._explained("written"), self._writing():
            self._db.execute(
                "UPDATE point SET sent = 0 WHERE series IN (SELECT id FROM series) AND time >= ?", (since,)
            )
            self._db.execute("DELETE FROM parked WHERE time >= ?", (since,))

    def backlog(self) -> Backlog:
        """How many points wait and how many are parked."""
        # CROSS JOIN: SQLite goes through the few parked rows, not through ten years of points
        points = "SELECT DISTINCT measurement, tags, time FROM {} JOIN series ON series = id WHERE sent = {}"
        count = f"SELECT count(*) FROM ({points})"
        with self._explained("read"):
            waiting = self._db.execute(count.format("point", WAITING)).fetchone()[0]
            parked = self._db.execute(count.format("parked CROSS JOIN point USING (series, time)", PARKED)).fetchone()[
                0
            ]
        return Backlog(waiting, parked)

    def parked(self) -> list[tuple[str, str]]:
        """The lines that the server refuses for what they say, newest first, each with its reason."""
        query = """
            SELECT measurement, tags, field, time, value, reason
            FROM parked CROSS JOIN point USING (series, time) JOIN series ON series = id
            WHERE sent = 2 ORDER BY time DESC
        """
        with self._explained("read"):
            found = self._db.execute(query).fetchall()
        return [(line(name, tags, {field: value}, time), reason) for name, tags, field, time, value, reason in found]

    def series(self) -> list[tuple[str, str]]:
        """Each measurement and field that was ever stored, in the order in which they first came."""
        with self._explained("read"):
            found = self._db.execute(
                "SELECT measurement, field FROM series GROUP BY measurement, field ORDER BY min(id)"
            )
            return found.fetchall()

    def undated(self, boot: str) -> tuple[int, int]:
        """How many values wait for a clock that is right, and how many never get a time: `boot` did not see them."""
        with self._explained("read"):
            query = "SELECT count(*) FILTER (WHERE boot = ?), count(*) FILTER (WHERE boot <> ?) FROM undated"
            waiting, lost = self._db.execute(query, (boot, boot)).fetchone()
        return waiting, lost

    def recall(self, key: str) -> float | str | None:
        """What `remember` kept under `key`."""
        with self._explained("read"):
            row = self._db.execute("SELECT value FROM delivery WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def remember(self, **facts: float | str) -> None:
        """Keep facts about the delivery (such as when to try again) for the next process."""
        with self._explained("written"), self._writing():
            self._db.executemany("INSERT OR REPLACE INTO delivery VALUES (?, ?)", facts.items())

    def integrity_faults(self) -> list[str]:
        """What SQLite finds wrong with the file; empty when it is sound."""
        with self._explained("read"):
            found = [row[0] for row in self._db.execute("PRAGMA integrity_check")]
        return [] if found == ["ok"] else found

    # --- plumbing ------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction: all of it is on disk at the end, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._ids.clear()  # a series of this transaction may not be there any more
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _explained(self, what: str) -> Iterator[None]:
        """SQLite's errors as ours, with the remedy."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the store {self.path} cannot be {what}: {error}", _remedy(str(error))) from error


REMEDIES = (
    ("full", "The disk is full: free some space; readings are stored again as soon as there is."),
    ("No space", "The disk is full: free some space, and start again."),
    ("Permission denied", "Run homemon as the user who owns the store's folder, or name another in [store] dir."),
    ("readonly", "Run homemon as the user who owns the store's folder, or name another in [store] dir."),
    ("unable to open", "Check that [store] dir exists and that you may write there."),
    ("disk I/O", "The disk does not take what is written (full, worn out, or unplugged): see dmesg and df."),
    ("malformed", "The file is damaged: move it away (homemon makes a new one) and see sqlite3's .recover."),
    ("not a database", "Another file stands in the store's place: move it away or name another [store] dir."),
    ("locked", "Another process holds the store for very long: see which homemon commands run."),
)


def _remedy(text: str) -> str:
    return next((remedy for sign, remedy in REMEDIES if sign in text), "")


def _open(path: Path) -> sqlite3.Connection:
    """A connection to the store, made for its owner alone where it is new.

    A file that is there must not be opened here: closing it again would drop the locks that SQLite
    holds for this process (sqlite.org/howtocorrupt.html, 2.2), and another process that ends would
    take the write-ahead log away from under an open store.
    """
    make_private_file(path)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)
    try:
        _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection) -> None:
    """The pragmas of every connection; the schema where there is none yet."""
    db.execute("PRAGMA page_size = 1024")  # takes effect in a new file only
    _use_wal(db)
    db.execute("PRAGMA synchronous = FULL")
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        db.execute("BEGIN IMMEDIATE")
        if db.execute("PRAGMA user_version").fetchone()[0] == 0:  # nobody else was quicker
            for statement in SCHEMA.split(";"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    elif version > SCHEMA_VERSION:
        raise StoreError(
            f"the store was written by a newer homemon (schema {version}, this one knows {SCHEMA_VERSION})",
            "Install the newer version again, or name another [store] dir.",
        )


def _use_wal(db: sqlite3.Connection) -> None:
    """Turn WAL on. Two that do so at once in a new file can fail in spite of the busy timeout: try again."""
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or monotonic() > deadline:
                raise
            sleep(0.02)
