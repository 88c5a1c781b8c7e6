"""A storm of kills: commands of every kind, a few at a time, each ended by kill -9 at some moment of its life."""

from collections import Counter
from collections.abc import Callable
from random import Random
from time import monotonic

from tests.longrun.chaos.faults import ORDINARY, RESIDENT
from tests.longrun.chaos.run import Run
from tests.longrun.chaos.system import LISTENERS, System

VICTIMS = (*((name,) for name in LISTENERS), *ORDINARY, ("meter-history", "--days", "1"))
AT_ONCE = 4
SERVER_DIES = 100  # kills between two of the server's


def storm(system: System, rng: Random, kills: int, report: Callable[[str], None] = lambda text: None) -> Counter[str]:
    """So many kills; how many of each command. The server is killed now and then, too, and started again."""
    done: Counter[str] = Counter()
    server_dies = SERVER_DIES
    while done.total() < kills:
        if done.total() >= server_dies:
            system.server.kill()
            system.server.start()
            server_dies += SERVER_DIES
            report(f"{done.total()} killed")
        victims = [_start(system, command) for command in rng.sample(VICTIMS, AT_ONCE)]
        began = monotonic()
        for moment, victim in sorted(((rng.random() * _usual(system, run), run) for run in victims), key=_moment):
            victim.ends_within(max(0.0, began + moment - monotonic()))
            done[victim.name] += victim.kill()
    return done


def _start(system: System, command: tuple[str, ...]) -> Run:
    return system.listener(command[0]) if command[0] in LISTENERS else system.start(*command)


def _usual(system: System, run: Run) -> float:
    """Seconds in which it is killed."""
    return RESIDENT if run.name in LISTENERS else system.usual(run.name)


def _moment(entry: tuple[float, Run]) -> float:
    return entry[0]
