"""HTTP exchanges that end in time: one deadline for the connection, the request and the whole answer.

The timeouts of requests are for single waits. A server that sends a byte a second, or `100 Continue` for ever,
meets none of them. So a timer shuts the connection down when the time is over, whatever is going on there, and
whoever reads or writes it sees its end.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import SHUT_RDWR, socket
from threading import Lock, Timer, local
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_exchange = local()


class Deadline:
    """Ends the exchange of its thread after `within` seconds; `passed` says whether it had to."""

    def __init__(self, within: float) -> None:
        self.passed = False
        self._lock = Lock()
        self._handle: socket | None = None
        self._timer = Timer(within, self._end)
        self._timer.daemon = True

    def watch(self, fd: int) -> None:
        """Watch this connection from now on. Raise TimeoutError where it is too late."""
        with self._lock:
            self._drop()
            if self.passed:
                raise TimeoutError
            self._handle = socket(fileno=os.dup(fd))  # our own: TLS takes the other from the one who opened it

    def _end(self) -> None:
        with self._lock:
            self.passed = True
            if self._handle:
                with suppress(OSError):
                    self._handle.shutdown(SHUT_RDWR)

    def _drop(self) -> None:
        if self._handle:
            self._handle.close()
        self._handle = None

    @contextmanager
    def running(self) -> Iterator["Deadline"]:
        """Yield during the exchange; every connection opened in this thread meanwhile is watched."""
        _exchange.watch = self.watch
        self._timer.start()
        try:
            yield self
        finally:
            self._timer.cancel()
            del _exchange.watch
            with self._lock:
                self._drop()


def _watch(connection: socket | None) -> None:
    watch: Callable[[int], None] | None = getattr(_exchange, "watch", None)
    if watch and connection:
        watch(connection.fileno())


class _Watching:
    """What is common to both kinds of connection: a new one is watched, and one that is used again."""

    sock: Any

    def _new_conn(self) -> socket:
        opened: socket = super()._new_conn()  # type: ignore[misc]
        try:
            _watch(opened)
        except BaseException:
            opened.close()
            raise
        return opened

    def request(self, *arguments: Any, **named: Any) -> None:
        _watch(self.sock)
        super().request(*arguments, **named)  # type: ignore[misc]


class _Http(_Watching, HTTPConnection):
    pass


class _Https(_Watching, HTTPSConnection):
    pass


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Http


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _Https


class Watched(HTTPAdapter):
    """The transport for a session of requests whose exchanges run within a `Deadline`."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        """Do as HTTPAdapter does, with connections that are watched."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _HttpPool, "https": _HttpsPool}
