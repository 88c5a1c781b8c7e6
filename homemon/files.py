"""Files that are whole or not there: atomic replacement, and locks that end with their process.

What is made here is for its owner alone, whatever the umask. What root makes in somebody's folder
belongs to that somebody: one `sudo homemon …` must not lock the cron job out of its own store. And
no link that another user laid in a folder that everybody may write is followed.
"""

import fcntl
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from homemon.errors import StoreError


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path`, atomically and on disk when this returns.

    Mode and owner stay those of the file that was there; a new file is for its owner alone. A link, and
    in a folder that everybody may write somebody else's file, count as not there. Raises OSError.
    """
    import tempfile  # a poll writes no file

    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if before := _there_before(path):
                os.fchmod(handle, before.st_mode & 0o777)
                if (before.st_uid, before.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(handle, before.st_uid, before.st_gid)
            else:
                _give_to_owner(handle, path.parent)
            file.write(content)
            file.flush()
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _there_before(path: Path) -> os.stat_result | None:
    """The file whose mode and owner are to stay."""
    try:
        file, folder = path.lstat(), path.parent.stat()
    except FileNotFoundError:
        return None
    foreign = folder.st_mode & 0o002 and file.st_uid != os.geteuid()
    return file if stat.S_ISREG(file.st_mode) and not foreign else None


def _give_to_owner(handle: int, folder: Path) -> None:
    """What root made in `folder` becomes its owner's."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)


def make_private_file(path: Path) -> None:
    """An empty file, where there is nothing of that name. Raises OSError.

    A file that is there is not opened: closing it again would drop locks that this process holds on it.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        return
    try:
        _give_to_owner(handle, path.parent)
    finally:
        os.close(handle)


def make_private_dir(path: Path) -> None:
    """The folder `path`, and those on the way to it, made for their owner alone. Raises StoreError."""
    try:
        for folder in (*reversed(path.parents), path):
            with suppress(FileExistsError):
                folder.mkdir(mode=0o700)
                handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
                _give_to_owner(handle, folder.parent)
                os.close(handle)
        path.mkdir(exist_ok=True)  # which says so where it is no folder
    except OSError as error:
        raise StoreError(
            f"the store's folder {path} cannot be made: {error.strerror}",
            "Name a folder you may write in [store] dir.",
        ) from None


LOCK_TEXT = 64  # bytes


class Holder(NamedTuple):
    """Who holds a lock, and what for."""

    pid: int
    name: str


class Lock:
    """An exclusive flock on a file of its own; the kernel drops it when the process ends, however it ends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self, within: float = 0.0, name: str = "") -> bool:
        """Try to get the lock, for at most `within` seconds; `name` tells others what for (see `holder`).

        Raises StoreError where the file cannot be opened.
        """
        if self._handle is not None:
            return True
        try:
            make_private_file(self._path)
            handle = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError as error:
            raise StoreError(
                f"the lock {self._path} cannot be opened: {error.strerror}",
                "Run homemon as the user who owns the store's folder and files, or name another in [store] dir.",
            ) from None
        deadline = monotonic() + within
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() >= deadline:
                    os.close(handle)
                    return False
                sleep(0.02)
                continue
            self._handle = handle
            with suppress(
                OSError
            ):  # a full disk; of one size always, so that the file's block is there when it is full
                os.pwrite(handle, f"{os.getpid()} {name}".ljust(LOCK_TEXT).encode(), 0)
            return True

    def holder(self) -> "Holder | None":
        """The process that holds it, without taking it; None where nobody does (proc(5), /proc/locks).

        What the holder could not write into the file, as on a full disk, or has not written yet is read from
        its command line; the name is empty where that does not tell.
        """
        try:
            file = self._path.stat()
            written, _, name = self._path.read_text("utf-8").strip().partition(" ")
        except OSError:
            return None
        place = f"{os.major(file.st_dev):02x}:{os.minor(file.st_dev):02x}:{file.st_ino}"
        for entry in Path("/proc/locks").read_text("ascii").splitlines():
            words = entry.split()
            if words[1] == "FLOCK" and words[5] == place:
                return Holder(int(words[4]), name if written == words[4] else _command_of(words[4]))
        return None

    def drop(self) -> None:
        """Let go, if held."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    @contextmanager
    def holding(self, within: float) -> Iterator[bool]:
        """Take the lock for a block; gives whether it was got."""
        got = self.take(within)
        try:
            yield got
        finally:
            self.drop()


def _command_of(pid: str) -> str:
    """The homemon command that a process is, such as meter-listen (proc(5), /proc/pid/cmdline)."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
        return next((word for word in words if re.fullmatch("(meter|ecocute|kyocera)-[a-z]+", word)), "")
    return ""


def port_locks(folder: Path, port: str) -> tuple[Lock, Lock]:
    """The two locks of a serial port: who owns it, and who is in a dialogue on it.

    They are called after the port's name, not after the device that a link leads to: a USB stick that is
    pulled out comes back as another one, and the listener that waits for it still owns it.
    """
    make_private_dir(folder)
    path = port if "://" in port else os.path.abspath(port)
    name = re.sub(r"[^0-9A-Za-z]+", "-", path).strip("-")
    return Lock(folder / f"{name}.lock"), Lock(folder / f"{name}.dialogue.lock")
