"""A simulated device behind a real pseudo-terminal, in real time or faster.

The terminal holds the slave open itself, in raw mode, so that programs may come and go as they do on a
serial port. What nobody reads until the kernel's buffer is full is lost, as it is on a UART.
`serve` sleeps in `select` until somebody types, the device has something to say, or `stop` is called.
"""

import contextlib
import os
import pty
import select
import time
import tty
from collections import deque
from collections.abc import Callable
from typing import Protocol

READ_SIZE = 4096
LONGEST_SLEEP = 3600.0  # s; select refuses very long ones


class Device(Protocol):
    """What `Terminal` can serve: `bp35c0.Module`, and whatever else speaks over a serial line."""

    def feed(self, data: bytes, now: float) -> None: ...

    def due(self) -> float | None: ...

    def speak(self, now: float) -> bytes: ...


class Clock:
    """Unix time of the simulated world: from `start` (now by default), `speed` seconds in each real one."""

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        self.start = time.time() if start is None else start
        self.speed = speed
        self._began = time.monotonic()

    def __call__(self) -> float:
        return self.start + (time.monotonic() - self._began) * self.speed


class Terminal:
    """`with Terminal(device, clock) as terminal:` a pty at `terminal.path` that `serve` keeps alive."""

    def __init__(self, device: Device, clock: Clock) -> None:
        self._device, self._clock = device, clock
        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self._wakened, self.waker = os.pipe()
        os.set_blocking(self.waker, False)
        self._stopped = False
        self._asked: deque[Callable[[float], None]] = deque()
        self.path = os.ttyname(self._slave)

    def serve(self) -> None:
        """Serve until `stop`."""
        while not self._stopped:
            ready, _, _ = select.select((self._master, self._wakened), (), (), self._sleep())
            if self._wakened in ready:
                os.read(self._wakened, READ_SIZE)
            while self._asked:
                self._asked.popleft()(self._clock())
            if self._master in ready:
                self._device.feed(os.read(self._master, READ_SIZE), self._clock())
            if said := self._device.speak(self._clock()):
                self._write(said)

    def stop(self) -> None:
        """Make `serve` return. May be called from another thread or from a signal handler."""
        self._stopped = True
        self._wake()

    def call(self, do: Callable[[float], None]) -> None:
        """Have `serve` call `do(now)` in its own thread, where the device may be touched."""
        self._asked.append(do)
        self._wake()

    def close(self) -> None:
        for descriptor in (self._master, self._slave, self._wakened, self.waker):
            os.close(descriptor)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sleep(self) -> float:
        """Return the real seconds until the device is due."""
        due = self._device.due()
        if due is None:
            return LONGEST_SLEEP
        return min(max(0.0, (due - self._clock()) / self._clock.speed), LONGEST_SLEEP)

    def _write(self, data: bytes) -> None:
        """Write all that fits; a full buffer means that nobody reads."""
        with contextlib.suppress(BlockingIOError):
            while data:
                data = data[os.write(self._master, data) :]

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):  # full: it is awake already
            os.write(self.waker, b"!")
