"""At which hours of a day a plan has which price: what a family sees behind the curves of that day."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

from homemon.core.points import HALF_HOUR
from homemon.energy.market import slot_price
from homemon.energy.periods import starts
from homemon.energy.plan import Band
from homemon.energy.tariff import Tariff


class PriceBand(NamedTuple):
    """Hours of one price: from `start` to `end`, Unix seconds, as the plan calls them.

    `yen` is the plan's price of a kWh, with JEPX's where it follows that, and without what every kWh bears at any
    hour (fuel, levy); None where it depends on how much was used before, or JEPX's price is not known.
    """

    start: int
    end: int
    name: str
    yen: Decimal | None


def price_bands(tariff: Tariff, day: date) -> tuple[PriceBand, ...]:
    """Return the bands of a day, ascending; none where a kWh has the same price at any hour of any day.

    Raise ConfigError where the plan has no band for some half-hour.
    """
    version = tariff.part(day).version
    if len(version.bands) < 2 and version.market is None:
        return ()
    begin = starts(day)
    slots = (
        PriceBand(begin + number * HALF_HOUR, begin + (number + 1) * HALF_HOUR, band.name, _price(tariff, day, number))
        for number, band in enumerate(tariff.bands(day))
    )
    return tuple(_joined(slots))


def _price(tariff: Tariff, day: date, number: int) -> Decimal | None:
    """Return what a kWh of a half-hour costs."""
    version, own = tariff.part(day).version, _alone(tariff.bands(day)[number])
    if own is None or version.market is None:
        return own
    spot = tariff.spot((day, number))
    return None if spot is None else own + slot_price(version.market, spot)


def _alone(band: Band) -> Decimal | None:
    """Return the price of a band, which is nothing where all of it is JEPX's; None of one with tiers."""
    prices = [price for _, price in band.tiers] or [Decimal(0)]
    return prices[0] if len(prices) == 1 else None


def _joined(slots: Iterable[PriceBand]) -> Iterator[PriceBand]:
    """Yield bands, one for half-hours that follow each other under one name and price."""
    for (name, yen), found in groupby(slots, key=lambda slot: (slot.name, slot.yen)):
        same = list(found)
        yield PriceBand(same[0].start, same[-1].end, name, yen)
