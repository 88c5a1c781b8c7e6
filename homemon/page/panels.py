"""The arithmetic of the graph page: from readings to what its four panels show. Nothing here draws.

The series are those of the registry that have a name. There are three kinds:

    LEVEL       measured at a moment (W, L)               a line · a day's lowest, mean and highest
    REGISTER    kWh counted so far                        differences, each of a half-hour · a day's sum
    HALF_HOURS  kWh of one half-hour, dated at its start  as they are · a day's sum

What is not known is not drawn: a line breaks where readings are missing, and a half-hour has no
bar where one of its two registers is, or where another meter began in between. A day's sum is of
what is known of the day, and says how many hours that is: the energy of a gap within a day belongs
to it, that of a gap across midnight to neither day.

Days and half-hours are Japan's. `now` and the readings are passed in.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol

from homemon.core.points import DAY, HALF_HOUR, HOUR, LARGEST, Number, midnight
from homemon.energy.spans import Reading, Span, differences, half_hours, seconds, total
from homemon.sources.registry import SHOWN
from homemon.sources.source import Kind, Series

DETAILED_DAYS = 30  # half-hours of more days than that would be an unreadable band
LATE = 1.5  # a line breaks where the next reading comes this many times later than makes it stale

Columns = list[list[Number | None]]
"""Times, ascending, and one or more lists of as many values; empty where there is nothing."""


class Readings(Protocol):
    """Where readings come from: the store. Periods are in Unix seconds and do not include their end."""

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[Reading]:
        """Return one field's times and values, oldest first."""

    def latest(self, measurement: str, field: str, until: int) -> Reading | None:
        """Return the newest of them before `until`."""

    def extents(
        self, measurement: str, field: str, since: int, until: int, step: int
    ) -> Iterator[tuple[int, Number, Number, Number]]:
        """Return the least, the mean and the greatest of each `step` seconds that have any, with their beginning."""


class Headline(NamedTuple):
    """The number a person asks for, None where it is not known, and until when the newest reading covers it."""

    value: Number | None
    time: int | None
    stale: int


class Panels(NamedTuple):
    """What the page shows of the last `days`: each series in detail, by day (beyond 30 days), and as a number."""

    now: int
    days: int
    detailed: dict[str, Columns]
    daily: dict[str, Columns]
    headlines: dict[str, Headline]


def collect(
    readings: Readings, now: int, days: int, modulus: Number | None = None, exchanges: Collection[int] = ()
) -> Panels:
    """Return the panels of the last `days`.

    `modulus` is where the meter's registers roll over, in kWh; without it, it is judged by the readings.
    `exchanges`: the Unix times from which on another meter counted.
    """
    panels = Panels(now, days, {}, {}, {})
    for series in SHOWN:
        level = series.kind is Kind.LEVEL
        drawn = (
            _level(readings, series, now, days) if level else _energy(readings, series, now, days, modulus, exchanges)
        )
        panels.detailed[series.name], panels.daily[series.name], panels.headlines[series.name] = drawn
    return panels


def _level(readings: Readings, series: Series, now: int, days: int) -> tuple[Columns, Columns, Headline]:
    measurement, field, stale = series.measurement, series.field, series.stale or DAY
    line = possible(readings.values(measurement, field, now - min(days, DETAILED_DAYS) * DAY, now + 1))
    by_day = extents(readings, series, midnight(now - days * DAY), now) if days > DETAILED_DAYS else ()
    time, value = readings.latest(measurement, field, now + 1) or (None, None)
    return columns(line, stale * LATE), columns(by_day, DAY), Headline(value, time, stale)


def _energy(
    readings: Readings, series: Series, now: int, days: int, modulus: Number | None, exchanges: Collection[int]
) -> tuple[Columns, Columns, Headline]:
    measurement, field, kind, stale = series.measurement, series.field, series.kind, series.stale or DAY
    values = possible(readings.values(measurement, field, midnight(now - days * DAY), now + 1))
    spans = list(differences(values, modulus, exchanges) if kind is Kind.REGISTER else half_hours(values))
    by_day = sums(spans) if days > DETAILED_DAYS else ()
    time, _ = readings.latest(measurement, field, now + 1) or (None, None)
    if time is not None and kind is Kind.HALF_HOURS:
        time += HALF_HOUR
    detailed = bars(spans, now - min(days, DETAILED_DAYS) * DAY)
    return columns(detailed, HALF_HOUR), columns(by_day, DAY), Headline(today(spans, time, now), time, stale)


def possible(rows: Iterable[Reading]) -> Iterator[Reading]:
    """Return the readings that a device can have given; an earlier version stored others, from a backup."""
    return (row for row in rows if -LARGEST < row[1] < LARGEST)


def columns(rows: Iterable[tuple[int, *tuple[Number, ...]]], longest: float) -> Columns:
    """Return rows, each a time and its values, as columns; two over `longest` seconds apart are parted by a None."""
    return [list(column) for column in zip(*broken(rows, longest), strict=True)]


def broken(rows: Iterable[tuple[int, *tuple[Number, ...]]], longest: float) -> Iterator[tuple[Number | None, ...]]:
    before: int | None = None
    for row in rows:
        if before is not None and row[0] - before > longest:
            yield before + 1, *(None for _ in row[1:])
        yield row
        before = row[0]


# --- levels ----------------------------------------------------------------------


def extents(readings: Readings, series: Series, first: int, now: int) -> Iterator[tuple[int, Number, Number, Number]]:
    """Yield lowest, mean and highest of each day that has readings."""
    until = midnight(now) + DAY
    for start, low, mean, high in readings.extents(series.measurement, series.field, first, until, DAY):
        if low > -LARGEST and high < LARGEST:
            yield start, low, round(mean, 1), high


# --- energy ----------------------------------------------------------------------


def bars(spans: Iterable[Span], since: int) -> Iterator[tuple[int, Number]]:
    """Yield the spans from `since` on that are a half-hour long; a longer one is not known by half-hours."""
    return ((span.start, float(span.kwh)) for span in spans if span.start >= since and span.seconds == HALF_HOUR)


def sums(spans: Iterable[Span]) -> Iterator[tuple[int, Number, Number]]:
    """Yield for each day its midnight, what is known of its kWh, and for how many hours."""
    days: dict[int, list[Span]] = {}
    for span in spans:
        begun = midnight(span.start)
        if span.end <= begun + DAY:
            days.setdefault(begun, []).append(span)
    for begun, known in days.items():
        yield begun, float(total(known)), seconds(known) / HOUR


def today(spans: Iterable[Span], latest: int | None, now: int) -> Number | None:
    """Return the sum of the day so far; None when the newest reading, at `latest`, is not of today."""
    start = midnight(now)
    if latest is None or latest < start:
        return None
    return float(total(span for span in spans if span.start >= start))
