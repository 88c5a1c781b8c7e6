"""Whether the store holds what was stored: each row against its seal, and against the row before it.

SQLite's own check sees a page's structure only (`schema` says what a seal is). A look reads the rows in the order
in which the file has them, some at a time, so that it never keeps a writer waiting, nor the log from being used
again. What seems to be missing is asked for once more in one statement, for a row may have come or gone meanwhile.
A look can also seal the rows that were stored before there were seals.
"""

from collections.abc import Iterator

from homemon.core.points import moment_text
from homemon.storage.database import Database
from homemon.storage.schema import SEALED, checksum_sql, seal_sql

AT_ONCE = 1000  # rows
NAMED = 20  # faults at most

ROWS = f"""
SELECT series, time,
    typeof(series) = 'integer' AND typeof(time) = 'integer' AND typeof(value) IN ('integer', 'real') AND (
        sent IN (0, 1) OR sent = 2 AND EXISTS (
            SELECT 1 FROM parked WHERE parked.series = point.series AND parked.time = point.time)),
    seal >> 16, seal & 65535 = {checksum_sql("series", "time", "value", "(seal >> 16)")}
FROM point WHERE (series, time) > (?, ?) ORDER BY series, time LIMIT {AT_ONCE}
"""
GAP = """
SELECT seal >> 16 = coalesce(time - (
    SELECT max(before.time) FROM point AS before WHERE before.series = point.series AND before.time < point.time), 0)
FROM point WHERE series = ? AND time = ?
"""
SEAL = f"UPDATE point SET seal = {seal_sql('point')} WHERE series = ? AND time BETWEEN ? AND ? AND seal IS NULL"

Key = tuple[int, int]  # series and time
FIRST: Key = (-(1 << 63), 0)


class Look:
    """A look through all rows, in steps; of one `series`, where it is given, the rows later than `since`."""

    def __init__(self, db: Database, series: int | None = None, since: int = -(1 << 62)) -> None:
        self.unsealed = 0
        self._db = db
        self._series = series
        self._at = FIRST if series is None else (series, since)
        self._knows_before = series is None  # the row before the next one
        self._faults: list[str] = []
        self._more = 0
        with db.explained("read"):
            query = "SELECT id, measurement || ' ' || field FROM series"
            self._names: dict[int, str] = dict(db.execute(query).fetchall())
        self._sealed = bool(db.recall(SEALED))

    @property
    def faults(self) -> list[str]:
        """What was found so far."""
        return [*self._faults, f"{self._more:,} more"] if self._more else self._faults

    def step(self, seals: bool = False) -> bool:
        """Look at the next rows, and seal those that have no seal where wanted; whether there are more.

        Raise StoreError where they cannot be read.
        """
        with self._db.explained("read"):
            rows = self._db.execute(ROWS, self._at).fetchall()
        begun, unsealed = self._at, self.unsealed
        for row in rows:
            if self._series not in (None, row[0]):
                return False
            self._look_at(*row)
        if seals and self.unsealed > unsealed:
            self._seal([(row[0], row[1]) for row in rows])
        more = len(rows) == AT_ONCE and self._at > begun
        if not more and self._series is None and not (self.unsealed or self._faults or self._sealed):
            self._db.remember(**{SEALED: 1})
        return more

    def _look_at(self, series: int, time: int, sane: int, gap: int | None, right: int | None) -> None:
        if not sane or (gap is None and self._sealed) or (gap is not None and not right):
            self._add(series, f"the reading of {moment_text(time)} is not the one that was stored")
            self._knows_before = False
            if not isinstance(series, int) or not isinstance(time, int):
                return
        if (series, time) <= self._at:
            self._add(series, f"the reading of {moment_text(time)} is not in its place")
            return
        if gap is None:
            self.unsealed += 1
        elif self._knows_before and right:
            before = self._at[1] if self._at[0] == series else time
            if gap != time - before and not self._has_gap(series, time):
                since, until = moment_text(time - gap), moment_text(time)
                between = f"readings between {since} and {until} are missing"
                self._add(series, between if gap else f"readings before {until} are missing")
        self._at, self._knows_before = (series, time), True

    def _has_gap(self, series: int, time: int) -> bool:
        """Return whether the row before is where a row's seal says, now; also where the row has gone."""
        with self._db.explained("read"):
            row = self._db.execute(GAP, (series, time)).fetchone()
        return row is None or bool(row[0])

    def _seal(self, keys: list[Key]) -> None:
        with self._db.explained("written"), self._db.writing():
            for series in dict.fromkeys(series for series, _ in keys):
                times = [time for each, time in keys if each == series]
                self.unsealed -= self._db.execute(SEAL, (series, times[0], times[-1])).rowcount

    def _add(self, series: int, fault: str) -> None:
        if len(self._faults) < NAMED:
            self._faults.append(f"{self._names.get(series, f'series {series}, which is not known')}: {fault}")
        else:
            self._more += 1


def whole_faults(db: Database) -> list[str]:
    """Return what is wrong with the store, all of which is read; empty where it is sound.

    Raise StoreError where it cannot be read.
    """
    look = Look(db)
    while look.step():
        pass
    return db.integrity_faults() + look.faults


def newest_faults(db: Database, rows: int = 50_000) -> list[str]:
    """Return the same of the newest `rows` of each series, and of all but the points: years take long to read."""
    return db.faults_of_small_tables() + [fault for look in _newest(db, rows) for fault in look.faults]


def _newest(db: Database, rows: int) -> Iterator[Look]:
    query = "SELECT time FROM point WHERE series = ? ORDER BY time DESC LIMIT 1 OFFSET ?"
    with db.explained("read"):
        known = db.execute("SELECT id FROM series").fetchall()
        since = {series: db.execute(query, (series, rows)).fetchone() for (series,) in known}
    for series, found in since.items():
        look = Look(db, series, found[0]) if found else Look(db, series)
        while look.step():
            pass
        yield look
