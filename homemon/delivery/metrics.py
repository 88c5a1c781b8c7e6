"""What homemon says to Prometheus: readings by the rows of the registry, energy so far, and how homemon itself does.

What is not known now is left out, and is never 0: an old reading, a device that says "no data", yen without a price.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from homemon.core.points import Number
from homemon.delivery.exposition import Family, Sample, label_name
from homemon.energy.household import ENERGIES
from homemon.energy.rows import CENT, Row
from homemon.sources.registry import SOURCES
from homemon.sources.source import Kind, Series, Source

UNITS: Mapping[str, tuple[str, int]] = {
    "W": ("watts", 1),
    "A": ("amperes", 1),
    "L": ("liters", 1),
    "kWh": ("kwh", 1),
    "0.001 kWh": ("kwh", 1000),
    "°C": ("celsius", 1),
    "%": ("percent", 1),
}
"""How a name says a unit, and by how much values are divided; other units stand as they are, in lower case."""


class Said(NamedTuple):
    """What a name says of a kind before and after the unit; its type; and the words for people."""

    before: str
    after: str
    type: str
    words: str


KINDS: Mapping[Kind, Said] = {
    Kind.LEVEL: Said("", "", "gauge", "now"),
    Kind.REGISTER: Said("", "total", "counter", "counted so far"),
    Kind.HALF_HOURS: Said("half_hour", "", "gauge", "of the newest half-hour"),
    Kind.HOURS: Said("hour", "", "gauge", "of the newest hour"),
}


class Reading(NamedTuple):
    """The newest value of a series, in the registry's unit, its age in seconds, and its tags."""

    measurement: str
    field: str
    value: Number
    age: int
    tags: Mapping[str, str] = {}

    @property
    def title(self) -> str:
        """What `status` calls it: `power`, `current r`."""
        return f"{self.measurement} {self.field}".removesuffix(" value")

    def labels(self, **own: str) -> Mapping[str, str]:
        """Return its own labels, and those of its tags."""
        return own | {label_name(name, own): value for name, value in self.tags.items()}


class Sink(NamedTuple):
    """What a server lacks: so many points wait and so many are parked; and its fault, empty where it has none."""

    waiting: int
    parked: int
    fault: str


def readings(found: Iterable[Reading]) -> Iterator[Family]:
    """Yield the value of each series of the registry, unless it is too old to be that of now, and the age of each."""
    ours = list(found)
    for source in SOURCES:
        for series in source.series:
            key = series.measurement, series.field
            yield _family(source, series, [each for each in ours if (each.measurement, each.field) == key])
    ages = (Sample(each.age, each.labels(series=each.title)) for each in ours)
    yield Family("reading_age_seconds", "How old the newest reading of a series is.", tuple(ages))


def _family(source: Source, series: Series, found: Iterable[Reading]) -> Family:
    kind, (_, divisor) = KINDS[series.kind], _unit(series)
    fresh = (each for each in found if each.age <= (series.stale or source.silent_after))
    samples = (Sample(_divided(each.value, divisor), each.labels()) for each in fresh)
    label = series.label[1] or f"{series.measurement} {series.field}"
    return Family(name_of(series), f"{source.title}: {label}, {kind.words}.", tuple(samples), kind.type)


def _divided(value: Number, divisor: int) -> Number:
    return value if divisor == 1 else value / divisor


def name_of(series: Series) -> str:
    """Return the metric of a series, without the prefix: `power_watts`, `bought_kwh_total`."""
    stem = series.name if series.field == "value" and series.name else f"{series.measurement}_{series.field}"
    kind, (unit, _) = KINDS[series.kind], _unit(series)
    first = _snake(stem).removesuffix(f"_{unit}")
    return "_".join(part for part in (first, kind.before, unit, kind.after) if part)


def _unit(series: Series) -> tuple[str, int]:
    return UNITS.get(series.unit, (_snake(series.unit), 1))


def _snake(name: str) -> str:
    """Return a name in lower case with `_` between its words: `powerSum` is `power_sum`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", name).lower()
    return re.sub(r"[^a-z0-9]+", "_", parted).strip("_")


def so_far(running: Mapping[str, Row]) -> Iterator[Family]:
    """Yield the kWh and yen of running periods by their names, with the hours of which the kWh are known."""
    known = [
        (getattr(row.summary, energy), {"span": span, "energy": energy})
        for span, row in running.items()
        for energy in ENERGIES
    ]
    kwh = tuple(Sample(each.kwh, labels) for each, labels in known if each.kwh is not None)
    hours = tuple(Sample(each.hours, labels) for each, labels in known if each.kwh is not None)
    priced = [(row.yen, row.doubts, {"span": span}) for span, row in running.items() if row.yen is not None]
    yield Family("so_far_kwh", "Energy of today, and of the running billing period or month.", kwh)
    yield Family("so_far_known_hours", "The hours of which homemon_so_far_kwh is known.", hours)
    yen = tuple(Sample(each.quantize(CENT), labels) for each, _, labels in priced)
    doubts = tuple(Sample(int(bool(why)), labels) for _, why, labels in priced)
    yield Family("so_far_yen", "What that costs.", yen)
    yield Family("so_far_yen_provisional", "1 where the yen may still change.", doubts)


def delivery(sinks: Mapping[str, Sink]) -> Iterator[Family]:
    """Yield what waits for each place by its name, and whether it takes that."""
    named = [({"sink": name}, sink) for name, sink in sinks.items()]
    waiting = tuple(Sample(sink.waiting, labels) for labels, sink in named)
    parked = tuple(Sample(sink.parked, labels) for labels, sink in named)
    works = tuple(Sample(int(not sink.fault), labels) for labels, sink in named)
    yield Family("points_waiting", "Points for a server, values for mqtt, hours for homeassistant that wait.", waiting)
    yield Family("points_parked", "Points that a server refuses for what is in them.", parked)
    yield Family("sink_up", "1 where the last round found no fault there.", works)


def home(version: str, amperes: int | None, listeners: Mapping[str, Any], size: int) -> Iterator[Family]:
    """Yield homemon's version, the amperes agreed if known, whether each listener runs, and the store's bytes."""
    runs = tuple(Sample(int(bool(pid)), {"listener": name}) for name, pid in listeners.items())
    agreed = () if amperes is None else (Sample(amperes),)
    yield Family("contract_amperes", "The amperes of the contract.", agreed)
    yield Family("listener_up", "1 where a configured listener runs.", runs)
    yield Family("store_bytes", "The size of the store.", (Sample(size),))
    yield Family("info", "The version of homemon.", (Sample(1, {"version": version}),))
