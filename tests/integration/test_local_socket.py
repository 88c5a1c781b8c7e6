"""The private socket of who holds a port, on real sockets: nothing that its other end does makes its owner wait."""

import os
import select
import socket
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

import pytest

from homemon.core.errors import PortError
from homemon.ports import local_socket
from homemon.ports.local_socket import LONGEST, MOST_CLIENTS, MOST_HELD, LocalSocket, converse

QUICK = 0.5  # seconds that one look at the socket may take on a busy machine


@pytest.fixture
def served(tmp_path: Path) -> Iterator[LocalSocket]:
    ours = LocalSocket(tmp_path / "port.sock")
    yield ours
    ours.close()


def connected(path: Path) -> socket.socket:
    theirs = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    theirs.settimeout(5.0)
    theirs.connect(str(path))
    return theirs


def asked(served: LocalSocket, within: float = 5.0) -> list[tuple[int, str]]:
    """What comes, as soon as something does."""
    deadline = monotonic() + within
    while monotonic() < deadline:
        select.select([served.fileno()], [], [], max(0.0, min(deadline, served.due) - monotonic()))
        begun = monotonic()
        found = served.questions()
        assert monotonic() - begun < QUICK
        if found:
            return found
    return []


def settle(served: LocalSocket) -> None:
    """Let it take in what has come already."""
    for _ in range(3):
        assert not served.questions()


def answered(served: LocalSocket, path: Path, question: str, *lines: str) -> list[str]:
    """The answer that somebody gets to a question."""
    with ThreadPoolExecutor() as pool:
        answer = pool.submit(lambda: list(converse(path, question, 5.0, 5.0)))
        [(number, line)] = asked(served)
        assert line == question
        for text in lines:
            served.send(number, text)
        served.end(number)
        return answer.result(5.0)


def test_a_question_gets_its_answer_line_by_line(served: LocalSocket, tmp_path: Path) -> None:
    assert answered(served, tmp_path / "port.sock", "poll E7", "a", "b c", "") == ["a", "b c", ""]


def test_it_is_for_its_owner_alone(served: LocalSocket, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        open_to_all = LocalSocket(tmp_path / "other.sock")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "other.sock").stat().st_mode) == 0o600
    open_to_all.close()


def test_a_socket_that_a_killed_process_left_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left.bind(str(tmp_path / "port.sock"))
    left.close()
    with pytest.raises(ConnectionRefusedError):
        list(converse(tmp_path / "port.sock", "poll", 5.0, 5.0))
    served = LocalSocket(tmp_path / "port.sock")
    assert answered(served, tmp_path / "port.sock", "poll", "yes") == ["yes"]
    served.close()
    assert not (tmp_path / "port.sock").exists()


def test_what_is_no_socket_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "port.sock").write_text("mine")
    with pytest.raises(PortError, match=r"there can be no socket .*port\.sock: Address already in use"):
        LocalSocket(tmp_path / "port.sock")
    assert (tmp_path / "port.sock").read_text() == "mine"


def test_a_path_longer_than_an_address_has_room_for_works_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    deep.mkdir(parents=True)
    served = LocalSocket(deep / "port.sock")
    assert answered(served, deep / "port.sock", "poll", "yes") == ["yes"]
    served.close()
    assert not list(deep.iterdir())


def test_where_nobody_serves_it_asking_fails_at_once(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(converse(tmp_path / "port.sock", "poll", 5.0, 5.0))


def test_who_sends_no_line_end_is_answered_at_the_limit_and_closed(served: LocalSocket, tmp_path: Path) -> None:
    with connected(tmp_path / "port.sock") as flood:
        flood.sendall(b"x" * LONGEST)
        settle(served)
        flood.sendall(b"x")
        [(number, line)] = asked(served)
        assert len(line) == LONGEST + 1
        served.send(number, "too long")
        flood.sendall(b"x" * 4096)
        settle(served)
        assert flood.recv(9) == b"too long\n"
        with pytest.raises(OSError, match=r"Broken pipe|reset by peer"):
            flood.sendall(b"x" * 4096)


def test_bytes_that_are_no_text_come_as_a_line_that_is_no_question(served: LocalSocket, tmp_path: Path) -> None:
    with connected(tmp_path / "port.sock") as theirs:
        theirs.sendall(b"\xff\x00\x1b[2J\n")
        [(_, line)] = asked(served)
        assert line == "\ufffd\x00\x1b[2J"


def test_who_goes_on_after_the_question_is_closed(served: LocalSocket, tmp_path: Path) -> None:
    with connected(tmp_path / "port.sock") as theirs:
        theirs.sendall(b"poll\npoll\n")
        [(number, line)] = asked(served)
        assert (line, served.is_open(number)) == ("poll", False)


def test_who_asks_nothing_is_closed_after_a_while(
    served: LocalSocket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_socket, "ASK_WITHIN", 0.05)
    with connected(tmp_path / "port.sock") as theirs:
        settle(served)
        assert asked(served, 0.1) == []
        assert theirs.recv(1) == b""


def test_who_goes_away_is_noticed_and_what_is_sent_to_it_disturbs_nothing(served: LocalSocket, tmp_path: Path) -> None:
    with connected(tmp_path / "port.sock") as theirs:
        theirs.sendall(b"poll\n")
        [(number, _)] = asked(served)
        assert served.is_open(number)
    settle(served)
    assert not served.is_open(number)
    served.send(number, "text")
    served.end(number)
    assert answered(served, tmp_path / "port.sock", "poll", "yes") == ["yes"]


def test_a_number_is_never_used_again(served: LocalSocket, tmp_path: Path) -> None:
    numbers = []
    for _ in range(3):
        with connected(tmp_path / "port.sock") as theirs:
            theirs.sendall(b"poll\n")
            numbers += [number for number, _ in asked(served)]
        settle(served)
    assert len(set(numbers)) == 3


def test_who_does_not_read_costs_a_bounded_memory(served: LocalSocket, tmp_path: Path) -> None:
    with connected(tmp_path / "port.sock") as theirs:
        theirs.sendall(b"poll\n")
        [(number, _)] = asked(served)
        for _ in range(2 * MOST_HELD // 1000):
            begun = monotonic()
            served.send(number, "x" * 1000)
            assert monotonic() - begun < QUICK
        assert not served.is_open(number)


def test_a_flood_of_connections_waits_in_the_kernel_and_is_served_in_turn(served: LocalSocket, tmp_path: Path) -> None:
    idle = [connected(tmp_path / "port.sock") for _ in range(MOST_CLIENTS)]
    settle(served)
    with connected(tmp_path / "port.sock") as waits:
        waits.sendall(b"poll\n")
        settle(served)
        idle.pop().close()
        assert [line for _, line in asked(served)] == ["poll"]
    for each in idle:
        each.close()


def test_an_owner_that_hangs_is_noticed_in_time(served: LocalSocket, tmp_path: Path) -> None:
    begun = monotonic()
    with pytest.raises(TimeoutError):
        list(converse(tmp_path / "port.sock", "poll", 0.2, 5.0))
    assert monotonic() - begun < 0.2 + QUICK


def test_where_even_the_kernels_queue_is_full_that_is_noticed_in_time(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as deaf:
        deaf.bind(str(tmp_path / "port.sock"))
        deaf.listen(0)
        with connected(tmp_path / "port.sock"):
            begun = monotonic()
            with pytest.raises(TimeoutError):
                list(converse(tmp_path / "port.sock", "poll", 0.2, 5.0))
            assert monotonic() - begun < 0.2 + QUICK
