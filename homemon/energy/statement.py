"""A contract's bill of a billing period, from half-hours: what it comes to so far, and with a forecast."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from homemon.core.points import moment_text
from homemon.energy import forecast
from homemon.energy.bill import Bill
from homemon.energy.periods import Period
from homemon.energy.spans import ZERO, Span
from homemon.energy.usage import Bands, Shape, Usage, shape, used

Billing = Callable[[Mapping[str, Decimal]], Bill]
"""The bill of a period for kWh by band."""


class Forecast(NamedTuple):
    """What a period will come to in yen and kWh; `low` and `high` if it goes on as in one of the last weeks."""

    yen: int
    low: int
    high: int
    kwh: Decimal


class Statement(NamedTuple):
    """A bill, what it was computed from, why it may change, and its forecast where the period is not over."""

    usage: Usage
    bill: Bill
    doubts: tuple[str, ...]
    forecast: Forecast | None


def statement(bought: Sequence[Span], period: Period, now: int, bands: Bands, billing: Billing) -> Statement:
    """Return the bill of a period, so far where it is not over at `now` (Unix seconds)."""
    reached = min(period.end, max(period.start, min(now, bought[-1].end if bought else now)))
    running = now < period.end
    so_far = shape(bought, period.start, reached if running else period.end)
    usage = used(so_far, bands)
    bill = billing(usage.kwh)
    doubts = (*bill.provisional, *usage.doubts)
    if not running:
        return Statement(usage, bill, doubts, None)
    end = moment_text(period.end - 1, "%Y-%m-%d")
    doubts = (*doubts, f"the period goes on until {end}; counted is what was used until {moment_text(reached)[:-3]}")
    return Statement(usage, bill, doubts, _forecast(bought, so_far, period.end, bands, billing))


def _forecast(bought: Sequence[Span], so_far: Shape, end: int, bands: Bands, billing: Billing) -> Forecast | None:
    ways = forecast.ways(bought, so_far.end, end)
    if not ways:
        return None

    def whole(days: forecast.Days) -> Mapping[str, Decimal]:
        known = used(so_far, bands).kwh
        rest = used(so_far._replace(days=days), bands).kwh
        return {name: known.get(name, ZERO) + rest.get(name, ZERO) for name in {**known, **rest}}

    totals = sorted(billing(whole(way)).total for way in ways)
    expected = whole(forecast.mean(ways))
    return Forecast(billing(expected).total, totals[0], totals[-1], sum(expected.values(), ZERO))
