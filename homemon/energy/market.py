"""What energy costs by a plan that follows JEPX, half-hour by half-hour."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import ROUND_DOWN, Decimal
from typing import NamedTuple

from homemon.core.errors import ConfigError
from homemon.energy.plan import Market

HalfHour = tuple[date, int]
"""A day and its half-hour from 0, which is JEPX's 時刻コード less one."""
Spot = Callable[[HalfHour], Decimal | None]
"""JEPX's price of the plan's area, yen a kWh without tax; None where it is not known."""
ZERO = Decimal(0)
IMPORT = "Get JEPX's spot_summary of that fiscal year (www.jepx.jp), then `homemon import FILE`."


class NoMarketPrice(ConfigError):
    """No JEPX price is known of any half-hour in which something was bought from the day `first` to `last`."""

    def __init__(self, first: date, last: date) -> None:
        super().__init__(f"no JEPX price is known of {first} to {last}", IMPORT)
        self.first, self.last = first, last

    def joined(self, other: "NoMarketPrice") -> "NoMarketPrice":
        """Return the error of both times."""
        return NoMarketPrice(min(self.first, other.first), max(self.last, other.last))


class MarketCost(NamedTuple):
    """What `kwh` cost, exact; `missing` half-hours of it, with `unpriced` kWh, at the mean price of the others."""

    kwh: Decimal
    yen: Decimal
    missing: int = 0
    unpriced: Decimal = ZERO

    @property
    def doubts(self) -> tuple[str, ...]:
        """Why it may be another sum."""
        if not self.missing:
            return ()
        lacking = f"{self.missing} half-hours ({self.unpriced} kWh)"
        return (f"JEPX's price is missing for {lacking}: the mean price of the others stands in",)


def slot_price(market: Market, spot: Decimal) -> Decimal:
    """Return the yen a kWh of a half-hour, with tax: area price ÷ (1 − loss) × tax, cut, and the fee."""
    price = spot / (1 - market.loss / 100) * market.tax
    return price.quantize(market.cut, ROUND_DOWN) + market.fee if market.cut else price + market.fee


def market_cost(market: Market, used: Iterable[tuple[HalfHour, Decimal]], spot: Spot) -> MarketCost:
    """Return what half-hours cost; those of which JEPX's price is not known have the mean price of the other kWh.

    Raise NoMarketPrice where no price at all is known.
    """
    halves = [(half_hour, kwh) for half_hour, kwh in used if kwh]
    found = [(kwh, spot(half_hour)) for half_hour, kwh in halves]
    priced = [(kwh, slot_price(market, price)) for kwh, price in found if price is not None]
    total, known = (sum((kwh for kwh, _ in some), ZERO) for some in (found, priced))
    yen = sum((kwh * price for kwh, price in priced), ZERO)
    if found and not priced:
        raise NoMarketPrice(halves[0][0][0], halves[-1][0][0])
    unpriced = total - known
    stand_in = unpriced * yen / known if unpriced else ZERO
    return MarketCost(total, yen + stand_in, len(found) - len(priced), unpriced)
