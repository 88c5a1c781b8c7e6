"""A house whose readings are stored day by day for years, and sent month by month, in the time they would come in."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import time
from typing import NamedTuple

from homemon.core.clock import Instant
from homemon.core.points import DAY, HALF_HOUR, Point
from homemon.sim.house import House
from homemon.sources.source import MINUTE
from homemon.storage.database import FILE
from homemon.storage.retention import Retention
from homemon.storage.store import Store
from tests.commands import write_config

CONFIG = """
[server]
url = {}
[ecocute]
host = 127.0.0.1
[kyocera]
transport = i2c
[contract]
plan = tepco-standard-s
ampere = 50
reading_day = 12
"""
LATER = """
import os, sys, time
ahead, real = float(os.environ["AHEAD"]), time.time
time.time = lambda: real() + ahead
from homemon.__main__ import main
try:
    main()
finally:
    status = dict(line.split(":") for line in open("/proc/self/status"))
    print(status["VmHWM"].split()[0], file=sys.stderr)
"""
"""The command, as many seconds from now as `AHEAD` says, and the most memory that it had, in KB, last on stderr."""
COMMANDS = {
    "status": ("status",),
    "energy": ("energy", "--by", "month"),
    "bill": ("bill",),
    "graph": ("graph", "--days", "2", "-o", "page.html"),
    "upload": ("upload",),
}


class Growth(NamedTuple):
    """After `days`: MB of the store's files, and MB that each command had at the most."""

    days: int
    files: float
    memory: dict[str, float]


class Years:
    """A folder with a house that began at `start` (Unix seconds); `kept` days stay in the store, 0 is all."""

    def __init__(self, folder: Path, start: int, url: str, kept: int) -> None:
        folder.mkdir()
        write_config(folder, f"keep_days = {kept}\n{CONFIG.format(url)}")  # [store] is its last section
        self._folder, self._start = folder, start
        self._house = House(start)
        self._kept = kept

    def live(self, first: int, last: int) -> None:
        """Store the readings of some days, and drop what is too old."""
        store = Store(self._folder / "store")
        retention = Retention(store, self._kept, unsent=False)
        for day in range(self._start + first * DAY, self._start + last * DAY, DAY):
            at = Instant(day + DAY, day + DAY - self._start, "a boot")
            store.archive.add([(point, at) for point in self._day(day)])
            if self._kept:
                retention.prune(at)
        store.close()

    def _day(self, begin: int) -> Iterator[Point]:
        house, end = self._house, begin + DAY
        yield from (Point("power", {"value": house.power(at)}, at) for at in range(begin, end, MINUTE))
        for at in range(begin, end, 10 * MINUTE):
            counted = {"powerSum": 100_000 + (at - self._start) // 10}
            yield Point("ecocute", {"power": house.ecocute_power(at), "tank": house.tank(at)} | counted, at)
        for at in range(begin, end, HALF_HOUR):
            yield Point("+power", {"value": house.register_import(at) / 10}, at)
            yield Point("-power", {"value": house.register_export(at) / 10}, at)
            yield Point("hatuden", {"value": house.generation(at) / 10}, at)
            yield Point("baiden_diff", {"value": house.bought_minus_sold(at) / 10}, at)

    def call(self, days: int, name: str) -> float:
        """Run a command at the end of the last of `days`; MB that it had at the most."""
        ahead = self._start + days * DAY - time()
        run = subprocess.run(
            (sys.executable, "-c", LATER, "-q", *COMMANDS[name]),
            cwd=self._folder, env=os.environ | {"AHEAD": str(ahead)}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        said = run.stderr.splitlines()
        assert run.returncode == 0, (name, run.stdout[-1000:], run.stderr)
        return int(said[-1]) / 1024

    def grown(self, days: int, names: tuple[str, ...]) -> Growth:
        """Return how large everything is after some days."""
        memory = {name: self.call(days, name) for name in names}
        files = sum(path.stat().st_size for path in (self._folder / "store").glob(f"{FILE}*"))
        return Growth(days, files / 1e6, memory)
