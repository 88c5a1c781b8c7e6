"""A disk that loses at a power cut what was not synced to it.

SQLite writes through a VFS. In the place of its own stands, for the time of a run, a copy that notes what is
written to the files of one folder, and when a file is synced. What the disk has after a power cut is what was
synced, and of the later writes any part, in any order: a write of which the disk took only some sectors, one that
came without those before it, a file that was never synced and is not there.

Sources: sqlite.org/c3ref/vfs.html and sqlite.org/c3ref/io_methods.html, whose structures are laid out here.
"""

import _sqlite3
import ctypes
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

OK = 0
SECTOR = 512
INDEX = "homemon.db-shm"
FILES = ("homemon.db", "homemon.db-wal", "homemon.db-journal")
Write = tuple[int, bytes | None]
"""Offset and data; None: the file ends there."""

_Open = ctypes.CFUNCTYPE(
    ctypes.c_int,
    ctypes.c_void_p,
    ctypes.c_void_p,
    ctypes.POINTER(ctypes.c_void_p),
    ctypes.c_int,
    ctypes.POINTER(ctypes.c_int),
)
_Delete = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int)
_Write = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int64)
_Truncate = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int64)
_Sync = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)


class _Vfs(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("file_size", ctypes.c_int),
        ("longest_path", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("data", ctypes.c_void_p),
        ("open", _Open),
        ("delete", _Delete),
        ("others", ctypes.c_void_p * 14),
    )


class _Methods(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("close", ctypes.c_void_p),
        ("read", ctypes.c_void_p),
        ("write", _Write),
        ("truncate", _Truncate),
        ("sync", _Sync),
        ("others", ctypes.c_void_p * 13),
    )


class File:
    """What the disk surely has of a file (None: not even the file), and what was written to it since."""

    def __init__(self, inode: int, synced: bytes | None = None) -> None:
        self.inode = inode
        self.synced = None if synced is None else bytearray(synced)
        self.later: list[Write] = []

    def sync(self) -> None:
        """All that was written is on the disk."""
        self.synced = _written(bytearray() if self.synced is None else self.synced, self.later)
        self.later = []

    def after_power_cut(self, rng: Random) -> bytes | None:
        """What is there when the power is back."""
        share = rng.choice((0.0, 0.5, 0.9, 1.0))
        kept = [(at, _part(data, rng)) for at, data in self.later if rng.random() < share]
        if self.synced is None and not kept:
            return None
        return bytes(_written(bytearray(self.synced or b""), kept))


def _written(content: bytearray, writes: list[Write]) -> bytearray:
    for at, data in writes:
        if data is None:
            del content[at:]
        else:
            content.extend(bytes(max(0, at - len(content))))
            content[at : at + len(data)] = data
    return content


def _part(data: bytes | None, rng: Random) -> bytes | None:
    """A write, or the first sectors of one that was torn."""
    if data is None or rng.random() < 0.9:
        return data
    return data[: rng.randrange(0, len(data) + 1, SECTOR)]


class Disk:
    """The store's files in `folder`. `touched` is called before each write and sync."""

    def __init__(self, folder: Path, touched: Callable[[], object]) -> None:
        self._folder = folder
        self._touched = touched
        self._files: dict[str, File] = {}
        self._open: dict[int, File] = {}  # by the address of SQLite's sqlite3_file
        self._methods: dict[int, tuple[_Methods, _Methods]] = {}  # by address: SQLite's own, and ours

    def lose_power(self, kept: Path, rng: Random) -> None:
        """Put into the new folder `kept` what is on the disk now, were the power to go."""
        kept.mkdir(mode=0o700)
        for path in self._folder.iterdir() if self._folder.exists() else ():
            file = self._files.get(path.name)
            if file is None or file.inode != path.stat().st_ino:
                shutil.copy2(path, kept)  # nobody wrote it through SQLite, or it was put there
            elif (left := file.after_power_cut(rng)) is not None:
                (kept / path.name).write_bytes(left)
        (kept / INDEX).unlink(missing_ok=True)  # memory that processes share

    def power_is_back(self) -> None:
        """What is in the folder now is on the disk."""
        self._open = {}
        there = ((name, self._folder / name) for name in FILES)
        self._files = {name: File(path.stat().st_ino, path.read_bytes()) for name, path in there if path.exists()}

    def overwritten(self, name: str) -> None:
        """Somebody wrote a file anew, and synced it."""
        self._files[name].synced, self._files[name].later = bytearray((self._folder / name).read_bytes()), []

    @contextmanager
    def in_the_place_of_sqlites(self) -> Iterator[None]:
        """All that SQLite opens in this process goes through here."""
        library = ctypes.CDLL(_sqlite3.__file__)
        library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
        self._real = library.sqlite3_vfs_find(None).contents
        ours = _Vfs.from_buffer_copy(self._real)
        ours.name, ours.open, ours.delete = b"power cut", _Open(self._on_open), _Delete(self._on_delete)
        library.sqlite3_vfs_register(ctypes.byref(ours), 1)
        try:
            yield
        finally:
            library.sqlite3_vfs_unregister(ctypes.byref(ours))
            library.sqlite3_vfs_register(ctypes.byref(self._real), 1)

    # --- called by SQLite ------------------------------------------------------------

    def _on_open(self, vfs: int, path: int | None, handle: Any, *more: Any) -> int:
        result: int = self._real.open(vfs, path, handle, *more)  # it keeps the pointer to the path
        address = ctypes.cast(handle, ctypes.c_void_p).value or 0
        self._open.pop(address, None)
        if result == OK and handle[0] and path and (name := self._name(ctypes.string_at(path))):
            self._open[address] = self._known(name)
            handle[0] = ctypes.addressof(self._ours(handle[0]))
        return result

    def _known(self, name: str) -> File:
        """The file of that name, which may be another than before."""
        inode = (self._folder / name).stat().st_ino
        if name not in self._files or self._files[name].inode != inode:
            self._files[name] = File(inode, (self._folder / name).read_bytes())
        return self._files[name]

    def _name(self, path: bytes) -> str:
        found = Path(path.decode())
        return found.name if found.parent == self._folder and found.name in FILES else ""

    def _ours(self, address: int) -> _Methods:
        """SQLite's methods of a file, but for those that write."""
        if address not in self._methods:
            real = _Methods.from_address(address)
            ours = _Methods.from_buffer_copy(real)
            ours.write = _Write(lambda *arguments: self._on_write(real, *arguments))
            ours.truncate = _Truncate(lambda *arguments: self._on_truncate(real, *arguments))
            ours.sync = _Sync(lambda *arguments: self._on_sync(real, *arguments))
            self._methods[address] = real, ours
        return self._methods[address][1]

    def _on_write(self, real: _Methods, handle: int, data: int, size: int, at: int) -> int:
        self._touched()
        result: int = real.write(handle, data, size, at)
        if result == OK:
            self._open[handle].later.append((at, ctypes.string_at(data, size)))
        return result

    def _on_truncate(self, real: _Methods, handle: int, size: int) -> int:
        self._touched()
        result: int = real.truncate(handle, size)
        if result == OK:
            self._open[handle].later.append((size, None))
        return result

    def _on_sync(self, real: _Methods, handle: int, flags: int) -> int:
        self._touched()
        result: int = real.sync(handle, flags)
        if result == OK:
            self._open[handle].sync()
        return result

    def _on_delete(self, vfs: int, path: bytes, sync: int) -> int:
        result: int = self._real.delete(vfs, path, sync)
        if result == OK and (name := self._name(path)):
            self._files.pop(name, None)
        return result
