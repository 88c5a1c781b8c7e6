"""Ports in virtual time: simulated devices, and a clock that moves only while somebody waits, so that nobody sleeps."""

from collections.abc import Callable, Iterable
from typing import Any, Protocol

from homemon.core.clock import Instant


class Device(Protocol):
    """A simulated device at the other end of a line; `due` is when it says something next, None where it does not."""

    def feed(self, data: bytes, now: float, /) -> object: ...
    def speak(self, now: float, /) -> bytes: ...
    def due(self) -> float | None: ...


class VirtualPort:
    """A clock that is moved; `time` is true, and our wall clock is `clock_error` seconds ahead of it."""

    def __init__(self, time: float) -> None:
        self.time = float(time)
        self.clock_error = 0.0

    def now(self) -> Instant:
        """Return the virtual instant."""
        return Instant(self.time + self.clock_error, self.time, "")

    def move(self, until: float) -> None:
        """Let time pass."""
        self.time = max(self.time, until)


class VirtualLine(VirtualPort):
    """A serial line to a device; `events` makes the machine's events of the bytes that it says."""

    def __init__(self, device: Device, events: Callable[[bytes], list[Any]], time: float) -> None:
        super().__init__(time)
        self.device = device
        self._events = events

    def send(self, data: bytes) -> None:
        """Give messages to the device at once."""
        self.device.feed(data, self.time)

    def receive(self, until: float) -> tuple[list[Any], Instant]:
        """Return what the device says next."""
        due = self.device.due()
        self.move(until if due is None else min(until, due))
        return self._events(self.device.speak(self.time)), self.now()


Datagram = tuple[bytes, str]


class VirtualLan(VirtualPort):
    """A LAN; `answer(data, host, time)` gives what is said to a datagram: after how many seconds, what, by whom."""

    def __init__(self, answer: Callable[[bytes, str, float], Iterable[tuple[float, bytes, str]]], time: float) -> None:
        super().__init__(time)
        self._answer = answer
        self._arriving: list[tuple[float, bytes, str]] = []

    def comes(self, data: bytes, host: str, after: float = 0.0) -> None:
        """Put a datagram on its way to us."""
        self._arriving.append((self.time + after, data, host))

    def send(self, message: Datagram) -> None:
        """Send one datagram, and put its answers on their way."""
        for after, data, host in self._answer(*message, self.time):
            self.comes(data, host, after)

    def receive(self, until: float) -> tuple[list[Datagram], Instant]:
        """Return what comes next."""
        self.move(min([until, *(at for at, _, _ in self._arriving)]))
        come = [(data, host) for at, data, host in self._arriving if at <= self.time]
        self._arriving = [each for each in self._arriving if each[0] > self.time]
        return come, self.now()
