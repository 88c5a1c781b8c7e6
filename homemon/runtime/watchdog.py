"""What a service tells systemd of itself: that it has started, and again and again that it does not hang.

The protocol of sd_notify(3): datagrams to the socket in $NOTIFY_SOCKET, where `Type=notify` and `WatchdogSec=` set it.
"""

from collections.abc import Mapping
from contextlib import suppress
from math import inf
from time import monotonic

ALIVE_IN_EACH = 3  # so often in the time that systemd allows; it recommends twice at least


class Watchdog:
    """Systemd's, by a process's environment and pid; without $NOTIFY_SOCKET nothing is said to anybody."""

    def __init__(self, environment: Mapping[str, str], pid: int) -> None:
        place = environment.get("NOTIFY_SOCKET", "")
        self._place = f"\0{place[1:]}" if place.startswith("@") else place
        asked = environment.get("WATCHDOG_USEC", "") if environment.get("WATCHDOG_PID", str(pid)) == str(pid) else ""
        self.every = int(asked) / 1e6 / ALIVE_IN_EACH if self._place and asked.isdecimal() else inf
        self._next = -inf

    def ready(self) -> None:
        """Say that the start is over: the process can be asked to end."""
        self._say(b"READY=1")

    def alive(self) -> None:
        """Say that the process does its work, where it is time to; to be called each `every` seconds."""
        if (now := monotonic()) >= self._next and self.every < inf:
            self._next = now + self.every / 2
            self._say(b"WATCHDOG=1")

    def _say(self, what: bytes) -> None:
        if not self._place:
            return
        import socket  # which a listener that cron started does without here

        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
            line.setblocking(False)
            line.sendto(what, self._place)
