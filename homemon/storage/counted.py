"""How many points a sink lacks, without a look at each: a past period is counted once, and the number is kept.

A period lasts `1 << PERIOD` seconds. Triggers (`schema`) drop its number with whatever comes, goes or changes in it,
whoever writes, and `uncount` does so with what was sent: a trigger would make SQLite mark row by row, which takes twice
as long. So a number that is there is right. The newest period, in which points still come, is counted each time.
"""

from contextlib import suppress
from time import monotonic
from typing import NamedTuple

from homemon.core.errors import StoreError
from homemon.storage.database import Database
from homemon.storage.schema import PERIOD

KEPT_EACH = 1.0  # seconds: who ends in the middle of ten years leaves what was counted to the next one
LONG_AGO = -(1 << 62)  # Unix seconds


class Rows(NamedTuple):
    """Rows in SQL: the time of the first one from `:first` on, or NULL; and series and time of all up to `:last`."""

    earliest: str
    all: str


def count_points(db: Database, sink: str, rows: Rows) -> int:
    """Return how many points are in the rows that a sink lacks; to call within `explained`."""
    counts: dict[int, int] = dict(db.execute("SELECT period, points FROM counted WHERE sink = ?", (sink,)).fetchall())
    news = _News(db, sink)
    time, total = LONG_AGO, 0
    while (earliest := db.execute(rows.earliest, {"first": time}).fetchone()[0]) is not None:
        period = earliest >> PERIOD
        if period not in counts:
            news.keep(KEPT_EACH)
            counts[period] = news.counts[period] = _points_of(db, rows.all, period)
        total += counts[period]
        time = (period + 1) << PERIOD
    news.counts.pop(max(counts, default=0), None)
    news.keep()
    return total


def uncount(db: Database, sink: str, first: int, last: int) -> None:
    """Drop the numbers of the periods between two times, both included; to call within `writing`."""
    within = (sink, first >> PERIOD, last >> PERIOD)
    db.execute("DELETE FROM counted WHERE sink = ? AND period BETWEEN ? AND ?", within)


def _points_of(db: Database, rows: str, period: int) -> int:
    heads = "WITH head(series, head) AS (SELECT id, min(id) OVER (PARTITION BY measurement, tags) FROM series)"
    points = f"SELECT DISTINCT head, time FROM ({rows}) JOIN head USING (series)"  # numbers: texts take twice as long
    within = {"first": period << PERIOD, "last": ((period + 1) << PERIOD) - 1}
    number: int = db.execute(f"{heads} SELECT count(*) FROM ({points})", within).fetchone()[0]
    return number


class _News:
    """What was counted since numbers were kept last."""

    def __init__(self, db: Database, sink: str) -> None:
        self._db, self._sink = db, sink
        self._begin()

    def _begin(self) -> None:
        self.counts: dict[int, int] = {}
        self._since, self._version = monotonic(), self._version_now()

    def _version_now(self) -> int:
        """Return what differs once another connection wrote (sqlite.org/pragma.html, data_version)."""
        version: int = self._db.execute("PRAGMA data_version").fetchone()[0]
        return version

    def keep(self, each: float = 0.0) -> None:
        """Keep the numbers, where `each` seconds are over, unless somebody wrote while these points were counted."""
        if monotonic() < self._since + each:
            return
        rows = [(period, self._sink, points) for period, points in self.counts.items()]
        if rows:
            with suppress(StoreError), self._db.explained("written"), self._db.writing():  # a full disk: next time
                if self._version_now() == self._version:
                    self._db.execute_many("INSERT OR REPLACE INTO counted VALUES (?, ?, ?)", rows)
        self._begin()
