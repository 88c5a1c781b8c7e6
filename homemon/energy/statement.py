"""A contract's bill of a billing period, from half-hours: what it comes to so far, and with a forecast."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, Protocol

from homemon.core.errors import HomemonError
from homemon.core.points import moment_text
from homemon.energy import forecast
from homemon.energy.bill import Bill
from homemon.energy.periods import Period, day_of, starts
from homemon.energy.plan import Band
from homemon.energy.selling import Income, Selling, income, parts, price_of
from homemon.energy.spans import ZERO, Span
from homemon.energy.usage import Days, pieces, shape, used


class NothingKnown(HomemonError):
    """No half-hour of a billing period is stored."""


class Tariff(Protocol):
    """What is charged in a billing period."""

    def bands(self, day: date) -> Sequence[Band]:
        """Return the bands of a day's 48 half-hours."""

    def bill(self, days: Days, complete: bool = True) -> Bill:
        """Return the bill for the 48 kWh of each day, which are `complete` where they are all of the period."""


class Forecast(NamedTuple):
    """What a period will come to in yen and kWh; `low` and `high` if it goes on as in one of the last weeks."""

    yen: int
    low: int
    high: int
    kwh: Decimal


class Statement(NamedTuple):
    """A bill and the kWh it was computed from, why it may change, and its forecast where the period is not over."""

    kwh: Decimal
    bill: Bill
    doubts: tuple[str, ...]
    forecast: Forecast | None


def statement(bought: Sequence[Span], period: Period, now: int, tariff: Tariff) -> Statement:
    """Return the bill of a period, so far where it is not over at `now` (Unix seconds).

    Raise NothingKnown where none of its half-hours is.
    """
    running = now < period.end
    reached = max(period.start, min(now, bought[-1].end if bought else now)) if running else period.end
    so_far = shape(bought, period.start, reached)
    usage = used(so_far, tariff.bands)
    bill = tariff.bill(so_far.days, complete=not running and not so_far.missing)
    if not so_far.days:
        raise NothingKnown(
            f"no half-hour of the billing period of {period.label} is stored",
            "`homemon energy --by bill` shows of which there are; `homemon meter-history` asks the meter for 99 days.",
        )
    doubts = [*bill.provisional, *usage.doubts]
    if running:
        end = moment_text(period.end - 1, "%Y-%m-%d")
        doubts.append(f"the period goes on until {end}; counted is what was used until {moment_text(reached)[:-3]}")
    ways = forecast.ways(bought, period.start, reached, period.end) if running else []
    return Statement(
        sum(usage.kwh.values(), ZERO), bill, tuple(doubts), _forecast(ways, so_far.days, tariff) if ways else None
    )


def _forecast(ways: Sequence[Days], so_far: Days, tariff: Tariff) -> Forecast:
    totals = sorted(tariff.bill(_added(so_far, way)).total for way in ways)
    expected = _added(so_far, forecast.mean(ways))
    kwh = sum((sum(half_hours, ZERO) for half_hours in expected.values()), ZERO)
    return Forecast(tariff.bill(expected).total, totals[0], totals[-1], kwh)


def _added(some: Days, others: Days) -> Days:
    """Return the kWh of the days of both; today is in both."""
    both = {day: [a + b for a, b in zip(some[day], others[day], strict=True)] for day in some.keys() & others.keys()}
    return {**some, **others, **both}


def sold_for(sold: Sequence[Span], first: date, after: date, now: int, selling: Selling) -> Income:
    """Return what is paid for what was sold from day `first` to before `after`, so far where that is after `now`."""
    steps = parts(selling, first, after)
    ends = [*(begin for begin, _ in steps[1:]), after]
    periods = [(price, starts(begin), starts(end)) for (begin, price), end in zip(steps, ends, strict=True)]
    reached = min(now, sold[-1].end) if sold else now
    shapes = [(price, shape(sold, start, max(start, min(end, reached)))) for price, start, end in periods]
    found = income((price, sum((sum(kwh, ZERO) for kwh in each.days.values()), ZERO)) for price, each in shapes)
    missing = tuple(f"of what was sold, {why}" for _, each in shapes for why in each.missing)
    return found._replace(provisional=found.provisional + missing)


def earned(sold: Iterable[Span], selling: Selling) -> Iterator[Span]:
    """Yield what is paid for what was sold, as spans of yen; none where no price is known. A bill cuts to whole kWh."""
    for span in sold:
        paid = [(price_of(selling, day_of(time)).value, kwh) for time, kwh in pieces(span)]
        if all(price is not None for price, _ in paid):
            yield Span(span.start, span.end, sum((price * kwh for price, kwh in paid if price is not None), ZERO))
