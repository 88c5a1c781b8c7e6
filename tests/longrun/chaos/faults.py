"""What befalls the system under test: a table, and rounds of each once, in an order that a seed decides.

Between two deeds life goes on: cron starts this and that, and what is killed is killed at a moment of
its life that the seed decides too. A trouble that stands (no server, no port, no space) ends a
few deeds later, so that the others fall into it.
"""

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random
from typing import NamedTuple

from tests.longrun.chaos.places import Place, Trouble
from tests.longrun.chaos.system import LISTENERS, System

ORDINARY = (
    ("meter-poll",),
    ("meter-poll", "E0", "E3"),
    ("meter-poll", "E8", "EA", "EB"),
    ("ecocute-poll",),
    ("kyocera-dump",),
    ("upload",),
)
EIGHT = (*ORDINARY, ("meter-poll", "E8"), ("ecocute-poll",))
REFUSED = ("E7", "EA,EB", "EB*1", "E0,E3", "E1", "D3*1", "D3,D7", "E5*1", "E2,E4", "97,98", "97*1")
LONGEST = 3  # deeds that a standing trouble lasts
RESIDENT = 1.0  # seconds within which a listener is killed
CRON_COMES = 0.7  # how likely listeners that were killed are started again before the next deed


class Fault(NamedTuple):
    """A deed; `end` where it stands until then. It gives False where it came too late to do harm."""

    name: str
    begin: Callable[[System, Random], object]
    end: Callable[[], object] | None = None


def kill(*command: str) -> Fault:
    """kill -9 of a command, a listener or one that is started for it, at some moment of its usual life."""

    def begin(system: System, rng: Random) -> bool:
        resident = command[0] in LISTENERS
        victim = system.listener(command[0]) if resident else system.start(*command)
        victim.ends_within(rng.random() * (RESIDENT if resident else system.usual(command[0])))
        return victim.kill()

    return Fault(f"kill -9 {command[0]}", begin)


def eight_at_once(system: System, _: Random) -> None:
    """Eight that write, beside the listeners."""
    for run in [system.start(*command) for command in EIGHT]:
        run.wait()


def faults_at(place: Place) -> list[Fault]:
    """What befalls a place that readings go to, each at another time than at the next place."""
    killed = Fault(f"{place.name} killed -9", lambda *_: place.kill(), place.start)
    return [killed, *(Fault(each.name, partial(_begin, each), each.end) for each in place.troubles())]


def _begin(trouble: Trouble, _: System, rng: Random) -> object:
    return trouble.begin(rng)


def refuse(system: System, rng: Random) -> None:
    """The meter refuses some properties, or has no data for them, for a while."""
    system.meter.fault(rng.choice(("refuse-epcs", "no-data")), rng.choice(REFUSED))


def refuse_nothing(system: System) -> None:
    """It answers again."""
    system.meter.fault("refuse-epcs", "0")
    system.meter.fault("no-data", "0")


def leave_unread(system: System, _: Random) -> None:
    """The meter's listener is started where nobody reads what it prints; killed first, where one runs."""
    system.listener("meter-listen").kill()
    system.start("meter-listen", unread=True)


def faults_of(system: System) -> list[Fault]:
    """Return all faults that can befall this system."""
    meter, monitor = system.meter, system.monitor
    table = [
        *(kill(name) for name in (*LISTENERS, "meter-poll", "ecocute-poll", "kyocera-dump", "upload")),
        kill("meter-history", "--days", "1"),
        Fault("eight writers at once", eight_at_once),
        Fault("listener's stdout unread", leave_unread, lambda: system.listener("meter-listen").kill()),
        Fault("meter refuses", refuse, lambda: refuse_nothing(system)),
        *(fault for place in system.places for fault in faults_at(place)),
        Fault("meter's port closed and replaced", lambda *_: meter.unplug(), meter.plug),
        Fault("monitor's port closed and replaced", lambda *_: monitor.unplug(), monitor.plug),
    ]
    if system.small_disk:
        table.append(Fault("disk full", lambda *_: system.fill_disk(), system.free_disk))
    return table


def live_through(system: System, rng: Random, report: Callable[[str], None] = lambda text: None) -> Counter[str]:
    """Live through one round; return how often each fault did harm."""
    done: Counter[str] = Counter()
    standing: list[tuple[int, Fault]] = []
    deeds = faults_of(system)
    rng.shuffle(deeds)
    for number, deed in enumerate(deeds):
        over(standing, number, report)
        ordinary = system.start(*rng.choice(ORDINARY))
        if rng.random() < CRON_COMES:
            for name in LISTENERS:
                system.listener(name)
        harm = deed.begin(system, rng) is not False
        report(deed.name if harm else f"{deed.name}: too late")
        done[deed.name] += harm
        standing.append((number + rng.randint(1, LONGEST), deed))
        ordinary.wait()
    over(standing, len(deeds) + LONGEST, report)
    return done


def over(standing: list[tuple[int, Fault]], number: int, report: Callable[[str], None]) -> None:
    """End the troubles that last no longer."""
    for entry in [entry for entry in standing if entry[0] <= number]:
        standing.remove(entry)
        if end := entry[1].end:
            end()
            report(f"{entry[1].name}: over")
