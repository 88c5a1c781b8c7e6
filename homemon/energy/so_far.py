"""A running day or billing period so far, and the same part of earlier ones."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from homemon.energy import forecast
from homemon.energy.household import ENERGIES, Household, Known, known
from homemon.energy.periods import Period
from homemon.energy.rows import Row
from homemon.energy.spans import Span, seconds, within
from homemon.energy.statement import Forecast
from homemon.energy.usage import shape

LEAST = 1  # kWh: a percentage of less says nothing


class Earlier(NamedTuple):
    """The same part of an earlier period, which is called by its `name`: kWh and hours of each energy, and yen.

    `part` is as long as what is known of the running period; of an energy that is known of less, less is compared.
    `whole` are the energies of which all of this is known, then and now; `doubts` are why the yen may change.
    """

    name: str
    part: Period
    known: Mapping[str, Known]
    yen: Decimal | None
    whole: frozenset[str] = frozenset()
    doubts: tuple[str, ...] = ()


class SoFar(NamedTuple):
    """A running period: its energy and yen so far (`row`), earlier ones, and what it will come to.

    `name` is "day", "bill" or "month"; `reached` the Unix time up to which it is known, its start where nothing is.
    `expected` are the kWh that will have been bought at its end, `forecast` the bill; None where that is not known.
    `earned` is what is paid for what was sold, in yen; None where nothing is agreed.
    """

    name: str
    period: Period
    reached: int
    row: Row
    earlier: tuple[Earlier, ...]
    expected: Decimal | None
    forecast: Forecast | None = None
    earned: int | None = None


def reached(spans: Sequence[Span], period: Period) -> int:
    """Return up to when a period is known, Unix seconds; its start where nothing of it is."""
    inside = within(spans, period.start, period.end)
    return inside[-1].end if inside else period.start


def same_part(before: Period, spans: Sequence[Span], running: Period) -> Period:
    """Return the part of the period `before` that is as long as what is known of the running one."""
    return before._replace(end=min(before.end, before.start + reached(spans, running) - running.start))


def parts(earlier: Household, before: Period, household: Household, running: Period) -> dict[str, Known]:
    """Return the kWh of each energy in the same part of the period `before`, out of the household as it was then."""
    found = {}
    for name in ENERGIES:
        part = same_part(before, household.spans(name), running)
        found[name] = known(within(earlier.spans(name), part.start, part.end))
    return found


def wholes(earlier: Household, before: Period, household: Household, running: Period) -> frozenset[str]:
    """Return the energies of which all is known of the running period so far, and of as long a part of `before`."""
    return frozenset(name for name in ENERGIES if _alike(earlier, before, household, running, name))


def _alike(earlier: Household, before: Period, household: Household, running: Period, name: str) -> bool:
    spans = household.spans(name)
    end = reached(spans, running)
    part = same_part(before, spans, running)
    then, now = within(earlier.spans(name), part.start, part.end), within(spans, running.start, end)
    return 0 < seconds(then) == seconds(now) == part.end - part.start == end - running.start


def difference(now: Decimal | None, before: Decimal | None) -> Decimal | None:
    """Return how much more there is now than before, in percent; None where that is not known, or says nothing."""
    return None if now is None or before is None or before < LEAST else (now - before) * 100 / before


def expected(bought: Sequence[Span], period: Period) -> Decimal | None:
    """Return the kWh that will have been bought at the end of a running period, as `forecast` has it; None if unknown.

    The kWh so far are all that is known of the period.
    """
    since = reached(bought, period)
    ways = forecast.ways(bought, period.start, since, period.end) if since < period.end else []
    if not ways:
        return None
    so_far = shape(bought, period.start, since).days
    return _sum(so_far.values()) + _sum(forecast.mean(ways).values())


def _sum(days: Iterable[Sequence[Decimal]]) -> Decimal:
    return sum((sum(half_hours, Decimal(0)) for half_hours in days), Decimal(0))
