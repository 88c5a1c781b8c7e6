"""What each half-hour adds to a bill: its energy in the tier that the billing period has reached, and what goes by kWh.

The base charge, what is charged once a month and the rounding of a bill belong to no half-hour, and are left out.
"""

from decimal import Decimal

from homemon.core.points import HALF_HOUR
from homemon.energy.bill import energy_yen
from homemon.energy.periods import starts
from homemon.energy.spans import ZERO, Span
from homemon.energy.tariff import Tariff
from homemon.energy.usage import Shape


def costs(tariff: Tariff, shape: Shape) -> tuple[list[Span], tuple[str, ...]]:
    """Return what each half-hour of a billing period costs, as spans of yen, and why that is not sure."""
    each, doubts = tariff.each_kwh()
    reached: dict[str, Decimal] = {}
    found = []
    for day in sorted(shape.days):
        start, version = starts(day), tariff.part(day).version
        for number, (band, kwh) in enumerate(zip(tariff.bands(day), shape.days[day], strict=True)):
            if kwh:
                before = reached.get(band.name, ZERO)
                reached[band.name] = after = before + kwh
                yen = energy_yen(version, band, after) - energy_yen(version, band, before) + kwh * each
                found.append(Span(start + number * HALF_HOUR, start + (number + 1) * HALF_HOUR, yen))
    return found, doubts
