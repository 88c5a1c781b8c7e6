"""The rows of a store whose structure may be destroyed: read from its pages, not by way of its trees.

Each page of an SQLite file says what it is, so a page of rows is found whatever leads to it; and a row counts if
its seal fits (`schema`), or if it is older than seals. Pages that SQLite keeps for later use hold what was dropped,
and are left out. A log next to the file is read into it. The format: sqlite.org/fileformat2.html.
"""

import sqlite3
import struct
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from homemon.core.points import Number
from homemon.storage.schema import FRACTION, MODULUS, sound_sql

INTERIOR_KEYS, LEAF_KEYS, LEAF_ROWS = 0x02, 0x0A, 0x0D  # of a table without rowid or an index; of one with rowid
MAGIC, PAGE = b"SQLite format 3\0", 1024
LOG_HEAD, FRAME_HEAD = 32, 24
LOG_MAGICS = b"\x37\x7f\x06\x82", b"\x37\x7f\x06\x83"
FORMATS = {1: ">b", 2: ">h", 4: ">i", 6: ">q", 7: ">d"}
AT_ONCE = 2000  # rows
Names = tuple[str, str, str]  # of a series: measurement, tags, field
Record = list[Any]


class Row(NamedTuple):
    """One field of one point, whether the server has it (`outbox`), and the seconds since the row before it."""

    names: Names
    time: int
    value: Number
    sent: int
    gap: int | None


class Salvage:
    """What can be read of the store at `path`. Raise OSError."""

    def __init__(self, path: Path) -> None:
        self.unsure = 0  # rows from before there were seals
        self._pages = Pages(path)
        self.is_log = self._pages.is_log
        self.series = self._find_series()

    def rows(self, known: dict[int, int] | None = None) -> Iterator[Row]:
        """Yield each row, in no order; only of pages that changed since a call with the same `known`."""
        for number, page in self._pages:
            if known is not None and known.get(number) == hash(page):
                continue
            if known is not None:
                known[number] = hash(page)
            for record in records(page, number, (LEAF_KEYS, INTERIOR_KEYS)):
                if row := self._row(record):
                    yield row

    def undated(self) -> Iterator[tuple[str, float, Names, Number]]:
        """Yield the readings without a time: boot, seconds since it, series and value."""
        for number, page in self._pages:
            for record in records(page, number, (LEAF_ROWS,)):
                if len(record) == 5 and isinstance(record[1], str) and isinstance(record[2], float):
                    _, boot, ticks, series, value = record
                    if series in self.series and isinstance(value, int | float):
                        yield boot, ticks, self.series[series], value

    def facts(self) -> Iterator[tuple[str, Any]]:
        """Yield what was kept for later about the delivery and the tags, without what says that all is sound."""
        for number, page in self._pages:
            for record in records(page, number, (LEAF_KEYS, INTERIOR_KEYS)):
                if len(record) == 2 and isinstance(record[0], str) and record[0] != "sealed":
                    yield record[0], record[1]

    def meters(self) -> Iterator[tuple[int, str]]:
        """Yield since when which meter counts."""
        for number, page in self._pages:
            for record in records(page, number, (LEAF_ROWS,)):
                if len(record) == 3 and record[1] is None and isinstance(record[2], str):
                    yield record[0], record[2]

    def _row(self, record: Record) -> Row | None:
        if len(record) not in (4, 5):
            return None
        series, time, value, sent, seal = record if len(record) == 5 else [*record, None]
        sane = isinstance(time, int) and isinstance(value, int | float)
        if not sane or sent not in (0, 1, 2) or series not in self.series:
            return None
        if seal is None:
            self.unsure += 1
        elif not isinstance(seal, int) or checksum(series, time, value, seal >> 16) != seal & 65535:
            return None
        return Row(self.series[series], time, value, sent, None if seal is None else seal >> 16)

    def _find_series(self) -> dict[int, Names]:
        """Return the names of each series, which are in the table and once more in its index."""
        counted: dict[int, Counter[Names]] = {}
        for number, page in self._pages:
            for record in records(page, number, (LEAF_ROWS, LEAF_KEYS, INTERIOR_KEYS)):
                key, names = _series_of(record)
                if isinstance(key, int) and all(isinstance(name, str) for name in names):
                    counted.setdefault(key, Counter())[names] += 1
        return {key: names.most_common(1)[0][0] for key, names in counted.items()}


def _series_of(record: Record) -> tuple[Any, tuple[Any, ...]]:
    """Return the number and the names that a row of the series table or of its index has; of another, no number."""
    if len(record) == 5 and record[1] is None:
        return record[0], tuple(record[2:])
    return (record[3], tuple(record[:3])) if len(record) == 4 else (None, ())


def checksum(series: int, time: int, value: Number, gap: int) -> int:
    """Return what `schema.checksum_sql` gives; -1 for a value that has none."""
    try:
        whole = int(value)
        fraction = int((value - whole) * FRACTION)
    except (ValueError, OverflowError):
        return -1
    return (series * 40503 + time * 30011 + whole * 48271 + fraction * 52711 + gap * 33533) % MODULUS


class Pages:
    """The pages of a database that are in use, by number, each as its log has it last."""

    def __init__(self, path: Path) -> None:
        head = self._read(path, 0, 100)
        self.is_log = head[:4] in LOG_MAGICS  # one that was set aside: it has no database
        self._path, self._log_path = (Path("/dev/null"), path) if self.is_log else (path, Path(f"{path}-wal"))
        sound = head[:16] == MAGIC and len(head) == 100
        size = int.from_bytes(head[8:12] if self.is_log else head[16:18]) if sound or self.is_log else PAGE
        self.size = 65536 if size == 1 else size if size in (1 << bit for bit in range(9, 16)) else PAGE
        self._maps = self.size // 5 + 1 if sound and head[52:56] != bytes(4) else 0  # from one map of pages to the next
        self._log = self._read_log()
        self._free = self._find_free(self.page(1)) if sound else set()

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        last = max([self._path.stat().st_size // self.size, *self._log])
        for number in range(1, last + 1):
            if number not in self._free and not (self._maps and (number - 2) % self._maps == 0):
                yield number, self.page(number)

    def page(self, number: int) -> bytes:
        """Return a page, shorter or empty where the file ends before."""
        if number in self._log:
            return self._read(self._log_path, self._log[number], self.size)
        return self._read(self._path, (number - 1) * self.size, self.size)

    def _read(self, path: Path, at: int, size: int) -> bytes:
        with path.open("rb") as file:
            file.seek(at)
            return file.read(size)

    def _read_log(self) -> dict[int, int]:
        """Return where in the log the last committed version of a page is."""
        found: dict[int, int] = {}
        with suppress(OSError), self._log_path.open("rb") as file:
            salts = file.read(LOG_HEAD)[16:24]
            pending: dict[int, int] = {}
            while len(head := file.read(FRAME_HEAD)) == FRAME_HEAD and head[8:16] == salts:
                pending[int.from_bytes(head[:4])] = file.tell()
                file.seek(self.size, 1)
                if head[4:8] != bytes(4):  # the last frame of a transaction
                    found |= pending
                    pending = {}
        return found

    def _find_free(self, first: bytes) -> set[int]:
        """Return the pages in no use."""
        free: set[int] = set()
        trunk = int.from_bytes(first[32:36])
        while trunk and trunk not in free:
            page = self.page(trunk)
            count = min(int.from_bytes(page[4:8]), self.size // 4 - 2)
            free |= {trunk, *(number for (number,) in struct.iter_unpack(">I", page[8 : 8 + 4 * count]))}
            trunk = int.from_bytes(page[:4])
        return free


def records(page: bytes, number: int, kinds: tuple[int, ...]) -> Iterator[Record]:
    """Yield the records of a page of one of these kinds that can be read; of a table with rowid that comes first."""
    start = 100 if number == 1 else 0
    kind = page[start] if len(page) > start else None
    if kind not in kinds:
        return
    at = start + (12 if kind == INTERIOR_KEYS else 8)
    for cell in range(int.from_bytes(page[start + 3 : start + 5])):
        place = int.from_bytes(page[at + 2 * cell : at + 2 * cell + 2]) % len(page)  # as SQLite finds it
        with suppress(IndexError, struct.error, UnicodeDecodeError, ValueError):
            if kind == INTERIOR_KEYS:
                place += 4
            size, place = varint(page, place)
            key = []
            if kind == LEAF_ROWS:
                rowid, place = varint(page, place)
                key = [rowid]
            if place + size <= len(page):
                yield key + record(page[place : place + size])


def record(payload: bytes) -> Record:
    """Return the values of a record. Raise IndexError, ValueError, struct.error where it is none."""
    end, at = varint(payload, 0)
    body, values = end, []
    while at < end:
        kind, at = varint(payload, at)
        value, size = _value(payload, kind, body)
        values.append(value)
        body += size
    if body > len(payload):
        raise ValueError("longer than it is")
    return values


def _value(payload: bytes, kind: int, at: int) -> tuple[Any, int]:
    if kind in (0, 8, 9):
        return (None, 0, 1)[max(0, kind - 7)], 0
    if kind in FORMATS:
        size = struct.calcsize(FORMATS[kind])
        return struct.unpack_from(FORMATS[kind], payload, at)[0], size
    if kind in (3, 5):
        size = 3 if kind == 3 else 6
        return int.from_bytes(payload[at : at + size], signed=True), size
    size = (kind - 12) // 2
    content = payload[at : at + size]
    return (content.decode() if kind % 2 else content), max(0, size)


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return an integer of 1 to 9 bytes, and where it ends. Raise IndexError."""
    value = 0
    for count in range(8):
        byte = data[at + count]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + count + 1
    return value << 8 | data[at + 8], at + 9


# --- into another store -----------------------------------------------------------------


def rows_of(db: sqlite3.Connection) -> Iterator[Row]:
    """Yield the sound rows of a store that is open. Raises sqlite3.Error."""
    which = f"series JOIN point ON series = id WHERE {sound_sql('0')}"
    query = f"SELECT measurement, tags, field, time, value, sent, seal >> 16 FROM {which}"
    return (Row((name, tags, field), *rest) for name, tags, field, *rest in db.execute(query))


def add_lacking(rows: Iterable[Row], db: sqlite3.Connection) -> Counter[Names]:
    """Store those rows that `db` lacks, some at a time; return how many of each series. Raises sqlite3.Error."""
    added: Counter[Names] = Counter()
    ids: dict[Names, int] = {}
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == AT_ONCE:
            _add(batch, db, ids, added)
            batch = []
    _add(batch, db, ids, added)
    return added


def _add(batch: list[Row], db: sqlite3.Connection, ids: dict[Names, int], added: Counter[Names]) -> None:
    statement = f"""
        INSERT INTO point (series, time, value, sent) VALUES (?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET value = excluded.value, sent = excluded.sent WHERE NOT {sound_sql("0")}
    """
    db.execute("BEGIN IMMEDIATE")
    for names, time, value, sent, _ in batch:
        if names not in ids:
            ids[names] = series_id(db, names)
        added[names] += db.execute(statement, (ids[names], time, value, sent == 1)).rowcount
    db.execute("COMMIT")


def series_id(db: sqlite3.Connection, names: Names) -> int:
    """Return the number of a series, which is made where there is none. Within a transaction."""
    db.execute("INSERT OR IGNORE INTO series (measurement, tags, field) VALUES (?, ?, ?)", names)
    query = "SELECT id FROM series WHERE measurement = ? AND tags = ? AND field = ?"
    number: int = db.execute(query, names).fetchone()[0]
    return number


def missing(rows: Iterable[Row], db: sqlite3.Connection) -> list[tuple[Names, int | None, int]]:
    """Return where the rows before `rows` are not in `db`: the series, and the times between which they were."""
    there = "SELECT max(time) FROM point WHERE series = ? AND time < ?"
    ids = {tuple(names): number for number, *names in db.execute("SELECT * FROM series")}
    found = []
    for names, time, _, _, gap in rows:
        if gap:
            (before,) = db.execute(there, (ids.get(names), time)).fetchone()
            if before is None or before < time - gap:
                found.append((names, before, time))
    return sorted(found, key=lambda each: (each[0], each[2]))
