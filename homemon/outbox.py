"""The outbox: which points the server still lacks, as lines to send, and those that it refused for good."""

from collections.abc import Iterable
from time import sleep
from typing import NamedTuple

from homemon.database import Database
from homemon.points import Number, head, headed, line

WAITING, SENT, PARKED = 0, 1, 2  # point.sent
AGAIN_AT_ONCE = 5000  # rows
OTHERS_WRITE = 0.1  # seconds: the longest between two tries of a writer that waits (SQLite's busy handler)


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


class Outbox(Database):
    """What of the store waits for the server."""

    def waiting(self, limit: int, before: tuple[int, int] | None = None) -> list[Line]:
        """About `limit` rows that the server lacks, newest first, as whole lines; `before` (time, series) goes on."""
        query = """
            SELECT series, time, value FROM point
            WHERE sent = 0 AND (time, series) < (?, ?) {} ORDER BY time DESC, series DESC LIMIT ?
        """
        with self.explained("read"):
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
        with self.explained("written"), self.writing():
            self._db.executemany(query, [row for entry in lines for row in entry.rows])

    def park(self, refused: Line, reason: str) -> None:
        """Set a line aside that the server refuses for what it says. It stays in the archive, and is listed."""
        with self.explained("written"), self.writing():
            for series, time, value in refused.rows:
                self._db.execute(
                    "UPDATE point SET sent = 2 WHERE series = ? AND time = ? AND value = ?", (series, time, value)
                )
                self._db.execute("INSERT OR REPLACE INTO parked VALUES (?, ?, ?)", (series, time, reason))

    def send_again(self, since: int) -> None:
        """Let all points from `since` on wait once more, parked ones too; in parts, between which others write."""
        query = "SELECT time FROM point WHERE series = ? AND time >= ? ORDER BY time LIMIT ?"
        with self.explained("written"):
            for (series,) in self._db.execute("SELECT id FROM series").fetchall():
                first = since
                while times := self._db.execute(query, (series, first, AGAIN_AT_ONCE)).fetchall():
                    (last,) = times[-1]
                    with self.writing():
                        self._db.execute(
                            "UPDATE point SET sent = 0 WHERE series = ? AND time BETWEEN ? AND ?", (series, first, last)
                        )
                    first = last + 1
                    if len(times) == AGAIN_AT_ONCE:
                        sleep(OTHERS_WRITE)
            with self.writing():
                self._db.execute("DELETE FROM parked WHERE time >= ?", (since,))

    def backlog(self) -> Backlog:
        """How many points wait and how many are parked."""
        points = "SELECT DISTINCT measurement, tags, time FROM {} JOIN series ON series = id WHERE sent = {}"
        count = f"SELECT count(*) FROM ({points})"
        refused = "parked CROSS JOIN point USING (series, time)"  # in this order: few rows, then ten years of them
        with self.explained("read"):
            waiting = self._db.execute(count.format("point", WAITING)).fetchone()[0]
            parked = self._db.execute(count.format(refused, PARKED)).fetchone()[0]
        return Backlog(waiting, parked)

    def parked(self) -> list[tuple[str, str]]:
        """The lines that the server refuses for what they say, newest first, each with its reason."""
        query = """
            SELECT measurement, tags, field, time, value, reason
            FROM parked CROSS JOIN point USING (series, time) JOIN series ON series = id
            WHERE sent = 2 ORDER BY time DESC
        """
        with self.explained("read"):
            found = self._db.execute(query).fetchall()
        return [(line(name, tags, {field: value}, time), reason) for name, tags, field, time, value, reason in found]
