"""A solar monitor for the real command: on a pty, or behind a stand-in for the I2C bus, and what it should say."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Thread
from typing import Any

from homemon.core.points import JST
from homemon.sim.house import DAY, HALF_HOUR, House
from homemon.sim.kyocera import Faults, Monitor
from homemon.sim.terminal import Clock, Terminal
from tests import ROOT
from tests.commands import ENVIRONMENT, PATIENCE, homemon, write_config

START = int(time.time()) - 40 * DAY
HOUSE = House(START)
WITH_BUS = """
import atexit, json, os, pathlib, sys
import smbus2
from homemon.cli.main import main
from homemon.sim.house import House
from homemon.sim.kyocera import Faults, Monitor
from tests.i2c_bus import SimulatedBus

setting = json.loads(sys.argv[1])

def opened(number):
    if "refused" in setting:
        raise OSError(setting["refused"], os.strerror(setting["refused"]))
    if "absent" in setting:
        bus.write_byte = bus.read_byte = bus.i2c_rdwr = absent
    return bus

def absent(*_):
    raise OSError(setting["absent"], os.strerror(setting["absent"]))

monitor = Monitor(House(setting["start"]), Faults(**setting["faults"]))
bus = SimulatedBus(monitor, fail_every=setting.get("fail_every", 0))
smbus2.SMBus = opened
atexit.register(lambda: pathlib.Path("memory").write_bytes(monitor.memory))
main(sys.argv[2:])
"""


@contextmanager
def on_a_pty(folder: Path, faults: Faults | None = None, speed: float = 10.0) -> Iterator[tuple[Monitor, Terminal]]:
    """A monitor on `folder`/port, `speed` times as quick as a real one."""
    monitor = Monitor(HOUSE, faults)
    with Terminal(monitor, Clock(speed=speed)) as terminal:
        (folder / "port").symlink_to(terminal.path)
        thread = Thread(target=terminal.serve, daemon=True)
        thread.start()
        try:
            yield monitor, terminal
        finally:
            terminal.stop()
            thread.join(PATIENCE)


def configure(folder: Path, transport: str = "serial", **more: str) -> None:
    """A config.ini for the monitor on `folder`/port, or behind the I2C bus, whose keys `more` has."""
    keys = {"transport": transport, "serial_port": str(folder / "port")} | (more if transport == "serial" else {})
    lines = ["[kyocera]", *(f"{name} = {value}" for name, value in keys.items())]
    if transport == "i2c" and more:
        lines += ["[i2c]", *(f"{name} = {value}" for name, value in more.items())]
    write_config(folder, "\n".join(lines))


def dump_over_i2c(*arguments: str, cwd: Path, **setting: Any) -> "subprocess.CompletedProcess[str]":
    """The real command with the lowest layer exchanged: `smbus2.SMBus` is a bus of 100 kHz in real time.

    `setting` may hold `faults` of the monitor, `refused`, an errno of opening it, `absent`, one of every
    transaction, and `fail_every`. Its end leaves `memory`, what the monitor sent.
    """
    setting = {"start": START, "faults": {}, **setting}
    return subprocess.run(
        (sys.executable, "-c", WITH_BUS, json.dumps(setting), *arguments),
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**ENVIRONMENT, "PYTHONPATH": str(ROOT)},
        check=False,
    )


def text_of(memory: bytes) -> bytes:
    """The dump file as kyocera_dump.py wrote it: the last line is what does not fill one, even if that is nothing."""
    return b"".join(
        b"%04X: %s\n" % (at, memory[at : at + 32].hex().upper().encode()) for at in range(0, len(memory) + 1, 32)
    )


def dumps(folder: Path) -> list[tuple[str, bytes]]:
    """The dump files of a folder: what follows the date in their names, and their content."""
    return [(path.name[len("kyocera_20261123") :], path.read_bytes()) for path in sorted(folder.glob("kyocera_*"))]


def measured(measurement: str, half_hour: int) -> float:
    """The truth, in the monitor's unit."""
    measure = {"hatuden": HOUSE.generation, "baiden_diff": HOUSE.bought_minus_sold}[measurement]
    return measure(half_hour) / 10


def half_hours(lines: list[str]) -> dict[tuple[str, int], float]:
    """Printed points: measurement and time → value. Each is the truth, and none is there twice."""
    points = {}
    for line in lines:
        measurement, value, stamp = line.split()
        points[measurement, int(stamp) // 10**9] = float(value.removeprefix("value="))
    assert len(points) == len(lines)
    assert points == {key: measured(*key) for key in points}
    return points


def all_are_there(lines: list[str], days: int, before: float) -> None:
    """The half-hours of so many days, of which the last was over before the command began."""
    midnight = datetime.now(JST).replace(hour=0, minute=0, second=0, microsecond=0).timestamp()
    wanted = range(int(midnight) - (days - 1) * DAY, int(before) - HALF_HOUR + 1, HALF_HOUR)
    assert half_hours(lines).keys() >= {(name, time) for name in ("hatuden", "baiden_diff") for time in wanted}


def stored(folder: Path) -> list[str]:
    """What `homemon export` prints, in the order of the dump's points."""
    return sorted(homemon("export", cwd=folder).stdout.splitlines())
