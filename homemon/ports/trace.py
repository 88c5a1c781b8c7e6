"""A transcript of what went over the wires, for `--trace FILE`: one line an event, safe to show.

    2026-11-23T17:14:27.123+09:00 wisun > SKVER\\r\\n
    2026-11-23T17:14:27.131+09:00 wisun < EVER 1.5.2
    2026-11-23T17:14:28.004+09:00 udp > 192.168.1.20:3610 1081000105FF01026B0162018400
    2026-11-23T17:14:30.250+09:00? kyocera < 020603

A line is the time (JST, milliseconds), the link, the direction (`>` sent, `<` received) and what went
over the wire, masked before it comes here (`wire.mask`):

    wisun      the module's serial line: what was sent in one write, or one event received, without its
               line end (a scan's result is one, with `\\r\\n` inside). ASCII; any other byte, and the
               backslash, as `\\xNN`, `\\r` and `\\n`
    udp        one datagram: `host:port` of the other end, a space, and its bytes in hex
    kyocera    the solar monitor's line, I2C or serial: bytes in hex, as many as came at once

The time of what was received is that by which its readings are dated in the store. A `?` behind it
says that the clock was not known to be right. `core.transcript` reads the lines, `homemon decode` explains
them, and `homemon replay` stores their readings again.

When a line would make FILE larger than 10 MB, FILE becomes FILE.1, the FILE.1 that was there goes, and
a new FILE begins: so there are 20 MB at most, but for what others write at that moment. Any number of
processes may write into the same FILE. Only who gets a lock renames; nobody waits for it.

The file may lie in /tmp, where others lay files and links too: only a plain file of our own is
written to.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from homemon.core.clock import Instant
from homemon.core.errors import PortError
from homemon.core.files import make_private_file
from homemon.core.points import JST
from homemon.core.transcript import written

LIMIT = 10_000_000  # bytes


class Trace:
    """Appends to a file that only its owner can read. Raise PortError where it cannot be opened.

    `believed` says whether the clock is known to be right at an instant.
    """

    def __init__(self, path: Path, believed: Callable[[Instant], bool] = lambda at: True) -> None:
        self._path = path
        self._believed = believed
        self._torn = False  # a disk that became full took half a line
        try:
            self._handle = self._open()
        except OSError as error:
            fault = "it is a link" if error.errno == errno.ELOOP else error.strerror
            denied = "Delete it, which an earlier `sudo homemon` may have made, or name another --trace FILE."
            remedy = denied if error.errno == errno.EACCES else "Name another --trace FILE."
            raise PortError(f"the trace {path} cannot be written: {fault}", remedy) from None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._handle)

    def write(self, link: str, sent: bool, masked: bytes, at: Instant, peer: str = "") -> None:
        """Write one line, in one write. A disk that is full costs the line, not the reading."""
        doubt = "" if self._believed(at) else "?"
        line = written(stamp(at.wall) + doubt, link, sent, masked, peer).encode("ascii") + b"\n"
        with suppress(OSError, PortError):
            self._make_room(len(line))
            data = b"\n" * self._torn + line
            self._torn = os.write(self._handle, data) < len(data)

    def _open(self) -> int:
        """Open the file; return its descriptor. Raise OSError, and PortError for what is no file of ours."""
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        make_private_file(self._path)  # root's becomes the folder owner's, whose next poll writes into it too
        handle = os.open(self._path, flags, 0o600)
        file = os.fstat(handle)
        if not stat.S_ISREG(file.st_mode) or file.st_uid not in _trusted(self._path.parent):
            os.close(handle)
            raise PortError(f"the trace {self._path} is no file of yours", "Name another --trace FILE.")
        return handle

    def _make_room(self, size: int) -> None:
        """Begin a new file where this one is full; follow where another process has done so. Raise OSError."""
        try:
            there = os.lstat(self._path)
        except FileNotFoundError:
            self._reopen()
            return
        if not os.path.samestat(there, os.fstat(self._handle)):
            self._reopen()
        elif 0 < there.st_size > LIMIT - size:
            self._rotate()

    def _rotate(self) -> None:
        """Rename FILE to FILE.1, once: the process with the lock on it looks again whether it still is FILE."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        if os.path.samestat(os.lstat(self._path), os.fstat(self._handle)):
            os.replace(self._path, f"{self._path}.1")
        self._reopen()

    def _reopen(self) -> None:
        handle = self._open()
        os.close(self._handle)
        self._handle = handle
        self._torn = False


def _trusted(folder: Path) -> set[int]:
    """Return the users whose file a trace may be: ours, and for root also the folder's owner."""
    return {os.geteuid()} if os.geteuid() else {0, os.stat(folder).st_uid}


def stamp(wall: float) -> str:
    """Return a time as it stands in a line: cut to milliseconds, never rounded into the next second."""
    seconds, milliseconds = divmod(int(wall * 1000), 1000)
    return f"{datetime.fromtimestamp(seconds, JST):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}+09:00"
