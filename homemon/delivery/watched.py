"""The connections of requests, each watched by the deadline of its exchange.

One that was kept may have been closed by the server in the meantime, which shows only when it is used again.
"""

from socket import socket
from threading import local
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from requests.exceptions import ConnectionError as Disconnected
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from homemon.delivery.deadline import wait, watch

_latest = local()
"""`kept`: whether the thread's latest request went by a connection that was open already."""


class _Watching:
    """What is common to both kinds of connection: a new one is watched, and one that is used again."""

    sock: Any

    def _new_conn(self) -> socket:
        opened: socket = super()._new_conn()  # type: ignore[misc]
        try:
            watch(opened)
        except BaseException:
            opened.close()
            raise
        return opened

    def request(self, *arguments: Any, **named: Any) -> None:
        _latest.kept = self.sock is not None
        watch(self.sock)
        super().request(*arguments, **named)  # type: ignore[misc]

    def getresponse(self) -> Any:
        wait()
        return super().getresponse()  # type: ignore[misc]


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

    def send(self, request: PreparedRequest, *arguments: Any, **named: Any) -> Response:
        """Do as HTTPAdapter does; by a new connection where one that was kept is at its end."""
        _latest.kept = False
        try:
            return super().send(request, *arguments, **named)
        except Disconnected:
            if not _latest.kept:
                raise
            return super().send(request, *arguments, **named)
