"""The LPC810 I2C-UART bridge: two I2C addresses that stand for one serial line.

    0x40  read: bytes waiting     write: the line's rate, 7 = 38,400 bps
    0x41  read: one byte received, or as many as are clocked out     write: one byte to send

Its ring of 64 bytes counts modulo 64: the 64th unread byte, 16.7 ms after the first, makes it look
empty, and all are lost. So it is polled 0.3 ms after the last time while bytes come, 4 ms while none do,
and emptied each time: the count, then one read of that many (10 + 9·n bit times at 100 kHz).
Reading them one by one (20 bit times each) is there for bridges that cannot do it.

Nobody else may poll: two readers would share out the bytes between them.
"""

import errno
from collections.abc import Callable
from time import monotonic, sleep
from typing import Any, Protocol, TypeVar

from homemon.core.errors import PortError

CONTROL, DATA = 0x40, 0x41
RATE_38400 = 7
RING = 64
POLL_BUSY, POLL_IDLE = 0.0003, 0.004  # seconds; the ring lasts 16.7 ms
IDLE_AFTER = 0.05  # without a byte
TRIES, RETRY_AFTER = 5, 0.002
SILENT = (errno.ENXIO, errno.EREMOTEIO, errno.EIO, errno.ETIMEDOUT)  # what drivers say to a missing ACK

Result = TypeVar("Result")


class Bus(Protocol):
    """What is used of `smbus2.SMBus`."""

    def read_byte(self, i2c_addr: int, /) -> int: ...
    def write_byte(self, i2c_addr: int, value: int, /) -> None: ...
    def i2c_rdwr(self, *i2c_msgs: Any) -> None: ...
    def close(self) -> None: ...


class I2cBridge:
    """A serial line of 38,400 bps behind the bridge on `bus`, which is number `number` for messages.

    `multi_byte` False reads byte by byte. `clock` and `sleep` are in seconds. Raise PortError where
    no bridge answers, and from any method after 5 failures in a row.
    """

    def __init__(
        self,
        bus: Bus,
        number: int = 1,
        multi_byte: bool = True,
        clock: Callable[[], float] = monotonic,
        sleep: Callable[[float], None] = sleep,
    ) -> None:
        self._bus = bus
        self._number = number
        self._multi_byte = multi_byte
        self._clock = clock
        self._sleep = sleep
        try:
            self._attempt(lambda: bus.write_byte(CONTROL, RATE_38400))
        except PortError as error:
            cause = error.__cause__
            if not isinstance(cause, OSError) or cause.errno not in SILENT:
                raise
            raise PortError(
                f"no device answers at 0x{CONTROL:02X} on I2C bus {number}",
                f"Check the bridge's supply, SDA and SCL, and [i2c] port; `i2cdetect -y {number}` must show 40 and 41.",
            ) from None
        self._last_received = self._last_poll = clock()

    def read(self, within: float) -> bytes:
        """Return what has been received: 1 to 63 bytes as soon as there are any, empty after `within` seconds."""
        deadline = self._clock() + within
        while True:
            now = self._clock()
            busy = now - self._last_received < IDLE_AFTER
            due = self._last_poll + (POLL_BUSY if busy else POLL_IDLE)
            if now < due:
                self._sleep(due - now)
            data = self._attempt(self._take)
            self._last_poll = self._clock()
            if data:
                self._last_received = self._last_poll
                return data
            if self._last_poll >= deadline:
                return b""

    def write(self, data: bytes) -> None:
        """Send `data`; the bridge takes one byte at a time."""
        for byte in data:
            self._attempt(lambda byte=byte: self._bus.write_byte(DATA, byte))  # type: ignore[misc]
        self._last_received = self._clock()  # an answer is near

    def close(self) -> None:
        """Let go of the bus."""
        self._bus.close()

    def _take(self) -> bytes:
        """Return all that is in the ring. After a failure the count is asked again: some bytes may be gone."""
        count = self._bus.read_byte(CONTROL)
        if count >= RING:
            raise OSError(errno.EIO, f"{count} bytes waiting in a ring of {RING}")
        if not count:
            return b""
        if not self._multi_byte:
            return bytes(self._bus.read_byte(DATA) for _ in range(count))
        from smbus2 import i2c_msg

        message = i2c_msg.read(DATA, count)
        self._bus.i2c_rdwr(message)
        return bytes(message)

    def _attempt(self, action: Callable[[], Result]) -> Result:
        """Do it, again after a failure. Raise PortError from the last OSError."""
        for number in range(1, TRIES + 1):
            try:
                return action()
            except OSError as error:
                if number == TRIES:
                    raise PortError(
                        f"the I2C bus {self._number} failed {TRIES} times in a row: {error.strerror or error}",
                        "Check the bridge's supply and wires (SDA, SCL, ground; short ones); "
                        f"`i2cdetect -y {self._number}` must show 40 and 41.",
                    ) from error
            self._sleep(RETRY_AFTER)
        raise AssertionError("unreachable")


def open_bridge(number: int = 1, multi_byte: bool = True) -> I2cBridge:
    """Return the bridge on /dev/i2c-`number`. Raise PortError, with the remedy, where it cannot be used."""
    from smbus2 import SMBus

    path = f"/dev/i2c-{number}"
    try:
        bus = SMBus(number)
    except FileNotFoundError:
        raise PortError(
            f"there is no I2C bus {path}",
            "Turn I2C on (sudo raspi-config, Interface Options, I2C) and restart, or set [i2c] port.",
        ) from None
    except PermissionError:
        raise PortError(
            f"no permission to use {path}",
            "Join its group: sudo usermod -aG i2c $USER, then log in again.",
        ) from None
    except OSError as error:
        raise PortError(
            f"{path} cannot be opened: {error.strerror or error}", "See `i2cdetect -l` for the buses there are."
        ) from None
    try:
        return I2cBridge(bus, number, multi_byte)
    except BaseException:
        bus.close()
        raise
