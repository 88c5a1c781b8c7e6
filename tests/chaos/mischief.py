"""What befalls a household: a table, and rounds in which each of it happens once, in an order that a seed decides.

Between two deeds life goes on: cron starts this and that, and what is killed is killed at a moment of
its life that the seed decides too. A trouble that stands (no server, no port, no space) ends a
few deeds later, so that the others fall into it.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import NamedTuple

from tests.chaos.household import LISTENERS, Household

ORDINARY = (
    ("meter-poll",),
    ("meter-poll", "E0", "E3"),
    ("meter-poll", "E8", "EA", "EB"),
    ("ecocute-poll",),
    ("kyocera-dump",),
    ("upload",),
)
EIGHT = (*ORDINARY, ("meter-poll", "E8"), ("ecocute-poll",))
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


def mischief(house: Household) -> list[Mischief]:
    """All that can befall this household."""
    server, meter, monitor = house.server, house.meter, house.monitor
    table = [
        *(kill(name) for name in (*LISTENERS, "meter-poll", "ecocute-poll", "kyocera-dump", "upload")),
        kill("meter-history", "--days", "1"),
        Mischief("eight writers at once", eight_at_once),
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
