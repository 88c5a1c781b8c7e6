"""Energy from readings: exact kWh from one time to another, what is known of a period, and what follows from several.

A reading is a time in Unix seconds and a value in kWh; a span is so many kWh from one time to another. What is not
known has no span: between two readings where another meter began to count, for example. A register that was not read
for hours gives one long span, whose sum is known and whose shape is not.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import pairwise
from operator import sub
from typing import NamedTuple, TypeVar

from homemon.core.points import HALF_HOUR, HOUR, Number

LARGEST_KW = 100  # a low-voltage contract ends at 50: what is more, another meter counted
SMALLEST_MODULUS = 10_000  # kWh: 100,000,000 counts of 0.0001, the smallest unit of a register
GUESSED_WITHIN = 2 * HOUR  # between two readings of which the second is lower, where a roll-over may be guessed
ZERO = Decimal(0)

Reading = tuple[int, Number]


class Span(NamedTuple):
    """So many kWh from `start` to `end`, in Unix seconds."""

    start: int
    end: int
    kwh: Decimal

    @property
    def seconds(self) -> int:
        """How long it is."""
        return self.end - self.start


class Segment(NamedTuple):
    """What each of several quantities came to between two times at which all of them are known, in kWh."""

    start: int
    end: int
    kwh: tuple[Decimal, ...]


Timed = TypeVar("Timed", Span, Segment)


def exact(value: Number) -> Decimal:
    """Return what a reading says, exactly: its shortest text is the decimal that the device gave (`core.points`)."""
    return Decimal(repr(value))


def differences(
    registers: Iterable[Reading], modulus: Number | None = None, exchanges: Collection[int] = ()
) -> Iterator[Span]:
    """Yield what a register counted between each two readings, where one meter counted, and can have counted that.

    `modulus` is where it rolls over, in kWh; without it, that is judged by the readings, of which two are to be close
    together then: after a longer time another meter may count. A reading that the next one falls below is none where
    that one goes on from the reading before. `exchanges` are the Unix times from which another meter counted.
    """
    last: tuple[int, Decimal] | None = None
    held: Span | None = None  # from the reading before `last` to it; given out when the next one has come
    for time, number in registers:
        value = exact(number)
        if last is None or (exchanges and any(last[0] < exchange <= time for exchange in exchanges)):
            span = None
        else:
            span = _counted_between(last, (time, value), modulus)
            if span is None and held and value < last[1] and held.kwh >= last[1] - value:
                held = _counted_between((held.start, last[1] - held.kwh), (time, value), modulus)
                last = time, value
                continue
        if held:
            yield held
        held, last = span, (time, value)
    if held:
        yield held


def _counted_between(earlier: tuple[int, Decimal], later: tuple[int, Decimal], modulus: Number | None) -> Span | None:
    """Return what a register counted from one reading to another; None where no meter can have counted it."""
    (start, before), (end, after) = earlier, later
    kwh = after - before
    if kwh < 0:
        if modulus is None and end - start > GUESSED_WITHIN:
            return None
        kwh += exact(modulus) if modulus else likely_modulus(before)
    return Span(start, end, kwh) if kwh * HOUR <= LARGEST_KW * (end - start) else None


def likely_modulus(before: Number | Decimal) -> int:
    """Return where a register that was at `before` rolls over: the nearest power of ten, as units are such.

    A new meter that begins at 0 is seldom taken for a roll-over: the energy would be too great.
    """
    modulus = SMALLEST_MODULUS
    while modulus <= before:
        modulus *= 10
    return modulus


def half_hours(values: Iterable[Reading]) -> Iterator[Span]:
    """Yield energies dated at the start of their half-hour."""
    return (Span(start, start + HALF_HOUR, exact(kwh)) for start, kwh in values)


def within(spans: Sequence[Timed], start: int, end: int) -> Sequence[Timed]:
    """Return the spans, which ascend, that begin and end in a period."""
    first, after = bisect_left(spans, (start,)), bisect_left(spans, (end,))
    if after > first and spans[after - 1].end > end:
        after -= 1
    return spans[first:after]


def touching(spans: Sequence[Span], start: int, end: int) -> Sequence[Span]:
    """Return the spans, which ascend, that have a part in a period."""
    first, after = bisect_left(spans, (start,)), bisect_left(spans, (end,))
    if first and spans[first - 1].end > start:
        first -= 1
    return spans[first:after]


def total(spans: Iterable[Span]) -> Decimal:
    """Return the kWh of spans together."""
    return sum((span.kwh for span in spans), ZERO)


def seconds(spans: Iterable[Span]) -> int:
    """Return how many seconds spans cover together."""
    return sum(span.end - span.start for span in spans)


def filled(spans: Sequence[Span], others: Iterable[Span]) -> list[Span]:
    """Return the spans, and of `others` those for whose time nothing is known yet; they ascend."""
    found = free(spans, others)
    return sorted([*spans, *found]) if found else list(spans)


def free(spans: Sequence[Span], others: Iterable[Span]) -> list[Span]:
    """Return those of `others` for whose time nothing is known by the spans, which ascend."""
    return [
        other for other in others if (at := bisect_left(spans, (other.end,))) == 0 or spans[at - 1].end <= other.start
    ]


def segments(*quantities: Iterable[Span]) -> Iterator[Segment]:
    """Yield what the quantities came to from each time to the next at which all of them are known.

    So a gap in one of them costs the others no energy: it is one segment from the gap's begin to its end, as long as
    the others are known throughout.
    """
    counted = [_counted(spans) for spans in quantities]
    common = sorted(set.intersection(*map(set, counted))) if counted else []
    points = [(time, [each[time][0] for each in counted], [each[time][1] for each in counted]) for time in common]
    for (start, runs, before), (end, same, after) in pairwise(points):
        if runs == same:
            yield Segment(start, end, tuple(map(sub, after, before)))


def _counted(spans: Iterable[Span]) -> dict[int, tuple[int, Decimal]]:
    """Return a register again: at which time which unbroken run of spans had come to how much.

    Where a run ends and another begins at once they are the same; at a time between two runs the later one counts.
    """
    found: dict[int, tuple[int, Decimal]] = {}
    run, kwh, until = 0, ZERO, None
    for span in spans:
        if span.start != until:
            run += 1
            found[span.start] = (run, kwh)
        kwh += span.kwh
        until = span.end
        found[until] = (run, kwh)
    return found
