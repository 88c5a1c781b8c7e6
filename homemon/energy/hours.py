"""What was counted until the end of each hour of the clock, out of spans of kWh or yen.

An hour is known when something that was counted ends with it: a register that was read at its end, or a half-hour. What
was counted since the last hour that is known is then all in it. So an hour of which nothing is known is left out, the
one that ends a gap has the sum of the gap, and every sum agrees with the store.
"""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

from homemon.core.points import HOUR
from homemon.energy.spans import Span


class Hour(NamedTuple):
    """An hour by its start in Unix seconds, and what had been counted at its end."""

    start: int
    counted: Decimal

    @property
    def end(self) -> int:
        """When it ends, in Unix seconds."""
        return self.start + HOUR


def ended(spans: Iterable[Span], apart: int) -> Iterator[Span]:
    """Yield spans between readings at any time; one up to `apart` seconds long ends with the hour that it begins in.

    So what a device counted from the last reading of an hour to the first of the next belongs to the former, as it does
    by days on the page.
    """
    for span in spans:
        full = span.start // HOUR * HOUR + HOUR
        yield span._replace(end=full) if span.seconds <= apart and full < span.end else span


def booked(spans: Iterable[Span], counted: Decimal, since: int) -> Iterator[Hour]:
    """Yield the hours that are known, by spans that ascend; `counted` is what had been at `since`, Unix seconds."""
    for span in spans:
        if span.start >= since:
            counted += span.kwh
            if span.end % HOUR == 0:
                yield Hour(span.end - HOUR, counted)


def begins(spans: Iterable[Span], since: int) -> int | None:
    """Return the first full hour from `since` on at which a span begins or ends; None where there is none."""
    edges = (edge for span in spans for edge in span[:2])
    return next((edge for edge in edges if edge >= since and edge % HOUR == 0), None)


def known_before(spans: Sequence[Span], time: int) -> int | None:
    """Return the last full hour, up to `time` in Unix seconds, with which a span ends; None where there is none."""
    return max((span.end for span in spans if span.end <= time and span.end % HOUR == 0), default=None)
