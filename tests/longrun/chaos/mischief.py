"""What befalls a household: a table, and rounds in which each of it happens once, in an order that a seed decides.

Between two deeds life goes on: cron starts this and that, and what is killed is killed at a moment of
its life that the seed decides too. A trouble that stands (no server, no port, no space) ends a
few deeds later, so that the others fall into it.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from tests.longrun.chaos.gate import ILLS
from tests.longrun.chaos.household import LISTENERS, Household

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


class Mischief(NamedTuple):
    """A deed; `end` where it stands until then. It gives False where it came too late to do harm."""

    name: str
    begin: Callable[[Household, Random], object]
    end: Callable[[], object] | None = None


def kill(*command: str) -> Mischief:
    """kill -9 of a command, a listener or one that is started for it, at some moment of its usual life."""

    def begin(house: Household, rng: Random) -> bool:
        resident = command[0] in LISTENERS
        victim = house.listener(command[0]) if resident else house.start(*command)
        victim.ends_within(rng.random() * (RESIDENT if resident else house.usual(command[0])))
        return victim.kill()

    return Mischief(f"kill -9 {command[0]}", begin)


def eight_at_once(house: Household, _: Random) -> None:
    """Eight that write, beside the listeners."""
    for run in [house.start(*command) for command in EIGHT]:
        run.wait()


def make_ill(house: Household, rng: Random) -> None:
    """A part of the server is ill."""
    house.gate.ill = rng.choice(ILLS)


def make_well(house: Household) -> None:
    """It is well again."""
    house.gate.ill = None


def refuse(house: Household, rng: Random) -> None:
    """The meter refuses some properties, or has no data for them, for a while."""
    house.meter.fault(rng.choice(("refuse-epcs", "no-data")), rng.choice(REFUSED))


def refuse_nothing(house: Household) -> None:
    """It answers again."""
    house.meter.fault("refuse-epcs", "0")
    house.meter.fault("no-data", "0")


def leave_unread(house: Household, _: Random) -> None:
    """The meter's listener is started where nobody reads what it prints; killed first, where one runs."""
    house.listener("meter-listen").kill()
    house.start("meter-listen", unread=True)


def mischief(house: Household) -> list[Mischief]:
    """All that can befall this household."""
    server, meter, monitor = house.server, house.meter, house.monitor
    table = [
        *(kill(name) for name in (*LISTENERS, "meter-poll", "ecocute-poll", "kyocera-dump", "upload")),
        kill("meter-history", "--days", "1"),
        Mischief("eight writers at once", eight_at_once),
        Mischief("listener's stdout unread", leave_unread, lambda: house.listener("meter-listen").kill()),
        Mischief("meter refuses", refuse, lambda: refuse_nothing(house)),
        Mischief("part of the server ill", make_ill, lambda: make_well(house)),
        Mischief("server killed -9", lambda *_: server.kill(), server.start),
        Mischief("meter's port closed and replaced", lambda *_: meter.unplug(), meter.plug),
        Mischief("monitor's port closed and replaced", lambda *_: monitor.unplug(), monitor.plug),
    ]
    if house.small_disk:
        table.append(Mischief("disk full", lambda *_: house.fill_disk(), house.free_disk))
    return table


def live_through(house: Household, rng: Random, tell: Callable[[str], None] = lambda text: None) -> Counter[str]:
    """One round; how often each mischief did harm."""
    done: Counter[str] = Counter()
    standing: list[tuple[int, Mischief]] = []
    deeds = mischief(house)
    rng.shuffle(deeds)
    for number, deed in enumerate(deeds):
        over(standing, number, tell)
        ordinary = house.start(*rng.choice(ORDINARY))
        if rng.random() < CRON_COMES:
            for name in LISTENERS:
                house.listener(name)
        harm = deed.begin(house, rng) is not False
        tell(deed.name if harm else f"{deed.name}: too late")
        done[deed.name] += harm
        standing.append((number + rng.randint(1, LONGEST), deed))
        ordinary.wait()
    over(standing, len(deeds) + LONGEST, tell)
    return done


def over(standing: list[tuple[int, Mischief]], number: int, tell: Callable[[str], None]) -> None:
    """End the troubles that last no longer."""
    for entry in [entry for entry in standing if entry[0] <= number]:
        standing.remove(entry)
        if end := entry[1].end:
            end()
            tell(f"{entry[1].name}: over")
