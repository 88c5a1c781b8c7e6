"""Lines and batches that a server does not take: all others get there, and nothing is thrown away."""

import json
import os
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from homemon.config.keys import Server
from homemon.delivery import server
from homemon.delivery.influx import Influx
from homemon.delivery.sender import Sender
from homemon.delivery.sink import Memory, fingerprint
from homemon.storage.store import Store
from tests.conftest import MakeSender
from tests.servers import Database, InfluxServer, Reply, ScriptedServer, settings
from tests.stores import WALL, T, fill, outcome, seconds, send, sender_of

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
    store.outbox.send_again(T + 1)
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
    monkeypatch.setattr(server, "monotonic", lambda: next(clock))
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
    assert store.outbox.backlog() == (len(bad), 0)
    assert set(seconds(store.outbox.waiting(9).texts)) == bad
    assert len(scripted.asked) < 150


# --- a fault of the data, whatever the status ---------------------------------------------

CONFLICTS = [
    Reply(
        500, '{"code":"internal error","message":"unexpected error writing points to database: field type conflict"}'
    ),
    Reply(
        422, '{"code":"unprocessable entity","message":"failure writing points: partial write: field type conflict"}'
    ),
    Reply(201, '{"code":"invalid","message":"partial write has occurred, errors on line(s): line 1: …","line":1}'),
    Reply(400, '{"error":"partial write: mystery dropped=1"}'),
]


@pytest.mark.parametrize("where", ["newest", "middle", "oldest"])
@pytest.mark.parametrize("reply", CONFLICTS, ids=lambda reply: str(reply.status))
def test_what_it_refuses_for_ever_is_parked_and_all_else_arrives(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, reply: Reply, where: str
) -> None:
    begin = {"newest": 100, "middle": 40, "oldest": 0}[where]
    expected = [*range(10, 40), *range(70, 100)]
    fill(store, expected, "hatuden")
    fill(store, range(begin, begin + 30))
    scripted.answer = lambda asked: reply if "power " in "".join(asked.lines) else Reply()
    sending = send(sender_to(settings(scripted.url)))
    assert outcome(sending) == (60, 0, 30, "")
    arrived = [line for asked in scripted.asked if "power " not in "".join(asked.lines) for line in asked.lines]
    assert sorted(seconds(arrived)) == expected


def test_a_line_that_comes_alone_is_parked_where_the_server_takes_one_it_took_before(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    """A cron job has one new reading. The server is asked about another, which it has already."""
    fill(store, [1], "hatuden")
    fill(store, [2])
    assert send(sender_to(settings(scripted.url))).sent == 2
    fill(store, [3])
    scripted.answer = lambda asked: Reply(400, DATA_FAULT) if "power " in "".join(asked.lines) else Reply()
    assert outcome(send(sender_to(settings(scripted.url))))[1:] == (0, 1, "")
    assert scripted.asked[-1].lines == [f"hatuden value=1 {T + 1}000000000"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("field type conflict: 'value' of 'power' is type float, already exists as type string", (0, 1)),
        ("unable to parse 'power value=2': bad timestamp", (1, 0)),  # a proxy may have broken the request
    ],
)
def test_the_only_line_of_a_new_store_is_parked_only_where_its_data_is_named_as_the_fault(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, said: str, expected: tuple[int, int]
) -> None:
    fill(store, [2])
    scripted.answer = lambda asked: Reply(400, json.dumps({"error": f"partial write: {said} dropped=1"}))
    sending = send(sender_to(settings(scripted.url)))
    assert (sending.waiting, sending.parked) == expected
    assert said in (sending.fault or parked(store)[0][1])


def test_a_line_that_the_server_failed_on_at_first_and_then_rejects_is_parked(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender
) -> None:
    fill(store, [1], "hatuden")
    fill(store, [2])
    scripted.answer = lambda asked: Reply(500, "mystery") if "power " in "".join(asked.lines) else Reply()
    assert outcome(send(sender_to(settings(scripted.url))))[:3] == (1, 1, 0)
    scripted.answer = lambda asked: Reply(400, DATA_FAULT) if "power " in "".join(asked.lines) else Reply()
    assert outcome(send(sender_to(settings(scripted.url))))[1:] == (0, 1, "")


# --- a fault of the server, or of what lies between ------------------------------------------

PASSING = [
    Reply(400, '{"error":"partial write: max-series-per-database limit exceeded: (1000000) dropped=1"}'),
    Reply(400, '{"error":"partial write: write /var/lib/influxdb/_series/06/0002: no space left on device dropped=1"}'),
    Reply(400, '{"code":"invalid","message":"gzip: invalid header"}'),
    Reply(400, '{"code":"invalid","message":"unexpected EOF"}'),
    Reply(400, '{"code":"invalid"}'),
    Reply(400, DATA_FAULT),
    Reply(400, '{"error":"partial write: mystery dropped=1"}'),
    Reply(422, '{"code":"unprocessable entity"}'),
    Reply(500, '{"error":"field type conflict"}'),
    Reply(201, '{"message":"partial write has occurred"}'),
    Reply(201),
    Reply(200),
]


@pytest.mark.parametrize("sent_before", [False, True])
@pytest.mark.parametrize("reply", PASSING, ids=lambda reply: f"{reply.status} {reply.body[:50]}")
def test_what_is_said_of_every_line_parks_none_and_all_arrive_later(
    store: Store, scripted: ScriptedServer, sender_to: MakeSender, reply: Reply, sent_before: bool
) -> None:
    if sent_before:
        fill(store, [500])
        fill(store, [500], "hatuden")
        send(sender_to(settings(scripted.url)))
    fill(store, range(20))
    fill(store, range(10), "hatuden")
    scripted.answer = lambda asked: reply
    wall = WALL
    for sparing in (False, True, True, True, False):
        sending = sender_to(settings(scripted.url)).send(wall, 60, sparing=sparing)
        assert sending is not None
        assert outcome(sending)[:3] == (0, 30, 0)
        assert sending.fault
        assert sending.next_try > wall
        wall = sending.next_try
    assert len(scripted.asked) < 50
    scripted.answer = lambda asked: Reply()
    assert outcome(send(sender_to(settings(scripted.url)), wall)) == (30, 0, 0, "")


def test_a_limit_of_influxdb_that_is_raised_lets_all_through(
    tmp_path: Path, store: Store, sender_to: MakeSender
) -> None:
    """Its index must be in memory, as it was before InfluxDB 1.8."""
    server = InfluxServer(tmp_path / "influx")
    config = tmp_path / "influx" / "influxdb.conf"
    free = config.read_text()
    config.write_text(free.replace("[data]", "[data]\nmax-series-per-database = 2"))
    server.start()
    try:
        database = Database(server, "home")
        database.renew()
        expected = fill(store, range(50), "a") | fill(store, range(50), "b")
        assert outcome(send(sender_to(database.settings()))) == (100, 0, 0, "")
        for name in ("c", "d"):
            expected |= fill(store, range(100, 150), name)
        expected |= fill(store, range(200, 210), "a")
        sending = send(sender_to(database.settings()))
        assert (sending.sent, sending.waiting, sending.parked) == (10, 100, 0)
        assert "max-series-per-database limit exceeded" in sending.fault
        assert "raise it in its configuration" in sending.fault
        server.kill()
        config.write_text(free)
        server.start()
        assert outcome(send(sender_to(database.settings()))) == (100, 0, 0, "")
        assert database.points() == expected
    finally:
        server.kill()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte. Only root can mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    mount = ("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder))
    if (done := subprocess.run(mount, capture_output=True, text=True, check=False)).returncode:
        pytest.skip(f"no disk can be mounted: {done.stderr}")
    yield folder
    subprocess.run(("umount", "-l", str(folder)), check=True)


def test_influxdb_on_a_full_disk_has_all_once_there_is_space(
    small_disk: Path, store: Store, sender_to: MakeSender
) -> None:
    server = InfluxServer(small_disk / "influx")
    server.start()
    try:
        database = Database(server, "home")
        database.renew()
        expected = fill(store, range(5)) | fill(store, range(5), "hatuden")
        ballast = small_disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(1024))
            except OSError:
                pass
        for _ in range(3):
            sending = send(sender_to(database.settings()))
        assert (sending.sent, sending.waiting, sending.parked) == (0, 10, 0)
        assert "no space left on device" in sending.fault
        assert "see its log and its `df`" in sending.fault
        ballast.unlink()
        assert outcome(send(sender_to(database.settings()))) == (10, 0, 0, "")
        assert database.points() == expected
    finally:
        server.kill()


def test_what_was_parked_goes_again_on_request_and_no_writer_has_to_wait_for_it(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between two parts another process gets its turn."""
    monkeypatch.setattr("homemon.storage.outbox.AT_ONCE", 10)
    fill(store, range(100))
    store.outbox.mark_sent(store.outbox.waiting(1000))
    others: list[int] = []

    def pause(_: float) -> None:
        other = Store(store.path.parent, busy=0.01)
        fill(other, [1000 + len(others)], "other")
        others.append(1)
        other.close()

    monkeypatch.setattr("homemon.storage.outbox.sleep", pause)
    store.outbox.send_again(T)
    assert len(others) >= 9
    assert store.outbox.backlog().waiting == 100 + len(others)


# --- another configuration ------------------------------------------------------------------


def of(store: Store, server: Server) -> Sender:
    """The sender of a configuration, as the commands make it."""
    return sender_of(store, lambda: Influx(server), settings=fingerprint(server))


def fault_of(store: Store, server: Server) -> str:
    """What keeps it from taking points, as the last round found it."""
    return Memory(store.db, settings=fingerprint(server)).fault


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
    assert fault_of(store, wrong) == first.fault
    assert not of(store, wrong).due(WALL + 60)
    right = wrong._replace(**{key: CORRECTED[key]})
    assert fault_of(store, right) == ""
    assert of(store, right).due(WALL + 60)
    assert of(store, right).next_try(WALL + 60) == 0.0


def test_a_fault_that_stays_the_same_under_another_configuration_is_news(
    store: Store, scripted: ScriptedServer
) -> None:
    scripted.answer = lambda asked: Reply(401)
    fill(store, range(3))
    for password, news in (("a", True), ("a", False), ("b", True), ("b", False)):
        assert send(of(store, settings(scripted.url, user="me", password=password))).news is news


def test_the_store_gives_away_nothing_of_the_configuration(store: Store, scripted: ScriptedServer) -> None:
    """What distinguishes one configuration from another is too short to try passwords against."""
    scripted.answer = lambda asked: Reply(401)
    fill(store, range(3))
    server = settings(scripted.url, user="me", password="hunter2", token="s3cret", ca=None)
    send(of(store, server))
    kept = str(store.db.recall("server"))
    assert kept == fingerprint(server)
    assert len(kept) == 6
    assert not [secret for secret in ("hunter2", "s3cret") if secret in kept]
    assert len({fingerprint(server._replace(password=str(i))) for i in range(100)}) == 100
