"""A server that talks for ever: an exchange is over after [server] timeout, whatever comes in time."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread, Timer
from threading import enumerate as enumerate_threads
from time import monotonic

import pytest

from homemon.delivery.deadline import Deadline
from homemon.delivery.influx import Influx, Verdict
from homemon.storage.store import Store
from tests.commands import LOADED, PATIENCE, homemon, wait_for
from tests.servers import settings
from tests.stores import fill

WITHIN = 0.4  # seconds, of which no single byte takes more than a tenth
LINES = ["power value=523 1795000000000000000"]
DRIPS: dict[str, tuple[bytes, bytes]] = {
    "body": (b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4000\r\n\r\n", b"x"),
    "body without a length": (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 400 Bad Request\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "header": (b"HTTP/1.1 204 No Content\r\nX-Slow: ", b"x"),
    "headers": (b"HTTP/1.1 204 No Content\r\n", b"A: b\r\n"),
    "status": (b"", b"HTTP/1.1 204 No Content"),
    "continue": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
}
Talk = Callable[[socket.socket, Event], None]


@contextmanager
def talking(talk: Talk) -> Iterator[str]:
    """A server that talks so on each connection; its address."""
    over, threads, connections = Event(), list[Thread](), list[socket.socket]()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    connections.append(connection)
                    threads.append(Thread(target=serve, args=(connection,)))
                    threads[-1].start()

        def serve(connection: socket.socket) -> None:
            with connection, suppress(OSError):
                talk(connection, over)

        acceptor = Thread(target=accept)
        acceptor.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            over.set()
            with suppress(OSError), socket.create_connection(server.getsockname()):
                pass
            acceptor.join(PATIENCE)
            for connection in connections:
                with suppress(OSError):  # one that is closed already
                    connection.shutdown(socket.SHUT_RDWR)  # who asked keeps it
            for thread in threads:
                thread.join(PATIENCE)
            assert not any(thread.is_alive() for thread in (acceptor, *threads))


def dripping(name: str) -> Talk:
    """A byte, a header or an interim answer every now and then, for ever."""
    first, then = DRIPS[name]

    def talk(connection: socket.socket, over: Event) -> None:
        connection.recv(65536)
        connection.sendall(first)
        at = 0
        whole = name in ("chunks", "headers", "continue")
        while not over.wait(0.02):
            connection.sendall(then if whole else then[at % len(then) :][:1])
            at += 1

    return talk


@pytest.mark.parametrize("name", DRIPS)
@pytest.mark.parametrize("ask", ["write", "probe", "create_database"])
def test_an_answer_that_trickles_is_given_up(name: str, ask: str) -> None:
    with talking(dripping(name)) as address:
        influx = Influx(settings(f"http://{address}", timeout=WITHIN))
        begun = monotonic()
        answer = influx.write(LINES) if ask == "write" else getattr(influx, ask)()
        took = monotonic() - begun
    assert answer.verdict is Verdict.LATER
    assert answer.text == f"http://{address}: no answer within {WITHIN} s; see its load, and what lies between"
    assert WITHIN * 0.9 < took < WITHIN + LOADED


def test_a_request_that_is_taken_byte_by_byte_is_given_up() -> None:
    def sip(connection: socket.socket, over: Event) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        while not over.wait(0.02):
            connection.recv(1)

    many = [f"power{i} value={i * 7919 % 10007} 1795000000000000000" for i in range(1_000_000)]
    with talking(sip) as address:
        begun = monotonic()
        influx = Influx(settings(f"http://{address}", timeout=WITHIN))
        answer = influx._post(f"http://{address}/write", influx._judge, data="\n".join(many).encode())
        took = monotonic() - begun
    assert answer.verdict is Verdict.LATER
    assert took < WITHIN + LOADED


def test_a_handshake_that_trickles_is_given_up() -> None:
    """A TLS record that promises 16 KB, a byte at a time."""

    def handshake(connection: socket.socket, over: Event) -> None:
        connection.recv(65536)
        connection.sendall(b"\x16\x03\x03\x40\x00")
        while not over.wait(0.02):
            connection.sendall(b"\x02")

    with talking(handshake) as address:
        begun = monotonic()
        answer = Influx(settings(f"https://{address}", timeout=WITHIN)).write(LINES)
        took = monotonic() - begun
    assert answer.verdict is Verdict.LATER
    assert took < WITHIN + LOADED


def test_the_connection_that_was_shut_is_not_used_again() -> None:
    """The next request gets its answer, on a new connection or on one that served before."""
    asked: list[bytes] = []

    def talk(connection: socket.socket, over: Event) -> None:
        while request := connection.recv(65536):
            if not request.endswith(LINES[0].encode()):
                continue  # header and body may come apart
            asked.append(request)
            if len(asked) == 2:
                connection.sendall(b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 10\r\n\r\n")
                over.wait(PATIENCE)
                return
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    with talking(talk) as address:
        influx = Influx(settings(f"http://{address}", timeout=WITHIN))
        verdicts = [influx.write(LINES).verdict for _ in range(4)]
    assert verdicts == [Verdict.TAKEN, Verdict.LATER, Verdict.TAKEN, Verdict.TAKEN]


def test_a_connection_that_comes_too_late_is_not_used() -> None:
    """Connecting has a limit of its own, which may end after the deadline."""
    deadline = Deadline(0.0)
    with deadline.running(), socket.create_server(("127.0.0.1", 0)) as late:
        wait_for(lambda: deadline.passed)
        with pytest.raises(TimeoutError):
            deadline.watch(late.fileno())


@pytest.mark.parametrize(
    ("answer", "verdict"), [(b"HTTP/1.1 204 No Content\r\n\r\n", Verdict.TAKEN), (b"", Verdict.LATER)]
)
def test_what_we_do_while_the_server_works_is_not_its_time(answer: bytes, verdict: Verdict) -> None:
    """Such as to wait for a store that another process writes; who never answers is still given up."""

    def talk(connection: socket.socket, over: Event) -> None:
        connection.recv(65536)
        connection.sendall(answer)
        over.wait(PATIENCE)

    def work() -> None:
        for timer in [thread for thread in enumerate_threads() if isinstance(thread, Timer)]:
            timer.join(PATIENCE)

    with talking(talk) as address:
        assert Influx(settings(f"http://{address}", timeout=1.0)).write(LINES, work).verdict is verdict


def test_what_a_server_said_before_it_broke_off_counts() -> None:
    said = b'{"error":"partial write: field type conflict: input field"' + b" " * 600

    def talk(connection: socket.socket, over: Event) -> None:
        connection.recv(65536)
        connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4000\r\n\r\n" + said)

    with talking(talk) as address:
        answer = Influx(settings(f"http://{address}", timeout=PATIENCE)).write(LINES)
    assert answer.verdict is Verdict.DATA_FAULT


@pytest.mark.parametrize("name", ["body", "header", "continue"])
def test_upload_and_check_end_beside_a_server_that_trickles(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path / "store")
    fill(store, range(3))
    store.close()
    with talking(dripping(name)) as address:
        (tmp_path / "config.ini").write_text(
            f"[store]\ndir = {tmp_path}/store\n[server]\nurl = http://{address}\ntimeout = {WITHIN}\n"
        )
        upload, check = homemon("upload", cwd=tmp_path), homemon("check", cwd=tmp_path)
    assert (upload.returncode, upload.stdout) == (1, "0 sent, 3 waiting, 0 parked\n")
    for said in (upload.stderr, check.stdout):
        assert "no answer within 0.4 s" in said.replace("\n", " ")
