"""docs/migrating.md, done: the original scripts run, homemon takes over from them, and nothing is missing after it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import ConfigParser
from contextlib import contextmanager
from io import StringIO
from pathlib import Path

import pytest

from homemon.core.points import HALF_HOUR, line, number_text
from homemon.echonet import codec as echonet
from homemon.sim.bp35c0 import BID, PWD
from homemon.sim.smart_meter import SmartMeter
from homemon.sources.meter import properties as meter
from tests import ROOT, original
from tests.commands import ENVIRONMENT, PATIENCE, Running, homemon, running, simulated, wait_for
from tests.desk import HOUSE, NOON
from tests.lan import address, said, truths, unit, wait_for_port
from tests.servers import Database

ADDRESS = "FE80:0000:0000:0000:0200:AA00:0000:0002"
SCRIPT = (sys.executable, "-m", "tests.original")
HERE = {**ENVIRONMENT, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}", "TZ": "Asia/Tokyo"}


def config_of_the_original(url: str) -> str:
    """What bp35c0_join2.py leaves: ConfigParser's own writing of what the article shows."""
    ini = ConfigParser()
    ini.read_dict({"smartmeter": {"address": ADDRESS, "pwd": PWD, "bid": BID}, "server": {"url": url}})
    written = StringIO()
    ini.write(written)
    return written.getvalue()


def run_script(*arguments: object, cwd: Path) -> None:
    """One of the original's short scripts, as cron starts it."""
    subprocess.run((*SCRIPT, *map(str, arguments)), cwd=cwd, env=HERE, check=True, timeout=PATIENCE)


class Resident(Running):
    """One of the original's resident scripts."""

    def __init__(self, *arguments: object, cwd: Path) -> None:
        self.errors = cwd / "original.txt"
        self.lines: list[str] = []
        self._rest = b""
        with self.errors.open("ab") as errors:
            self.process = subprocess.Popen(
                (*SCRIPT, *map(str, arguments)), cwd=cwd, env=HERE, stdout=subprocess.PIPE, stderr=errors
            )
        self.until(bool)


@contextmanager
def resident(*arguments: object, cwd: Path) -> Iterator[Resident]:
    script = Resident(*arguments, cwd=cwd)
    try:
        yield script
    finally:
        if script.process.poll() is None:
            script.process.kill()
        script.process.communicate()


def power_of(line: str) -> tuple[int, int]:
    """Time and W of a line."""
    _, value, time_ = line.split()
    return int(time_.removesuffix("000000000")), int(value.removeprefix("value="))


def powers(lines: list[str]) -> list[tuple[int, int]]:
    return [power_of(line) for line in lines if line.startswith("power ")]


def wait_for_powers(command: Running, number: int) -> None:
    """Wait until so many powers have come, and for the next second: a minute in the house."""
    command.until(lambda lines: len(powers(lines)) >= number)
    wait_for(lambda: time.time() >= powers(command.lines)[-1][0] + 1)


def test_the_meter_is_taken_over_and_given_back_without_losing_a_reading(tmp_path: Path, database: Database) -> None:
    config = config_of_the_original(database.server.url)
    config = config.replace("[smartmeter]\n", f"[smartmeter]\nserial_port = {tmp_path / 'port'}\n")
    config = config.replace("[server]\n", f"[server]\ndb = {database.name}\n")
    config += f"[store]\ndir = {tmp_path / 'store'}\n"
    (tmp_path / "config.ini").write_text(config)
    (tmp_path / "config.ini").chmod(0o600)
    with simulated(tmp_path, push_after=250.0) as device:
        device.call(lambda module: setattr(module.radio, "session", True))  # the original joined, long ago
        with resident("receive", tmp_path / "port", cwd=tmp_path) as receiver:
            for minute in (1, 2):
                run_script("ask", tmp_path / "port", cwd=tmp_path)
                wait_for_powers(receiver, minute)
            check = homemon("check", cwd=tmp_path)
            assert f"is in use by pid {receiver.process.pid}" in check.stdout
            receiver.stop()
            before = receiver.lines[1:]
        with running("meter-listen", cwd=tmp_path) as listener:
            listener.until(lambda lines: any(line.startswith("+power") for line in lines))
            run_script("ask", tmp_path / "port", cwd=tmp_path)  # the original's line of cron still stands
            wait_for_powers(listener, 1)
            assert homemon("meter-poll", cwd=tmp_path).returncode == 0
            wait_for_powers(listener, 2)
            assert listener.stop() == 0
        with resident("receive", tmp_path / "port", cwd=tmp_path) as receiver:
            run_script("ask", tmp_path / "port", cwd=tmp_path)
            wait_for_powers(receiver, 1)
            after = receiver.lines[1:]
        sent = [row.value for row in device.module.truth if row.epc == 0xE7]
    assert "joined" not in listener.errors.read_text()  # the session of the original was good enough
    received = powers(before) + powers(listener.lines) + powers(after)
    assert [watts for _, watts in received] == sent
    assert len(sent) == 5
    assert (tmp_path / "config.ini").read_text() == config

    database.server.write(database.name, "\n".join((*before, *after)))  # what curl did
    assert homemon("upload", cwd=tmp_path).returncode == 0
    (series,) = database.server.query('SELECT value FROM "power"', database.name)
    assert series["values"] == [list(reading) for reading in received]


@pytest.fixture
def in_japan(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Pi of the original keeps Japanese time."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def pushed(meter_: SmartMeter, half_hour: int) -> bytes:
    reply = meter_.push(half_hour)
    assert reply is not None
    return reply.frame


def by_the_original(frame: bytes) -> list[str]:
    head = f"ERXUDP {ADDRESS} {ADDRESS} 0E1A 0E1A 0000AA0000000002 1 0 {len(frame):04X} "
    return list(original.points_of(f"{head}{frame.hex().upper()}\r\n"))


def by_homemon(frame: bytes, scale: meter.Scale) -> list[str]:
    return [line(p.measurement, "", p.fields, p.time or 0) for p in meter.report(echonet.decode(frame), scale).points]


@pytest.mark.usefixtures("in_japan")
def test_a_half_hour_is_the_same_line_from_both() -> None:
    for half_hour in range(NOON, NOON + 500 * HALF_HOUR, HALF_HOUR):
        frame = pushed(SmartMeter(HOUSE), half_hour)
        assert by_the_original(frame) == by_homemon(frame, meter.Scale(-1, 1))


@pytest.mark.usefixtures("in_japan")
def test_where_a_count_is_not_a_tenth_the_original_was_wrong_and_homemon_is_not() -> None:
    frame = pushed(SmartMeter(HOUSE, exponent=-2), NOON)
    bought = int(HOUSE.imported(NOON) / 36_000)  # J to counts of 0.01 kWh
    assert by_the_original(frame)[0].startswith(f"+power value={bought * 0.1:.12g} ")
    assert by_homemon(frame, meter.Scale(-2, 1))[0].startswith(f"+power value={number_text(bought / 100)} ")


def test_the_ecocute_is_taken_over_while_the_original_goes_on_asking(tmp_path: Path) -> None:
    ours = address()
    with unit() as network:
        config = f"[ecocute]\nhost = {network.bind}\nbind = {ours}\n[store]\ndir = {tmp_path / 'store'}\n"
        (tmp_path / "config.ini").write_text(config)
        with resident("ecocute-receive", ours, cwd=tmp_path) as receiver:
            run_script("ecocute-ask", ours, network.bind, cwd=tmp_path)
            receiver.until(lambda lines: len(lines) == 2)
            assert said(receiver.lines[1]) == truths(network)
            refused = homemon("-q", "ecocute-listen", cwd=tmp_path)
            assert refused.returncode == 1
            assert f"in use by pid {receiver.process.pid}" in refused.stderr
            receiver.stop()
        with running("-q", "ecocute-listen", cwd=tmp_path) as listener:
            wait_for_port(ours)
            run_script("ecocute-ask", ours, network.bind, cwd=tmp_path)
            listener.until(bool)
            assert said(listener.lines[0]) == truths(network)
            assert listener.stop() == 0
