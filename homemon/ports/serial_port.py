"""Serial ports: bytes in and out, the Wi-SUN module's events, and remedies for what goes wrong.

Any pyserial URL works. The port is read as soon as a byte is there, and every wait ends at a
deadline or by an interrupt, a file descriptor that becomes readable when the process is asked
to stop, or something else.
"""

import errno
import os
import re
import select
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import serial

from homemon.core.clock import Instant, instant
from homemon.core.errors import PortError, PortVanished
from homemon.skstack.lines import Happening, Parser

if TYPE_CHECKING:
    from homemon.ports.module_trace import ModuleTrace

WRITE_WITHIN = 5.0  # seconds
CHUNK = 4096
QUIET = 1.0  # seconds without a byte, after which a line that has begun has no end
READERS_NAMED = 3
POLL = 0.2  # seconds between two looks at a port that has no file descriptor (rfc2217://)


class SerialLine:
    """An open serial port. `section` is the config's, for remedies. Raise PortError when it cannot be opened."""

    def __init__(self, name: str, bps: int, section: str, interrupts: Sequence[int] = ()) -> None:
        self.name = name
        self._interrupts = interrupts
        self._serial = _open(name, bps, section)
        self._handle = _handle(self._serial)

    def close(self) -> None:
        """Close the port; a device that is gone is closed too."""
        with suppress(OSError):
            self._serial.close()

    def write(self, data: bytes) -> None:
        """Send `data` in one write. Raise PortVanished, or PortError when the port takes nothing."""
        try:
            self._serial.write(data)
        except serial.SerialTimeoutException:
            raise PortError(f"{self.name} takes no data", "Check flow control and the device's power.") from None
        except OSError as error:
            raise self._vanished(error) from None

    def read(self, within: float) -> bytes:
        """Return the bytes that have come, waiting at most `within` seconds for the first. Raise PortVanished."""
        try:
            return self._read(within)
        except OSError as error:  # pyserial's own errors are OSErrors
            raise self._vanished(error) from None

    def _read(self, within: float) -> bytes:
        if self._handle is None:
            deadline = time.monotonic() + within
            while not (data := bytes(self._serial.read(1))) and not self._interrupted():
                if time.monotonic() >= deadline:
                    break
            return data
        timeout = None if within == float("inf") else max(0.0, within)
        ready, _, _ = select.select([self._handle, *self._interrupts], [], [], timeout)
        return bytes(self._serial.read(CHUNK)) if self._handle in ready else b""

    def _interrupted(self) -> bool:
        return bool(self._interrupts) and bool(select.select(self._interrupts, [], [], 0.0)[0])

    def _vanished(self, error: OSError) -> PortVanished:
        remedy = "Is the other end still up?" if "://" in self.name else "Plug the device in again."
        return PortVanished(f"the port {self.name} went away ({error})", remedy)


class ModulePort:
    """A serial line with a Wi-SUN module at its end: events in, bytes out."""

    def __init__(
        self, line: SerialLine, trace: "ModuleTrace | None" = None, clock: Callable[[], Instant] = instant
    ) -> None:
        self._line = line
        self._trace = trace
        self.now = clock
        self._parser = Parser()
        self._last = 0.0  # when the last byte came

    def __enter__(self) -> "ModulePort":
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()

    def send(self, data: bytes) -> None:
        """Send `data`. Raise what `SerialLine.write` does."""
        self._line.write(data)
        if self._trace:
            self._trace.sent(data, self.now())

    def receive(self, until: float) -> tuple[list[Happening], Instant]:
        """Return what became whole by the next bytes, and when; waits for them `until` then. Raise PortVanished."""
        events = self._read(max(0.0, until - self.now().ticks))
        at = self.now()
        if self._trace:
            self._trace.received(events, at)
        return events, at

    def _read(self, within: float) -> list[Happening]:
        """Return what the next bytes complete; after QUIET what has begun and not ended is noise."""
        data = self._line.read(min(within, QUIET) if self._parser.waits else within)
        if data:
            self._last = time.monotonic()
            return self._parser.feed(data)
        return self._parser.unfinished() if time.monotonic() - self._last >= QUIET else []


def _open(name: str, bps: int, section: str) -> serial.SerialBase:
    try:
        port = serial.serial_for_url(name, bps, timeout=0, write_timeout=WRITE_WITHIN, do_not_open=True)
        if "://" not in name:
            port.exclusive = True
        port.open()
    except (OSError, ValueError, TypeError) as error:  # pyserial's answer to a URL without a port
        raise explained(name, error, section) from None
    if _handle(port) is None:
        port.timeout = POLL
    return port


def _handle(port: serial.SerialBase) -> int | None:
    """Return the port's file descriptor; None where it has none."""
    try:
        return int(port.fileno())
    except (OSError, AttributeError):
        return None


def explained(name: str, error: OSError | ValueError | TypeError, section: str) -> PortError:
    """Return the error of a port that cannot be opened, with the remedy; `section` is where config.ini names it."""
    number = getattr(error, "errno", None)
    if isinstance(error, ValueError | TypeError):
        return PortError(f"{name} cannot be opened: {error}", f"Check [{section}] serial_port and serial_bps.")
    if number in (errno.ENOENT, errno.ENODEV, errno.ENXIO):
        return PortError(
            f"there is no serial port {name}",
            f"Check [{section}] serial_port: see `ls /dev/serial* /dev/ttyAMA* /dev/ttyUSB*`; on a Pi's own UART "
            "turn the serial hardware on and the serial console off with raspi-config.",
        )
    if number in (errno.EACCES, errno.EPERM):
        group = _group_of(name)
        return PortError(
            f"no permission for {name}",
            f"Join its group: sudo usermod -aG {group} $USER, then log in again.",
        )
    if number in (errno.EBUSY, errno.EAGAIN):
        return PortError(
            f"{name} is in use by {other_readers(name) or 'another program'}", "Stop the other program first."
        )
    if "ioctl" in str(error):  # pyserial's text for what is no terminal (ENOTTY)
        return PortError(f"{name} is no serial port", f"Check [{section}] serial_port.")
    return PortError(f"{name} cannot be opened: {error}", f"Check [{section}] serial_port.")


def _group_of(name: str) -> str:
    with suppress(OSError, KeyError):
        return Path(name).group()
    return "dialout"


def other_readers(name: str, allowed: int = 0) -> str:
    """Return `pid 123 (minicom)` for other processes that can read from the device, as far as /proc shows them.

    `allowed` is one that may. Takes some hundredths of a second. Empty where there is none.
    """
    if "://" in name:
        return ""
    with suppress(OSError):  # no /proc, or too many open files
        found = (holder for holder in _holders(name) if holder[0] != allowed)
        return ", ".join(f"pid {pid} ({command})" for pid, command in islice(found, READERS_NAMED))
    return ""


def _holders(name: str) -> Iterator[tuple[int, str]]:
    real = os.path.realpath(name)
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        if int(pid) == os.getpid():
            continue
        process = Path("/proc", pid)
        with suppress(OSError):
            try:
                reads = _reads(process, real)
            except PermissionError:  # another user's, such as root's getty; what it was called with is for all to see
                words = (process / "cmdline").read_text("utf-8", "replace").split("\0")[1:]
                short = os.path.basename(real)  # as getty has it
                reads = not {name, real, short if short.startswith("tty") else real}.isdisjoint(words)
            if reads:
                yield int(pid), (process / "comm").read_text().strip()


def _reads(process: Path, real: str) -> bool:
    """Return whether a process has the device open for more than writing. Raise OSError."""
    folder = f"{process}/fd/"  # a machine has thousands of them, and a Path of each would take most of the time
    opened = {number: os.readlink(folder + number) for number in os.listdir(folder)}
    if "/dev/ptmx" in opened.values():  # who holds the other end of a pty is no rival
        return False
    return any(_readable(process, number) for number, target in opened.items() if target == real)


def _readable(process: Path, number: str) -> bool:
    """Return whether a descriptor was opened for reading (proc(5), fdinfo)."""
    flags = re.search(r"flags:\s*(\d+)", (process / "fdinfo" / number).read_text("utf-8"))
    return flags is None or int(flags[1], 8) & os.O_ACCMODE != os.O_WRONLY


def stop_readers(name: str, readers: str) -> str:
    """Return the advice about other readers of a port."""
    if "getty" in readers:
        return "sudo raspi-config, Interface Options, Serial Port: login shell no, hardware yes; then reboot."
    return f"{readers} reads from {name} too, and takes what is meant for homemon: stop it."
