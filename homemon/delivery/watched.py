"""The connections of requests, each watched by the deadline of its exchange."""

from socket import socket
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from homemon.delivery.deadline import wait, watch


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
