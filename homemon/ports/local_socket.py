"""A private Unix socket for the commands of one user on one machine: a line comes, lines go back.

A connection is for one question, of at most `LONGEST` bytes; of a longer one as much is given as has come, which is
more, for the owner to refuse. Whoever serves the socket never waits for the other end: what is sent waits in memory up
to `MOST_HELD` bytes, a connection on which nothing is asked ends after `ASK_WITHIN`, and no more than `MOST_CLIENTS`
are open at once; others wait in the kernel.

The socket's file is for its owner alone (0600; connecting takes the right to write, unix(7)). A path longer than the
107 bytes of sun_path is reached through /proc/self/fd.
"""

import os
import select
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from homemon.core.errors import PortError

SUN_PATH = 107  # bytes of a path, without its NUL (unix(7))
LONGEST = 1 << 15  # bytes of a question: a thousand IPv4 addresses
MOST_HELD = 1 << 20  # bytes for one who does not read them
MOST_CLIENTS = 16
ASK_WITHIN = 5.0  # seconds
CHUNK = 1 << 16
LONGEST_ANSWER = 1 << 22  # bytes of a line
LOOK_EVERY = 0.05  # seconds


@contextmanager
def _address(path: Path) -> Iterator[str]:
    """Give a name of `path` that a socket's address has room for. Raise OSError."""
    if len(os.fsencode(path)) <= SUN_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


class _Client:
    """One connection; `deadline` is when it is closed (monotonic), `ending` whether that is due once all is sent."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self.socket = connection
        self.deadline = deadline
        self.received = b""
        self.to_send = bytearray()
        self.asked = self.ending = False


class LocalSocket:
    """The serving end. Its `fileno` is readable when `questions` has something to do.

    A socket that is left of a process that was killed is replaced: whoever makes one holds the lock of what it serves.
    Raise PortError where there can be none.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._clients: dict[int, _Client] = {}  # by a number that no other connection has had
        self._numbers: dict[int, int] = {}  # of descriptors
        self._latest = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK)
        try:
            self._bind()
        except OSError as error:
            self._socket.close()
            raise PortError(f"there can be no socket {path}: {error.strerror or error}") from None
        self._poll = select.epoll()
        self._accepting = False
        self._accept_at = 0.0
        self._let_in(monotonic())

    def _bind(self) -> None:
        with suppress(FileNotFoundError):
            if stat.S_ISSOCK(self._path.lstat().st_mode):
                self._path.unlink()
        os.fchmod(self._socket.fileno(), 0o600)  # before it has a name: nobody can connect in between
        with _address(self._path) as name:
            self._socket.bind(name)
        if os.geteuid() == 0:
            folder = self._path.parent.stat()
            os.chown(self._path, folder.st_uid, folder.st_gid, follow_symlinks=False)
        self._socket.listen(MOST_CLIENTS)

    def fileno(self) -> int:
        """Return the descriptor to wait for."""
        return self._poll.fileno()

    @property
    def due(self) -> float:
        """Return when `questions` is to be called at the latest (monotonic)."""
        waiting = [client.deadline for client in self._clients.values()]
        return min([*waiting, *([] if self._accepting else [self._accept_at])], default=float("inf"))

    def close(self) -> None:
        """Close all connections, and take the socket away."""
        for number in list(self._clients):
            self._close(number)
        with suppress(OSError):
            self._path.unlink()
        self._socket.close()
        self._poll.close()

    def questions(self) -> list[tuple[int, str]]:
        """Return what has been asked since, with the number of its connection. Never waits."""
        now = monotonic()
        asked = [question for handle, event in self._poll.poll(0) for question in self._serve(handle, event, now)]
        for number in [number for number, client in self._clients.items() if now >= client.deadline]:
            self._close(number)
        self._let_in(now)
        return asked

    def is_open(self, number: int) -> bool:
        """Return whether a connection's other end is still there."""
        return number in self._clients

    def send(self, number: int, line: str) -> None:
        """Send a line; nothing where the other end is gone, or does not read."""
        if (client := self._clients.get(number)) is None:
            return
        client.to_send += line.encode("utf-8", "backslashreplace") + b"\n"
        self._flush(number, client)
        if len(client.to_send) > MOST_HELD:
            self._close(number)

    def end(self, number: int) -> None:
        """Close a connection as soon as all is sent."""
        if (client := self._clients.get(number)) is None:
            return
        client.ending, client.deadline = True, monotonic() + ASK_WITHIN
        self._flush(number, client)

    def _let_in(self, now: float) -> None:
        """Watch for connections while there is room for more."""
        wanted = len(self._clients) < MOST_CLIENTS and now >= self._accept_at
        if wanted != self._accepting:
            self._accepting = wanted
            if wanted:
                self._poll.register(self._socket, select.EPOLLIN)
            else:
                self._poll.unregister(self._socket)

    def _serve(self, handle: int, event: int, now: float) -> Iterator[tuple[int, str]]:
        if handle == self._socket.fileno():
            self._accept(now)
        elif (number := self._numbers.get(handle)) is not None:
            client = self._clients[number]
            if event & select.EPOLLOUT:
                self._flush(number, client)
            if event & ~select.EPOLLOUT and self.is_open(number):
                yield from self._receive(number, client)

    def _accept(self, now: float) -> None:
        while len(self._clients) < MOST_CLIENTS:
            try:
                client, _ = self._socket.accept()
            except BlockingIOError:
                return
            except OSError:  # too many open files: a moment later there may be fewer
                self._accept_at = now + 1.0
                return
            client.setblocking(False)
            self._latest += 1
            self._clients[self._latest] = _Client(client, now + ASK_WITHIN)
            self._numbers[client.fileno()] = self._latest
            self._poll.register(client, select.EPOLLIN)

    def _receive(self, number: int, client: _Client) -> Iterator[tuple[int, str]]:
        try:
            data = client.socket.recv(CHUNK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data or client.asked:  # gone, or one who goes on after the question
            self._close(number)
            return
        client.received += data
        line, ended, rest = client.received.partition(b"\n")
        if ended or len(line) > LONGEST:
            client.asked, client.deadline = True, float("inf")
            yield number, line.decode("utf-8", "replace")
            if rest:
                self._close(number)

    def _flush(self, number: int, client: _Client) -> None:
        try:
            while client.to_send:
                del client.to_send[: client.socket.send(client.to_send[:CHUNK])]
        except BlockingIOError:
            pass
        except OSError:
            self._close(number)
            return
        if client.ending and not client.to_send:
            self._close(number)
        else:
            self._poll.modify(client.socket, select.EPOLLIN | (select.EPOLLOUT if client.to_send else 0))

    def _close(self, number: int) -> None:
        if client := self._clients.pop(number, None):
            del self._numbers[client.socket.fileno()]
            client.socket.close()


def converse(path: Path, question: str, first_within: float, within: float) -> Iterator[str]:
    """Ask at a socket, and give the lines of the answer until the other end closes the connection.

    The first is waited for at most `first_within` seconds, all of them at most `within`. Raise TimeoutError after
    that, and another OSError where nobody serves the socket.
    """
    begun = monotonic()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC) as ours:
        deadline = begun + first_within
        _connect(ours, path, deadline)
        ours.sendall(f"{question}\n".encode())
        received = b""
        while (data := _received(ours, deadline)) and len(received) < LONGEST_ANSWER:
            *lines, received = (received + data).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in lines)
            deadline = begun + within


def _connect(ours: socket.socket, path: Path, deadline: float) -> None:
    """Connect, for which there may be a queue. Raise OSError."""
    with _address(path) as name:
        while True:
            ours.settimeout(max(0.001, deadline - monotonic()))
            try:
                return ours.connect(name)
            except BlockingIOError:  # the queue is full
                if monotonic() >= deadline:
                    raise TimeoutError from None
                sleep(LOOK_EVERY)


def _received(ours: socket.socket, deadline: float) -> bytes:
    """Return what comes next; nothing at the end. Raise TimeoutError."""
    ours.settimeout(max(0.001, deadline - monotonic()))
    try:
        return ours.recv(CHUNK)
    except ConnectionError:
        return b""
