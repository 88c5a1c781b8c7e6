"""What a household's bills are, by someone who knows only the house: its registers, and prices read off the tariffs.

All in whole tenths of a kWh and whole sen, without a decimal number. Prices: TEPCO's 従量電灯B and スマートライフS,
40 A, of 2024-04; fuel at -7.00 and the levy at 4.18 yen a kWh.
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone

from homemon.sim.house import House

JAPAN = timezone(timedelta(hours=9))
FUEL, LEVY = -700, 418
BASE = 124_700


def midnight(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=JAPAN).timestamp())


def bought(house: House, begin: int, end: int) -> int:
    """Tenths of a kWh."""
    return house.register_import(end) - house.register_import(begin)


def whole(tenths: int) -> int:
    """Whole kWh, half up."""
    return (tenths + 5) // 10


def in_sum(energy: int, kwh: int) -> int:
    """Yen of a bill whose energy comes to so many sen."""
    return (BASE + energy + FUEL * kwh + kwh * LEVY // 100 * 100) // 100


def juryo_b(house: House, begin: date, end: date) -> int:
    """The bill from one day to before another, in yen."""
    kwh = whole(bought(house, midnight(begin), midnight(end)))
    first, second, third = min(kwh, 120), min(max(kwh - 120, 0), 180), max(kwh - 300, 0)
    return in_sum(first * 2980 + second * 3640 + third * 4049, kwh)


def smartlife_s(house: House, begin: date, end: date) -> int:
    """The same by hours: from one to six o'clock is night."""
    night, day, last = 0, date.fromordinal(begin.toordinal()), end
    while day < last:
        night += bought(house, midnight(day) + 3600, midnight(day) + 6 * 3600)
        day += timedelta(days=1)
    dear = bought(house, midnight(begin), midnight(end)) - night
    return in_sum(whole(night) * 2786 + whole(dear) * 3576, whole(night) + whole(dear))


BILLS: dict[str, Callable[[House, date, date], int]] = {"tepco-juryo-b": juryo_b, "tepco-smartlife-s": smartlife_s}
