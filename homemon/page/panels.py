"""What the charts of the page show: each series at the cuts that its views need. Nothing here draws.

    energies   bought, sold, generated, used          kWh of each half-hour, day or month, and of how many hours
    levels     measured at a moment (W, L)            the readings · each day's lowest, mean and highest
    counted    a register of a device (the EcoCute)   kWh of each day, and of how many hours

Energies come from the household's spans, by the arithmetic that `homemon energy` uses. What is not known is not drawn:
a line breaks where readings are missing, and a period of which nothing is known has no bar.

Days and half-hours are Japan's. `now` and the readings are passed in.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from homemon.core.points import DAY, HALF_HOUR, HOUR, LARGEST, Number, midnight
from homemon.energy.household import ENERGIES, Household, known
from homemon.energy.periods import Period, calendar
from homemon.energy.rows import hours_short
from homemon.energy.spans import Reading, Span, differences, within
from homemon.page.views import PARTS
from homemon.sources.registry import SHOWN
from homemon.sources.source import Kind, Series

LATE = 1.5  # a line breaks where the next reading comes this many times later than makes it stale

Columns = list[list[Number | None]]
"""Times, ascending, and one or more lists of as many values; empty where there is nothing."""


class Cuts(NamedTuple):
    """By what a kind of view cuts energies, and whether it shows the readings of levels or the extents of days."""

    energies: str
    levels: str


CUTS = {
    "day": Cuts(PARTS["day"], "readings"),
    "week": Cuts(PARTS["week"], "readings"),
    "month": Cuts(PARTS["month"], "extents"),
    "year": Cuts(PARTS["year"], "extents"),
}
"""The cuts of each kind of view."""
LENGTHS = {"half-hour": HALF_HOUR, "day": DAY, "month": 31 * DAY, "extents": DAY}
"""The longest period of a cut, in seconds."""
DETAILED = frozenset({"half-hour", "readings"})
"""The cuts that a page in one file has of its last days only."""


class Counter(NamedTuple):
    """A register of a device: so many of its counts are a kWh, and at `modulus` kWh it begins anew."""

    measurement: str
    field: str
    each_kwh: int
    modulus: int
    apart: int  # seconds: it is read so often


COUNTED = {"heated": Counter("ecocute", "powerSum", 1000, 1_000_000, HALF_HOUR)}


class Readings(Protocol):
    """Where readings come from: the store. Periods are in Unix seconds and do not include their end."""

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[Reading]:
        """Return one field's times and values, oldest first."""

    def extents(
        self, measurement: str, field: str, since: int, until: int, step: int, bounds: tuple[Number, Number]
    ) -> Iterator[tuple[int, Number, Number, float, int]]:
        """Return the beginning of each `step` seconds that have any values, and what an `Extent` has of these."""


class Drawn(NamedTuple):
    """What is drawn: from `since` to `until`, readings and half-hours from `detailed` on, all in Unix seconds."""

    since: int
    until: int
    detailed: int

    def begin(self, cut: str) -> int:
        """Return from when on a cut is drawn."""
        return max(self.since, self.detailed) if cut in DETAILED else midnight(self.since)


class Charts(NamedTuple):
    """The columns of each cut by the names of its series, in the period `drawn`, as known at `now`."""

    now: int
    drawn: Drawn
    cuts: Mapping[str, Mapping[str, Columns]]

    def has(self, name: str) -> bool:
        """Return whether anything is known of a series."""
        return any(found.get(name) for found in self.cuts.values())

    def ever(self, name: str) -> bool:
        """Return whether a series was ever anything else than zero: who never sold needs no legend of selling."""
        return any(any(found[name][1]) for found in self.cuts.values() if found.get(name))


def collect(
    readings: Readings, household: Household, now: int, drawn: Drawn, kinds: Collection[str] = tuple(CUTS)
) -> Charts:
    """Return what views of some kinds draw, nothing of it later than `now`. Raise StoreError."""
    until, cuts = min(drawn.until, now + 1), dict.fromkeys(cut for kind in kinds for cut in CUTS[kind])
    levels = {cut: READ[cut](readings, drawn.begin(cut), until) for cut in cuts if cut in READ}
    others = {cut: energies(household, cut, drawn.begin(cut), until, now) for cut in cuts if cut not in READ}
    return Charts(now, drawn, levels | others)


def possible(rows: Iterable[Reading], bounds: tuple[Number, Number] = (-LARGEST, LARGEST)) -> Iterator[Reading]:
    """Return the readings that a device can have given; an earlier version stored others, from a backup."""
    return (row for row in rows if bounds[0] <= row[1] <= bounds[1])


def columns(rows: Iterable[tuple[int, *tuple[Number | None, ...]]], longest: float) -> Columns:
    """Return rows, each a time and its values, as columns; two over `longest` seconds apart are parted by a None."""
    return [list(column) for column in zip(*broken(rows, longest), strict=True)]


def broken(
    rows: Iterable[tuple[int, *tuple[Number | None, ...]]], longest: float
) -> Iterator[tuple[Number | None, ...]]:
    """Yield the rows, and one of None a second after each that the next one is too far from."""
    before: int | None = None
    for row in rows:
        if before is not None and row[0] - before > longest:
            yield before + 1, *(None for _ in row[1:])
        yield row
        before = row[0]


# --- levels ----------------------------------------------------------------------


def lines(readings: Readings, since: int, until: int) -> dict[str, Columns]:
    """Return the readings of each level in a period."""
    found = ((series, readings.values(series.measurement, series.field, since, until)) for series in LEVELS)
    return {series.name: columns(possible(rows, series.bounds), (series.stale or DAY) * LATE) for series, rows in found}


def by_day(readings: Readings, since: int, until: int) -> dict[str, Columns]:
    """Return each level's lowest, mean and highest of each day, and what devices count in it."""
    levels = {series.name: columns(extents(readings, series, since, until), DAY) for series in LEVELS}
    return levels | {name: columns(counts(readings, of, since, until), DAY) for name, of in COUNTED.items()}


def extents(readings: Readings, series: Series, since: int, until: int) -> Iterator[tuple[int, Number, Number, Number]]:
    """Return lowest, mean and highest of each day that has readings."""
    found = readings.extents(series.measurement, series.field, since, until, DAY, series.bounds)
    return ((start, low, round(total / number, 1), high) for start, low, high, total, number in found)


LEVELS = tuple(series for series in SHOWN if series.kind is Kind.LEVEL)
READ: Mapping[str, Callable[[Readings, int, int], dict[str, Columns]]] = {"readings": lines, "extents": by_day}
"""The cuts that are read, and not of the household's spans."""


# --- energies --------------------------------------------------------------------


def energies(household: Household, cut: str, since: int, until: int, now: int) -> dict[str, Columns]:
    """Return the kWh of each period of a cut, and the hours of which they are known where those are not all."""
    periods = list(calendar(cut, since, until))
    return {name: columns(bars(household.spans(name), periods, now), LENGTHS[cut]) for name in ENERGIES}


def bars(spans: Sequence[Span], periods: Iterable[Period], now: int) -> Iterator[tuple[int, Number, Number | None]]:
    """Yield the beginning of each period of which anything is known, its kWh, and its hours if those are not all."""
    for period in periods:
        found = known(within(spans, period.start, period.end))
        if found.kwh is not None:
            hours = hours_short(found, period, now)
            yield period.start, float(found.kwh), None if hours is None else round(float(hours), 2)


def counts(readings: Readings, of: Counter, since: int, until: int) -> Iterator[tuple[int, Number, Number | None]]:
    """Yield the kWh that a device counted on each day, and the hours where those are not all.

    What it counted across midnight, from one reading to the next, belongs to the day before.
    """
    rows = ((time, count / of.each_kwh) for time, count in readings.values(of.measurement, of.field, since, until))
    spans = [_ended(span, of.apart) for span in differences(possible(rows), of.modulus)]
    for begin, kwh, hours in bars(spans, calendar("day", since, until), until - 1):
        whole = hours is None or hours * HOUR >= min(DAY, until - begin) - of.apart
        yield begin, kwh, None if whole else hours


def _ended(span: Span, apart: int) -> Span:
    """Return a span that ends with the day it begins in, if it is no longer than readings are apart."""
    after = midnight(span.start) + DAY
    return span._replace(end=after) if after < span.end <= span.start + apart else span
