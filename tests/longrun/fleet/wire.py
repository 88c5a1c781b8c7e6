"""What homemon's client puts on the wire, said by many homes at the same time and at little cost.

The bytes are those of the real client, taken down once; only the token and the server's address are put in their
places. So a program has as much to do as its core allows, as it would among very many homes.
"""

import ssl
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from socket import create_connection, create_server
from threading import Thread

from homemon.delivery.influx import Influx
from homemon.delivery.verdicts import Verdict
from tests.commands import PATIENCE
from tests.servers import settings

TOKEN = b"the-token"
END = b"\r\n\r\n"
TOGETHER = 64  # requests that are on their way at once


def taken_down(lines: Sequence[str]) -> bytes:
    """Return the bytes of homemon's request with these lines; it is about TOKEN."""
    said = bytearray()
    with create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                while not whole(said):
                    said.extend(connection.recv(1 << 20))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        answering = Thread(target=answer)
        answering.start()
        port = server.getsockname()[1]
        answered = Influx(settings(f"http://127.0.0.1:{port}", db="smartmeter", token=TOKEN.decode())).write(lines)
        answering.join(PATIENCE)
    assert answered.verdict is Verdict.TAKEN
    return bytes(said)


def whole(said: bytes | bytearray) -> bool:
    head, end, body = bytes(said).partition(END)
    length = [text.split(b":")[1] for text in head.split(b"\r\n") if text.lower().startswith(b"content-length:")]
    return bool(end) and len(body) == int(length[0])


class Wire:
    """The connection of one home, open or not."""

    def __init__(self, port: int, context: ssl.SSLContext, token: str) -> None:
        self._port, self._context, self._token = port, context, token.encode()
        self._socket: ssl.SSLSocket | None = None

    def ask(self, request: bytes) -> None:
        """Send this request, by a new connection where none is open."""
        if self._socket is None:
            plain = create_connection(("127.0.0.1", self._port), PATIENCE)
            self._socket = self._context.wrap_socket(plain, server_hostname="127.0.0.1")
        self._socket.sendall(request.replace(TOKEN, self._token, 1))

    def hear(self) -> None:
        """Take the answer, which must be that all was taken."""
        assert self._socket is not None
        said = b""
        while END not in said:
            piece = self._socket.recv(4096)
            assert piece, "the connection ended"
            said += piece
        assert b" 204 " in said[:20], said

    def close(self) -> None:
        if self._socket:
            self._socket.close()
        self._socket = None

    def once(self, request: bytes) -> None:
        """Ask by a connection for this request alone."""
        self.close()
        self.ask(request)
        self.hear()
        self.close()


def ask_all(asked: Iterable[tuple[Wire, bytes]], anew: bool) -> None:
    """Make all these requests, many of them at once."""
    waiting = list(asked)
    if anew:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda each: each[0].once(each[1]), waiting))
        return
    for at in range(0, len(waiting), TOGETHER):
        for wire, request in waiting[at : at + TOGETHER]:
            wire.ask(request)
        for wire, _ in waiting[at : at + TOGETHER]:
            wire.hear()


def hang_up(wires: Iterable[Wire]) -> None:
    """Close the connections that are open."""
    for wire in wires:
        wire.close()
