"""日割り: a base charge, and tiers, of a billing period that is not an ordinary one.

What they are scaled by is each company's own rule, in the plan. ENEOS's: where the period is five days or more off
the days of the month in which it starts, by days of the period / days of that month; the kWh of each tier, and of a
minimum charge, are rounded half up (its examples for 15 of 30 days: 120 to 60, 15 to 8, 105 to 53, 180 to 90).
"""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from homemon.energy.plan import Band, Base, ProRata, Tier, Version

ORDINARY = range(28, 36)  # days


class Days(NamedTuple):
    """Days of a billing period, of the month it starts in, and of the ordinary period (計量期間) where known."""

    total: int
    calendar: int
    usual: int | None = None


class Share(NamedTuple):
    """Which part of an ordinary period: so many days of so many."""

    days: int
    of: int

    def part(self, amount: Decimal) -> Decimal:
        return amount * self.days / self.of

    def whole(self, kwh: int) -> int:
        return int(self.part(Decimal(kwh)).quantize(Decimal(1), ROUND_HALF_UP))


def days_of(begin: date, end: date, usual: int | None = None) -> Days:
    """Return the days of a period from `begin` up to but not including `end`."""
    return Days((end - begin).days, monthrange(begin.year, begin.month)[1], usual)


def share_of(rule: ProRata, days: Days) -> Share | None:
    """Return which part of an ordinary period is billed; None where it is billed in full."""
    if (of := _whole(rule, days)) is None:
        return None
    ordinary = abs(days.total - of) < rule.beyond if rule.beyond else days.total in ORDINARY
    return None if ordinary else Share(days.total, of)


def doubt_of(rule: ProRata | None, days: Days) -> str:
    """Return why the bill of a period may be another one; empty where it may not."""
    if days.total in ORDINARY or (rule and _whole(rule, days)):
        return ""
    lacks = "its ordinary length is not known" if rule else "the plan does not say how it is scaled"
    return f"the period has {days.total} days and is billed in full: {lacks}"


def scaled(version: Version, share: Share) -> Version:
    """Return a version with its base charge and tiers for that part of a period."""
    included = version.base.minimum.kwh if version.base.minimum else 0
    bands = tuple(replace(band, tiers=tuple(_tiers(band, included, share))) for band in version.bands)
    return replace(version, base=_base(version.base, share), bands=bands)


def _whole(rule: ProRata, days: Days) -> int | None:
    return {"30": 30, "calendar": days.calendar, "period": days.usual}[rule.per]


def _base(base: Base, share: Share) -> Base:
    block, minimum = base.block, base.minimum
    return replace(
        base,
        ampere={ampere: share.part(price) for ampere, price in base.ampere.items()},
        kva=None if base.kva is None else share.part(base.kva),
        block=block and replace(block, price=share.part(block.price), above=share.part(block.above)),
        minimum=minimum and replace(minimum, price=share.part(minimum.price), kwh=share.whole(minimum.kwh)),
        flat=None if base.flat is None else share.part(base.flat),
    )


def _tiers(band: Band, included: int, share: Share) -> Iterator[Tier]:
    """Yield the tiers, each as wide as its part: so 15, 120 become 8 and 61, since 105 kWh become 53."""
    begin, end = included, share.whole(included)
    for limit, price in band.tiers:
        if limit is None:
            yield None, price
            continue
        end += share.whole(limit - begin)
        begin = limit
        yield end, price
