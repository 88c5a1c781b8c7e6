"""Lines and batches that a server does not take: all others get there, and nothing is thrown away."""

import sqlite3
from pathlib import Path

import pytest

from homemon import deliver
from homemon.store import Store
from tests.conftest import MakeSender
from tests.servers import Database, InfluxServer, Reply, ScriptedServer, settings
from tests.stores import WALL, T, fill, outcome, seconds, send

DATA_FAULT = '{"error":"partial write: unable to parse"}'


def parked(store: Store) -> list[tuple[int, str]]:
    """Times, counted from T, and reasons of what is parked."""
    db = sqlite3.connect(store.path)
    rows = db.execute("SELECT time, reason FROM parked ORDER BY time").fetchall()
    db.close()
    return [(time - T, reason) for time, reason in rows]


def test_a_batch_too_big_goes_in_halves(tmp_path: Path, store: Store, sender_to: MakeSender) -> None:
    server = InfluxServer(tmp_path / "influx", http="max-body-size = 1000")
    server.start()
    try:
        database = Database(server, "home")
        database.renew()
        expected = fill(store, range(3000))
        assert outcome(send(sender_to(database.settings()))) == (3000, 0, 0, "")
        assert database.points() == expected
    finally:
        server.kill()


@pytest.mark.parametrize("bad", [{37}, {0, 99}, {4, 5, 6}])
def test_exactly_the_bad_line_is_parked_with_the_reason(
    store: Store, database: Database, sender_to: MakeSender, bad: set[int]
) -> None:
    """The server holds a text where our number comes: it refuses that series for the week, and takes all others."""
    database.server.write(database.name, f'broken value="text" {T}000000000')
    expected = fill(store, set(range(100)) - bad)
    fill(store, bad, "broken")
    assert outcome(send(sender_to(database.settings()))) == (100 - len(bad), 0, len(bad), "")
    assert database.points() == expected
    assert [time for time, _ in parked(store)] == sorted(bad)
    assert all("field type conflict" in reason for _, reason in parked(store))
    assert not sender_to(database.settings()).due(WALL)


def test_a_parked_line_goes_when_it_is_sent_again(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    scripted.answer = lambda asked: Reply(400, DATA_FAULT) if " value=1 " in "".join(asked.lines) else Reply()
    fill(store, range(3))
    assert outcome(send(sender_to(settings(scripted.url))))[:3] == (2, 0, 1)
    scripted.answer = lambda asked: Reply()
    store.send_again(T + 1)
    assert outcome(send(sender_to(settings(scripted.url))))[:3] == (2, 0, 0)
    assert parked(store) == []


def test_a_400_that_does_not_blame_the_data_parks_nothing(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    scripted.answer = lambda asked: Reply(400, 'cannot find the provided auth token "x"')
    fill(store, range(50))
    assert outcome(send(sender_to(settings(scripted.url))))[:3] == (0, 50, 0)
    assert len(scripted.asked) == 1


def test_looking_for_many_bad_lines_ends_in_time(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(10_000))
    monkeypatch.setattr(deliver, "monotonic", lambda: next(clock))
    scripted.answer = lambda asked: Reply(400, DATA_FAULT)
    fill(store, range(64))
    sending = sender_to(settings(scripted.url)).send(WALL, 20)
    assert len(scripted.asked) < 20
    assert sending is not None
    assert sending.waiting + sending.parked == 64


@pytest.mark.parametrize("status", [500, 0], ids=["500", "hang-up"])
@pytest.mark.parametrize("bad", [{0}, {50}, {99}, {20, 21, 70}])
def test_a_line_that_a_server_fails_on_for_ever_keeps_no_other_back(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, bad: set[int], status: int
) -> None:
    scripted.answer = lambda asked: Reply(204 if bad.isdisjoint(seconds(asked.lines)) else status)
    fill(store, range(100))
    wall = WALL
    for newer in range(100, 106):
        fill(store, [newer])
        wall = send(sender_to(settings(scripted.url)), wall + 60).next_try
    assert store.backlog() == (len(bad), 0)
    assert set(seconds(entry.text for entry in store.waiting(9))) == bad
    assert len(scripted.asked) < 150
