"""What is held against homemon at the end: what it printed, stored and sent, and what the devices really said.

Everything is compared field by field. A field is (measurement, field, Unix time); of two readings
of one field in the same second the later replaces the earlier, as in InfluxDB, so there the store
may hold either of those that were printed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from homemon.core.points import HALF_HOUR, number_text
from homemon.sources.registry import SUMS
from tests.longrun.chaos.published import Judged, Publication, judge_published
from tests.longrun.home_assistant.judge import Given, faults
from tests.servers import Points

LAG = 30.0  # seconds from a value on the wire to its receipt, by a process that a busy machine keeps waiting
SLACK = 5.0  # seconds; a busy simulator notes a little later what it has said

Field = tuple[str, str, int]
Register = Callable[[int], float]


class Said(NamedTuple):
    """A value that a device really sent, at a Unix time, and the series and field that it is to be found in."""

    measurement: str
    field: str
    value: float
    time: float


class Evidence(NamedTuple):
    """`printed` and `stored` are lines; `served` is what each server holds, by its name.

    `registers`: measurement → half-hour → its true value; `half_hours`: measurement → those that must be there.
    `published` is what a broker got, `statistics` what Home Assistant holds, where there is one.
    """

    printed: list[str]
    stored: list[str]
    served: Mapping[str, Points]
    said: list[Said]
    registers: Mapping[str, Register] = {}
    half_hours: Mapping[str, range] = {}
    published: Publication | None = None
    statistics: Mapping[str, Sequence[Mapping[str, Any]]] | None = None


class Verdict(NamedTuple):
    """Each fault as a sentence. `unheard` are values that nobody was there to receive: no fault of a killed process."""

    printed: int
    stored: int
    served: int
    published: int
    hours: int
    lost: list[str]
    doubled: list[str]
    wrong: list[str]
    unheard: list[str]

    @property
    def faults(self) -> list[str]:
        """Everything that must not be."""
        return self.lost + self.doubled + self.wrong


SUMMED = {series.measurement for series in SUMS}
"""What no device said; of which the server keeps what the store replaced."""


def judge(evidence: Evidence) -> Verdict:
    """The whole of it."""
    stored = dict(fields_of(evidence.stored))
    served = {server: _fields_at(points) for server, points in evidence.served.items()}
    printed: dict[Field, list[float]] = defaultdict(list)
    for field, value in fields_of(evidence.printed):
        printed[field].append(value)
    readings = {field: value for field, value in stored.items() if field[0] not in SUMMED}
    received = {(field, value) for field, values in printed.items() for value in values} | set(readings.items())
    published = judge_published(evidence.published, received, readings) if evidence.published else Judged([], [])
    doubled, wrong, unheard = _against_what_was_said(received, evidence.said, evidence.registers)
    return Verdict(
        len(evidence.printed),
        len(evidence.stored),
        sum(map(len, evidence.served.values())),
        len(evidence.published.heard) if evidence.published else 0,
        sum(map(len, (evidence.statistics or {}).values())),
        [
            *published.lost,
            *(
                f"{show(field, values[-1])} was printed, and is not stored"
                for field, values in printed.items()
                if field not in stored
            ),
            *(
                f"{show(field, value)} is stored, and not in the {server}"
                for server, fields in served.items()
                for field, value in stored.items()
                if field not in fields
            ),
            *(
                f"{name} at {time} is missing"
                for name, times in evidence.half_hours.items()
                for time in times
                if (name, "value", time) not in stored
            ),
        ],
        doubled + list(_printed_twice(evidence.printed, evidence.registers)),
        [
            *wrong,
            *([] if evidence.statistics is None else faults(given(stored), evidence.statistics)),
            *published.wrong,
            *(
                f"{show(field, stored[field])} is stored, {values} was printed"
                for field, values in printed.items()
                if field in stored and stored[field] not in values
            ),
            *(
                f"{show(field, value)} is in the {server}, {stored.get(field)} is stored"
                for server, fields in served.items()
                for field, value in fields.items()
                if stored.get(field) != value and (field in stored or field[0] not in SUMMED)
            ),
        ],
        unheard,
    )


def fields_of(lines: Iterable[str]) -> Iterator[tuple[Field, float]]:
    """The fields of lines without tags, and their values."""
    for line in lines:
        measurement, fields, time = line.split(" ")
        for field in fields.split(","):
            name, _, value = field.partition("=")
            yield (measurement, name, int(time.removesuffix("000000000"))), float(value)


def _fields_at(points: Points) -> dict[Field, float]:
    """The fields of a server's points, and their values."""
    return {(name, field, time): value for (name, time), of in points.items() for field, value in of.items()}


def given(stored: Mapping[Field, float]) -> Given:
    """Return what is stored as the judge of Home Assistant's hours has it: in tenths of a kWh, and in Wh."""
    found = Given()
    books = {"+power": (found.bought, 10), "-power": (found.sold, 10), "hatuden": (found.made, 10)}
    books["powerSum"] = found.heated, 1
    for (measurement, field, time), value in stored.items():
        book, each = books.get(measurement) or books.get(field) or ({}, 0)
        book[time] = round(value * each)
    return found


def show(field: Field, value: float) -> str:
    """As line protocol has it, but for the nanoseconds."""
    return f"{field[0]} {field[1]}={number_text(value)} {field[2]}"


def _printed_twice(lines: Iterable[str], registers: Mapping[str, Register]) -> Iterator[str]:
    """What comes again changes nothing, and is not printed; a register at a half-hour never changes."""
    once = [
        f"{name} at {time}" if name in registers else f"{name} {fields} {time}"
        for name, fields, time in map(str.split, lines)
    ]
    for text, times in Counter(once).items():
        if times > 1:
            yield f"{text} was printed {times} times"


def _against_what_was_said(
    received: set[tuple[Field, float]], said: Iterable[Said], registers: Mapping[str, Register]
) -> tuple[list[str], list[str], list[str]]:
    """What was recorded twice of one saying, what was never said, and what was said and not recorded.

    Each reading takes the earliest saying of its value that no other has taken; it came at most `LAG` before.
    """
    sayings: dict[tuple[str, str, float], list[float]] = defaultdict(list)
    for saying in sorted(said, key=lambda saying: saying.time):
        sayings[saying[:3]].append(saying.time)
    taken: Counter[tuple[str, str, float]] = Counter()
    doubled, wrong, unheard = [], [], []
    for (measurement, name, time), value in sorted(received, key=lambda entry: entry[0][2]):
        text = show((measurement, name, time), value)
        if register := registers.get(measurement):
            if time % HALF_HOUR or register(time) != value:
                wrong.append(f"{text}: the truth is {register(time)}")
            continue
        key = measurement, name, value
        times = sayings[key]
        while taken[key] < len(times) and times[taken[key]] < time - LAG:
            unheard.append(f"{measurement} {name}={number_text(value)}")
            taken[key] += 1
        if taken[key] < len(times) and times[taken[key]] < time + 1 + SLACK:
            taken[key] += 1
        elif any(time - LAG <= then < time + 1 + SLACK for then in times):
            doubled.append(f"{text} was said less often than it was recorded")
        else:
            wrong.append(f"{text} was never said")
    for key, times in sayings.items():
        unheard += [f"{key[0]} {key[1]}={number_text(key[2])}"] * (len(times) - taken[key])
    return doubled, wrong, unheard
