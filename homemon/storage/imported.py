"""What was imported, for programs that compute with it: a market's prices, a portal's half-hours. Exact decimals.

A time that is not in the result has no value: it is unknown, never zero.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from homemon.storage.archive import Archive

LENGTHS = {"portal": 1800, "portal_hour": 3600}  # measurement → seconds


class Bought(NamedTuple):
    """What a portal says was bought: `kwh` in `seconds` (1800 or 3600) from `start` (Unix seconds)."""

    start: int
    seconds: int
    kwh: Decimal


def spot_prices(archive: Archive, area: str, since: int, until: int) -> dict[int, Decimal]:
    """Return the start of each half-hour (Unix seconds) of a period → JEPX's price, yen/kWh without tax.

    `area` is one of `registry.AREAS`, or `system`; another, such as Okinawa, has no price. Raise StoreError.
    """
    return {time: Decimal(str(price)) for time, price in archive.values("spot", area, since, until)}


def portal(archive: Archive, since: int, until: int) -> Iterator[Bought]:
    """Yield what a portal says of a period: its half-hours, then its hours, each oldest first. Raise StoreError."""
    for measurement, seconds in LENGTHS.items():
        for time, kwh in archive.values(measurement, "bought", since, until):
            yield Bought(time, seconds, Decimal(str(kwh)))
