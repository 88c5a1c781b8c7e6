"""Exchanges that end in time: one deadline for the connection, the request and the whole answer.

The timeouts of libraries are for single waits. A server that sends a byte a second, or `100 Continue` for ever,
meets none of them. So a timer shuts the connection down when the time is over, whatever is going on there, and
whoever reads or writes it sees its end.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from threading import Lock, Timer, local

_exchange = local()


class Deadline:
    """Ends the exchange of its thread after `within` seconds; `passed` says whether it had to."""

    def __init__(self, within: float) -> None:
        self.passed = False
        self._within = within
        self._lock = Lock()
        self._handle: socket | None = None
        self._working = False

    def watch(self, fd: int) -> None:
        """Watch this connection from now on. Raise TimeoutError where it is too late."""
        with self._lock:
            self._drop()
            if self.passed:
                raise TimeoutError
            self._handle = socket(fileno=os.dup(fd))  # our own: TLS takes the other from the one who opened it

    def _start(self) -> None:
        self._timer = Timer(self._within, self._end)
        self._timer.daemon = True
        self._timer.start()

    def _end(self) -> None:
        with self._lock:
            if self._working:  # a store that is busy, or a slow card, is not the server's fault
                self._start()
                return
            self.passed = True
            if self._handle:
                with suppress(OSError):
                    self._handle.shutdown(SHUT_RDWR)

    def _drop(self) -> None:
        if self._handle:
            self._handle.close()
        self._handle = None

    @contextmanager
    def running(self, meanwhile: Callable[[], None] = lambda: None) -> Iterator["Deadline"]:
        """Yield during the exchange; every connection opened in this thread meanwhile is watched.

        `meanwhile` is called once the request is sent, before its answer is waited for; where that takes longer, the
        answer may come within as many seconds after it.
        """

        def work() -> None:
            self._working = True
            try:
                meanwhile()
            finally:
                self._working = False

        _exchange.watch, _exchange.meanwhile = self.watch, work
        self._start()
        try:
            yield self
        finally:
            del _exchange.watch, _exchange.meanwhile
            with self._lock:
                self._timer.cancel()
                self._drop()


def watch(connection: socket | None) -> None:
    """Watch a connection that was just opened, or is used again, where an exchange runs in this thread."""
    watching: Callable[[int], None] | None = getattr(_exchange, "watch", None)
    if watching and connection:
        watching(connection.fileno())


def wait() -> None:
    """Do what is to be done in this thread before the answer to its exchange is waited for."""
    meanwhile: Callable[[], None] | None = getattr(_exchange, "meanwhile", None)
    if meanwhile:
        meanwhile()
