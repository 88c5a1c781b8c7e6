"""Whether an open store is still the one at its path, and how it is left where it is not.

A file can be moved, deleted or overwritten under a running program, which then goes on writing into what nobody
will read. So the three files of a store (the database, its `-wal`, its `-shm`) are compared with what the path
names, by device and inode; and the database's time of change with the progress of SQLite's checkpoints, which
alone change it, so that other content under the same inode is seen too.

What must not happen (sqlite.org/howtocorrupt.html, 2.2 to 2.5): a file of the store closed by us while SQLite has
locks on it, which drops them; a log that belongs to one database read into another; the log of the new store
deleted by the last connection to the old one. That connection is therefore closed while an open file
description lock makes SQLite believe that others use the database: then it neither writes nor deletes.
"""

import os
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import F_OFD_GETLK, F_OFD_SETLK, F_RDLCK, F_UNLCK, F_WRLCK
from pathlib import Path
from sqlite3 import Connection, Error
from typing import NamedTuple
from zlib import crc32

from homemon.core.files import ofd

USED = 0x4000_0002, 510  # bytes of the database that each connection in WAL mode locks (os_unix.c, SHARED_FIRST)
ATTACHED = 128, 1  # the byte of the -shm that each process locks which has it open (os_unix.c, UNIX_SHM_DMS)
INDEX_HEAD = struct.Struct("=32x8s56xI28xI")  # of the -shm: salts; frames written back, and those to be (wal.c)
PAGE, SAMPLED = 1024, 8
Identity = tuple[int, int]


class Left(NamedTuple):
    """What became of a store that was left: what happened, what to do next, and whether its file is deleted."""

    what: str
    hint: str
    deleted: bool = False


def identity(path: str) -> Identity | None:
    """Return device and inode of what `path` names, None where there is nothing."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


class OpenFile:
    """The files behind a connection that has just opened the store at `path`; always intact if not `watched`."""

    def __init__(self, path: Path, watched: bool = True) -> None:
        self.path = str(path)
        self._watched = watched
        self._log, self._index = f"{path}-wal", f"{path}-shm"
        self.identity, self._log_identity, self._index_identity = map(identity, (self.path, self._log, self._index))
        self._device, self._inode = self.identity or (0, 0)
        self._log_inode, self._index_inode = (each and each[1] for each in (self._log_identity, self._index_identity))
        self._handles = {each: _own_handle(each) for each in (self.identity, self._index_identity)}
        self._changed = path.stat().st_mtime_ns
        self._progress, self._sample = self._read_progress(), self._read_sample()
        self._begun = self._progress[2:]
        self._overwritten = False

    def is_of(self, path: Path) -> bool:
        """Return whether the store at `path`, or one that was there, is open here: its database or its -shm."""
        there = {identity(str(path)), identity(f"{path}-shm")} - {None}
        return str(path) == self.path or not there.isdisjoint((self.identity, self._index_identity))

    def intact(self) -> bool:
        """Return whether the path's files are these, and nobody but SQLite wrote into the database."""
        try:
            log, index = os.stat(self._log).st_ino, os.stat(self._index).st_ino
        except OSError:
            return not self._watched
        return (log == self._log_inode and index == self._index_inode and self.unchanged()) or not self._watched

    def unchanged(self) -> bool:
        """Return the same, of the database alone."""
        try:
            database = os.stat(self.path)
        except OSError:
            return not self._watched
        if database.st_ino != self._inode or database.st_dev != self._device:
            return not self._watched
        return database.st_mtime_ns == self._changed or self._written_back(database.st_mtime_ns) or not self._watched

    def note_progress(self) -> None:
        """Take what the log is at now for known: after a commit of ours, which may have begun it anew."""
        self._progress = self._read_progress()

    def _written_back(self, changed: int) -> bool:
        """Return whether a checkpoint changed the database, or nothing did but its time."""
        progress, sample = self._read_progress(), self._read_sample()
        under_way = progress[1:2] != progress[2:] and progress[2:] != self._begun
        self._overwritten = progress == self._progress and not under_way and sample != self._sample
        if not self._overwritten:
            self._changed, self._progress, self._sample = changed, progress, sample
        return not self._overwritten

    def _read_progress(self) -> tuple[bytes | int, ...]:
        """Return the salts of the log, and how many of its frames are written back and to be written back."""
        handle = self._handles[self._index_identity]  # one for all connections of a process, as long as one is open
        head = os.pread(handle, INDEX_HEAD.size, 0) if handle is not None else b""
        return INDEX_HEAD.unpack(head) if len(head) == INDEX_HEAD.size else ()

    def _read_sample(self) -> int:
        """Return a checksum of the size, and of pages at the beginning and the end, which seldom stay as they are."""
        handle = self._handle(self.identity)
        size = os.fstat(handle).st_size if handle is not None else 0
        ends = (self._read(self.identity, PAGE * SAMPLED, at) for at in (0, max(0, size - PAGE * SAMPLED)))
        return crc32(b"".join(ends), size)

    def _read(self, wanted: Identity | None, size: int, at: int) -> bytes:
        handle = self._handle(wanted)
        try:
            return os.pread(handle, size, at) if handle is not None else b""
        except OSError:
            return b""

    def _handle(self, wanted: Identity | None) -> int | None:
        """Return SQLite's own descriptor of a file; it is only read from, and never closed here."""
        handle = self._handles[wanted]
        if handle is not None and not _is(handle, wanted):
            handle = self._handles[wanted] = _own_handle(wanted)
        return handle

    # --- leaving -----------------------------------------------------------------------

    def leave(self, db: Connection) -> Left:
        """Bring what `db` holds into its database, and take its log away from the path where another file is.

        The connection is still to be closed, within `closing`.
        """
        if identity(self.path) != self.identity:
            return self._leave_moved(db)
        self._overwritten = self._overwritten or not self.unchanged()
        newer = identity(self._index) not in (None, self._index_identity)  # another process has begun anew
        whole = not self._overwritten and not newer and _checkpoint(db)
        aside = ""
        if not newer and identity(self._log) == self._log_identity:
            aside = "" if whole else _set_aside(self._log)
            if whole:
                _delete(self._log)
        if not newer:
            _delete(self._index)
        hint = f"`homemon repair --from {aside}` brings back what other commands recorded since then." if aside else ""
        if self._overwritten:
            return Left(f"the store {self.path} was overwritten while it was in use", hint)
        return Left(f"files of the store {self.path} (-wal, -shm) were removed while it was in use", hint)

    def _leave_moved(self, db: Connection) -> Left:
        """Leave a path that names another file, or no file: the log follows its database."""
        _checkpoint(db)
        handle = self._handle(self.identity)
        deleted = handle is None or os.fstat(handle).st_nlink == 0
        place = os.readlink(f"/proc/self/fd/{handle}") if not deleted else ""
        for path, own, suffix in ((self._log, self._log_identity, "-wal"), (self._index, self._index_identity, "-shm")):
            if identity(path) != own:
                continue
            if deleted or os.path.exists(place + suffix):
                _set_aside(path)
            else:
                with suppress(OSError):
                    os.rename(path, place + suffix)
        if deleted:
            return Left(f"the store {self.path} was deleted while it was in use", "", True)
        hint = f"`homemon repair --from {place}` brings back what it holds."
        return Left(f"the store {self.path} was moved to {place} while it was in use", hint)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """Hold the lock of an open database for a block in which all connections of this process are closed."""
        handle = self._handle(self.identity)
        guard = os.open(f"/proc/self/fd/{handle}", os.O_RDONLY | os.O_CLOEXEC) if handle is not None else None
        try:
            if guard is not None:
                with suppress(OSError):
                    ofd(guard, F_OFD_SETLK, F_RDLCK, *USED)
            yield
        finally:
            if guard is not None:
                os.close(guard)


def wait_until_written(path: Path, within: float = 10.0, rests: float = 0.2) -> None:
    """Wait until nobody goes on writing the file at `path`, as a copy does that is still under way."""
    before, deadline = None, time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            found = path.stat()
        except OSError:
            return
        if before == (found.st_ino, found.st_size, found.st_mtime_ns):
            return
        before = found.st_ino, found.st_size, found.st_mtime_ns
        time.sleep(rests)


def set_foreign_log_aside(path: Path) -> str:
    """Rename a log that does not belong to the database at `path`, which SQLite would read into it or delete.

    Return the new name, empty where there was none. So is a log whose database is not there, and one that a
    process has open which has not this database open. No connection of this process may have these files open.
    """
    log, index = f"{path}-wal", f"{path}-shm"
    try:
        if not os.path.getsize(log):
            return ""
        orphan = (
            not path.exists() or not path.stat().st_size or (_locked(index, *ATTACHED) and not _locked(path, *USED))
        )
    except OSError:
        return ""
    if not orphan:
        return ""
    aside = _set_aside(log)
    _delete(index)
    return aside


def _own_handle(wanted: Identity | None) -> int | None:
    """Return the number of a descriptor of this process, SQLite's, of a file."""
    with suppress(OSError):
        for name in os.listdir("/proc/self/fd"):
            if _is(int(name), wanted):
                return int(name)
    return None


def _is(handle: int, wanted: Identity | None) -> bool:
    try:
        found = os.fstat(handle)
    except OSError:
        return False
    return (found.st_dev, found.st_ino) == wanted


def _locked(path: Path | str, start: int, length: int) -> bool:
    """Return whether a process has a lock on bytes of a file. Raise OSError."""
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        return ofd(handle, F_OFD_GETLK, F_WRLCK, start, length)[0] != F_UNLCK
    finally:
        os.close(handle)


def _checkpoint(db: Connection) -> bool:
    """Write the log back as far as readers allow; whether that was all of it."""
    try:
        busy, frames, written = db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    except Error:
        return False
    return not busy and frames == written


def _set_aside(path: str) -> str:
    """Give a file a name of its own, which is returned; empty where that cannot be done."""
    aside = f"{path}.{time.strftime('%Y%m%d-%H%M%S')}"
    number = 0
    while os.path.exists(aside):
        number += 1
        aside = f"{path}.{time.strftime('%Y%m%d-%H%M%S')}-{number}"
    try:
        os.rename(path, aside)
    except OSError:
        return ""
    return aside


def _delete(path: str) -> None:
    with suppress(OSError):
        os.unlink(path)
