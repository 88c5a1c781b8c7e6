"""The system under test, for real: devices, servers, small disk, and the commands of cron and systemd."""

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from homemon.core.errors import StoreError
from homemon.core.points import HALF_HOUR
from homemon.sim.bp35c0 import Truth
from homemon.sim.ecocute import Ecocute
from homemon.sim.house import DAY, House
from homemon.sim.kyocera import Monitor
from homemon.sources.registry import ECOCUTE
from homemon.storage.database import FILE
from homemon.storage.store import Store
from tests import lan
from tests.commands import Plugged, fill, homemon, plugged, simulated, small_disk, wait_for, write_config
from tests.filesystems import mounted_here
from tests.hourly import PLAN
from tests.longrun.chaos.broker import Broker
from tests.longrun.chaos.home import Home
from tests.longrun.chaos.judge import Evidence, Said
from tests.longrun.chaos.places import SERVERS, Influx, Place
from tests.longrun.chaos.published import Publication
from tests.longrun.chaos.run import PATIENCE, Run

LISTENERS = ("meter-listen", "ecocute-listen")
DISK = "8m"
UNHURRIED = 25.0  # times: the meter's clock is asked for twice, and may not go on by two minutes meanwhile
BEHIND = 80_000.0  # seconds; a solar monitor whose day is not ours or yesterday is not believed
METER = {
    0xE7: [("power", "value", 1)],
    0xE8: [("current", "r", 10), ("current", "t", 10)],
    0xE0: [("energy", "import", 10)],
    0xE3: [("energy", "export", 10)],
}
HEATER = {series.epc: [(series.measurement, series.field, 1)] for series in ECOCUTE.series}
"""EPC → series, field and divisor of each value that is dated by its receipt."""


class Heater:
    """What the water heater says: within an hour no value comes again, so that each reading is known by it."""

    def ecocute_power(self, t: float) -> int:
        return int(t * 15) % 60_000

    def ecocute_energy(self, t: float) -> int:
        return int(t * 100) % 900_000_000

    def tank(self, t: float) -> int:
        return int(t * 15) % 59_999


class Solar:
    """What the monitor says of the house. A `correction` (tenths) changes what it says of 09:00 JST."""

    def __init__(self, house: House) -> None:
        self.correction = 0
        self._house = house

    def generation(self, half_hour_start: int) -> int:
        return self._house.generation(half_hour_start) + self._corrected(half_hour_start)

    def bought_minus_sold(self, half_hour_start: int) -> int:
        return self._house.bought_minus_sold(half_hour_start) + self._corrected(half_hour_start)

    def _corrected(self, half_hour_start: int) -> int:
        return 0 if half_hour_start % DAY else self.correction


class System:
    """The devices, the servers and the processes of a folder; `stack` ends them all.

    Every command is `altered` (see there). The clocks of the meter and the monitor run `speed` times as fast, or
    so fast that they are not ahead `within` seconds later, and are never so far behind that it would be noticed.
    """

    def __init__(self, folder: Path, stack: ExitStack, altered: str, speed: float, within: float, on: str) -> None:
        self.folder, self.altered = folder, altered
        self.runs: list[Run] = []
        self.asides: list[Path] = []  # stores that were moved
        self._filler: Path | None = None
        self.small_disk = not on and self._has_small_disk(stack)
        if on:
            stack.enter_context(mounted_here(on, folder))
        self.servers = [Influx(name, folder, stack) for name in SERVERS]
        self.broker = Broker(folder, stack)
        self.home = Home(folder, stack)
        self.places: list[Place] = [*self.servers, self.broker, self.home]
        speed = min(speed if altered else UNHURRIED, BEHIND / within)
        pace = speed / 20  # what takes the module or the meter a second takes a twentieth of ours
        self.meter = stack.enter_context(
            simulated(folder, speed=speed, behind=within * speed, pace=pace, push_after=60.0)
        )
        self.solar = Solar(self.meter.house)
        self.monitor = stack.enter_context(plugged(Plugged(Monitor(self.solar), self.meter.clock, folder / "monitor")))
        self.heater = stack.enter_context(lan.unit(Ecocute(Heater(), inform_every=1.0), informs=True))
        self._configure()
        stack.callback(self._end)
        self._first = -(-int(self.meter.clock()) // HALF_HOUR) * HALF_HOUR
        self._last = float(self._first)
        self.run("join")

    def _has_small_disk(self, stack: ExitStack) -> bool:
        try:
            stack.enter_context(small_disk(self.folder / "store", DISK))
        except pytest.skip.Exception:
            return False
        return True

    def _configure(self) -> None:
        more = f"""\
[ecocute]
host = {self.heater.bind}
bind = {lan.address()}
[kyocera]
transport = serial
serial_port = {self.monitor.path}
[contract]
plan = own.toml
sell = 16
"""
        (self.folder / "own.toml").write_text(PLAN.format(price=30))
        write_config(self.folder, more + "".join(place.section() for place in self.places), history_days="1")

    def _end(self) -> None:
        for run in self.runs:
            run.kill()

    # --- commands ------------------------------------------------------------------

    def start(self, *arguments: str, altered: str = "", unread: bool = False) -> Run:
        """A command in the background, `altered` besides; see `Run`."""
        alterations = ",".join(filter(None, (self.altered, altered)))
        self.runs.append(Run(arguments, self.folder, len(self.runs), alterations, unread))
        return self.runs[-1]

    def run(self, *arguments: str) -> Run:
        """A command that must succeed. Raises AssertionError."""
        run = self.start(*arguments)
        assert run.wait() == 0, run.errors
        return run

    def listener(self, name: str) -> Run:
        """The one that runs, started where there is none: what cron does each minute."""
        running = (run for run in reversed(self.runs) if run.name == name and run.alive)
        return next(running, None) or self.start(name)

    def usual(self, name: str) -> float:
        """Seconds that the command takes, where nothing goes wrong and the machine is quick."""
        well = (run.lasted for run in self.runs if run.name == name and run.process.returncode == 0 and run.lasted)
        return min(well, default=0.5)

    # --- the disk ------------------------------------------------------------------

    def fill_disk(self) -> None:
        """Leave no space for the store."""
        self._filler = fill(self.folder / "store")

    def free_disk(self) -> None:
        """Give it back."""
        if self._filler:
            self._filler.unlink()

    # --- the store's file ------------------------------------------------------------

    def move_store(self) -> None:
        """Lay the store's file elsewhere, as somebody does who wants to begin anew."""
        aside = self.folder / "store" / f"aside-{len(self.asides)}"
        aside.mkdir(mode=0o700)
        (self.folder / "store" / FILE).rename(aside / FILE)
        self.asides.append(aside / FILE)
        self.broker.forget_house()

    def bring_back(self) -> None:
        """Add to the store that was made meanwhile what those have that were moved."""
        for aside in self.asides:
            self.run("repair", "--from", str(aside))

    # --- the end -------------------------------------------------------------------

    def live_until(self, half_hours: int) -> None:
        """Wait until so many half-hours of the meter are whole, however quick the machine was."""
        wait_for(lambda: self.meter.clock() > self._first + half_hours * HALF_HOUR)

    def come_to_rest(self) -> None:
        """Let every process end, and fill in by the commands made for it what nobody was there to receive."""
        for run in self.runs:
            if run.name not in LISTENERS:
                run.wait()
        module = self.meter.module
        with self._listening() as listeners:
            wait_for(lambda: module.radio.session and not module.radio.forgotten, PATIENCE, lambda: listeners[0].errors)
        self._last = self.meter.clock()
        days = 1 + max(0, int(self._last - self._first)) // DAY
        self.run("meter-history", "--days", str(days))
        self.run("kyocera-dump", "--days", str(days + 1))
        self.run("upload")  # which also ends what was left alone until later
        greeted = self.broker.greeted()
        with self._listening() as listeners:
            wait_for(lambda: self.broker.greeted() >= greeted + len(listeners), PATIENCE)
        self.run("upload")

    @contextmanager
    def _listening(self) -> Iterator[list[Run]]:
        """Let the listeners run for a block, and end them as systemd does."""
        listeners = [self.listener(name) for name in LISTENERS]
        yield listeners
        for listener in listeners:
            status = listener.stop()
            assert status == 0, f"{listener.name} ended with {status}: {listener.errors}"

    def evidence(self) -> Evidence:
        """What there is to be judged."""
        house, last = self.meter.house, int(self._last)
        begun, over = range(self._first, last, HALF_HOUR), range(self._first, last - HALF_HOUR, HALF_HOUR)
        return Evidence(
            list(self._printed()),
            homemon("export", cwd=self.folder).stdout.splitlines(),
            {server.name: server.points() for server in self.servers},
            [*self._said_by_meter(), *said(self.heater.truth, HEATER)],
            {
                "+power": lambda t: house.register_import(t) / 10,
                "-power": lambda t: house.register_export(t) / 10,
                "hatuden": lambda t: self.solar.generation(t) / 10,
                "baiden_diff": lambda t: self.solar.bought_minus_sold(t) / 10,
            },
            {"+power": begun, "-power": begun, "hatuden": over, "baiden_diff": over},
            Publication(self.broker.heard(), self.broker.kept(), time.time()),
            self.home.statistics(),
        )

    def _printed(self) -> Iterator[str]:
        """What was printed; what a listener asked for a poll, which both print, once."""
        by_listeners = Counter(line for run in self.runs if run.name in LISTENERS for line in run.printed)
        yield from by_listeners.elements()
        for line in (line for run in self.runs if run.name not in LISTENERS for line in run.printed):
            if by_listeners[line]:
                by_listeners[line] -= 1
            else:
                yield line

    def _said_by_meter(self) -> Iterator[Said]:
        """Its truths in our time; its clock runs faster, and is behind."""
        clock = self.meter.clock
        behind, now = time.time(), clock()
        truths = [row._replace(time=behind - (now - row.time) / clock.speed) for row in self.meter.module.truth]
        return said(truths, METER)

    def warnings(self) -> list[str]:
        """What is wrong besides the readings: how processes ended, and the state of the database."""
        found = [warning for run in self.runs if (warning := run.warning())]
        store = Store(self.folder / "store")
        try:
            return found + store.db.integrity_faults()
        except StoreError as error:
            return [*found, str(error)]
        finally:
            store.close()


def said(truths: list[Truth], fields: dict[int, list[tuple[str, str, int]]]) -> Iterator[Said]:
    """What devices sent, as the fields of points."""
    for truth in truths:
        values = truth.value if isinstance(truth.value, tuple) else (truth.value,)
        for (measurement, field, divisor), value in zip(fields.get(truth.epc, ()), values, strict=False):
            assert value is not None
            yield Said(measurement, field, value / divisor, truth.time)


@contextmanager
def running_system(
    folder: Path, altered: str = "", speed: float = 150.0, within: float = 800.0, on: str = ""
) -> Iterator[System]:
    """Run a system in `folder` that has joined the meter's network, for a block.

    Its store is on a small disk, where one can be mounted, or on a file system of the kind `on`: see `mounted_here`.
    """
    with ExitStack() as stack:
        yield System(folder, stack, altered, speed, within, on)
