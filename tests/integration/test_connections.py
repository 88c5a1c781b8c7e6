"""The connection to a server is kept between requests, and its end in the meantime is nobody's trouble."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from socket import create_server, socket
from threading import Thread

import pytest

from homemon.delivery.influx import Influx
from homemon.delivery.verdicts import Verdict
from tests.servers import settings

TAKEN = b"HTTP/1.1 204 No Content\r\n\r\n"
REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
LINES = ["power value=1 1794236401000000000"]


@contextmanager
def serving(talk: Callable[[socket, int], None]) -> Iterator[tuple[Influx, list[int]]]:
    """Give a client, and how many requests came by each connection; `talk` is told the number of each connection."""
    counts = list[int]()

    def serve(connection: socket, number: int) -> None:
        with connection, suppress(OSError):
            while said := connection.recv(65536):
                if said.endswith(LINES[0].encode()):  # head and body come in pieces of their own
                    counts[number] += 1
                    talk(connection, number)

    def accept() -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                counts.append(0)
                Thread(target=serve, args=(connection, len(counts) - 1), daemon=True).start()

    with create_server(("127.0.0.1", 0)) as server:
        Thread(target=accept, daemon=True).start()
        yield Influx(settings(f"http://127.0.0.1:{server.getsockname()[1]}")), counts
        server.shutdown(2)


@pytest.mark.parametrize(("answer", "verdict"), [(TAKEN, Verdict.TAKEN), (REFUSED, Verdict.LATER)])
def test_one_connection_does_for_many_requests(answer: bytes, verdict: Verdict) -> None:
    with serving(lambda connection, number: connection.sendall(answer)) as (influx, counts):
        assert [influx.write(LINES).verdict for _ in range(4)] == [verdict] * 4
        assert counts == [4]


def test_a_kept_connection_that_ends_as_it_is_used_is_replaced() -> None:
    """A server closes what was idle for long, in the moment in which the next request is on its way."""

    def talk(connection: socket, number: int) -> None:
        if counts == [2]:
            connection.shutdown(2)
        else:
            connection.sendall(TAKEN)

    with serving(talk) as (influx, counts):
        assert [influx.write(LINES).verdict for _ in range(3)] == [Verdict.TAKEN] * 3
        assert counts == [2, 2]


def test_a_new_connection_that_ends_without_an_answer_is_not_tried_again() -> None:
    with serving(lambda connection, number: connection.shutdown(2)) as (influx, counts):
        answer = influx.write(LINES)
        assert answer.verdict is Verdict.LATER
        assert "ended without an HTTP answer" in answer.text
        assert counts == [1]


def test_a_server_that_ends_kept_connections_again_and_again_is_asked_twice() -> None:
    def talk(connection: socket, number: int) -> None:
        if number == 0 and counts == [1]:
            connection.sendall(TAKEN)
        else:
            connection.shutdown(2)

    with serving(talk) as (influx, counts):
        assert [influx.write(LINES).verdict for _ in range(2)] == [Verdict.TAKEN, Verdict.LATER]
        assert counts == [2, 1]
