"""A place on the LAN beside the program that holds our UDP port: another port, and what that program hears.

Most nodes answer to port 3610, whoever asked, and only one program can hold it. So `ecocute-listen` passes on
what it hears as long as somebody wants it: through a pipe in the store's folder, which nobody but its
owner can open. Each datagram is a line: the address, the port, the bytes in hex.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from homemon.core.errors import PortError
from homemon.ports.trace import Trace
from homemon.ports.udp_node import Datagram, UdpNode

LONGEST = 1500  # bytes of a datagram; a line of them is below PIPE_BUF, so that it comes whole or not at all (pipe(7))
PIPE = 65536  # bytes that a pipe holds


class BesideNode(UdpNode):
    """A node on a port of its own that also hears what comes through `pipe`. Raise PortError."""

    def __init__(self, bind: str, pipe: Path, trace: Trace | None = None) -> None:
        try:
            if not pipe.is_fifo():
                os.mkfifo(pipe, 0o600)
            self._pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)  # a writer too: it never ends
        except OSError as error:
            raise PortError(
                f"{pipe} cannot be opened: {error.strerror}", "Run homemon as the user who owns the store's folder."
            ) from None
        self._begun = b""
        try:
            super().__init__(bind, 0, trace, self._pipe)
        except PortError:
            os.close(self._pipe)
            raise

    def close(self) -> None:
        """Let go of the port and the pipe."""
        super().close()
        os.close(self._pipe)

    def read(self, within: float) -> list[Datagram]:
        """Return the datagrams that have come to either, waiting at most `within` seconds for the first."""
        return [*super().read(within), *self._overheard()]

    def _overheard(self) -> Iterator[Datagram]:
        with suppress(BlockingIOError):
            self._begun += os.read(self._pipe, PIPE)
        *lines, self._begun = self._begun.split(b"\n")
        for line in lines:
            host, port, digits = line.decode("ascii").split(" ")
            yield Datagram(bytes.fromhex(digits), host, int(port))


def pass_on(datagrams: Iterable[Datagram], pipe: Path) -> None:
    """Let a node at the pipe's other end hear them too; nothing where there is none, or where it does not keep up."""
    with suppress(OSError):
        handle = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            for data, host, port in datagrams:
                if len(data) <= LONGEST:
                    os.write(handle, f"{host} {port} {data.hex()}\n".encode("ascii"))
        finally:
            os.close(handle)
