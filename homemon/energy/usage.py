"""What of a period's energy falls into which band of a plan, and what of it is not known."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from homemon.core.points import HALF_HOUR, HOUR, midnight, moment_text
from homemon.energy.periods import day_of
from homemon.energy.plan import WHOLE_DAY, Band
from homemon.energy.spans import ZERO, Span, touching

SHORT = "%m-%d %H:%M"
SHARE = Decimal("0.000001")  # kWh: a share that is rounded to it adds up with the others exactly
Bands = Callable[[date], Sequence[Band]]
"""The bands of a day's 48 half-hours."""
Days = Mapping[date, Sequence[Decimal]]
"""The 48 kWh of each day."""


class Shape(NamedTuple):
    """A period by half-hours: the 48 kWh of each day, and the spans that only a sum is known of, spread evenly.

    `missing` says of which hours nothing is known; they are zero in `days`.
    """

    start: int
    end: int
    days: Days
    spread: Sequence[Span]
    missing: tuple[str, ...]


class Usage(NamedTuple):
    """kWh by the names of bands, and why they may not be what the company will count."""

    kwh: Mapping[str, Decimal]
    doubts: tuple[str, ...]


def shape(spans: Sequence[Span], start: int, end: int) -> Shape:
    """Return what is known of a period, from `start` to `end` in Unix seconds. The spans ascend."""
    found = touching(spans, start, end)
    known: dict[int, list[Decimal]] = defaultdict(lambda: [ZERO] * WHOLE_DAY)  # by the midnight of each day
    for span in found:
        for time, kwh in pieces(span):
            if start <= time < end:
                begin = midnight(time)
                known[begin][(time - begin) // HALF_HOUR] += kwh
    days = {day_of(begin): half_hours for begin, half_hours in known.items()}
    spread = [span for span in found if span.seconds > HALF_HOUR]
    return Shape(start, end, days, spread, tuple(_missing(found, start, end)))


def used(shape: Shape, bands: Bands) -> Usage:
    """Return what was used in a period, by band."""
    return Usage(by_band(shape.days, bands), (*parted(shape, bands), *shape.missing))


def parted(shape: Shape, bands: Bands) -> Iterator[str]:
    """Yield what is known as a sum only, and falls into several bands or periods."""
    yield from (
        f"{span.kwh} kWh from {moment_text(span.start, SHORT)} to {moment_text(span.end, SHORT)} are known as a sum"
        " only, and are spread evenly over bands and periods"
        for span in shape.spread
        if _is_parted(span, shape, bands)
    )


def by_band(days: Days, bands: Bands) -> dict[str, Decimal]:
    """Return the kWh of days by the names of bands; days of one sequence of bands are added up together."""
    alike: dict[int, tuple[Sequence[Band], list[Sequence[Decimal]]]] = {}  # by identity: to compare bands takes longer
    for day, half_hours in days.items():
        laid = bands(day)
        alike.setdefault(id(laid), (laid, []))[1].append(half_hours)
    kwh: dict[str, Decimal] = {}
    for laid, found in alike.values():
        for band, column in zip(laid, zip(*found, strict=True), strict=True):
            kwh[band.name] = sum(column, kwh.get(band.name, ZERO))
    return kwh


def _is_parted(span: Span, shape: Shape, bands: Bands) -> bool:
    """Return whether a span is of several bands, or goes beyond the period."""
    times = range(span.start // HALF_HOUR * HALF_HOUR, span.end, HALF_HOUR)
    names = {bands(day_of(time))[(time - midnight(time)) // HALF_HOUR].name for time in times}
    return len(names) > 1 or span.start < shape.start or span.end > shape.end


def pieces(span: Span) -> Iterator[tuple[int, Decimal]]:
    """Yield the half-hours of a span, by their start, and the even share of each; the shares add up exactly."""
    start, until, left = span
    for end in range(start // HALF_HOUR * HALF_HOUR + HALF_HOUR, until, HALF_HOUR):
        part = (span.kwh * (end - start) / span.seconds).quantize(SHARE)
        left -= part
        yield end - HALF_HOUR, part
        start = end
    yield start // HALF_HOUR * HALF_HOUR, left


def gaps(spans: Sequence[Span], start: int, end: int) -> list[tuple[int, int]]:
    """Return from when to when nothing is known of a period; `spans` are those that touch it, ascending."""
    edges = [start, *(edge for span in spans for edge in span[:2]), end]
    return [(before, after) for before, after in zip(edges[::2], edges[1::2], strict=True) if before < after]


def _missing(spans: Sequence[Span], start: int, end: int) -> Iterator[str]:
    """Yield one text that says what is not known of a period at all; none where all is."""
    unknown = gaps(spans, start, end)
    if unknown:
        hours = sum(after - before for before, after in unknown) / HOUR
        first = f"{moment_text(unknown[0][0], SHORT)} - {moment_text(unknown[0][1], SHORT)}"
        text = f"{hours:.4g} hours are not known and not counted: {first}"
        more = f"{hours:.4g} hours are not known and not counted: {first} and {len(unknown) - 1} more"
        yield more if len(unknown) > 1 else text
