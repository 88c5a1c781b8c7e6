"""The simulated house, what is in it, and time: run it, and judge it."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from random import Random
from types import SimpleNamespace
from unittest.mock import patch

from homemon.cli import meter_listen
from homemon.config import read as configuration
from homemon.core import clock
from homemon.core.errors import StoreError
from homemon.delivery import influx
from homemon.delivery.influx import Influx
from homemon.runtime import dump as kyocera_dump
from homemon.runtime import radio, sinks
from homemon.sim.bp35c0 import BID, PWD, Module, Truth
from homemon.sim.ecocute import Ecocute
from homemon.sim.house import House
from homemon.sim.kyocera import Faults as Monitored
from homemon.sim.radio import METER
from homemon.sim.smart_meter import SmartMeter
from homemon.storage.archive import _journals
from homemon.storage.store import Store
from tests.longrun.year.books import POWER_GAP, Books, Excuse, Verdict
from tests.longrun.year.disk import Disk
from tests.longrun.year.faults import DAY, OFF, REJOIN, Fault, schedule
from tests.longrun.year.meter_faults import UNITS
from tests.longrun.year.pi import Pi, VirtualSender
from tests.longrun.year.server import NoDeadline, Server
from tests.longrun.year.timeline import Timeline
from tests.longrun.year.wires import open_monitor

START = 1_798_729_200  # 2027-01-01 00:00 JST
CONFIG = """[smartmeter]
bid = {bid}
pwd = {pwd}
address = {address}
serial_port = /dev/ttyAMA0
history_days = {history_days}
[ecocute]
host = 192.0.2.20
[kyocera]
transport = serial
serial_port = /dev/ttyUSB0
[server]
url = http://192.0.2.30
[store]
dir = {folder}
"""
NO_CLOCK, NO_ROOM = "the power went before the clock was known", "the power went while the disk was full"
UNCONFIRMED = "nothing confirmed what came"
MAY_BE_LATE = 2 * 3600.0  # seconds that a reading may wait while a part of the server is ill
REQUEST_TAKES = 0.05  # seconds, there and the same back
LAST_DUMP_WITHIN = 900.0  # seconds after the end
PID = 4321  # of each listener: its first TID, and so which bits are flipped, is drawn from it
GIVE_UP_CUTTING_INSIDE = 900.0  # seconds without a write to cut into


class World:
    """`days` of a house from New Year 2027 on, with `faults`; `folder` is the Pi's disk."""

    def __init__(
        self, folder: Path, days: float, seed: int = 1, faults: list[Fault] | None = None, history_days: int = 7
    ) -> None:
        self.folder, self.store_folder = folder, folder / "store"
        self.disk = Disk(self.store_folder, lambda: self.pi.disk_written())
        self.rng = Random(seed)
        self.time = Timeline(float(START))
        self.end = START + days * DAY
        self.house = House(START - 10 * int(DAY))
        self.books = Books(self.house)
        self.module = Module(self.house, self.time.now, seed=seed, record=self._received)
        self.module.radio.flips = self.books.flips
        self.books.meters.append((0.0, self.module.radio.meter))
        self.unit = Ecocute(self.house)
        self.monitor_faults = Monitored()
        self.server = Server(self._request)
        self.radio_away = self.unplugged = self.lan_away = self.monitor_away = 0
        self.stores_away = 0
        self.power_stays_until = 0.0  # what is deleted is in the open store alone until somebody looks
        self.disk_full = False
        self.said = Counter[str]()
        self.happened = Counter[str]()
        self.clocks = Counter[str]()
        self.pi: Pi
        self.longest_life = 0.0  # of one listener, in seconds
        self._sent_again: list[tuple[float, float]] = []  # when, and since when
        self._off_for = 0.0
        self._full_since = 0.0
        self._boots = self._folders = 0
        (folder / "config.ini").write_text(
            CONFIG.format(bid=BID, pwd=PWD, address=METER, folder=self.store_folder, history_days=history_days)
        )
        self.config = configuration.load(folder / "config.ini")
        assert self.config.server is not None
        self.influx = Influx(self.config.server)
        self.influx._session = self.server  # type: ignore[assignment]
        for fault in schedule(self.time.now, days, self.rng) if faults is None else faults:
            self.time.at(fault.time, lambda fault=fault: self._begin(fault))  # type: ignore[misc]

    def run(self) -> Verdict:
        """Live through it all."""
        with self._in_the_place_of_hardware():
            self._boot()
            self.time.run(self.end + LAST_DUMP_WITHIN)
            self.books.unset.append((self.pi.booted, min(self.end, self.pi.set_by_ntp)))
            self.longest_life = max(self.longest_life, self.end - self.pi.listening_since)
            self.pi.end()
        try:
            store = Store(self.store_folder)
            with closing(store):
                return self.books.judge(store, self.server.points, START, self.end)
        except StoreError as error:
            return self.books.unreadable(error)

    @contextmanager
    def _in_the_place_of_hardware(self) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self.disk.in_the_place_of_sqlites())
            for where, name, what in (
                (clock, "TIME_SERVICES", (str(self.folder),)),
                (clock, "kept_by_ntp", lambda: self.pi.ntp),
                (meter_listen, "BackgroundSender", VirtualSender),
                (influx, "Deadline", NoDeadline),
                (sinks, "_influx", lambda _: self.influx),
                (radio, "os", SimpleNamespace(getpid=lambda: PID, path=os.path)),
                (radio, "_between", Random(self.rng.random()).uniform),
                (kyocera_dump, "open_line", open_monitor),
            ):
                stack.enter_context(patch.object(where, name, what))
            yield

    # --- what happens ------------------------------------------------------------------

    def _begin(self, fault: Fault) -> None:
        self.happened[fault.kind.name] += 1
        end = fault.kind.begin(self, fault.seconds)
        over = fault.time + fault.seconds
        if fault.kind.excuse and fault.kind.excuse != OFF:
            self.books.excuses.append(Excuse(fault.time - 60, over + fault.kind.recovery, fault.kind.excuse))
        if end:
            self.time.at(over, end)

    def fault(self, name: str, value: object = None) -> None:
        """Set a fault of the module, and let the listener receive what it says of it."""
        self.module.fault(name, value, at=self.time.now)
        self.pi.listener.wake()

    def exchange_meter(self) -> None:
        """Put another meter in the old one's place; its registers are soon at their end."""
        exponent, coefficient, digits = UNITS[len(self.books.meters) % len(UNITS)]
        nearly = SmartMeter(self.house, exponent, coefficient).unit * (10**digits - 40)
        self.module.radio.exchange_meter(0)
        self.module.radio.meter = SmartMeter(self.house, exponent, coefficient, digits, (), self.time.now, nearly)
        self.books.meters.append((self.time.now, self.module.radio.meter))

    def plug_in(self) -> None:
        """The port is back."""
        self.unplugged -= 1

    def set_disk_full(self, full: bool) -> None:
        self.disk_full = full
        self._full_since = self.time.now
        self.pi.limit_disk()

    def send_again(self, since: float) -> None:
        """What `upload --since` does first; the listener's sender does the rest."""
        self._sent_again.append((self.time.now, since))
        with closing(Store(self.store_folder)) as store:
            store.outbox.send_again(int(since))

    def brought_back(self, left: float) -> None:
        """A store as it was left is there again: what was to be sent again since then, it takes to be sent."""
        if since := [since for at, since in self._sent_again if at >= left]:
            self.send_again(min(since))

    def new_folder(self) -> Path:
        """A place on another disk."""
        self._folders += 1
        folder = self.folder / f"aside-{self._folders}"
        folder.mkdir(mode=0o700)
        return folder

    def count_starved(self, since: float) -> None:
        """What was stored since then that the server lacks, though only others have to do with what ails it."""
        if self.server.down or self.server.mutters or len(self.server.ills) > 1:
            return
        store = Store(self.store_folder)
        with closing(store):
            for time, name, tags, _ in store.archive.lines(int(since), int(self.time.now - MAY_BE_LATE)):
                line = f"{name}{tags} value=0 {time}000000000"
                if (f"{name}{tags}", f"{time}000000000") not in self.server.points and not self.server.strikes(line):
                    self.books.starved += 1

    def _request(self) -> None:
        """An HTTP request takes its time, and whoever asked may be gone."""
        self.time.sleep(REQUEST_TAKES)
        self.pi.check()

    def receive(self, text: str) -> None:
        """What a command reported. Of a power reading that nothing bore out it says that it recorded none."""
        if text.startswith("did not record power") and text.endswith("no other answer says so"):
            self.books.excuses.append(Excuse(self.time.now - 2 * POWER_GAP, self.time.now, UNCONFIRMED))
        self.said[re.sub(r"\d+(\.\d+)?", "N", text)] += 1

    def _received(self, truth: Truth) -> None:
        self.books.received(truth)
        self.module.truth.clear()

    # --- power -------------------------------------------------------------------------

    def cut_power(self, where: str, seconds: float) -> None:
        """The power goes, now or in the middle of the next write, for so many seconds."""
        if self.time.now < self.power_stays_until:
            self.time.at(self.power_stays_until, lambda: self.cut_power(where, seconds))
            return
        if self.pi.dead or self.pi.armed:
            self.happened["power cut while it was off already"] += 1
            return
        self._off_for = seconds
        if where == "idle":
            self.pi.cut()
            return
        pi, pi.armed = self.pi, where
        self.time.at(self.time.now + GIVE_UP_CUTTING_INSIDE, pi.cut)

    def note_cut(self, pi: Pi) -> None:
        """What the power takes with it: readings that had no time yet, and such as found no room on the disk."""
        now = self.time.now
        self.longest_life = max(self.longest_life, now - pi.listening_since)
        if not pi.ntp:
            self.books.excuses.append(Excuse(pi.booted, now, NO_CLOCK))
        self.books.unset.append((pi.booted, min(now, pi.set_by_ntp)))
        if self.disk_full and pi.unstored():
            self.books.excuses.append(Excuse(self._full_since - 60, now, NO_ROOM))
        self.books.excuses.append(Excuse(now - 60, now + self._off_for + REJOIN, OFF))
        self.module.fault("power-cycle")

    def power_is_off(self) -> None:
        """The Pi is dead; it boots when the power is back."""
        self.time.at(self.time.now + self._off_for, self._boot)

    def _boot(self) -> None:
        self.module.fault("power-cycle")
        self.module.speak(self.time.now)
        kind, error = self.rng.choice(
            (
                ("right", 0.0),
                ("1970", -self.time.now),
                ("the hour of the last shutdown", -self._off_for),
                ("an hour before the last shutdown", -self._off_for - 3600),
                ("ahead by hours", self.rng.uniform(3600, 30_000)),
            )
        )
        self.clocks[kind] += 1
        self._boots += 1
        _journals.clear()  # memory of processes that are gone
        self.pi = Pi(self, error, self.rng.choice((25.0, 40.0, 300.0, 1200.0, 7200.0)), self._boots)
