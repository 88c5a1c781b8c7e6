"""Which band of a plan each half-hour of a day falls into, and which days a plan counts as holidays."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import cache
from typing import NamedTuple

from homemon.core.errors import ConfigError
from homemon.energy.plan import WHOLE_DAY, Band, Holidays, Version


class Gap(NamedTuple):
    """A half-hour that no band of a plan fits, from 0, on a weekday or holiday of a month."""

    month: int
    holiday: bool
    half_hour: int

    def __str__(self) -> str:
        kind = "holidays" if self.holiday else "weekdays"
        return f"{kind} of month {self.month} at {self.half_hour // 2}:{self.half_hour % 2 * 30:02}"


def bands_of_day(version: Version, day: date) -> tuple[Band, ...]:
    """Return the 48 bands of a day's half-hours. Raise ConfigError where none fits one of them."""
    return _bands(version, day.month, is_holiday(version.holidays, day))


def is_holiday(rule: Holidays, day: date) -> bool:
    """Return whether a plan bills a day as it bills holidays: exceptions first, then what the rule names."""
    date_of_year = (day.month, day.day)
    if any(each.date == date_of_year and day.year <= each.last for each in rule.exceptions):
        return day.weekday() in rule.weekdays
    named = day.weekday() in rule.weekdays or date_of_year in rule.dates
    return named or (rule.national and is_national_holiday(day))


@cache  # a plan after the other asks for the same days
def is_national_holiday(day: date) -> bool:
    """Return whether a day is a national holiday, stands in for one (振替休日) or lies between two (国民の休日)."""
    import jpholiday  # only where a plan asks for it: it takes longer to load than a bill to compute

    return jpholiday.is_holiday(day)


def gaps(bands: Iterable[Band], holidays: Holidays) -> Iterator[Gap]:
    """Yield the half-hours that no band fits, of each month's weekdays and, where the plan has any, holidays."""
    for month, holiday, laid in _kinds(tuple(bands), holidays):
        yield from (Gap(month, holiday, half_hour) for half_hour, band in enumerate(laid) if band is None)


def never(bands: Iterable[Band], holidays: Holidays) -> list[Band]:
    """Return the bands that hold on no half-hour, since those before them have it."""
    bands = tuple(bands)
    holding = {id(band) for _, _, laid in _kinds(bands, holidays) for band in laid}
    return [band for band in bands if id(band) not in holding]


def _kinds(bands: tuple[Band, ...], holidays: Holidays) -> Iterator[tuple[int, bool, list[Band | None]]]:
    """Yield each month's weekdays and, where the plan has any, holidays, with the band of each half-hour."""
    for month in range(1, 13):
        for holiday in (False, True) if holidays != Holidays() else (False,):
            yield month, holiday, _laid(bands, month, holiday)


@cache  # a version is equal to itself alone: a year of days asks for at most 24 of these
def _bands(version: Version, month: int, holiday: bool) -> tuple[Band, ...]:
    laid = _laid(version.bands, month, holiday)
    found = tuple(band for band in laid if band is not None)
    if len(found) < WHOLE_DAY:
        gap = Gap(month, holiday, laid.index(None))
        raise ConfigError(f"the plan has no price for {gap}", "Add a [[version.band]] that holds then.")
    return found


def _laid(bands: tuple[Band, ...], month: int, holiday: bool) -> list[Band | None]:
    """Return the band of each half-hour: the last is laid first, so that the first one lies on top."""
    laid: list[Band | None] = [None] * WHOLE_DAY
    for band in reversed(bands):
        if month in band.months and band.days in ("all", "holiday" if holiday else "weekday"):
            for begin, end in band.hours:
                for half_hour in range(begin, end if begin < end else end + WHOLE_DAY):
                    laid[half_hour % WHOLE_DAY] = band
    return laid
