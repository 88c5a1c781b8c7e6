"""Readings of a register, and the spans between them, for tests of what they come to."""

from decimal import Decimal

from homemon.core.points import HALF_HOUR, Number
from homemon.energy.spans import Reading, Span

MIDNIGHT = 1_795_446_000  # 2026-11-24 00:00 in Japan, 15:00 of the day before in Greenwich


def register(start: int, *values: Number) -> list[Reading]:
    """A register read each half-hour."""
    return [(start + i * HALF_HOUR, value) for i, value in enumerate(values)]


def span(start: int, end: int, kwh: Number) -> Span:
    """A span of so many kWh."""
    return Span(start, end, Decimal(str(kwh)))
