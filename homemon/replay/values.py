"""Values that no device ever measured: codes for "no data" that a script took for numbers, and what cannot be.

`bp35c0_rcv2.py` wrote E7's codes as 2147483646 W, and a register's FFFFFFFE as 429496729.4 kWh; `ec_rcv.py` wrote FFFE
and FFFFFFFE as they came. Codes: `sources`.
"""

from math import isclose

from homemon.core.points import Number, Point
from homemon.sources.meter.properties import REGISTER_CODES
from homemon.sources.registry import SERIES
from homemon.sources.source import Kind

UNITS = tuple(10.0**exponent for exponent in range(-4, 5))  # kWh


def measured(point: Point) -> Point:
    """Return a point with those of its fields that can be; it may have none left."""
    good = {field: value for field, value in point.fields.items() if can_be(point.measurement, field, value)}
    return point if len(good) == len(point.fields) else point._replace(fields=good)


def can_be(measurement: str, field: str, value: Number) -> bool:
    """Return whether a device can have given a value of a series; of a series that is not known, every value can be."""
    series = SERIES.get((measurement, field))
    if series is None:
        return True
    least, most = series.bounds
    return least <= value <= most and not (series.kind is Kind.REGISTER and series.unit == "kWh" and _is_code(value))


def _is_code(value: Number) -> bool:
    """Return whether a register is a code in one of the meter's units."""
    return any(isclose(value, code * unit, rel_tol=1e-12) for code in REGISTER_CODES for unit in UNITS)
