"""A transcript of what went over a wire, for `--trace FILE`: one line an event, safe to show.

    2026-11-23T17:14:27.123+09:00 > SKVER\\r\\n
    2026-11-23T17:14:27.131+09:00 < EVER 1.5.2

`>` is sent, `<` received. Bytes outside printable ASCII, and the backslash, stand as `\\xNN`,
`\\r` and `\\n`, so that a line can be turned into bytes again. What is written has been masked
before it comes here (`wire.mask`).

The file may lie in /tmp, where others lay files and links too: only a plain file of our own is
written to.
"""

import errno
import os
import stat
from datetime import datetime
from pathlib import Path

from homemon.errors import PortError
from homemon.points import JST

_NAMED = {0x0D: "\\r", 0x0A: "\\n", 0x5C: "\\x5C"}
_TEXT = [_NAMED.get(byte, chr(byte) if 0x20 <= byte < 0x7F else f"\\x{byte:02X}") for byte in range(256)]


def escaped(data: bytes) -> str:
    """`data` as printable ASCII, reversible."""
    return "".join(_TEXT[byte] for byte in data)


class Trace:
    """Appends to a file that only its owner can read. Raises PortError where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            handle = os.open(path, flags, 0o600)
        except OSError as error:
            fault = "it is a link" if error.errno == errno.ELOOP else error.strerror
            raise PortError(f"the trace {path} cannot be written: {fault}", "Name another --trace FILE.") from None
        file = os.fstat(handle)
        if not stat.S_ISREG(file.st_mode) or file.st_uid != os.geteuid():
            os.close(handle)
            raise PortError(f"the trace {path} is no file of yours", "Name another --trace FILE.")
        self._file = os.fdopen(handle, "w", encoding="ascii", buffering=1)

    def write(self, direction: str, masked: bytes, wall: float) -> None:
        """One line. A disk that is full costs the line, not the reading."""
        stamp = datetime.fromtimestamp(wall, JST).isoformat(timespec="milliseconds")
        try:
            self._file.write(f"{stamp} {direction} {escaped(masked)}\n")
        except OSError:
            return
