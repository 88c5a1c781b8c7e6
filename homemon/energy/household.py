"""A household's energy in any period: bought, sold, generated and used, and what follows from these.

    used              bought + generated - sold
    self-consumption  of what was generated, what was not sold, in percent
    self-sufficiency  of what was used, what was generated and not sold, in percent

Each comes with the hours of which it is known; what is unknown is never counted as nothing. Where the meter was not
heard, the solar monitor's own balance stands in for bought - sold.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, Protocol

from homemon.core.points import DAY, HALF_HOUR, HOUR, LARGEST, Number
from homemon.energy.spans import (
    ZERO,
    Reading,
    Segment,
    Span,
    differences,
    filled,
    free,
    half_hours,
    segments,
    within,
)
from homemon.sources.registry import NAMED
from homemon.sources.source import Kind, Series

QUANTITIES = ("bought", "sold", "generated", "balance")
"""The series of the registry that a household's energy is made of; balance is bought - sold."""
ENERGIES = ("bought", "sold", "generated", "used")
"""What a summary has the kWh of."""


WEEK = 7 * DAY


class Readings(Protocol):
    """Where readings come from: the store. A period is in Unix seconds and does not include its end."""

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[Reading]:
        """Return one field's times and values, oldest first."""

    def latest(self, measurement: str, field: str, until: int) -> Reading | None:
        """Return one field's newest time and value before `until`, if there is any."""


class Known(NamedTuple):
    """So many kWh, and the hours of which that is known; None where nothing is."""

    kwh: Decimal | None
    hours: Decimal


class Summary(NamedTuple):
    """A period's energy. Percentages have all their decimals; `peak` is the half-hour in which most was bought.

    `differs` is what the company's portal says was bought without what the meter says, of the hours that both know.
    """

    bought: Known
    sold: Known
    generated: Known
    used: Known
    self_consumption: Decimal | None
    self_sufficiency: Decimal | None
    peak: Span | None
    differs: Known  # what a portal says more than the meter, where both are known


class Balance(NamedTuple):
    """Where energy came from and went to, in kWh, in the hours of which all of it is known: both come to the same."""

    bought: Decimal
    generated: Decimal
    used: Decimal
    sold: Decimal
    hours: Decimal


Spans = Sequence[Span]
Flows = Mapping[str, Spans]
"""The spans of each quantity by its name, ascending."""


def read(
    readings: Readings,
    since: int,
    until: int,
    modulus: Number | None = None,
    exchanges: Collection[int] = (),
    names: Iterable[str] = QUANTITIES,
    edge: int = 0,
) -> Flows:
    """Return what is known of each quantity from `since` to `until`, Unix seconds; of `names` only.

    `modulus` and `exchanges` are the meter's, as in `spans.differences`. Of the `edge`, so many seconds before, is
    read the last day, and the newest reading of each WEEK before: what a gap at `since` began with, if there was any.
    """
    found = {}
    near = since - min(edge, DAY)
    for name in names:
        series = NAMED[name]
        register = series.kind is Kind.REGISTER
        end = until if register else until - HALF_HOUR
        rows = readings.values(series.measurement, series.field, near, end + 1)
        values = (row for row in (*_weekly(readings, series, since - edge, near), *rows) if -LARGEST < row[1] < LARGEST)
        found[name] = list(differences(values, modulus, exchanges) if register else half_hours(values))
    return found


def _weekly(readings: Readings, series: Series, since: int, until: int) -> Sequence[Reading]:
    """Return the newest reading of each WEEK up to `until`, of those from `since` on."""
    found: list[Reading] = []
    while since < until and (newest := readings.latest(series.measurement, series.field, until)):
        found.append(newest)
        until -= (until - newest[0] + WEEK - 1) // WEEK * WEEK
    return [reading for reading in reversed(found) if reading[0] >= since]


class Household:
    """What a household bought, sold, generated and used, from the spans of each; `portal` is what its portal says."""

    def __init__(self, flows: Flows, portal: Spans = ()) -> None:
        self.flows = flows
        both = segments(flows["bought"], portal) if portal else ()
        self._differs = [Span(start, end, said - bought) for start, end, (bought, said) in both]
        self._whole = list(segments(flows["bought"], flows["sold"], flows["generated"]))
        self._used = list(self._all_used())
        self._half_hours = [span for span in flows["bought"] if span.end - span.start == HALF_HOUR]

    def _all_used(self) -> Iterable[Span]:
        """Return what was used. Who generates nothing uses what is bought; who sells without a monitor is not known."""
        flows = self.flows
        if not flows["generated"]:
            return flows["bought"] if not any(span.kwh for span in flows["sold"]) else ()
        by_meter = [Span(start, end, bought - sold + made) for start, end, (bought, sold, made) in self._whole]
        by_monitor = segments(flows["balance"], free(by_meter, flows["generated"]))
        return filled(by_meter, (Span(start, end, balance + made) for start, end, (balance, made) in by_monitor))

    def spans(self, name: str) -> Spans:
        """Return the spans of one of ENERGIES, ascending."""
        return self._used if name == "used" else self.flows[name]

    def balance(self, start: int, end: int) -> Balance | None:
        """Return what came and went from `start` to `end`, Unix seconds; None where not all of it is known at once."""
        whole = within(self._whole, start, end)
        if not whole:
            return None
        bought, sold, made = _totals(whole)
        if bought + made < sold:
            return None
        hours = Decimal(sum(segment.end - segment.start for segment in whole)) / HOUR
        return Balance(bought, made, bought + made - sold, sold, hours)

    def summary(self, start: int, end: int) -> Summary:
        """Return the energy from `start` to `end`, Unix seconds."""
        bought, sold, made = _totals(within(self._whole, start, end))
        consumed = bought + made - sold
        return Summary(
            bought=known(within(self.flows["bought"], start, end)),
            sold=known(within(self.flows["sold"], start, end)),
            generated=known(within(self.flows["generated"], start, end)),
            used=_possible(known(within(self._used, start, end))),
            self_consumption=percent(made - sold, made),
            self_sufficiency=percent(made - sold, consumed) if made else None,
            peak=max(within(self._half_hours, start, end), key=lambda span: span.kwh, default=None),
            differs=known(within(self._differs, start, end)),
        )


def known(spans: Sequence[Span]) -> Known:
    """Return what spans come to."""
    if not spans:
        return Known(None, ZERO)
    starts, ends, kwh = zip(*spans, strict=True)
    return Known(sum(kwh, ZERO), Decimal(sum(ends) - sum(starts)) / HOUR)


def _totals(whole: Sequence[Segment]) -> tuple[Decimal, Decimal, Decimal]:
    """Return what was bought, sold and generated in all of the segments."""
    if not whole:
        return ZERO, ZERO, ZERO
    bought, sold, made = (sum(each, ZERO) for each in zip(*(segment.kwh for segment in whole), strict=True))
    return bought, sold, made


def _possible(used: Known) -> Known:
    """Return what was used; unknown where it would be less than nothing: something is sold that nobody measures."""
    return Known(None, used.hours) if used.kwh is not None and used.kwh < 0 else used


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """Return a part of a whole in percent; None of nothing, and where it is no part of it."""
    return part * 100 / whole if whole > 0 and 0 <= part <= whole else None
