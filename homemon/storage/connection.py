"""A connection to the store's file: made with its pragmas, and brought up to this version's schema.

`schema.MIGRATIONS` is the schema's history: a store is at the version in its `user_version`, and whoever
opens an older one runs what is missing, in one transaction, under the lock of a writer. So a store
is at one version or the next, whatever happens meanwhile, and only one process does it. A store
of a newer version is refused. A version that was released is never edited: what changes is added.

`synchronous=FULL` puts a commit on the disk before it returns, pages of 1 KB keep what is
written for it small (an SD card's life). The log is cut back to `LOG_STAYS` after a great
transaction; readers must not stay within one for long, or it could not be used again (`Store.lines`).

`auto_vacuum=INCREMENTAL` lets a pruned store be made smaller in steps (`retention`); SQLite takes it
in a new file only. An older file keeps its size, and uses its free pages again.
"""

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

from homemon.core.errors import StoreError
from homemon.core.files import make_private_file
from homemon.storage.openfile import OpenFile
from homemon.storage.schema import MIGRATIONS

BUSY_SECONDS = 30.0
LOG_STAYS = 2_000_000  # bytes, twice what SQLite lets it grow to in daily use
OPENED_AGAIN = 3  # times, where something happens to the files meanwhile


def connect(path: Path) -> sqlite3.Connection:
    """Return a connection to the store, made for its owner alone where it is new.

    A file that is there must not be opened here: closing it again would drop the locks that SQLite
    holds for this process (sqlite.org/howtocorrupt.html, 2.2), and another process that ends would
    take the write-ahead log away from under an open store.
    """
    make_private_file(path)
    db = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db)
    except BaseException:
        db.close()
        raise
    return db


def connect_watched(path: Path) -> tuple[sqlite3.Connection, OpenFile]:
    """Return a connection and its files; where a file system changes their inodes, they are not watched."""
    for _ in range(OPENED_AGAIN):
        db = connect(path)
        file = OpenFile(path)
        if file.intact():
            return db, file
        db.close()
    db = connect(path)
    return db, OpenFile(path, watched=False)


def _prepare(db: sqlite3.Connection) -> None:
    """Set the pragmas of every connection, and make the schema of this version."""
    db.execute("PRAGMA page_size = 1024")  # takes effect in a new file only
    _use_wal(db)
    db.execute("PRAGMA synchronous = FULL")
    db.execute(f"PRAGMA journal_size_limit = {LOG_STAYS}")
    db.execute("PRAGMA secure_delete = OFF")  # Debian's default writes zeros over all that is dropped
    newest = max(MIGRATIONS)
    version = _version(db)
    if version > newest:
        raise StoreError(
            f"the store was written by a newer homemon (schema {version}, this one knows {newest})",
            "Install the newer version again, or name another [store] dir.",
        )
    if version < newest:
        _migrate(db, newest)


def _migrate(db: sqlite3.Connection, newest: int) -> None:
    """Run what the store lacks, all of it or nothing; a process that ends here leaves it as it was."""
    db.execute("BEGIN IMMEDIATE")
    for version in range(_version(db) + 1, newest + 1):  # none, where another process was quicker
        for statement in _statements(MIGRATIONS[version]):
            db.execute(statement)
        db.execute(f"PRAGMA user_version = {version}")
    db.execute("COMMIT")


def _statements(text: str) -> Iterator[str]:
    """Yield the statements of a migration; those of a trigger belong to it."""
    statement = ""
    for part in text.split(";"):
        statement += part + ";"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    if statement.strip(" \n;"):
        yield statement


def _version(db: sqlite3.Connection) -> int:
    version: int = db.execute("PRAGMA user_version").fetchone()[0]
    return version


def _use_wal(db: sqlite3.Connection) -> None:
    """Turn WAL on, and in a new file auto_vacuum, which in another would only wait for a writer to end.

    Two that do so at once in a new file can fail in spite of the busy timeout: try again.
    """
    deadline = monotonic() + BUSY_SECONDS
    while True:
        try:
            if db.execute("PRAGMA page_count").fetchone()[0] == 0:
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or monotonic() > deadline:
                raise
            sleep(0.02)
