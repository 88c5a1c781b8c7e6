"""A simulated I2C bus, with the bridge and the solar monitor behind it."""

import errno
from collections import deque
from collections.abc import Callable
from time import sleep, time
from typing import Any

from homemon.sim.kyocera import BYTE, Monitor


class SimulatedBus:
    """Stands in for `smbus2.SMBus`: a bus of 100 kHz with the LPC810 bridge at 0x40/0x41 and a monitor behind it.

    Its ring counts modulo 64, as the real one does: a 64th unread byte empties it, and `overruns`
    counts how often. `clock` gives Unix time; `sleep` passes the time that each transaction takes on
    the bus, and `overhead` seconds of driver more. Each `fail_every`th transaction fails like a
    disturbed bus. `transactions` and `busy` (seconds) show what the reader cost.
    """

    BIT = 1 / 100_000

    def __init__(
        self,
        monitor: Monitor,
        clock: Callable[[], float] = time,
        sleep: Callable[[float], None] = sleep,
        overhead: float = 0.0,
        fail_every: int = 0,
    ) -> None:
        self.overruns = 0
        self.transactions = 0
        self.busy = 0.0
        self._monitor = monitor
        self._clock = clock
        self._sleep = sleep
        self._overhead = overhead
        self._fail_every = fail_every
        self._rate = -1
        self._ring: deque[int] = deque()
        self._sending: deque[tuple[float, int]] = deque()  # when each byte is through to the monitor
        self._free = 0.0

    def read_byte(self, i2c_addr: int, /) -> int:
        """Read register 0x40, the number of bytes waiting, or 0x41, one byte, 0xFF when there is none."""
        now = self._transact(i2c_addr, 1)
        self._run(now)
        return len(self._ring) if i2c_addr == 0x40 else self._pop()

    def write_byte(self, i2c_addr: int, value: int, /) -> None:
        """Write register 0x40, the rate, or 0x41, one byte to send."""
        now = self._transact(i2c_addr, 1)
        if i2c_addr == 0x40:
            self._rate = value
        elif self._rate == 7:
            self._free = max(self._free, now) + BYTE
            self._sending.append((self._free, value))

    def i2c_rdwr(self, *i2c_msgs: Any) -> None:
        """Read messages (`smbus2.i2c_msg.read`) to 0x41: each byte clocked pops one of the ring."""
        for message in i2c_msgs:
            end = self._transact(message.addr, message.len)
            for index in range(message.len):
                self._run(end - (message.len - 1 - index) * 9 * self.BIT)
                message.buf[index] = bytes((self._pop(),))

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _transact(self, address: int, count: int) -> float:
        """Spend the time of a transaction of `count` bytes; when it ends. Raise OSError like the driver."""
        self.transactions += 1
        seconds = (11 + 9 * count) * self.BIT  # start, address, the bytes, stop: 20 bit times for one
        end = self._clock() + seconds
        self.busy += seconds
        self._sleep(seconds + self._overhead)
        if address not in (0x40, 0x41):
            raise OSError(errno.EREMOTEIO, "Remote I/O error")
        if self._fail_every and self.transactions % self._fail_every == 0:
            raise OSError(errno.EIO, "Input/output error")
        return end

    def _run(self, now: float) -> None:
        """Let the line go on until `now`: what we sent reaches the monitor, what it sent fills the ring."""
        while self._sending and self._sending[0][0] <= now:
            through, value = self._sending.popleft()
            self._monitor.feed(bytes((value,)), through)
        for byte in self._monitor.speak(now):
            self._ring.append(byte if self._rate == 7 else byte ^ 0x5A)
            if len(self._ring) == 64:
                self._ring.clear()
                self.overruns += 1

    def _pop(self) -> int:
        return self._ring.popleft() if self._ring else 0xFF
