"""The same storm over a house that is alive: the real commands, a broker, and all of them killed at any moment.

A listener and polls read simulated devices, and publish by MQTT; Home Assistant shows that, beside the statistics. At
rest every entity has to show the newest reading, and every hour has to equal what is stored.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from time import monotonic, sleep, time
from typing import Any

from homemon.core.points import DAY, HALF_HOUR
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.ecocute import Ecocute
from homemon.sim.house import House
from homemon.sim.kyocera import Monitor
from homemon.sim.terminal import Clock
from homemon.storage.store import Store
from tests import lan
from tests.brokers import Mosquitto
from tests.commands import Plugged, plugged, wait_for
from tests.longrun.chaos.run import Run
from tests.longrun.home_assistant.judge import Given
from tests.longrun.home_assistant.real import RealHome
from tests.longrun.home_assistant.storm import WEIGHTS, Storm

USER = "homemon"
LISTENER = ("meter-listen", "--poll", "10")
POLLS = (("meter-poll", "E7", "E8", "E0", "E3", "EA", "EB"), ("ecocute-poll",))
DUMP = ("kyocera-dump",)
SHOWN_WITHIN = (
    120.0  # seconds; a listener may leave a broker alone for one minute, and Home Assistant does for ten seconds
)
OLD, NEW = "entities", "device"
DEVICES = (2024, 11)
"""The first version that knows devices."""
ENTITIES = {
    "power": ("power", "value", 660),
    "current_r": ("current", "r", 2460),
    "current_t": ("current", "t", 2460),
    "bought": ("+power", "value", 2460),
    "sold": ("-power", "value", 2460),
    "energy_import": ("energy", "import", 2460),
    "energy_export": ("energy", "export", 2460),
    "ecocute_power": ("ecocute", "power", 1860),
    "ecocute_powersum": ("ecocute", "powerSum", 1860),
    "ecocute_tank": ("ecocute", "tank", 1860),
    "hatuden": ("hatuden", "value", DAY + HALF_HOUR + 60),
    "baiden_diff": ("baiden_diff", "value", DAY + HALF_HOUR + 60),
}
"""Of each entity which reading it shows, and for how many seconds from its time."""
MORE = """
[smartmeter]
bid = {bid}
pwd = {pwd}
serial_port = {folder}/port
history_days = 1
[ecocute]
host = {heater}
bind = {ours}
[kyocera]
transport = serial
serial_port = {folder}/monitor
[mqtt]
host = 127.0.0.1
port = {port}
user = {user}
password = {password}
discovery = {way}
"""


class Living(Storm):
    """The house; `stack` ends what is started."""

    def __init__(self, home: RealHome, folder: Path, seed: int, weeks: int, stack: ExitStack) -> None:
        super().__init__(home, folder, seed, weeks)
        self.real, self.killed, self._runs, self._stack = home, Counter[str](), list[Run](), stack
        self.broker = Mosquitto(folder / "broker", USER)
        stack.callback(self.broker.kill)
        self.broker.start()
        home.add_broker(broker="127.0.0.1", port=self.broker.port, username=USER, password=Mosquitto.PASSWORD)
        clock = Clock(time(), 1.0)
        self.house = House(int(clock.start) - 100 * DAY, seed)
        stack.enter_context(plugged(Plugged(Module(self.house, clock.start, pace=0.02), clock, folder / "port")))
        stack.enter_context(plugged(Plugged(Monitor(self.house), clock, folder / "monitor")))
        self.more = MORE.format(
            bid=BID,
            pwd=PWD,
            folder=folder,
            heater=stack.enter_context(lan.unit(Ecocute(self.house))).bind,
            ours=lan.address(),
            port=self.broker.port,
            user=USER,
            password=Mosquitto.PASSWORD,
            way=NEW if tuple(map(int, home.version.split(".")[:2])) >= DEVICES else OLD,
        )
        self._configure()
        stack.callback(self._end)
        self._done("join")
        self._done(*DUMP)

    def events(self) -> Mapping[Callable[[Any], None], int]:
        """Return the usual ones, and many kills at once."""
        return {**WEIGHTS, Living.kills: sum(WEIGHTS.values()) // 2}

    # --- commands -----------------------------------------------------------------

    def _start(self, *arguments: str) -> Run:
        self._runs.append(Run(arguments, self.folder, len(self._runs), ""))
        return self._runs[-1]

    def _done(self, *arguments: str) -> None:
        """Run a command until it succeeds."""
        wait_for(lambda: self._start(*arguments).wait() == 0, reported=lambda: self._runs[-1].errors)

    def _alive(self) -> list[Run]:
        return [run for run in self._runs if run.alive]

    def _listen(self) -> None:
        """Start the listener where there is none: what cron does each minute."""
        if not any(run.name == LISTENER[0] for run in self._alive()):
            self._start(*LISTENER)

    def _end(self) -> None:
        for run in self._alive():
            run.kill()

    # --- events -------------------------------------------------------------------

    def kills(self) -> None:
        """Whatever runs is killed while readings come and are sent, several times in a row."""
        for _ in range(self.random.randrange(3, 9)):
            self._listen()
            for command in self.random.sample([*POLLS, DUMP, ("upload",)], 2):
                self._start(*command)
            self.pass_time(self.random.randrange(1, 8), 0.1)
            sleep(self.random.uniform(0.1, 3))
            victim = self.random.choice([self._kill_homemon, self._kill_homemon, self._kill_broker, self._kill_home])
            victim()

    def _kill_homemon(self) -> None:
        for run in self.random.sample(self._alive(), min(2, len(self._alive()))):
            self.killed["homemon"] += run.kill()

    def _kill_broker(self) -> None:
        """Kill the broker, which comes back after a while, half of the times without what it retained."""
        self.broker.kill()
        self.killed["broker"] += 1
        if self.random.random() < 0.5:
            (self.broker.folder / "mosquitto.db").unlink(missing_ok=True)
            self.killed["broker, with what it retained"] += 1
        sleep(self.random.uniform(0, 3))
        self.broker.start()

    def _kill_home(self) -> None:
        self.home.kill()
        self.killed["Home Assistant"] += 1
        self.home.start()

    def back_up_store(self) -> None:
        """The same, without a listener meanwhile."""
        self._end()
        super().back_up_store()

    def drop(self) -> None:
        """The same, without a listener meanwhile."""
        self._end()
        super().drop()

    def restore_store(self) -> None:
        """The same, without a listener meanwhile."""
        self._end()
        super().restore_store()

    # --- at rest ------------------------------------------------------------------

    def settle(self) -> str:
        """Let all that runs come to its end, and read and deliver once more."""
        self._listen()
        for run in self._alive():
            if run.name != LISTENER[0]:
                run.wait()
        for poll in POLLS:
            self._done(*poll)
        return super().settle()

    def judged(self) -> list[str]:
        """Return what is wrong with the hours and the entities, and with what was said meanwhile."""
        warnings = [warning for run in self._runs if not run.alive and (warning := run.warning())]
        secrets = [run.name for run in self._runs if Mosquitto.PASSWORD in run.errors or self.home.token in run.errors]
        return [*super().judged(), *self._entity_faults(), *warnings, *(f"{name} told a secret" for name in secrets)]

    def known(self) -> Given:
        """What is stored: the devices' record fills in what was lost."""
        with closing(Store(self.folder / "store")) as store:

            def rows(name: str, field: str = "value", each: int = 10) -> dict[int, int]:
                return {at: round(value * each) for at, value in store.archive.values(name, field, 0, int(time()))}

            registers = (rows("+power"), rows("-power"), rows("hatuden"), rows("ecocute", "powerSum", 1))
            return Given(*registers, rows("baiden_diff"), price=self.given.price, paid=self.given.paid)

    def _entity_faults(self) -> list[str]:
        """Return what is wrong with the entities, once nothing is or it was so for too long."""
        until = monotonic() + SHOWN_WITHIN
        while (found := list(self._compared())) and monotonic() < until:
            sleep(1)
        return found

    def _compared(self) -> Iterator[str]:
        now, wanted = time(), self._newest()
        shown = {name.removeprefix("sensor.homemon_"): state for name, state in self.real.entities().items()}
        yield from (f"{name} is no entity of ours" for name in shown.keys() - wanted.keys())
        for name, (at, value) in wanted.items():
            state, left = shown.get(name, "not there"), at + ENTITIES[name][2] - now
            if left > 0 and (state in ("not there", "unavailable", "unknown") or float(state) != value):
                yield f"{name} shows {state}, not {value} of {now - at:.0f} s ago"
            if left < -60 and state not in ("unavailable", "unknown"):
                yield f"{name} shows {state}, which was {value} {now - at:.0f} s ago"

    def _newest(self) -> dict[str, tuple[int, float]]:
        """Return the newest reading of each entity, and when it was."""
        with closing(Store(self.folder / "store")) as store:
            now = int(time())
            rows = {name: list(store.archive.values(*of[:2], now - 2 * DAY, now)) for name, of in ENTITIES.items()}
            return {name: found[-1] for name, found in rows.items() if found}
