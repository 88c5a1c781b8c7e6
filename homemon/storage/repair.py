"""A damaged store made sound again, a copy of one, and what another one holds brought back."""

import os
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import rmtree
from time import strftime
from typing import NamedTuple

from homemon.core.errors import StoreDamaged, StoreError
from homemon.core.files import make_private_dir, make_private_file, make_temporary_dir
from homemon.core.points import Number, in_range
from homemon.storage.database import FILE, Database
from homemon.storage.health import whole_faults
from homemon.storage.salvage import Names, Row, Salvage, add_lacking, missing, series_id

SUFFIXES = ("-wal", "-shm", "")  # in the order in which they are renamed: never a log next to another database


class Repaired(NamedTuple):
    """What became of a damaged store: how many values are whole, what is missing, where the damaged file is."""

    whole: int
    unsure: int
    lost: list[tuple[Names, int | None, int]]
    aside: Path


def copy(db: Database, target: Path) -> None:
    """Write a copy of the store to `target`, private and verified; commands may write meanwhile.

    What was there is replaced by a copy that is sound, and by no other. Raise StoreError, OSError.
    """
    with _workshop(target.parent) as folder:
        make_private_file(folder / FILE)
        with db.explained("copied"), closing(sqlite3.connect(folder / FILE)) as new:
            db.connection.backup(new)
        if faults := _faults(folder):
            text = f"the store {db.path} is damaged: {faults[0]}; no copy was made"
            raise StoreDamaged(text, "`homemon repair` first.")
        with closing(sqlite3.connect(folder / FILE)) as new:
            new.execute("PRAGMA journal_mode = DELETE")  # so that it can be read where nothing can be written
        os.replace(folder / FILE, target)


def restore(path: Path, source: Path) -> Path | None:
    """Put a verified copy of the store at `source` in the place of the one at `path`, and return where that is now.

    None where there was none. Commands that have it open go on with the new one, and store there what they stored
    since they opened theirs. Raise StoreError, OSError.
    """
    if not Salvage(source).series:
        raise StoreError(f"{source} holds no readings of homemon", "Name a file that `homemon backup` made.")
    make_private_dir(path.parent)
    with _workshop(path.parent) as folder:
        make_private_file(folder / FILE)
        _copy_file(source, folder / FILE)
        if faults := _faults(folder):
            text = f"the copy {source} is damaged: {faults[0]}; the store is as it was"
            raise StoreDamaged(text, "`homemon repair --from` it brings back what is whole in it.")
        aside = set_aside(path, "replaced") if path.exists() else None
        os.rename(folder / FILE, path)
    return aside


def _copy_file(source: Path, target: Path) -> None:
    """Copy a database that nothing may be written next to. Raise StoreError."""
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target)) as new,
        ):
            old.backup(new)
            new.execute("PRAGMA journal_mode = DELETE")  # one file, whole, before it is renamed
    except sqlite3.Error as error:
        text = f"the copy {source} cannot be read: {error}; the store is as it was"
        raise StoreDamaged(text, "`homemon repair --from` it brings back what is whole in it.") from None


def _faults(folder: Path) -> list[str]:
    with closing(Database(folder)) as copied:
        try:
            return whole_faults(copied)
        except StoreDamaged as error:
            return [str(error.__cause__)]


def repair(path: Path) -> Repaired:
    """Put a sound file with all that is whole in the place of the store at `path`, which keeps another name.

    Commands that have it open go on with the new one. Raise StoreError, OSError.
    """
    with _workshop(path.parent) as folder:
        known: dict[int, int] = {}
        found = Salvage(path)
        new = Database(folder)
        with new.explained("written"):
            whole = add_lacking(found.rows(known), new.connection).total()
            _add_rest(found, new.connection)
            lost = missing(found.rows(), new.connection)
        new.close()
        aside = set_aside(path)
        os.rename(folder / FILE, path)
    late = Database(path.parent)
    with late.explained("written"):  # what commands stored meanwhile
        whole += add_lacking(Salvage(aside).rows(known), late.connection).total()
    late.close()
    return Repaired(whole, found.unsure, lost, aside)


def set_aside(path: Path, what: str = "damaged") -> Path:
    """Give the store at `path` a name next to it that says `what` it is, and return that. Raise OSError."""
    stamp = strftime("%Y%m%d-%H%M%S")
    names = (f"{path}.{what}-{stamp}{f'-{number}' if number else ''}" for number in range(1000))
    aside = next(Path(name) for name in names if not os.path.exists(name))
    for suffix in SUFFIXES:
        with suppress(FileNotFoundError):
            os.rename(f"{path}{suffix}", f"{aside}{suffix}")
    return aside


def bring_back(db: Database, source: Path, wanted: Callable[[Row], bool] = lambda row: True) -> Counter[Names]:
    """Add those values of the store at `source` that are `wanted` and that `db` lacks; return how many of each series.

    Raise StoreError, OSError.
    """
    found = Salvage(source)
    if found.is_log:  # the names of its series are in the database that it belonged to, which ours continues
        with db.explained("read"):
            found.series = {
                number: (name, tags, field) for number, name, tags, field in db.execute("SELECT * FROM series")
            } | found.series
    if not found.series:
        raise StoreError(f"{source} holds no readings of homemon", "Name a copy of a store's homemon.db.")
    possible = (row for row in found.rows() if in_range(row.time, row.value) and wanted(row))
    with db.explained("written"):
        return +add_lacking(possible, db.connection)


def add_sent(
    db: Database, measurement: str, field: str, sets: Sequence[str], rows: Sequence[tuple[int, Number]]
) -> tuple[int, int]:
    """Store, under the first of `sets` (of tags), those values that `db` has at no such time under any of them.

    They count as sent, and no value that is there is replaced. `rows` are times (Unix seconds) and values. Return
    how many were stored, and how many `db` has otherwise. One transaction. Raise StoreError.
    """
    query = """
        SELECT time, value FROM series JOIN point ON series = id
        WHERE measurement = ? AND tags = ? AND field = ? AND time BETWEEN ? AND ?
    """
    if not rows:
        return 0, 0
    with db.explained("written"), db.writing():
        times = [time for time, _ in rows]
        known: dict[int, Number] = {}
        for tags in reversed(sets):
            known |= db.execute(query, (measurement, tags, field, min(times), max(times))).fetchall()
        lacking = {time: value for time, value in rows if time not in known}
        if lacking:
            series = series_id(db.connection, (measurement, sets[0], field))
            statement = "INSERT INTO point (series, time, value, sent) VALUES (?, ?, ?, 1)"
            db.connection.executemany(statement, [(series, *row) for row in lacking.items()])
    return len(lacking), sum(time in known and known[time] != value for time, value in rows)


def still_missing(db: Database, since: int) -> list[tuple[Names, int | None, int]]:
    """Return what was in the damaged files at `db` and is not in it, as `salvage.missing` does; not before `since`.

    Raise StoreError, OSError.
    """
    asides = [path for path in db.path.parent.glob(f"{FILE}.damaged-*") if not path.name.endswith(SUFFIXES[:2])]
    with db.explained("read"):
        found = {each for path in asides for each in missing(Salvage(path).rows(), db.connection)}
    return sorted((each for each in found if each[2] > since), key=lambda each: (each[0], each[2]))


def _add_rest(found: Salvage, db: sqlite3.Connection) -> None:
    """Add what is not points."""
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT OR IGNORE INTO delivery VALUES (?, ?)", found.facts())
    db.executemany("INSERT OR IGNORE INTO meter VALUES (?, ?)", found.meters())
    rows = [(boot, ticks, series_id(db, names), value) for boot, ticks, names, value in found.undated()]
    db.executemany("INSERT INTO undated VALUES (?, ?, ?, ?)", rows)
    db.execute("COMMIT")


@contextmanager
def _workshop(parent: Path) -> Iterator[Path]:
    """Yield a private folder on the same file system, which is removed when the work is done."""
    folder = make_temporary_dir(parent)
    try:
        yield folder
    finally:
        rmtree(folder, ignore_errors=True)
