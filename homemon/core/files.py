"""Files that are whole or not there: atomic replacement, and locks that end with their process.

What is made here is for its owner alone, whatever the umask. What root makes in somebody's folder
belongs to that somebody: one `sudo homemon …` must not lock the cron job out of its own store. And
no link that another user laid in a folder that everybody may write is followed.
"""

import errno
import fcntl
import os
import re
import stat
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import NamedTuple

from homemon.core.errors import StoreError

OWNER_ONLY, EVERYBODY_READS = 0o600, 0o644  # modes of files


def replace_file(path: Path, content: bytes, mode: int = OWNER_ONLY) -> None:
    """Put `content` in the place of `path`, atomically and on disk when this returns.

    Mode and owner stay those of the file that was there; a new file has `mode`, whatever the umask. A link, and
    in a folder that everybody may write somebody else's file, count as not there. Raise OSError.
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
                os.fchmod(handle, mode)
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
    """Return the status of the file whose mode and owner are to stay."""
    try:
        file, folder = path.lstat(), path.parent.stat()
    except FileNotFoundError:
        return None
    foreign = folder.st_mode & 0o002 and file.st_uid != os.geteuid()
    return file if stat.S_ISREG(file.st_mode) and not foreign else None


def _give_to_owner(handle: int, folder: Path) -> None:
    """Give what root made in `folder` to the folder's owner."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.fchown(handle, owner.st_uid, owner.st_gid)


def make_private_file(path: Path) -> None:
    """Make an empty file, where there is nothing of that name. Raise OSError.

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


def make_dir(path: Path, mode: int = 0o777) -> None:
    """Make the folder `path`, and those on the way to it, where they are not there. Raise OSError."""
    for folder in (*reversed(path.parents), path):
        with suppress(FileExistsError):
            folder.mkdir(mode)
            _give_folder_to_owner(folder)
    path.mkdir(exist_ok=True)  # which says so where it is no folder


def make_temporary_dir(parent: Path) -> Path:
    """Make a private folder in `parent`, and return its path. Raise OSError."""
    import tempfile  # a poll makes none

    folder = Path(tempfile.mkdtemp(prefix=".homemon-", dir=parent))
    _give_folder_to_owner(folder)
    return folder


def _give_folder_to_owner(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _give_to_owner(handle, folder.parent)
    finally:
        os.close(handle)


def make_private_dir(path: Path) -> None:
    """Make the folder `path`, and those on the way to it, for their owner alone. Raise StoreError."""
    try:
        make_dir(path, 0o700)
        if laid_by := _laid_by_another(path):
            raise StoreError(
                f"the store's folder {path} belongs to {laid_by}, who may have laid it there for others",
                "Name a folder of your own in [store] dir.",
            )
    except FileExistsError:
        is_link = path.is_symlink()
        what = f"is a link to {path.readlink()}, which is not there" if is_link else "is no folder"
        hint = "Mount or make what it names" if is_link else "Move it away"
        raise StoreError(f"the store's folder {path} {what}", f"{hint}, or name another in [store] dir.") from None
    except OSError as error:
        raise StoreError(
            f"the store's folder {path} cannot be made: {error.strerror}",
            "Name a folder you may write in [store] dir.",
        ) from None


def _laid_by_another(folder: Path) -> str:
    """Return the untrusted owner of a folder where everybody may write; empty for other folders."""
    status = folder.stat()
    open_to_all = (status.st_mode | folder.parent.stat().st_mode) & 0o002
    return user_name(status.st_uid) if open_to_all and status.st_uid not in trusted_users() else ""


LOCK_TEXT = 64  # bytes
OFD_LOCK = "hhqqi0q"  # struct flock (fcntl(2)): type, whence, start, length, pid
NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}  # flock(2) where a file system has none
REMEDIES = {
    errno.ENOSPC: "Free some space: `df -h` and `df -i` show what is full.",
    errno.EDQUOT: "Free some space: your quota is used up.",
    errno.EROFS: "The disk can only be read: see dmesg.",
    errno.EMFILE: "Too many files are open: see `ulimit -n`.",
    errno.ENFILE: "Too many files are open on this machine.",
}


def trusted_users() -> set[int]:
    """Return the ids of users whose files are as good as ours: root, our own, and under sudo the caller's."""
    caller = os.environ.get("SUDO_UID", "")
    called = {int(caller)} if os.geteuid() == 0 and caller.isdecimal() else set()
    return {0, os.geteuid()} | called


def user_name(uid: int) -> str:
    """Return the user's name, `user 1234` where there is none."""
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def others_may_write(status: os.stat_result) -> bool:
    """Return whether others than the owner may write; the owner's own group, as Debian makes it, does not count."""
    if status.st_mode & 0o002 or not status.st_mode & 0o020:
        return bool(status.st_mode & 0o002)
    import grp

    try:
        group = grp.getgrgid(status.st_gid)
    except KeyError:
        return True
    owner = user_name(status.st_uid)
    return group.gr_name != owner or any(member != owner for member in group.gr_mem)


class Holder(NamedTuple):
    """Who holds a lock, and what for."""

    pid: int
    name: str


class Lock:
    """An exclusive flock on a file of its own; the kernel drops it when the process ends, however it ends.

    In addition its holder locks one byte by an open file description lock (fcntl(2)), at the offset that is its
    pid. Anybody can ask the kernel for that lock without taking it, on every file system, which /proc/locks
    does not give: on btrfs and overlayfs it has other device numbers than stat(2). The file's text says what
    the lock is held for, and counts only with the pid of who holds it now.
    """

    def __init__(self, path: Path) -> None:
        self._path = self.path = path
        self._handle: int | None = None
        self._held = False

    def take(self, within: float = 0.0, name: str = "") -> bool:
        """Try to get the lock, for at most `within` seconds; `name` lets others know what for (see `holder`).

        Raise StoreError where the file cannot be opened, or its file system has no locks.
        """
        handle = self._open()
        deadline = monotonic() + within
        while not self._held:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if monotonic() >= deadline:
                    self.drop()
                    return False
                sleep(0.02)
                continue
            except OSError as error:
                self.drop()
                raise self._no_lock(error) from None
            self._held = True
            self._say_who(handle, name)
        return True

    def _open(self) -> int:
        if self._handle is None:
            try:
                make_private_file(self._path)
                self._handle = os.open(self._path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError as error:
                raise StoreError(
                    f"the lock {self._path} cannot be opened: {error.strerror}",
                    REMEDIES.get(error.errno or 0)
                    or "Run homemon as the user who owns the store's folder and files, or name another in [store] dir.",
                ) from None
        return self._handle

    def _no_lock(self, error: OSError) -> StoreError:
        if error.errno in NO_LOCKS:
            return StoreError(
                f"the file system of {self._path.parent} has no locks: {error.strerror}",
                "Name a folder on a local disk in [store] dir; a network share has locks only where its server "
                "runs a lock service.",
            )
        remedy = REMEDIES.get(error.errno or 0, "")
        return StoreError(f"the lock {self._path} cannot be taken: {error.strerror}", remedy)

    def _say_who(self, handle: int, name: str) -> None:
        """Write the text, then lock the byte that makes it count. Neither is needed to hold the lock."""
        with suppress(OSError):  # a full disk; of one size always, so that the file's block is there when it is full
            os.pwrite(handle, f"{os.getpid()} {name}".ljust(LOCK_TEXT).encode(), 0)
        with suppress(OSError):
            ofd(handle, fcntl.F_OFD_SETLK, fcntl.F_WRLCK, os.getpid(), 1)

    def holder(self) -> "Holder | None":
        """Return the process that holds it, without taking it; None where it is free, or has only just been taken.

        What the holder could not write into the file, as on a full disk, is read from its command line; the
        name is empty where the command line does not show it.
        """
        try:
            handle = os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
        try:
            written, _, name = os.pread(handle, LOCK_TEXT, 0).decode("utf-8", "replace").strip().partition(" ")
            kind, _, pid, _, _ = ofd(handle, fcntl.F_OFD_GETLK, fcntl.F_WRLCK, 0, 0)
            if kind != fcntl.F_UNLCK:
                return Holder(pid, name if written == str(pid) else _command_of(str(pid)))
            # version 0.1 locks no byte, and some kernels of sandboxes have no such locks
            return Holder(int(written), name) if written.isdecimal() and _has_open(written, handle) else None
        except OSError:
            return None
        finally:
            os.close(handle)

    def drop(self) -> None:
        """Let go, if held."""
        self._held = False
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


def ofd(handle: int, request: int, kind: int, start: int, length: int) -> tuple[int, ...]:
    """Return a request about an open file description lock; `length` 0 is up to the end. Raise OSError."""
    answer = fcntl.fcntl(handle, request, struct.pack(OFD_LOCK, kind, os.SEEK_SET, start, length, 0))
    return struct.unpack(OFD_LOCK, answer)


def _has_open(pid: str, handle: int) -> bool:
    """Return whether another process has the file behind `handle` open (proc(5), /proc/pid/fd)."""
    if pid == str(os.getpid()):
        return False
    with suppress(OSError):
        for number in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                if os.path.samestat(os.stat(f"/proc/{pid}/fd/{number}"), os.fstat(handle)):
                    return True
    return False


def _command_of(pid: str) -> str:
    """Return the homemon command of a process, such as meter-listen (proc(5), /proc/pid/cmdline)."""
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_text("utf-8", "replace").split("\0")
        return next((word for word in words if re.fullmatch("(meter|ecocute|device|kyocera)-[a-z]+", word)), "")
    return ""


def port_lock(folder: Path, port: str) -> Lock:
    """Return the lock of who owns a serial port.

    It is called after the port's name, not after the device that a link leads to: a USB stick that is
    pulled out comes back as another one, and the listener that waits for it still owns it.
    """
    make_private_dir(folder)
    path = port if "://" in port else os.path.abspath(port)
    return Lock(folder / f"{re.sub(r'[^0-9A-Za-z]+', '-', path).strip('-')}.lock")
