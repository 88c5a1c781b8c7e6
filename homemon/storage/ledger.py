"""Which rows a place has not taken yet: of the first server in the rows themselves, of others in a table beside them.

Each further place that readings go to has a row in `sink`: its name, and which measurements it wants. Triggers
(`schema`) add to `lacked` whatever is new or changed, so whoever writes keeps the account. A place that is new lacks
all that is stored: `fill` says of which series and times that is still to be added, some at a time.
"""

from collections.abc import Collection, Mapping
from time import monotonic, sleep
from typing import NamedTuple

from homemon.core.points import Number
from homemon.storage.database import Database
from homemon.storage.schema import SOUND

FIRST = "server"
"""The sink whose account is in `point.sent`."""
WAITING, SENT, PARKED = 0, 1, 2  # point.sent
OTHERS_WRITE = 0.1  # seconds: the longest between two tries of a writer that waits (SQLite's busy handler)
AT_ONCE = 5000  # rows
EVER = 1 << 62

Row = tuple[int, int, Number]
"""One field of one point, as it is stored: series, time, value."""


class Ledger(NamedTuple):
    """A sink's account in SQL: which rows wait, are parked, or were taken, and the statements that move them.

    `rows` are the tables in which a waiting row is, `refused` those in which a parked one has its `reason`. `take` and
    `park` get a row, the latter with the reason before it; `take_all` gets the first and the last second of all that
    wait in between, whatever their values.
    """

    rows: str
    waiting: str
    parked: str
    refused: str
    reason: str
    taken: str
    take: str
    take_all: str
    park: tuple[str, ...]


def ledger(name: str) -> Ledger:
    """Return the account of the sink of this name, which is one of small letters, digits, `-` and `_`."""
    if name == FIRST:
        which = "WHERE series = ?2 AND time = ?3 AND value = ?4"
        return Ledger(
            rows="point",
            waiting=f"sent = {WAITING} AND +sent = {WAITING} AND {SOUND}",  # by index, and by row: one may be damaged
            parked=f"sent = {PARKED} AND {SOUND}",
            refused="parked CROSS JOIN point USING (series, time)",  # in this order: few rows, then ten years of them
            reason="reason",
            taken=f"sent = {SENT}",
            take=f"UPDATE point SET sent = {SENT} WHERE series = ? AND time = ? AND value = ?",
            take_all=f"UPDATE point SET sent = {SENT} WHERE series IN (SELECT id FROM series)"
            f" AND time BETWEEN ? AND ? AND +sent = {WAITING}",
            park=(
                f"UPDATE point SET sent = {PARKED} {which} AND ?1 IS NOT NULL",
                f"INSERT OR REPLACE INTO parked SELECT series, time, ?1 FROM point {which}",
            ),
        )
    of = f"sink = '{name}'"
    there = "(SELECT value FROM point WHERE point.series = lacked.series AND point.time = lacked.time)"
    return Ledger(
        rows="lacked CROSS JOIN point USING (series, time)",
        waiting=f"{of} AND refused IS NULL AND {SOUND}",
        parked=f"{of} AND refused IS NOT NULL AND {SOUND}",
        refused="lacked INDEXED BY refused CROSS JOIN point USING (series, time)",  # few of them may be refused
        reason="refused",
        taken=f"NOT EXISTS (SELECT 1 FROM lacked WHERE {of} AND lacked.time = point.time"
        " AND lacked.series = point.series)",
        take=f"DELETE FROM lacked WHERE {of} AND series = ? AND time = ? AND {there} = ?",
        take_all=f"DELETE FROM lacked WHERE {of} AND time BETWEEN ? AND ? AND refused IS NULL",
        park=(f"UPDATE lacked SET refused = ?1 WHERE {of} AND series = ?2 AND time = ?3 AND {there} = ?4",),
    )


def keep_accounts(db: Database, wanted: Mapping[str, Collection[str]]) -> None:
    """Have an account for each of these sinks but the first, and for no other. Raise StoreError.

    Each with the measurements that it wants; all where there are none. One whose measurements changed begins anew.
    """
    lists = {name: f",{','.join(sorted(of))}," if of else "" for name, of in wanted.items() if name != FIRST}
    with db.explained("written"):
        there = dict(db.execute("SELECT name, only FROM sink").fetchall())
        if there == lists:
            return
        with db.writing():
            for name in there.keys() - {name for name, only in lists.items() if there.get(name) == only}:
                for table, column in (("sink", "name"), ("lacked", "sink"), ("fill", "sink"), ("counted", "sink")):
                    db.execute(f"DELETE FROM {table} WHERE {column} = ?", (name,))
            for name in lists.keys() - {name for name, only in there.items() if lists.get(name) == only}:
                db.execute("INSERT INTO sink VALUES (?, ?, 0)", (name, lists[name]))
                lack_again(db, name, 0)


def lack_again(db: Database, name: str, since: int) -> None:
    """Have a further sink lack all that it wants from `since` on; to call within `writing`."""
    db.execute(
        """
        INSERT OR REPLACE INTO fill SELECT sink.name, series.id, ?, ? FROM sink, series
        WHERE sink.name = ? AND (only = '' OR instr(only, ',' || measurement || ','))
        """,
        (since, EVER, name),
    )
    db.execute("UPDATE lacked SET refused = NULL WHERE sink = ? AND time >= ?", (name, since))


_NEXT = "SELECT time FROM point WHERE series = :series AND time >= :since AND time < :before ORDER BY time DESC LIMIT"
_ADD = f"""
INSERT OR IGNORE INTO lacked (sink, time, series, change)
SELECT name, time, :series, changes FROM sink, ({_NEXT} {AT_ONCE}) WHERE name = :sink
"""


def is_filled(db: Database, name: str) -> bool:
    """Return whether an account has all that its sink lacks; to call within `explained`."""
    return db.execute("SELECT 1 FROM fill WHERE sink = ? LIMIT 1", (name,)).fetchone() is None


def fill(db: Database, name: str, deadline: float) -> bool:
    """Add to an account what is stored and not in it yet, until `deadline` (monotonic); whether that was all.

    The newest of each series first, in parts, between which others write. Raise StoreError.
    """
    with db.explained("written"):
        while part := db.execute("SELECT series, since, before FROM fill WHERE sink = ? LIMIT 1", (name,)).fetchone():
            if monotonic() >= deadline:
                return False
            if _fill_part(db, name, *part):
                sleep(OTHERS_WRITE)
    return True


def _fill_part(db: Database, name: str, series: int, since: int, before: int) -> bool:
    """Add one part; whether there is more of its series."""
    where: dict[str, float | str | None] = {"sink": name, "series": series, "since": since, "before": before}
    with db.writing():
        query = f"SELECT count(*), min(time) FROM ({_NEXT} {AT_ONCE})"
        count, oldest = db.execute(query, where).fetchone()
        db.execute(_ADD, where)
        more = bool(count == AT_ONCE and oldest < before)
        what = "UPDATE fill SET before = :oldest" if more else "DELETE FROM fill"
        db.execute(f"{what} WHERE sink = :sink AND series = :series", {**where, "oldest": oldest})
    return more


class Changes:
    """Which readings were added or changed since a sink last settled; of the measurements of its account."""

    def __init__(self, db: Database, name: str) -> None:
        self._db, self._name = db, name

    def any(self) -> bool:
        """Return whether there are some. Raise StoreError."""
        query = "SELECT EXISTS (SELECT 1 FROM lacked WHERE sink = ?1) OR EXISTS (SELECT 1 FROM fill WHERE sink = ?1)"
        with self._db.explained("read"):
            return bool(self._db.execute(query, (self._name,)).fetchone()[0])

    def are_all(self) -> bool:
        """Return whether the account is new, so that all that is stored is a change. Raise StoreError."""
        with self._db.explained("read"):
            return not is_filled(self._db, self._name)

    def settle_all(self) -> None:
        """Forget all changes up to now, also what an account that is new would be filled with. Raise StoreError."""
        with self._db.explained("written"), self._db.writing():
            for table in ("lacked", "fill"):
                self._db.execute(f"DELETE FROM {table} WHERE sink = ?", (self._name,))

    def times(self) -> tuple[list[int], int]:
        """Return at which times, in Unix seconds, ascending; and a mark to settle them by. Raise StoreError."""
        fill(self._db, self._name, monotonic() + EVER)
        with self._db.explained("read"):
            query = "SELECT DISTINCT time FROM lacked WHERE sink = ? AND change <= ? ORDER BY time"
            mark = self._db.execute("SELECT max(changes) FROM sink WHERE name = ?", (self._name,)).fetchone()[0] or 0
            return [time for (time,) in self._db.execute(query, (self._name, mark))], mark

    def settle(self, mark: int) -> None:
        """Forget the changes up to a mark. Raise StoreError."""
        query = "DELETE FROM lacked WHERE sink = ? AND change <= ?"
        with self._db.explained("written"), self._db.writing():
            self._db.execute(query, (self._name, mark))

    def forget(self) -> None:
        """Forget all changes, as who looks at everything anew does. Raise StoreError."""
        with self._db.explained("written"), self._db.writing():
            for table in ("lacked", "fill"):
                self._db.execute(f"DELETE FROM {table} WHERE sink = ?", (self._name,))
