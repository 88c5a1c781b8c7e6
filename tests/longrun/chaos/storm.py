"""A storm of kills: commands of every kind, a few at a time, each ended by kill -9 at some moment of its life."""

from collections import Counter
from collections.abc import Callable
from itertools import cycle
from random import Random
from time import monotonic

from tests.longrun.chaos.faults import ORDINARY, RESIDENT
from tests.longrun.chaos.run import Run
from tests.longrun.chaos.system import LISTENERS, System

VICTIMS = (*((name,) for name in LISTENERS), *ORDINARY, ("meter-history", "--days", "1"))
AT_ONCE = 4
PLACE_DIES = 25  # kills between two of a place that readings go to, by turns


def storm(
    system: System,
    rng: Random,
    kills: int,
    report: Callable[[str], None] = lambda text: None,
    place_dies: int = PLACE_DIES,
) -> Counter[str]:
    """So many kills; how many of each command. Now and then a place is away, too, while a few are killed.

    Each command is left to its end once before, so that it is known how long it lives.
    """
    done: Counter[str] = Counter()
    for command in VICTIMS[len(LISTENERS) :]:
        system.run(*command)
    places, dies_at = cycle(system.places), place_dies
    while done.total() < kills:
        if done.total() >= dies_at:
            dies_at += place_dies
            place = next(places)
            done += _kill_some(system, rng, place.kill)
            place.start()
            report(f"{done.total()} killed; {place.name} was away")
        else:
            done += _kill_some(system, rng)
    return done


def _kill_some(system: System, rng: Random, meanwhile: Callable[[], None] = lambda: None) -> Counter[str]:
    """Start a few, and kill each; how many of each command were alive to see it."""
    done: Counter[str] = Counter()
    victims = [_start(system, command) for command in rng.sample(VICTIMS, AT_ONCE)]
    meanwhile()
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
