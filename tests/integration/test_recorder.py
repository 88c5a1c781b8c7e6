"""From a reading to the store and to the sending thread: what is shown is on disk, and nothing waits for a network."""

from pathlib import Path
from socket import socket
from threading import Event

import pytest

from homemon.core.clock import instant
from homemon.core.errors import StoreError
from homemon.core.points import Point
from homemon.delivery import sender
from homemon.delivery.recorder import Recorder
from homemon.runtime import rounds, sinks
from homemon.runtime.background import BackgroundSender
from homemon.runtime.context import App
from homemon.storage.store import Store
from tests.commands import wait_for
from tests.integration.test_deadline import dripping, talking
from tests.servers import Asked, Reply, ScriptedServer
from tests.stores import NOW, T, everything


def test_it_prints_what_others_can_already_read_and_only_what_is_new(store: Store) -> None:
    printed: list[tuple[str, int]] = []
    recorder = Recorder(store, ",home=kyoto", lambda line: printed.append((line, len(everything(store.path.parent)))))
    points = [Point("power", {"value": 523}), Point("+power", {"value": 0.3}, T - 60)]
    assert recorder.record(points, NOW) == 2
    assert recorder.record(points, NOW) == 0
    power, half_hour = f"power,home=kyoto value=523 {T}000000000", f"+power,home=kyoto value=0.3 {T - 60}000000000"
    assert printed == [(power, 2), (half_hour, 2)]


def test_what_cannot_be_stored_is_kept_with_its_time_and_nothing_is_printed(store: Store) -> None:
    printed: list[str] = []
    nudges: list[str] = []
    recorder = Recorder(store, "", printed.append)
    recorder.then(lambda: nudges.append("nudge"))
    store.db.execute("PRAGMA query_only = ON")
    for i in range(3):
        with pytest.raises(StoreError):
            recorder.record([Point("power", {"value": i})], NOW._replace(wall=T + i))
    with pytest.raises(StoreError):
        recorder.record([], NOW)
    assert (recorder.unstored, printed, nudges) == (3, [], [])
    store.db.execute("PRAGMA query_only = OFF")
    assert recorder.record([], NOW._replace(wall=T + 3)) == 3
    assert printed == [f"power value={i} {T + i}000000000" for i in range(3)]
    assert (recorder.unstored, nudges) == (0, ["nudge"])


def test_undated_readings_are_printed_once_they_have_a_time(store: Store) -> None:
    printed: list[str] = []
    recorder = Recorder(store, "", printed.append)
    assert recorder.record([Point("power", {"value": 1})], NOW._replace(wall=60.0, ticks=60.0)) == 0
    assert recorder.record([Point("power", {"value": 2})], NOW._replace(wall=T + 60, ticks=120.0)) == 2
    assert sorted(printed) == [f"power value={i + 1} {T + i * 60}000000000" for i in range(2)]


@pytest.fixture
def app(tmp_path: Path, scripted: ScriptedServer) -> App:
    """homemon with a store and the scripted server."""
    (tmp_path / "config.ini").write_text(f"[store]\ndir = {tmp_path}/store\n[server]\nurl = {scripted.url}\n")
    return App(str(tmp_path / "config.ini"))


def test_the_sending_thread_sends_at_a_nudge_and_lets_the_reader_go_on(app: App, scripted: ScriptedServer) -> None:
    slow = Store(app.folder)  # the server is slow: it answers when all readings are in

    def slowly(asked: Asked) -> Reply:
        wait_for(lambda: _holds(app.folder, 100))
        return Reply()

    scripted.answer = slowly
    sender = BackgroundSender(app)
    app.recorder.then(sender.nudge)
    for i in range(100):
        app.recorder.record([Point("power", {"value": i}, T + i)], instant())
    wait_for(lambda: slow.outbox.backlog() == (0, 0))
    slow.close()
    app.store.close()


def _holds(folder: Path, number: int) -> bool:
    """Waits until the store holds that many points."""
    wait_for(lambda: len(everything(folder)) >= number)
    return True


def test_the_sending_thread_survives_a_store_that_cannot_be_opened(
    app: App, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "LOOK_EVERY", 0.02)
    app.folder.parent.joinpath("store").write_text("in the way")
    BackgroundSender(app).nudge()
    app.folder.unlink()
    app.recorder.record([Point("power", {"value": 1}, T)], instant())
    wait_for(lambda: len(scripted.lines) == 1)
    app.store.close()


def test_the_sending_thread_goes_on_after_a_server_that_trickled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A byte now and then keeps it no longer than [server] timeout; once the server is well, all arrives."""
    monkeypatch.setattr(sender, "BACKOFF_FIRST", 0.1)
    monkeypatch.setattr(rounds, "LOOK_EVERY", 0.05)
    drip, trickled = dripping("body"), list[bool]()

    def talk(connection: socket, over: Event) -> None:
        if len(trickled) < 2:
            trickled.append(True)
            return drip(connection, over)
        while connection.recv(65536):
            connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return None

    with talking(talk) as address:
        config = tmp_path / "config.ini"
        config.write_text(f"[store]\ndir = {tmp_path}/store\n[server]\nurl = http://{address}\ntimeout = 0.3\n")
        app = App(str(config))
        app.recorder.then(BackgroundSender(app).nudge)
        for i in range(3):
            app.recorder.record([Point("power", {"value": i}, T + i)], instant())
        wait_for(lambda: app.store.outbox.backlog() == (0, 0))
        assert len(trickled) == 2
        app.store.close()


def test_what_the_server_refuses_is_reported_once_by_a_listener(
    app: App, scripted: ScriptedServer, capfd: pytest.CaptureFixture[str]
) -> None:
    """However often, and whatever numbers stand in what it says."""
    app.recorder.record([Point("hatuden", {"value": 1}, T)], instant())
    (sender,) = sinks.senders(app, app.store)
    rounds.send_round(app, sender)
    answer = '{"error":"partial write: unable to parse \'%s\': field type conflict dropped=%d"}'
    scripted.answer = lambda asked: (
        Reply(400, answer % (asked.lines[0], len(scripted.asked))) if "power" in asked.lines[0] else Reply()
    )
    for i in range(3):
        app.recorder.record([Point("power", {"value": i}, T + i)], instant())
        rounds.send_round(app, sender)
    said = capfd.readouterr().err
    assert said.count("such points are parked, and `homemon status` lists them") == 1
    assert "field type conflict" in said
    assert app.store.outbox.backlog() == (0, 3)
    app.store.close()


def test_a_sender_with_nothing_to_do_looks_once_a_minute(app: App, scripted: ScriptedServer) -> None:
    (sender,) = sinks.senders(app, app.store)
    assert rounds.send_round(app, sender) == rounds.LOOK_EVERY
    app.recorder.record([Point("power", {"value": 1}, T)], instant())
    scripted.answer = lambda asked: Reply(503)
    assert 2 < rounds.send_round(app, sender) < 8
    assert 2 < rounds.send_round(app, sender) < 8
    assert len(scripted.asked) == 1, "the server is left alone"
    app.store.close()
