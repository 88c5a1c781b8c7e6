"""What each half-hour adds to a bill: its energy in the tier that the billing period has reached, and what goes by kWh.

The base charge, what is charged once a month and the rounding of a bill belong to no half-hour, and are left out.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from homemon.core.points import HALF_HOUR
from homemon.energy.bill import energy_yen
from homemon.energy.market import slot_price
from homemon.energy.periods import starts
from homemon.energy.plan import Band
from homemon.energy.spans import ZERO, Span
from homemon.energy.tariff import Tariff
from homemon.energy.usage import Days, Shape


def costs(tariff: Tariff, shape: Shape) -> tuple[list[Span], tuple[str, ...]]:
    """Return what each half-hour of a billing period costs, as spans of yen, and why that is not sure.

    A half-hour of which JEPX's price is not known, in a plan that follows it, has the mean price of the others.
    """
    each, doubts = tariff.each_kwh()
    reached: dict[str, Decimal] = {}
    found = []
    for part in tariff.parts:
        days = {day: shape.days[day] for day in sorted(shape.days) if tariff.part(day) is part}
        market = tariff.market(part.version, days)
        doubts += market.doubts if market else ()
        for day, number, band, kwh in _half_hours(tariff, days):
            before = reached.get(band.name, ZERO)
            reached[band.name] = after = before + kwh
            yen = energy_yen(part.version, band, after) - energy_yen(part.version, band, before) + kwh * each
            if part.version.market and market:
                spot = tariff.spot((day, number))
                price = market.yen / market.kwh if spot is None else slot_price(part.version.market, spot)
                yen += kwh * price
            start = starts(day) + number * HALF_HOUR
            found.append(Span(start, start + HALF_HOUR, yen))
    return sorted(_joined(found, shape)), doubts


def _joined(costs: Iterable[Span], shape: Shape) -> Iterator[Span]:
    """Yield the costs, those of half-hours that only a sum is known of as one; none of a sum that leaves the period."""
    sums = dict.fromkeys(shape.spread, ZERO)
    for cost in costs:
        if within := next((span for span in sums if span.start <= cost.start and cost.end <= span.end), None):
            sums[within] += cost.kwh
        elif not any(span.start < cost.end and cost.start < span.end for span in sums):
            yield cost
    for span, yen in sums.items():
        if shape.start <= span.start and span.end <= shape.end:
            yield Span(span.start, span.end, yen)


def _half_hours(tariff: Tariff, days: Days) -> Iterator[tuple[date, int, Band, Decimal]]:
    """Yield the half-hours in which something was bought: day, number from 0, band and kWh."""
    for day, half_hours in days.items():
        for number, (band, kwh) in enumerate(zip(tariff.bands(day), half_hours, strict=True)):
            if kwh:
                yield day, number, band, kwh
