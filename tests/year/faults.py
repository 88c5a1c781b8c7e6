"""What goes wrong in a house, how often in a month and for how long: one row a kind.

`begin` starts one and gives what ends it, if it does not end by itself. `excuse` says what it is called when no
power is recorded meanwhile: the Pi or the radio was down then, and for `RECOVERY` seconds after.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from homemon.sim.ecocute import Ecocute
from homemon.sim.ecocute import Faults as Unit
from homemon.sim.kyocera import Faults as Monitored

if TYPE_CHECKING:
    from tests.year.world import World

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MONTH = 30 * DAY
RECOVERY = 25 * MINUTE  # the longest pause between two joins, a failed one, a scan and a join
QUIET_START, QUIET_END = HOUR, 36 * HOUR  # without faults: to be joined once, and to fill the last gap
FOR_EVER = 10**6  # times
End = Callable[[], object] | None
Begin = Callable[["World", float], End]
OFF, AWAY = "the Pi was off", "the radio was away"


class Kind(NamedTuple):
    """A row. Durations are drawn evenly in seconds; `part` of each month is where it falls.

    It does not happen together with the kind `apart_from`, which would contradict it.
    """

    name: str
    a_month: int
    shortest: float
    longest: float
    begin: Begin
    excuse: str = ""
    part: tuple[float, float] = (0.0, 1.0)
    apart_from: str = ""


class Fault(NamedTuple):
    """One that will happen."""

    time: float
    seconds: float
    kind: Kind


def power_cut(where: str) -> Begin:
    """The power goes at once, or in the middle of the next write."""

    def begin(world: "World", seconds: float) -> End:
        world.cut_power(where, seconds)
        return None

    return begin


def radio_away(world: "World", seconds: float) -> End:
    """The meter hears nobody, and nobody hears it."""
    world.radio_away += 1
    world.fault("forget-session")
    world.fault("refuse-joins", FOR_EVER)
    world.fault("empty-scans", FOR_EVER)

    def end() -> None:
        world.radio_away -= 1
        if not world.radio_away:
            world.fault("refuse-joins", 0)
            world.fault("empty-scans", 0)

    return end


def module(name: str, value: object = None, lasting: bool = False) -> Begin:
    """A fault of the simulated module and meter."""

    def begin(world: "World", seconds: float) -> End:
        world.fault(name, seconds if value == "seconds" else value)
        return (lambda: world.fault(name, 0)) if lasting else None

    return begin


def hung(world: "World", seconds: float) -> End:
    """The module hears and says nothing until it is switched off and on."""
    world.fault("dead")

    def end() -> None:
        world.fault("dead", 0)
        world.fault("power-cycle")

    return end


def unplugged(world: "World", seconds: float) -> End:
    """The port vanishes, and the module loses its power."""
    world.unplugged += 1
    world.fault("power-cycle")
    return lambda: world.plug_in()


def server_down(world: "World", seconds: float) -> End:
    world.server.down += 1

    def end() -> None:
        world.server.down -= 1

    return end


def server_mutters(how: str) -> Begin:
    """It answers, but not as it should."""

    def begin(world: "World", seconds: float) -> End:
        world.server.mutters = how
        return lambda: setattr(world.server, "mutters", "")

    return begin


def server_loses(world: "World", seconds: float) -> End:
    """It comes back from an old backup; then somebody runs `upload --since`."""
    since = world.time.now - seconds
    world.server.lose_since(since)
    world.send_again(since)
    return None


def disk_full(world: "World", seconds: float) -> End:
    world.set_disk_full(True)
    return lambda: world.set_disk_full(False)


def lan_away(world: "World", seconds: float) -> End:
    world.lan_away += 1

    def end() -> None:
        world.lan_away -= 1

    return end


UNITS = (
    Unit(one_each=True),
    Unit(reverse=True, extra=True),
    Unit(late=7.0),
    Unit(lost_every=2),
    Unit(doubled=True),
    Unit(truncated=2),
    Unit(short_edt=True),
    Unit(overflow=True),
    Unit(garbage=True),
)
MONITORS = (
    Monitored(corrupt_every=60),
    Monitored(lose_every=90),
    Monitored(noise_every=70, noise_before=True),
    Monitored(dead_after=100),
    Monitored(corrupt_block=8, corrupt_times=5),
    Monitored(dates="none"),
    Monitored(no_end=True, bad_headers=2),
)


def unit_misbehaves(world: "World", seconds: float) -> End:
    world.unit = Ecocute(world.house, world.rng.choice(UNITS))
    return lambda: setattr(world, "unit", Ecocute(world.house))


def monitor_misbehaves(world: "World", seconds: float) -> End:
    world.monitor_faults = world.rng.choice(MONITORS)
    return lambda: setattr(world, "monitor_faults", Monitored())


def monitor_away(world: "World", seconds: float) -> End:
    world.monitor_away += 1

    def end() -> None:
        world.monitor_away -= 1

    return end


KINDS = (
    Kind("power cut", 2, MINUTE, 3 * HOUR, power_cut("idle"), OFF),
    Kind("power cut within a transaction", 2, MINUTE, 3 * HOUR, power_cut("transaction"), OFF),
    Kind("power cut within a commit", 2, MINUTE, 3 * HOUR, power_cut("commit"), OFF),
    Kind("power cut of days", 1, DAY, 4 * DAY, power_cut("idle"), OFF, (0.0, 0.45)),
    Kind("radio outage", 2, 10 * MINUTE, 6 * HOUR, radio_away, AWAY),
    Kind("radio outage of days", 1, DAY, 5 * DAY, radio_away, AWAY, (0.5, 0.95)),
    Kind("module reset", 2, 0, 0, module("power-cycle"), AWAY),
    Kind("module hung", 1, 5 * MINUTE, HOUR, hung, AWAY),
    Kind("port unplugged", 1, 10.0, 30 * MINUTE, unplugged, AWAY),
    Kind("session expired, not renewed", 1, 0, 0, module("expire", 0), AWAY),
    Kind("session expired, renewed", 1, 0, 0, module("expire", 20), AWAY),
    Kind("session ended by the meter", 1, 0, 0, module("end-session"), AWAY),
    Kind("session lost", 1, 0, 0, module("lose-session"), AWAY),
    Kind("session forgotten without a word", 1, 0, 0, module("forget-session"), AWAY),
    Kind("sending limit (ARIB)", 1, MINUTE, 30 * MINUTE, module("limit", "seconds"), AWAY),
    Kind("answers lost", 2, HOUR, 6 * HOUR, module("lose-answers", 3, lasting=True)),
    Kind("answers late", 2, HOUR, 6 * HOUR, module("late-answers", 12, lasting=True)),
    Kind("lines doubled", 2, HOUR, 6 * HOUR, module("double", 1, lasting=True)),
    Kind("lines garbled", 2, HOUR, 6 * HOUR, module("garble", 4, lasting=True)),
    Kind("noise on the line", 2, HOUR, 6 * HOUR, module("noise", 5, lasting=True)),
    Kind("echo torn", 1, HOUR, 6 * HOUR, module("glue", 1, lasting=True), apart_from="answers late"),  # by an early one
    Kind("sends unacknowledged", 2, HOUR, 6 * HOUR, module("fail-sends", 3, lasting=True)),
    Kind("pushes lost", 2, 6 * HOUR, 2 * DAY, module("lose-pushes", 1, lasting=True)),
    Kind("server down", 3, 10 * MINUTE, 4 * DAY, server_down),
    Kind("server takes all and does not answer", 1, HOUR, 6 * HOUR, server_mutters("silent"), part=(0.0, 0.3)),
    Kind("server takes half and fails", 1, HOUR, 6 * HOUR, server_mutters("half"), part=(0.3, 0.6)),
    Kind("server asks to be left alone", 1, HOUR, 6 * HOUR, server_mutters("busy"), part=(0.6, 0.95)),
    Kind("server loses its last data", 1, 6 * HOUR, 10 * DAY, server_loses),
    Kind("disk full", 1, 10 * MINUTE, 4 * HOUR, disk_full),
    Kind("EcoCute off the LAN", 1, HOUR, 2 * DAY, lan_away),
    Kind("EcoCute misbehaves", 3, 2 * HOUR, 12 * HOUR, unit_misbehaves),
    Kind("solar monitor away", 1, 6 * HOUR, 10 * DAY, monitor_away),
    Kind("solar monitor misbehaves", 3, 12 * HOUR, 2 * DAY, monitor_misbehaves),
)
ANSWERS_GONE = Kind("answers all lost", 0, 0, 0, module("lose-answers", 1, lasting=True), AWAY)
LONG_OUTAGE = Kind("server down for 60 days", 1, 60 * DAY, 60 * DAY, server_down)


def schedule(start: float, days: float, rng: Random) -> list[Fault]:
    """The faults of so many days, in the order of their times; those of one kind do not overlap."""
    faults = [fault for kind in KINDS for fault in _of_kind(kind, start, days, rng)]
    if days > 150:
        faults.append(Fault(start + 70 * DAY, LONG_OUTAGE.longest, LONG_OUTAGE))
    kept = [fault for fault in faults if not any(_excludes(other, fault) for other in faults)]
    return sorted(kept, key=lambda fault: fault.time)


def _excludes(other: Fault, fault: Fault) -> bool:
    overlap = other.time < fault.time + fault.seconds and fault.time < other.time + other.seconds
    return other.kind.name == fault.kind.apart_from and overlap


def _of_kind(kind: Kind, start: float, days: float, rng: Random) -> Iterator[Fault]:
    earliest, latest = start + QUIET_START, start + days * DAY - QUIET_END
    slot = MONTH * (kind.part[1] - kind.part[0]) / kind.a_month
    for month in range(int(-(-days // 30))):
        for number in range(kind.a_month):
            begin = start + month * MONTH + kind.part[0] * MONTH + number * slot
            end = min(begin + slot, latest)
            begin = max(begin, earliest)
            seconds = min(rng.uniform(kind.shortest, kind.longest), max(kind.shortest, (end - begin) * 0.8))
            if begin + seconds < end:
                yield Fault(rng.uniform(begin, end - seconds), seconds, kind)
