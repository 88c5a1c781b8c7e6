"""The store's file, which many commands write and may find moved, overwritten or deleted under them.

WAL, BEGIN IMMEDIATE and a busy timeout let writers queue up; each writes whole transactions.
"""

import atexit
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from threading import Event, Lock, RLock, get_ident
from time import monotonic

from homemon.core.errors import StoreDamaged, StoreError, StoreMoved
from homemon.core.files import Lock as FileLock
from homemon.core.files import make_private_dir
from homemon.core.points import moment_text
from homemon.storage.connection import BUSY_SECONDS, connect, connect_watched
from homemon.storage.openfile import Identity, Left, OpenFile, set_foreign_log_aside, wait_until_written

FILE = "homemon.db"
SMALL_TABLES = ("series", "parked", "undated", "delivery", "meter", "sink", "lacked", "fill", "counted")
SOON = 0.05  # seconds that a look at the path's files holds good for
LETS_GO_WITHIN = 5.0  # seconds in which another thread's statement ends
DAMAGE = (TypeError, ValueError, OverflowError, LookupError)  # what a value that no homemon stored leads to

Values = Sequence[float | str | None] | Mapping[str, float | str | None]
Version = tuple[int, int, int]

_connected: dict[Identity | None, list["Database"]] = {}
"""Which databases this process has open: those of one file have SQLite's locks and the -shm in common."""
_following = RLock()
_last: int | None = None
"""The thread that closes all of them at the end of the process: no other may begin to use one then."""


class Database:
    """One connection to the store in `folder`, for one thread.

    `busy`: seconds to wait for another process that writes. Raise StoreError. Where the file at the path is not
    the one that is open any more, which is looked for before and after each use, the path's file is opened,
    `restore` stores again what this process stored (and returns how many readings), and `report` is called with
    what happened and what to do next. Ids of rows hold good for one `generation`.
    """

    def __init__(self, folder: Path, busy: float = BUSY_SECONDS) -> None:
        self.path = folder / FILE
        self.generation = 0
        self.restore: Callable[[], int] = lambda: 0
        self.news: list[tuple[str, str]] = []
        self.report: Callable[[str, str], None] = lambda text, hint: self.news.append((text, hint))
        self._busy = busy
        self._using = Lock()  # taken by the thread in which this database is used, or by who closes it for a new one
        self._depth = 0
        self._wrote = False
        self._file: OpenFile | None = None
        self.left_out: tuple[str, int, int] | None = None  # what queries left out, series and time of the first row
        self._reported = False
        self._left: list[tuple[Left, bool]] = []  # what was left, and whether a file was at the path; to be reported
        with self.explained("opened"):
            pass

    def close(self) -> None:
        """Close the connection; what was committed stays, and in the file that is the path's."""
        with suppress(StoreError, sqlite3.Error):
            self._follow()
        with _following:
            if self._file:
                _connected[self._file.identity].remove(self)
                with nullcontext() if self._file.intact() else self._file.closing():
                    self._db.close()
            self._file = None

    @property
    def connection(self) -> sqlite3.Connection:
        """SQLite's own connection: within `explained`."""
        return self._db

    def execute(self, statement: str, values: Values = ()) -> sqlite3.Cursor:
        """Do one statement, for whoever keeps the file in order: within `explained`, and `writing` where it writes."""
        return self._db.execute(statement, values)

    def execute_many(self, statement: str, rows: Iterable[Sequence[float | str]]) -> None:
        """Do the same statement for each of the rows: within `explained`, and `writing` where it writes."""
        self._db.executemany(statement, rows)

    def change_exactly(self, number: int, statement: str, values: Values) -> bool:
        """Do one statement if it changes so many rows, and nothing where it does not, or meets damage.

        Return whether it did; within `writing`.
        """
        self._db.execute("SAVEPOINT exactly")
        try:
            if self._db.execute(statement, values).rowcount == number:
                return True
        except sqlite3.DatabaseError as error:
            if type(error) is not sqlite3.DatabaseError:  # its subclasses are of something else, such as a full disk
                raise
        self._db.execute("ROLLBACK TO SAVEPOINT exactly")
        return False

    def version(self) -> Version:
        """Return what differs once anything was written, by whomever: within `explained`, and one transaction."""
        (others,) = self._db.execute("PRAGMA data_version").fetchone()  # sqlite.org/pragma.html, data_version
        return self.generation, others, self._db.total_changes

    def recall(self, key: str) -> float | str | None:
        """Return what `remember` stored under `key`."""
        with self.explained("read"):
            row = self._db.execute("SELECT value FROM delivery WHERE key = ?", (key,)).fetchone()
        return row[0] if row else None

    def remember(self, **facts: float | str) -> None:
        """Keep facts about the delivery (such as when to try again) for the next process."""
        with self.explained("written"), self.writing():
            self._db.executemany("INSERT OR REPLACE INTO delivery VALUES (?, ?)", facts.items())

    def forget(self, beginning: str) -> None:
        """Drop the facts whose keys begin so."""
        with self.explained("written"), self.writing():
            self._db.execute("DELETE FROM delivery WHERE substr(key, 1, ?) = ?", (len(beginning), beginning))

    def shrink(self, pages: int) -> None:
        """Give so many free pages back to the file system. Within `explained`."""
        self._db.executescript(f"PRAGMA incremental_vacuum({pages})")  # execute() would stop after one page

    def integrity_faults(self) -> list[str]:
        """Return what SQLite finds wrong with the file, all of which it reads; empty when it is sound."""
        return self._faults("integrity_check")

    def faults_of_small_tables(self) -> list[str]:
        """Return what SQLite finds wrong with all tables but the points."""
        return [fault for table in SMALL_TABLES for fault in self._faults(f"integrity_check({table})")]

    def _faults(self, pragma: str) -> list[str]:
        with self.explained("read"):
            found = [row[0] for row in self._db.execute(f"PRAGMA {pragma}")]
        return [] if found == ["ok"] else found

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Make the block one transaction: all of it is on disk at the end, or nothing. Raise StoreMoved."""
        asked = monotonic()
        self._db.execute("BEGIN IMMEDIATE")
        self._wrote = True
        try:
            if self._file and monotonic() > asked + SOON and not self._file.intact():
                raise StoreMoved(f"the store {self.path} is not the file that was open", "Run the command again.")
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self.generation += 1
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def explained(self, what: str) -> Iterator[None]:
        """Raise SQLite's errors as ours, with the remedy, around the use of what is the path's file now."""
        outermost = self._depth == 0
        try:
            if outermost:
                self._begin()
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                if outermost:
                    if self.left_out:
                        self._report_left_out(*self.left_out)
                    self._using.release()
            if outermost and self._wrote:
                self._wrote = False
                self._follow()
                if self._file:
                    self._file.note_progress()
        except sqlite3.Error as error:
            kind = StoreDamaged if type(error) is sqlite3.DatabaseError else StoreError
            raise kind(f"the store {self.path} cannot be {what}: {error}", _remedy(str(error))) from error
        except DAMAGE as error:
            raise StoreDamaged(f"the store {self.path} is damaged: {error}", _remedy("malformed"), False) from error

    def note_missing(self, series: int, time: int) -> None:
        """Note that rows next to `time` were stored and are not found."""
        self.left_out = self.left_out or ("stored readings are not found, the first next to {} of {}", series, time)

    def _leave_out(self, series: int, time: int) -> int:
        """Note a row that a query leaves out: SQL's `unsound`, see `schema.SOUND`."""
        self.left_out = self.left_out or (
            "readings that do not fit their checksum are left out, first {} of {}",
            series,
            time,
        )
        return 0

    def _report_left_out(self, what: str, series: int, time: int) -> None:
        """Report it once for all connections of this process to the file."""
        if self._file and not any(each._reported for each in _connected[self._file.identity]):
            self._reported = True
            query = "SELECT coalesce(max(measurement || ' ' || field), 'one') FROM series WHERE id = ?"
            first = what.format(self._db.execute(query, (series,)).fetchone()[0], moment_text(time))
            self.report(f"the store {self.path} is damaged: {first}", _remedy("malformed"))

    # --- which file it is ----------------------------------------------------------------

    def _begin(self) -> None:
        """Have the path's file open, and nobody else close it. Raise StoreError."""
        while True:
            self._follow()
            self._using.acquire()
            ends = _last not in (None, get_ident())
            if self._file and not ends:
                return
            self._using.release()
            if ends:
                Event().wait()  # for the end of the process

    def _follow(self) -> None:
        """Open the path's file where it is not the one that is open. Raise StoreError."""
        if self._file and self._file.intact() and not self._left:
            return
        with _following, self._alone():
            there = os.path.exists(self.path)
            if self._file and not self._file.intact():
                self._left.append((self._leave(self._file), there))
                wait_until_written(self.path)
            if not self._file:
                self._connect()
            self._make_up()

    def _make_up(self) -> None:
        """Add what this command stored to the new file, and report; at the next use, where that fails."""
        pending, self._left = self._left, []
        try:
            again = self.restore() if pending else 0
        except BaseException:
            self._left = pending
            raise
        for left, there in pending:
            self._say_what_became(left, there, again)

    def _say_what_became(self, left: Left, there: bool, again: int) -> None:
        how = "the file that is there now is used" if there else "a new one was begun"
        if left.deleted:
            how = "it was written again from what was open"
        if again:
            how = f"{how}, and {again} readings of this command were added"
        self.report(f"{left.what}; {how}", left.hint)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Make the block the only one that leaves the file, among all processes. Raise StoreError."""
        if not self._file:
            yield
            return
        make_private_dir(self.path.parent)
        with FileLock(self.path.parent / "store.lock").holding(BUSY_SECONDS):
            yield

    def _connect(self) -> None:
        known = (each._file for open_here in _connected.values() for each in open_here)
        in_use = any(file and file.is_of(self.path) for file in known)
        if not in_use and (aside := set_foreign_log_aside(self.path)):
            self.report(f"{aside} is the log of another store that was at {self.path}", "")
        try:
            make_private_dir(self.path.parent)
            self.generation += 1
            self._db, self._file = connect_watched(self.path)
        except OSError as error:
            text = error.strerror or str(error)
            raise StoreError(f"the store {self.path} cannot be opened: {text}", _remedy(text)) from None
        self._db.execute(f"PRAGMA busy_timeout = {int(self._busy * 1000)}")
        self._db.create_function("unsound", 2, self._leave_out)
        self._reported = False  # that rows are left out
        _connected.setdefault(self._file.identity, []).append(self)

    def _leave(self, file: OpenFile) -> Left:
        """Close all connections of this process to a file that is not the path's any more, or not as it was."""
        left = file.leave(self._db)
        if left.deleted:
            self._write_again()
        others = [each for each in _connected[file.identity] if each is not self]
        taken = [each for each in others if each._using.acquire(timeout=LETS_GO_WITHIN)]
        try:
            if len(taken) < len(others):
                raise StoreError(f"{left.what}, and another thread still uses it", left.hint)
            with file.closing():
                for each in (self, *taken):
                    each._db.close()
                    each._file = None
            del _connected[file.identity]
        finally:
            for each in taken:
                each._using.release()
        return left

    def _write_again(self) -> None:
        """Write the open store, whose file is deleted, to the path. Raise StoreError."""
        make_private_dir(self.path.parent)
        with closing(connect(self.path)) as new:
            if new.execute("SELECT 1 FROM series").fetchone():
                from homemon.storage.salvage import add_lacking, rows_of

                add_lacking(rows_of(self._db), new)
            else:
                self._db.backup(new)


@atexit.register
def _close_all() -> None:
    """Close what is open and not in use, so that no log is left behind of a store that was moved."""
    global _last
    _last = get_ident()
    for each in [each for known in list(_connected.values()) for each in known]:
        if each._using.acquire(timeout=LETS_GO_WITHIN / 10):
            each._using.release()
            with suppress(sqlite3.Error):
                each.close()


REMEDIES = (
    ("full", "The disk is full: free some space; readings are stored again as soon as there is."),
    ("No space", "The disk is full: free some space, and start again."),
    ("Permission denied", "Run homemon as the user who owns the store's folder, or name another in [store] dir."),
    ("readonly", "Run homemon as the user who owns the store's folder, or name another in [store] dir."),
    ("unable to open", "Check that [store] dir exists and that you may write there."),
    ("disk I/O", "The disk does not take what is written (full, worn out, or unplugged): see dmesg and df."),
    ("malformed", "The file is damaged: `homemon repair` saves what is whole."),
    ("not a database", "Another file is in the store's place, or it is damaged: `homemon repair` saves what is whole."),
    ("locked", "Another process holds the store for very long: see which homemon commands run."),
)


def _remedy(text: str) -> str:
    return next((remedy for sign, remedy in REMEDIES if sign in text), "")
