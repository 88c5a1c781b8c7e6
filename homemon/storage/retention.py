"""What [store] keep_days asks for: points that are older are dropped, a little at a time.

Nothing is dropped that the server still lacks, nor by a clock that may be ahead: "now" is
`Store.surely_past`. Days are whole ones, Japan's: today and `days` before it are kept, which is what
the listener and `kyocera-dump` look at when they fill in what the store lacks.

One call drops at most `BATCHES` batches, each in a transaction of its own with a pause behind it, in
which others write; so neither they nor a one-shot command on a Pi Zero wait for long. A call does nothing
within an hour of the last one, whichever process made that; a listener goes on each minute while there
is more to drop.

Free pages are used again. What a great prune frees beyond a fifth of the file goes back to the file
system, in steps as small; to make the file as small as can be each time would only wear out the card,
for it grows again.
"""

from collections.abc import Iterable
from time import sleep

from homemon.core.clock import Instant
from homemon.core.points import DAY, HOUR, Point, midnight
from homemon.storage.ledger import OTHERS_WRITE
from homemon.storage.store import Store

BATCH, BATCHES = 2000, 5  # rows to a transaction, transactions to a call
SPARE = 0.2  # of the file may be free pages
FREED_AT_ONCE = 500  # pages
UNDATED_STAY = 10_000  # values of earlier boots, which nobody can date any more
INCREMENTAL = 2  # what PRAGMA auto_vacuum says of a file that can be made smaller in steps

TAKEN = """
(sent = 1 OR ?) AND NOT EXISTS (
    SELECT 1 FROM lacked WHERE sink IN (SELECT name FROM sink)
    AND lacked.time = point.time AND lacked.series = point.series
) AND NOT EXISTS (SELECT 1 FROM fill WHERE fill.series = point.series AND time BETWEEN since AND before)
"""
OLDEST = f"""
SELECT min(time), max(time), count(*) FROM
(SELECT time FROM point WHERE series = ? AND time < ? AND {TAKEN} ORDER BY time LIMIT ?)
"""
DROP = f"DELETE FROM point WHERE series = ? AND time BETWEEN ? AND ? AND {TAKEN}"
DROP_ALL = "DELETE FROM point WHERE series = ? AND time >= ? AND time < ?"
DROP_PARKED = """
DELETE FROM parked WHERE series = ? AND time BETWEEN ? AND ? AND NOT EXISTS
(SELECT 1 FROM point WHERE point.series = parked.series AND point.time = parked.time)
"""
DROP_UNDATED = "DELETE FROM undated WHERE boot <> ? AND rowid <= (SELECT max(rowid) FROM undated) - ?"

Span = tuple[int, int, int]
"""Rows to drop: series, first time, last time."""


def kept_from(store: Store, at: Instant, days: int) -> int | None:
    """Return the Unix time before which nothing is kept; None while the time is uncertain. Raise StoreError."""
    now = store.clock.surely_past(at)
    return None if now is None else days_before(now, days)


def drop_replaced(store: Store, points: Iterable[Point]) -> None:
    """Drop what each of these points of our own replaces: those of its measurement earlier in its day, sent or not.

    Raise StoreError.
    """
    own = store.archive.own_tags()
    with store.db.explained("written"), store.db.writing():
        stored = store.db.execute("SELECT id, measurement, tags FROM series").fetchall()
        for name, time in ((point.measurement, point.time) for point in points if point.time is not None):
            for series in (series for series, measurement, tags in stored if measurement == name and tags in own):
                store.db.execute(DROP_ALL, (series, midnight(time), time))
                store.db.execute(DROP_PARKED, (series, midnight(time), time))


def days_before(now: int, days: int) -> int:
    """Return the midnight in Japan that is so many days before today's (Unix seconds)."""
    return midnight(now) - days * DAY


class Retention:
    """Drops from `store` what is older than `days`; with `unsent` also what no server took."""

    def __init__(self, store: Store, days: int, unsent: bool) -> None:
        self._store = store
        self._days = days
        self._unsent = unsent
        self._unfinished = False

    def prune(self, at: Instant) -> int:
        """Drop some, where it is time to; how many rows. Raise StoreError."""
        last = float(self._store.db.recall("pruned_at") or 0)
        if not self._unfinished and last <= at.wall < last + HOUR:
            return 0
        before = kept_from(self._store, at, self._days)
        if before is None:
            return 0
        with self._store.db.explained("pruned"):
            dropped = self._drop(before)
            self._store.db.execute(DROP_UNDATED, (at.boot, UNDATED_STAY))
            self._unfinished = self._give_back() or dropped > BATCH * (BATCHES - 1)
        self._store.db.remember(pruned_at=at.wall)
        return dropped

    def _drop(self, before: int) -> int:
        dropped = 0
        for batch in range(BATCHES):
            spans = self._oldest(before)
            if not spans:
                break
            if batch:
                sleep(OTHERS_WRITE)
            with self._store.db.writing():
                for span in spans:
                    dropped += self._store.db.execute(DROP, (*span, self._unsent)).rowcount
                    self._store.db.execute(DROP_PARKED, span)
        return dropped

    def _oldest(self, before: int) -> list[Span]:
        """Return where the next batch lies: the oldest rows of each series that may go."""
        spans: list[Span] = []
        room = BATCH
        for (series,) in self._store.db.execute("SELECT id FROM series").fetchall():
            first, last, count = self._store.db.execute(OLDEST, (series, before, self._unsent, room)).fetchone()
            if count:
                spans.append((series, first, last))
                room -= count
        return spans

    def _give_back(self) -> bool:
        """Give some free pages back to the file system where they are many; whether it did."""
        mode, pages, free = (
            self._store.db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("auto_vacuum", "page_count", "freelist_count")
        )
        too_many = min(FREED_AT_ONCE, int(free - SPARE * pages))
        if mode != INCREMENTAL or too_many <= 0:
            return False
        self._store.db.shrink(too_many)
        return True
