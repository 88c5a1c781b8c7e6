"""[server] spread: readings go at a moment that is drawn, but nobody at a terminal waits for that."""

from pathlib import Path

import pytest

from homemon.cli import upload
from homemon.core.clock import instant
from homemon.core.points import Point
from homemon.runtime import rounds, sinks
from homemon.runtime.background import BackgroundSender
from homemon.runtime.context import App
from tests.commands import wait_for
from tests.servers import ScriptedServer
from tests.stores import T, put

SPREAD = 20
Slept = list[float]


@pytest.fixture
def app(tmp_path: Path, scripted: ScriptedServer) -> App:
    """homemon with a store, a point in it, and the scripted server with many homes."""
    config = tmp_path / "config.ini"
    config.write_text(f"[store]\ndir = {tmp_path}/store\n[server]\nurl = {scripted.url}\nspread = {SPREAD}\n")
    app = App(str(config))
    sinks.senders(app, app.store)
    put(app.store, Point("power", {"value": 0}, T))
    return app


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> Slept:
    """For how many seconds each was to sleep; nobody does."""
    slept = Slept()
    for module in (rounds, sinks):
        monkeypatch.setattr(module, "sleep", slept.append)
    return slept


def test_a_listener_sends_after_a_while_all_that_came_meanwhile(
    app: App, scripted: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept = Slept()

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        assert not scripted.asked
        monkeypatch.setattr(rounds, "sleep", slept.append)
        app.recorder.record([Point("power", {"value": 1}, T + 1)], instant())

    monkeypatch.setattr(rounds, "sleep", sleep)
    sender = BackgroundSender(app)
    app.recorder.then(sender.nudge)
    app.close_store()  # a thread of its own opens it
    sender.nudge()
    wait_for(lambda: len(scripted.lines) == 2)
    assert len(scripted.asked) == 1
    assert 0 < slept[0] <= SPREAD


@pytest.mark.parametrize("awaited", [False, True])
def test_a_command_of_cron_sends_after_a_while_and_one_at_a_terminal_at_once(
    app: App, scripted: ScriptedServer, slept: Slept, monkeypatch: pytest.MonkeyPatch, awaited: bool
) -> None:
    monkeypatch.setattr(App, "awaited", awaited)
    sinks.send_now(app)
    assert len(scripted.lines) == 1
    assert [0 < seconds <= SPREAD for seconds in slept if seconds] == [True] * (not awaited)


def test_an_upload_by_hand_is_not_delayed(app: App, scripted: ScriptedServer, slept: Slept) -> None:
    (place,) = sinks.places(app.config)
    assert not upload.send_to(app, place, None, named=False)
    assert len(scripted.lines) == 1
    assert not slept
