"""From the store to a server: whatever the server does, each reading gets there once, the newest first."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random
from threading import Event, Thread
from typing import Any

import pytest

from homemon import deliver
from homemon.config import Server
from homemon.deliver import (
    BACKOFF_FIRST,
    BACKOFF_LAST,
    HOLD_FOR,
    RETRY_AFTER_LONGEST,
    Sender,
    fingerprint,
    server_fault,
)
from homemon.influx import Influx
from homemon.points import Point
from homemon.store import Store
from tests.conftest import MakeSender
from tests.servers import PATIENCE, Asked, Database, Reply, ScriptedServer, settings
from tests.stores import WALL, T, fill, outcome, put, seconds, send

# --- a server that comes and goes ---------------------------------------------------------


def test_what_waits_while_the_server_is_down_arrives_once_it_is_back(
    store: Store, own_influx: Database, sender_to: MakeSender
) -> None:
    sender = sender_to(own_influx.settings())
    expected = fill(store, range(10))
    assert outcome(send(sender)) == (10, 0, 0, "")
    own_influx.server.kill()
    expected |= fill(store, range(10, 30))
    down = send(sender)
    assert (down.sent, down.waiting, down.news) == (0, 20, True)
    assert "cannot be reached" in down.fault
    again = sender_to(own_influx.settings())
    assert not again.due(down.next_try - 0.1)
    own_influx.server.start()
    assert again.due(down.next_try)
    assert outcome(send(again, down.next_try)) == (20, 0, 0, "")
    assert own_influx.points() == expected
    assert not again.due(down.next_try)


def test_a_new_point_needs_no_second_sending_of_the_old(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    sender = sender_to(settings(scripted.url))
    for i in range(3):
        fill(store, [i])
        send(sender)
    assert seconds(scripted.lines) == [0, 1, 2]


def test_the_newest_goes_first(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliver, "FULL_BATCH", 7)
    fill(store, range(100))
    assert send(sender_to(settings(scripted.url))).sent == 100
    assert seconds(scripted.lines) == list(range(99, -1, -1))


def test_after_a_failure_it_starts_small(store: Store, scripted: ScriptedServer, sender_to: MakeSender) -> None:
    sender = sender_to(settings(scripted.url))
    fill(store, range(100))
    scripted.answer = lambda asked: Reply(503)
    send(sender)
    scripted.answer = lambda asked: Reply()
    send(sender)
    assert [len(asked.lines) for asked in scripted.asked] == [100, 1, 8, 64, 27]


def test_it_comes_back_later_and_later_across_processes(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    scripted.answer = lambda asked: Reply(503)
    fill(store, [0])
    wall, pauses = WALL, []
    for _ in range(12):
        sending = send(sender_to(settings(scripted.url)), wall)
        pauses.append(sending.next_try - wall)
        wall = sending.next_try
    limits = [min(BACKOFF_LAST, BACKOFF_FIRST * 2**i) for i in range(12)]
    assert all(limit * 0.5 <= pause <= limit * 1.5 + 1 for limit, pause in zip(limits, pauses, strict=True)), pauses


@pytest.mark.parametrize(
    ("wait", "pause"),
    [
        (lambda: "120", 120),
        (lambda: format_datetime(datetime.now(UTC) + timedelta(seconds=120)), 120),
        (lambda: "999999", RETRY_AFTER_LONGEST),
    ],
)
def test_a_server_that_asks_for_it_is_left_alone(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, wait: Callable[[], str], pause: float
) -> None:
    scripted.answer = lambda asked: Reply(429, "", {"Retry-After": wait()})
    fill(store, range(3))
    assert send(sender_to(settings(scripted.url))).next_try == pytest.approx(WALL + pause, abs=5)
    assert not sender_to(settings(scripted.url)).due(WALL + pause - 10)
    assert sender_to(settings(scripted.url)).due(WALL + pause + 10)


def test_the_pause_counts_from_the_answer_and_stops_the_round(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A round may last for hours: a pause that is counted from its beginning would be over before it begins."""
    clock = [0.0]

    def answer(asked: Asked) -> Reply:
        clock[0] += 1000
        return Reply() if len(scripted.asked) == 1 else Reply(429, "", {"Retry-After": "60"})

    monkeypatch.setattr(deliver, "monotonic", lambda: clock[0])
    monkeypatch.setattr(deliver, "FULL_BATCH", 5)
    scripted.answer = answer
    fill(store, range(30))
    sending = sender_to(settings(scripted.url)).send(WALL, 1e6)
    assert sending is not None
    assert (sending.sent, sending.next_try, len(scripted.asked)) == (5, WALL + 2060, 2)


def test_a_pause_that_a_wrong_clock_left_in_the_far_future_does_not_count(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    fill(store, [0])
    store.remember(failures=3, retry_at=WALL + 1e8)
    assert sender_to(settings(scripted.url)).due(WALL)


def test_what_must_be_mended_by_a_person_is_told_once(
    store: Store, own_influx: Database, sender_to: MakeSender
) -> None:
    fill(store, range(3))
    lost = own_influx.settings(db="later")
    first, second = (send(sender_to(lost), WALL + i) for i in range(2))
    assert (first.news, second.news) == (True, False)
    assert "database not found" in first.fault
    assert first.next_try == pytest.approx(WALL + HOLD_FOR, abs=5)
    own_influx.server.query("CREATE DATABASE later")
    assert outcome(send(sender_to(lost))) == (3, 0, 0, "")
    fill(store, [9])
    own_influx.server.query("DROP DATABASE later")
    assert send(sender_to(lost)).news, "trouble that comes again is news again"


# --- two at a time ----------------------------------------------------------------------------


def test_a_value_that_changes_while_it_is_sent_is_sent_again(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    def change(asked: Asked) -> Reply:
        scripted.answer = lambda asked: Reply()
        other = Store(store.path.parent)
        put(other, Point("power", {"value": -1}, T + 1))
        other.close()
        return Reply()

    scripted.answer = change
    fill(store, range(3))
    assert outcome(send(sender_to(settings(scripted.url))))[:3] == (4, 0, 0)
    assert [asked.lines[-1] for asked in scripted.asked] == [
        f"power value=0 {T}000000000",
        f"power value=-1 {T + 1}000000000",
    ]


SECOND = """
import sys
from pathlib import Path
from random import Random
from homemon.deliver import Sender
from homemon.store import Store
folder = Path(sys.argv[1])
print(Sender(Store(folder), None, folder, Random(1)).send(0.0, 10.0))
"""


def test_only_one_process_sends_at_a_time(store: Store, scripted: ScriptedServer) -> None:
    arrived, go_on, folder = Event(), Event(), store.path.parent

    def hold(asked: Asked) -> Reply:
        arrived.set()
        go_on.wait(PATIENCE)
        return Reply()

    def first(server: Server) -> None:
        own = Store(folder)
        send(Sender(own, lambda: Influx(server), folder, Random(1)))
        own.close()

    scripted.answer = hold
    fill(store, range(3))
    thread = Thread(target=first, args=(settings(scripted.url),))
    thread.start()
    try:
        assert arrived.wait(PATIENCE)
        command = (sys.executable, "-c", SECOND, folder)
        assert subprocess.run(command, capture_output=True, timeout=PATIENCE, check=True).stdout == b"None\n"
    finally:
        go_on.set()
        thread.join(PATIENCE)
    assert len(scripted.lines) == 3
    assert store.backlog() == (0, 0)


def test_a_server_may_be_down_for_months(store: Store, scripted: ScriptedServer, sender_to: MakeSender) -> None:
    scripted.answer = lambda asked: Reply(503)
    fill(store, range(3))
    sender, wall = sender_to(settings(scripted.url)), WALL
    for _ in range(20):
        store.remember(failures=5000)
        wall = send(sender, wall).next_try
        assert wall - WALL <= 20 * 450
    scripted.answer = lambda asked: Reply(204)
    assert send(sender, wall).sent == 3


# --- another configuration ------------------------------------------------------------------


def of(store: Store, server: Server) -> Sender:
    """The sender of a configuration, as the commands make it."""
    return Sender(store, lambda: Influx(server), store.path.parent, Random(1), fingerprint(server))


CORRECTED: dict[str, Any] = {
    "db": "right",
    "token": "right",
    "password": "right",
    "url": "http://127.0.0.1:2",
    "org": "right",
}


@pytest.mark.parametrize("key", CORRECTED)
def test_what_was_learned_of_one_configuration_does_not_hold_for_a_corrected_one(
    store: Store, scripted: ScriptedServer, key: str
) -> None:
    scripted.answer = lambda asked: Reply(401)
    wrong = settings(scripted.url, user="me", password="wrong")
    fill(store, range(3))
    first = send(of(store, wrong))
    assert server_fault(store, wrong) == first.fault
    assert not of(store, wrong).due(WALL + 60)
    right = wrong._replace(**{key: CORRECTED[key]})
    assert server_fault(store, right) == ""
    assert of(store, right).due(WALL + 60)
    assert of(store, right).next_try(WALL + 60) == 0.0


def test_a_fault_that_stays_the_same_under_another_configuration_is_news(
    store: Store, scripted: ScriptedServer
) -> None:
    scripted.answer = lambda asked: Reply(401)
    fill(store, range(3))
    for password, news in (("a", True), ("a", False), ("b", True), ("b", False)):
        assert send(of(store, settings(scripted.url, user="me", password=password))).news is news


def test_the_store_tells_nothing_of_the_configuration(store: Store, scripted: ScriptedServer) -> None:
    """What tells one configuration from another is too short to try passwords against."""
    scripted.answer = lambda asked: Reply(401)
    fill(store, range(3))
    server = settings(scripted.url, user="me", password="hunter2", token="s3cret", ca=None)
    send(of(store, server))
    kept = str(store.recall("server"))
    assert kept == fingerprint(server)
    assert len(kept) == 6
    assert not [secret for secret in ("hunter2", "s3cret") if secret in kept]
    assert len({fingerprint(server._replace(password=str(i))) for i in range(100)}) == 100
