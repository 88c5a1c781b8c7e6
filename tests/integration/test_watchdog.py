"""The listeners as services of systemd: what they tell it, and its units as it reads them."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from homemon.core.clock import instant
from homemon.runtime.watchdog import Watchdog
from tests import ROOT
from tests.commands import LOADED, PATIENCE, running, simulated, write_config
from tests.integration.test_meter_commands import ADDRESS
from tests.lan import address
from tests.servers import installed

UNITS = sorted((ROOT / "docs" / "systemd").glob("*.service"))
EVERY = 3.0  # seconds within which systemd would want to hear of it


class Systemd:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self.environment = ("env", f"NOTIFY_SOCKET={path}", f"WATCHDOG_USEC={EVERY * 1e6:.0f}")

    def hears(self, within: float = PATIENCE) -> str:
        """The next word; empty where there is none in time."""
        self._socket.settimeout(within)
        try:
            return self._socket.recv(100).decode()
        except TimeoutError:
            return ""

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    made = Systemd(tmp_path / "notify")
    yield made
    made.close()


@contextmanager
def listening(listener: str, folder: Path, systemd: Systemd) -> Iterator[None]:
    """A listener with its simulated device, as systemd starts it; then without the device."""
    with ExitStack() as stack, ExitStack() as device:
        if listener == "meter-listen":
            write_config(folder, address=ADDRESS)
            device.enter_context(simulated(folder))
        else:
            (folder / "config.ini").write_text(
                f"[ecocute]\nhost = {address()}\nbind = {address()}\n[store]\ndir = {folder}/store\n"
            )
        stack.enter_context(running(listener, cwd=folder, before=systemd.environment))
        yield
        device.close()
        says_that_it_works(systemd)


def says_that_it_works(systemd: Systemd) -> None:
    """Three words that are each in time."""
    for _ in range(3):
        assert systemd.hears(EVERY + LOADED) == "WATCHDOG=1"


@pytest.mark.parametrize("listener", ["meter-listen", "ecocute-listen"])
def test_a_listener_says_that_it_started_and_then_in_time_that_it_works_with_its_device_and_without(
    tmp_path: Path, systemd: Systemd, listener: str
) -> None:
    with listening(listener, tmp_path, systemd):
        assert systemd.hears() == "READY=1"
        says_that_it_works(systemd)


def test_a_listener_that_hangs_says_nothing_any_more(tmp_path: Path, systemd: Systemd) -> None:
    write_config(tmp_path, address=ADDRESS)
    with simulated(tmp_path), running("meter-listen", cwd=tmp_path, before=systemd.environment) as listener:
        assert [systemd.hears(), systemd.hears()] == ["READY=1", "WATCHDOG=1"]
        listener.process.send_signal(signal.SIGSTOP)
        while systemd.hears(0.1):  # what it said before
            pass
        assert systemd.hears(EVERY) == ""


@pytest.mark.parametrize(
    ("environment", "every"),
    [
        ({}, float("inf")),
        ({"NOTIFY_SOCKET": "/nowhere"}, float("inf")),
        ({"WATCHDOG_USEC": "9000000"}, float("inf")),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "9000000"}, 3.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "9000000", "WATCHDOG_PID": "7"}, 3.0),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "9000000", "WATCHDOG_PID": "8"}, float("inf")),
        ({"NOTIFY_SOCKET": "/nowhere", "WATCHDOG_USEC": "often"}, float("inf")),
    ],
)
def test_words_come_as_often_as_systemd_asks_for_them(environment: dict[str, str], every: float) -> None:
    watchdog = Watchdog(environment, 7)
    assert watchdog.every == every
    watchdog.ready()  # nobody is there: no error
    watchdog.alive()


def test_an_abstract_socket_is_one(tmp_path: Path) -> None:
    name = f"homemon-{os.getpid()}-{instant().ticks}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0{name}")
        Watchdog({"NOTIFY_SOCKET": f"@{name}"}, 7).ready()
        heard.settimeout(PATIENCE)
        assert heard.recv(100) == b"READY=1"


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    analyze = installed("systemd-analyze", "systemd")
    program = tmp_path / ".local" / "bin" / "homemon"
    program.parent.mkdir(parents=True)
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for unit in (ROOT / "docs" / "systemd").glob("homemon-*"):
        shutil.copy(unit, tmp_path)
    units = [str(path) for path in tmp_path.glob("homemon-*")]
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_RUNTIME_DIR": str(tmp_path)}
    run = subprocess.run(
        (analyze, "verify", "--user", "--man=no", *units), env=environment, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout + run.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_each_unit_gives_up_what_it_never_needs(unit: Path) -> None:
    assert "NoNewPrivileges=yes" in unit.read_text()


@pytest.mark.parametrize("unit", [unit for unit in UNITS if "listen" in unit.name], ids=lambda path: path.stem)
def test_a_listener_that_hangs_is_started_again(unit: Path) -> None:
    text = unit.read_text()
    assert all(line in text for line in ("Type=notify\n", "WatchdogSec=90\n", "Restart=always\n"))
