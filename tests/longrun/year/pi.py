"""The Raspberry Pi from one power cut to the next: the real commands' loops in virtual time, over a real store.

Only the lowest layer is exchanged: serial lines, UDP port, HTTP request and clock (see `wires`).
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from homemon.cli import meter_listen
from homemon.core.clock import Instant
from homemon.core.errors import HomemonError, StoreError
from homemon.runtime import dump as kyocera_dump
from homemon.runtime.context import App
from homemon.runtime.rounds import LOOK_EVERY, Rounds
from homemon.storage.connection import BUSY_SECONDS
from homemon.storage.database import Database
from homemon.storage.store import Store
from tests.longrun.year.timeline import Actor, Ended
from tests.longrun.year.wires import TICK, VirtualLan, VirtualRadio, VirtualStop

if TYPE_CHECKING:
    from tests.longrun.year.world import World

BOOT_TAKES = 20.0  # seconds
POLL_EVERY = 60
ECOCUTE_EVERY, DUMP_EVERY, DUMP_PAST = 600.0, 6 * 3600.0, 3 * 3600.0 + 600  # cron's lines; 00:10 JST is 15:10 UTC
ENERGY_EVERY, ENERGY_PAST = 3600.0, 1030.0
UNLIMITED = 1 << 30
INSTRUCTIONS = 30  # of SQLite's machine between two looks at whether the power went


class Pi:
    """Boots at once. `clock_error` is what its clock is ahead of the true time until NTP sets it.

    `armed`: the power goes at the next commit ("commit") or within the next transaction ("transaction").
    """

    def __init__(self, world: "World", clock_error: float, ntp_after: float, number: int) -> None:
        self.world = world
        self.time = world.time
        self.booted = world.time.now
        self.set_by_ntp = self.booted + ntp_after
        self.dead = False
        self.listening_since = self.booted
        self.armed = ""
        self.asked = 0  # questions that wait for the listener
        self.unstored: Callable[[], int] = lambda: 0
        self._number = number
        self._error = clock_error
        self._countdown = self._writes = 0  # steps, and writes to the disk, until the power goes
        self._stores: set[VirtualDatabase] = set()
        self._actors: list[Actor] = []
        self.listener = self.start(self._keep_listening)
        self.start(self._ask_energy)
        self.start(lambda: self._cron(ECOCUTE_EVERY, 0.0, poll_ecocute))
        self.start(lambda: self._cron(DUMP_EVERY, DUMP_PAST, dump))

    @property
    def ntp(self) -> bool:
        """Whether NTP has set the clock."""
        return self.time.now >= self.set_by_ntp

    def instant(self) -> Instant:
        """What its clocks say."""
        now = self.time.now
        return Instant(now + (0.0 if self.ntp else self._error), now - self.booted + BOOT_TAKES, f"boot-{self._number}")

    @property
    def holds_store(self) -> bool:
        """Whether a process has the store open."""
        return bool(self._stores) and not self.dead

    # --- processes -------------------------------------------------------------------

    def start(self, life: Callable[[], object]) -> Actor:
        """A process, or a thread of one."""
        self._actors = [actor for actor in self._actors if actor.alive]
        self._actors.append(Actor(self.time, life))
        return self._actors[-1]

    def _keep_listening(self) -> None:
        """Cron starts `meter-listen` each minute where none runs."""
        while True:
            self.time.sleep(60.0 - self.time.now % 60)
            self._process(self._listen)

    def _listen(self, app: "VirtualApp") -> None:
        self.listening_since = self.time.now
        app.resident = True
        self.unstored = lambda: app.recorder.unstored
        meter_listen.listen(app, VirtualRadio(self, app), VirtualStop(self), POLL_EVERY)

    def _cron(self, every: float, past: float, run: Callable[["VirtualApp"], None]) -> None:
        """A line of the crontab: a process of its own each time."""
        while True:
            self.time.sleep(every - (self.time.now - past) % every)
            self.start(lambda: self._process(run))

    def _ask_energy(self) -> None:
        """Cron's `meter-poll E0 E3`, through the listener."""
        while True:
            self.time.sleep(ENERGY_EVERY - (self.time.now - ENERGY_PAST) % ENERGY_EVERY)
            self.asked += 1
            self.listener.wake()

    def _process(self, run: Callable[["VirtualApp"], None]) -> None:
        app = VirtualApp(self)
        try:
            run(app)
        except HomemonError as error:
            self.world.receive(str(error))
        finally:
            app.over = True
            if "store" in app.__dict__:
                app.store.close()

    # --- power -----------------------------------------------------------------------

    def check(self) -> None:
        """Raises Ended where the power has gone."""
        if self.dead:
            raise Ended

    def cut(self) -> None:
        """The power goes, where it has not yet. What was synced to the disk stays, and of the rest any part."""
        if self.dead:
            return
        self.dead = True
        self.world.disk.lose_power(self.world.folder / "kept", self.world.rng)
        self.world.note_cut(self)
        self.time.at(self.time.now, self._end)

    def end(self) -> None:
        """End all processes at once."""
        self.dead = True
        for actor in self._actors:
            actor.end()
        for store in list(self._stores):
            store.close()

    def _end(self) -> None:
        self.end()
        shutil.rmtree(self.world.store_folder)
        (self.world.folder / "kept").rename(self.world.store_folder)
        self.world.disk.power_is_back()
        self.world.power_is_off()

    # --- disk ------------------------------------------------------------------------

    def opened(self, store: "VirtualDatabase") -> None:
        self._stores.add(store)
        store.limit(self.world.disk_full)

    def closed(self, store: "VirtualDatabase") -> None:
        self._stores.discard(store)

    def limit_disk(self) -> None:
        """The disk became full, or has room again."""
        for store in self._stores:
            store.limit(self.world.disk_full)

    def writing(self) -> None:
        """A transaction begins."""
        self._countdown = self.world.rng.randint(1, 12) if self.armed == "transaction" else 0
        self._writes = self.world.rng.randint(1, 12) if self.armed == "commit" else 0

    def interrupts(self) -> int:
        """Called within SQLite's statements: 1 where the power goes right here."""
        if self._countdown:
            self._countdown -= 1
            if not self._countdown:
                self.cut()
        return int(self.dead)

    def disk_written(self) -> None:
        """SQLite writes to the disk, or syncs: the power may go right here."""
        if self._writes:
            self._writes -= 1
            if not self._writes:
                self.cut()

    def committed(self) -> None:
        """A commit was written and synced, but nothing was reported yet."""
        self._countdown = self._writes = 0
        if self.armed == "commit":
            self.cut()
        self.check()


class VirtualDatabase(Database):
    """The real store's file, on a disk that can be full and lose its power."""

    def __init__(self, pi: Pi, folder: Path, busy: float) -> None:
        self._pi = pi
        super().__init__(folder, busy)
        pi.opened(self)

    def close(self) -> None:
        self._pi.closed(self)
        super().close()

    def _connect(self) -> None:
        super()._connect()
        if self._pi.world.disk_full:
            self.limit(True)

    def limit(self, full: bool) -> None:
        """Let the file grow, or not; one that is not open is limited when it is opened."""
        if self._file is None:
            return
        pages = self._db.execute("PRAGMA page_count").fetchone()[0] if full else UNLIMITED
        self._db.execute(f"PRAGMA max_page_count = {pages}")

    @contextmanager
    def writing(self) -> Iterator[None]:
        self._pi.writing()
        within = self._pi.armed == "transaction"
        if within:
            self._db.set_progress_handler(self._pi.interrupts, INSTRUCTIONS)
        try:
            with super().writing():
                yield
        finally:
            if within:
                self._db.set_progress_handler(None, 0)
        self._pi.committed()


class VirtualApp(App):
    """One process. What it prints and says goes into the world's books."""

    def __init__(self, pi: Pi) -> None:
        super().__init__()
        self.pi = pi
        self.over = False
        self.__dict__["config"] = pi.world.config

    def now(self) -> Instant:
        return self.pi.instant()

    def put(self, line: str) -> None:
        if not self.pi.dead:
            self.pi.world.books.printed(line)

    def info(self, text: str) -> None:
        self.pi.world.receive(text)

    def warn(self, text: str, hint: str = "") -> None:
        self.pi.world.receive(text)

    def open_store(self, busy: float) -> Store:
        on_this_disk = partial(VirtualDatabase, self.pi)
        store = Store(self.folder, self.tags, busy, str(self.config.path), on_this_disk)
        store.db.report = self.warn
        return store


class VirtualSender:
    """The listener's sender: an actor of its own, as it is a thread of its own."""

    def __init__(self, app: VirtualApp) -> None:
        self._app = app
        self._nudged = True
        self._actor = app.pi.start(self._run)

    def nudge(self) -> None:
        self._nudged = True
        self._actor.wake()

    def _run(self) -> None:
        app, rounds = self._app, None
        with ExitStack() as stack:
            while not app.over:
                self._nudged = False
                try:
                    rounds = rounds or Rounds(app, stack.enter_context(closing(app.open_store(BUSY_SECONDS))))
                    pause = rounds.next()
                except StoreError:
                    pause = LOOK_EVERY
                app.pi.check()
                if not self._nudged:
                    app.pi.time.wait(app.pi.time.now + max(pause, TICK))


def poll_ecocute(app: VirtualApp) -> None:
    """`ecocute-poll`."""
    pi = app.pi
    lan = VirtualLan(pi, app)
    began = pi.time.now
    with lan.open() as node:
        reported = lan.run(node, lan.controller.poll())
    if reported and pi.ntp and not pi.dead:
        pi.world.books.expect_ecocute(began)


def dump(app: VirtualApp) -> None:
    """`kyocera-dump`."""
    kyocera_dump.collect(app, 2, None, None)
