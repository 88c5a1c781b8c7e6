"""What each half-hour adds to a bill: its energy in the tier that the billing period has reached, and what goes by kWh.

The base charge, what is charged once a month and the rounding of a bill belong to no half-hour, and are left out.
"""

from collections.abc import Iterator
from decimal import Decimal

from homemon.core.points import HALF_HOUR
from homemon.energy.bill import energy_yen
from homemon.energy.periods import starts
from homemon.energy.plan import Version
from homemon.energy.spans import ZERO, Span
from homemon.energy.usage import Bands, Shape


def costs(version: Version, shape: Shape, bands: Bands, each: Decimal) -> Iterator[Span]:
    """Yield what each half-hour of a billing period costs, as spans of yen; `each` is what a kWh costs in any band."""
    reached: dict[str, Decimal] = {}
    for day in sorted(shape.days):
        start = starts(day)
        for number, (band, kwh) in enumerate(zip(bands(day), shape.days[day], strict=True)):
            if kwh:
                before = reached.get(band.name, ZERO)
                reached[band.name] = after = before + kwh
                yen = energy_yen(version, band, after) - energy_yen(version, band, before) + kwh * each
                yield Span(start + number * HALF_HOUR, start + (number + 1) * HALF_HOUR, yen)
