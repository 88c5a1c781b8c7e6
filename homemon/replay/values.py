"""Values that no device ever measured: codes for "no data" that a script took for numbers, and what cannot be.

`bp35c0_rcv2.py` wrote E7's codes as 2147483646 W, and a register's FFFFFFFE as 429496729.4 kWh; `ec_rcv.py` wrote FFFE
and FFFFFFFE as they came. Codes: `sources`.
"""

from collections.abc import Callable
from math import isclose

from homemon.core.points import Number, Point
from homemon.sources.kyocera import memory as solar
from homemon.sources.meter.properties import REGISTER_CODES

LARGEST_W = 1_000_000  # a low-voltage contract ends at 50 kW
LARGEST_KWH = 99_999_999 * 10_000  # of eight digits and the largest unit
LARGEST_SUM = 999_999_999  # 0.001 kWh (super class, 85)
UNITS = tuple(10.0**exponent for exponent in range(-4, 5))  # kWh


def _power(value: Number) -> bool:
    return abs(value) <= LARGEST_W


def _register(value: Number) -> bool:
    codes = (isclose(value, code * unit, rel_tol=1e-12) for code in REGISTER_CODES for unit in UNITS)
    return 0 <= value <= LARGEST_KWH and not any(codes)


def _current(value: Number) -> bool:
    return -3276.8 < value < 3276.6  # 8000, 7FFE and 7FFF in tenths


def _u16(value: Number) -> bool:
    return 0 <= value < 0xFFFE


def _sum(value: Number) -> bool:
    return 0 <= value <= LARGEST_SUM


def _half_hour(value: Number) -> bool:
    return abs(value) < solar.NO_DATA / 10


CAN_BE: dict[tuple[str, str], Callable[[Number], bool]] = {
    ("power", "value"): _power,
    ("+power", "value"): _register,
    ("-power", "value"): _register,
    ("energy", "import"): _register,
    ("energy", "export"): _register,
    ("current", "r"): _current,
    ("current", "t"): _current,
    ("ecocute", "power"): _u16,
    ("ecocute", "powerSum"): _sum,
    ("ecocute", "tank"): _u16,
    ("hatuden", "value"): _half_hour,
    ("baiden_diff", "value"): _half_hour,
}
"""Measurement and field → whether a value of it can be; of others everything can."""


def measured(point: Point) -> Point:
    """Return a point with those of its fields that can be; it may have none left."""
    good = {field: value for field, value in point.fields.items() if _can_be(point.measurement, field, value)}
    return point if len(good) == len(point.fields) else point._replace(fields=good)


def _can_be(measurement: str, field: str, value: Number) -> bool:
    check = CAN_BE.get((measurement, field))
    return check is None or check(value)
