"""The store's file: opened, brought up to this version's schema, and written in whole transactions.

`schema.MIGRATIONS` is the schema's history: a store is at the version in its `user_version`, and whoever
opens an older one runs what is missing, in one transaction, under the lock of a writer. So a store
is at one version or the next, whatever happens meanwhile, and only one process does it. A store
of a newer version is refused. A version that was released is never edited: what changes is added.

Many processes write at once: WAL, BEGIN IMMEDIATE and a busy timeout let them queue up.
`synchronous=FULL` puts a commit on the disk before it returns, pages of 1 KB keep what is
written for it small (an SD card's life). The log is cut back to `LOG_STAYS` after a great
transaction; readers must not stay within one for long, or it could not be used again (`Store.lines`).

`auto_vacuum=INCREMENTAL` lets a pruned store be made smaller in steps (`retention`); SQLite takes it
in a new file only. An older file keeps its size, and uses its free pages again.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from homemon.errors import StoreError
from homemon.files import make_private_dir, make_private_file
from homemon.schema import MIGRATIONS

__all__ = ["BUSY_SECONDS", "FILE", "MIGRATIONS", "Database"]

FILE = "homemon.db"
BUSY_SECONDS = 30.0
LOG_STAYS = 2_000_000  # bytes, twice what SQLite lets it grow to in daily use
SMALL_TABLES = ("series", "parked", "undated", "delivery", "meter")


class Database:
    """One connection to the store in `folder`, for one thread.

    `busy`: seconds to wait for another process that writes. Raises StoreError.
    """

    def __init__(self, folder: Path, busy: float = BUSY_SECONDS) -> None:
        self.path = folder / FILE
        make_private_dir(folder)
        with self.explained("opened"):
            try:
                self._db = _open(self.path)
                self._db.execute(f"PRAGMA busy_timeout = {int(busy * 1000)}")
            except OSError as error:
                text = error.strerror or str(error)
                raise StoreError(f"the store {self.path} cannot be opened: {text}", _remedy(text)) from None

    def close(self) -> None:
        """Close the connection; what was committed stays."""
        self._db.close()

    def execute(self, statement: str, values: Sequence[float | str] = ()) -> sqlite3.Cursor:
        """One statement, for who keeps the file in order: within `explained`, and `writing` where it writes."""
        return self._db.execute(statement, values)

    def recall(self, key: str) -> float | str | None:
        """What `remember` kept under `key`."""
        with self.explained("read"):
            row = self._db.execute("SELECT value FROM delivery WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def remember(self, **facts: float | str) -> None:
        """Keep facts about the delivery (such as when to try again) for the next process."""
        with self.explained("written"), self.writing():
            self._db.executemany("INSERT OR REPLACE INTO delivery VALUES (?, ?)", facts.items())

    def shrink(self, pages: int) -> None:
        """Give so many free pages back to the file system. Within `explained`."""
        self._db.executescript(f"PRAGMA incremental_vacuum({pages})")  # execute() would stop after one page

    def integrity_faults(self) -> list[str]:
        """What SQLite finds wrong with the file, all of which it reads; empty when it is sound."""
        return self._faults("integrity_check")

    def faults_of_small_tables(self) -> list[str]:
        """The same for all but the points."""
        return [fault for table in SMALL_TABLES for fault in self._faults(f"integrity_check({table})")]

    def _faults(self, pragma: str) -> list[str]:
        with self.explained("read"):
            found = [row[0] for row in self._db.execute(f"PRAGMA {pragma}")]
        return [] if found == ["ok"] else found

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it is on disk at the end, or none."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def explained(self, what: str) -> Iterator[None]:
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
    """The pragmas of every connection, and the schema of this version."""
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
    """The statements of a migration; those of a trigger belong to it."""
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
