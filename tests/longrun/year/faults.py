"""What goes wrong in a house, how often in a month and for how long: one row a kind.

`begin` starts one and gives what ends it, if it does not end by itself.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from homemon.core.points import HALF_HOUR
from homemon.sim.ecocute import Ecocute
from homemon.sim.ecocute import Faults as Unit
from homemon.sim.kyocera import Faults as Monitored
from tests.longrun.year import meter_faults as meter
from tests.longrun.year import server_faults as server
from tests.longrun.year import store_faults as store

if TYPE_CHECKING:
    from tests.longrun.year.world import World

End = Callable[[], object] | None
Begin = Callable[["World", float], End]
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
MONTH = 30 * DAY
REJOIN, SEARCH = 5 * MINUTE, 25 * MINUTE  # a join by what is remembered; the longest pause, a scan and a join
QUIET_START, QUIET_END = HOUR, 36 * HOUR  # without faults: to be joined once, and to fill the last gap
BEFORE_EXCHANGE, AFTER_EXCHANGE = 30 * HOUR, 2 * HOUR  # for what only the old meter can report, to be asked of it
WITH_POWER_CUTS = frozenset({0, 1, 6, 7, 11, 12})  # in the other months one listener lives on
ILL_FOR = (3 * HOUR, 7 * HOUR)
OFF, AWAY, SILENT = "the Pi was off", "the radio was away", "the meter had no answer"


class Kind(NamedTuple):
    """A row. Durations are drawn evenly in seconds; `part` of each month of `months` is where it falls.

    `excuse` is what it is called when no power is recorded meanwhile and until `recovery` seconds after.
    It does not happen together with the kind `apart_from`, which would contradict it, and, where it `may_lose`
    half-hours for a while, not before the meter that remembers them is exchanged.
    """

    name: str
    a_month: int
    shortest: float
    longest: float
    begin: Begin
    excuse: str = ""
    recovery: float = REJOIN
    part: tuple[float, float] = (0.0, 1.0)
    apart_from: str = ""
    months: frozenset[int] = frozenset(range(100))
    may_lose: bool = True


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


def off(name: str, a_month: int, shortest: float, longest: float, where: str) -> Kind:
    """A power cut."""
    return Kind(name, a_month, shortest, longest, power_cut(where), OFF, months=WITH_POWER_CUTS)


def ill(
    name: str, shortest: float, longest: float, begin: Begin, part: tuple[float, float] = (0.0, 1.0), a_month: int = 1
) -> Kind:
    """A trouble of somebody who is not the meter."""
    return Kind(name, a_month, shortest, longest, begin, part=part, may_lose=False)


def by_hand(name: str, shortest: float, longest: float, begin: Begin) -> Kind:
    """What somebody does to the store while a listener lives long."""
    return Kind(name, 1, shortest, longest, begin, months=frozenset(range(100)) - WITH_POWER_CUTS | {0})


KINDS = (
    off("power cut", 3, MINUTE, 2 * HOUR, "idle"),
    off("power cut within a transaction", 4, MINUTE, 2 * HOUR, "transaction"),
    off("power cut within a commit", 4, MINUTE, 2 * HOUR, "commit"),
    Kind("power cut of days", 1, DAY, 4 * DAY, power_cut("idle"), OFF, part=(0.0, 0.45), months=frozenset({0, 7})),
    Kind("radio outage", 2, 10 * MINUTE, 6 * HOUR, meter.radio_away, AWAY, SEARCH),
    Kind(
        "radio outage of days",
        *(1, DAY, 5 * DAY),
        *(meter.radio_away, AWAY, SEARCH),
        part=(0.5, 0.95),
        months=frozenset({0, 4, 9}),
    ),
    Kind("module reset", 2, 0, 0, meter.module("power-cycle"), AWAY),
    Kind("module hung", 1, 5 * MINUTE, HOUR, meter.hung, AWAY, SEARCH),
    Kind("port unplugged", 1, 10.0, 30 * MINUTE, meter.unplugged, AWAY),
    Kind("session expired, not renewed", 1, 0, 0, meter.module("expire", 0), AWAY),
    Kind("session expired, renewed", 1, 0, 0, meter.module("expire", 20), AWAY),
    Kind("session ended by the meter", 1, 0, 0, meter.module("end-session"), AWAY),
    Kind("session lost", 1, 0, 0, meter.module("lose-session"), AWAY),
    Kind("session forgotten without a word", 1, 0, 0, meter.module("forget-session"), AWAY),
    Kind("sending limit (ARIB)", 1, MINUTE, 30 * MINUTE, meter.module("limit", "seconds"), AWAY),
    Kind("answers lost", 2, HOUR, 6 * HOUR, meter.module("lose-answers", 3, lasting=True)),
    Kind("answers late", 2, HOUR, 6 * HOUR, meter.module("late-answers", 12, lasting=True)),
    Kind("lines doubled", 2, HOUR, 6 * HOUR, meter.module("double", 1, lasting=True)),
    Kind("lines garbled", 2, HOUR, 6 * HOUR, meter.module("garble", 4, lasting=True)),
    Kind("bits flipped", 2, HOUR, 6 * HOUR, meter.module("flip", 8, lasting=True)),
    Kind("noise on the line", 2, HOUR, 6 * HOUR, meter.module("noise", 5, lasting=True)),
    Kind(
        "echo torn",
        *(1, HOUR, 6 * HOUR, meter.module("glue", 1, lasting=True)),
        apart_from="answers late",  # by an early one
    ),
    Kind("sends unacknowledged", 2, HOUR, 6 * HOUR, meter.module("fail-sends", 3, lasting=True)),
    Kind("pushes lost", 2, 6 * HOUR, 2 * DAY, meter.module("lose-pushes", 1, lasting=True)),
    *(Kind(f"meter refuses {name}", 1, 30 * MINUTE, HOUR, meter.refuses(name), SILENT) for name in meter.GROUPS),
    *(Kind(f"meter refuses {name} once", 1, 0, 0, meter.refuses_once(name), AWAY) for name in meter.GROUPS),
    *(
        Kind(f"meter has no data for {name}", 1, 30 * MINUTE, HOUR, meter.has_no_data(name), SILENT)
        for name in meter.GROUPS
        if name != "E5"  # is set
    ),
    ill("server down", 10 * MINUTE, 2 * DAY, server.down, (0.0, 0.4), a_month=3),
    ill("server takes all and does not answer", HOUR, 6 * HOUR, server.mutters("silent"), (0.0, 0.2)),
    ill("server takes half and fails", HOUR, 6 * HOUR, server.mutters("half"), (0.2, 0.3)),
    ill("server asks to be left alone", HOUR, 6 * HOUR, server.mutters("busy"), (0.3, 0.4)),
    ill("server loses its last data", 6 * HOUR, 10 * DAY, server.loses, (0.0, 0.4)),
    ill("server fails for one week's data", *ILL_FOR, server.week_fails, (0.4, 0.48)),
    ill("server fails for ten half-hours", *ILL_FOR, server.half_hours_fail, (0.48, 0.55)),
    ill("server fails for one series", *ILL_FOR, server.series_fails(500, '{"error":"timeout"}'), (0.55, 0.62)),
    ill("server forbids one series", *ILL_FOR, server.series_fails(403, '{"error":"forbidden"}'), (0.62, 0.69)),
    ill("server has one series as text", *ILL_FOR, server.series_conflicts, (0.69, 0.76)),
    ill("server at its limit of series", *ILL_FOR, server.at_its_limit, (0.76, 0.83)),
    ill("server finds one line too long", *ILL_FOR, server.line_is_too_long, (0.83, 0.9)),
    by_hand("store moved away", HOUR, DAY, store.file_moved(store.FILE)),
    by_hand("store moved away with its log", HOUR, DAY, store.file_moved(*store.FILES)),
    by_hand("store's folder moved away", HOUR, DAY, store.folder_moved),
    by_hand("store deleted", 0, 0, store.deleted(store.FILE)),
    by_hand("store's log deleted", 0, 0, store.deleted(store.LOG)),
    by_hand("store's index deleted", 0, 0, store.deleted(store.INDEX)),
    by_hand("store overwritten by a copy of it", HOUR, DAY, store.overwritten),
    Kind("disk full", 1, 10 * MINUTE, 4 * HOUR, disk_full),
    ill("EcoCute off the LAN", HOUR, 2 * DAY, begin=lan_away),
    ill("EcoCute misbehaves", 2 * HOUR, 12 * HOUR, begin=unit_misbehaves, a_month=3),
    ill("solar monitor away", 6 * HOUR, 10 * DAY, begin=monitor_away),
    ill("solar monitor misbehaves", 12 * HOUR, 2 * DAY, begin=monitor_misbehaves, a_month=3),
)
EXCHANGED = Kind(
    "meter exchanged",
    1,
    10 * MINUTE,
    10 * MINUTE,
    meter.exchanged,
    AWAY,
    SEARCH,
    (0.4, 0.6),
    months=frozenset({0, 3, 8}),
)
ANSWERS_GONE = Kind("answers all lost", 0, 0, 0, meter.module("lose-answers", 1, lasting=True), AWAY)
LONG_OUTAGE = ill("server down for three weeks", 21 * DAY, 21 * DAY, begin=server.down)
SCHEDULED = (*KINDS, EXCHANGED, LONG_OUTAGE)


def schedule(start: float, days: float, rng: Random) -> list[Fault]:
    """The faults of so many days, in the order of their times; those of one kind do not overlap."""
    exchanges = [_after_a_half_hour(fault) for fault in _of_kind(EXCHANGED, start, days, rng)]
    faults = [fault for kind in KINDS for fault in _of_kind(kind, start, days, rng)]
    if days > 150:
        faults.append(Fault(start + 70 * DAY, LONG_OUTAGE.longest, LONG_OUTAGE))
    kept = [fault for fault in faults if not any(_excludes(other, fault) for other in [*faults, *exchanges])]
    return sorted([*kept, *exchanges], key=lambda fault: fault.time)


def _after_a_half_hour(exchange: Fault) -> Fault:
    """The old meter has reported its last half-hour when it goes; the new one is there for the next."""
    return exchange._replace(time=exchange.time // HALF_HOUR * HALF_HOUR + 12 * MINUTE)


def _excludes(other: Fault, fault: Fault) -> bool:
    end = fault.time + fault.seconds
    if other.kind is EXCHANGED and fault.kind.may_lose:
        return fault.time < other.time + other.seconds + AFTER_EXCHANGE and other.time - BEFORE_EXCHANGE < end
    return other.kind.name == fault.kind.apart_from and fault.time < other.time + other.seconds and other.time < end


def _of_kind(kind: Kind, start: float, days: float, rng: Random) -> Iterator[Fault]:
    earliest, latest = start + QUIET_START, start + days * DAY - QUIET_END
    slot = MONTH * (kind.part[1] - kind.part[0]) / kind.a_month
    for month in sorted(kind.months.intersection(range(int(-(-days // 30))))):
        for number in range(kind.a_month):
            begin = start + month * MONTH + kind.part[0] * MONTH + number * slot
            end = min(begin + slot, latest)
            begin = max(begin, earliest)
            seconds = min(rng.uniform(kind.shortest, kind.longest), max(kind.shortest, (end - begin) * 0.8))
            if begin + seconds < end:
                yield Fault(rng.uniform(begin, end - seconds), seconds, kind)
