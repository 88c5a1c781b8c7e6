"""`homemon serve` as a browser asks it, and readings that come meanwhile."""

import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPMessage
from pathlib import Path
from time import time
from typing import Any, NamedTuple

from homemon.core.points import Point
from homemon.storage.store import Store
from tests.commands import HOMEMON, PATIENCE, Running, running
from tests.stores import put


class Reply(NamedTuple):
    status: int
    headers: HTTPMessage
    body: bytes


class Served:
    """A command that serves, and where."""

    def __init__(self, command: Running) -> None:
        command.says("open http://")
        (port,) = re.findall(r"open http://[^ ]*?:(\d+)/", command.errors.read_text())
        self.port = int(port)
        self.url = f"http://127.0.0.1:{port}"
        self.command = command

    def ask(self, path: str, method: str = "GET", **headers: str) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers=named)
            answer = connection.getresponse()
            return Reply(answer.status, answer.headers, answer.read())
        finally:
            connection.close()

    def connect(self, sent: bytes = b"", host: str = "127.0.0.1") -> socket.socket:
        """Return a connection from an address of the loopback, with something sent already."""
        opened = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE, source_address=(host, 0))
        opened.sendall(sent)
        return opened

    def memory(self) -> int:
        status = Path(f"/proc/{self.command.process.pid}/status").read_text()
        return int(re.findall(r"VmRSS:\s+(\d+) kB", status)[0])

    def said(self) -> str:
        return self.command.errors.read_text()


@contextmanager
def serving(folder: Path, *options: str, program: tuple[str, ...] = HOMEMON) -> Iterator[Served]:
    (folder / "stderr.txt").unlink(missing_ok=True)
    with running("serve", "--port", "0", *options, cwd=folder, program=program) as command:
        served = Served(command)
        yield served
        assert command.stop() == 0
        assert "Traceback" not in served.said()


def record(folder: Path, watts: int, when: float | None = None) -> None:
    """Store one reading of the power, as a command beside us does."""
    store = Store(folder / "store")
    put(store, Point("power", {"value": watts}, int(when or time())))
    store.close()


@contextmanager
def stream(served: Served) -> Iterator[Iterator[dict[str, Any]]]:
    """The events of an open stream."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=PATIENCE)
    try:
        connection.request("GET", "/live")
        answer = connection.getresponse()
        assert (answer.status, answer.getheader("Content-Type")) == (200, "text/event-stream; charset=utf-8")
        lines = iter(answer.readline, b"")
        yield (json.loads(line.removeprefix(b"data: ")) for line in lines if line.startswith(b"data: "))
    finally:
        connection.close()
