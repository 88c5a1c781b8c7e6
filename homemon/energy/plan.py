"""A tariff plan: what an electricity company charges for, and by which rules.

Prices are in yen including tax, exact. A plan has versions. Which one holds is decided by the label of the bill
("2024-04": the April bill), or by the day of use, where a company says so.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import MAXYEAR, date
from decimal import Decimal
from typing import Literal, NamedTuple

Month = tuple[int, int]
"""Year and month of a bill: "2026-08" is the August bill (8月分)."""
Tier = tuple[int | None, Decimal]
"""Up to so many kWh of the billing period (None: all above), and the price of each."""
WHOLE_DAY = 48  # half-hours
ALL = "all"  # the name of a plan's only band
ALL_MONTHS = frozenset(range(1, 13))


@dataclass(frozen=True, kw_only=True)
class Block:
    """A base charge that is flat up to `first` kW or kVA, with a price for each above."""

    unit: Literal["kw", "kva"]
    first: int
    price: Decimal
    above: Decimal


@dataclass(frozen=True, kw_only=True)
class Minimum:
    """A minimum charge (最低料金), which includes the first `kwh`."""

    price: Decimal
    kwh: int


@dataclass(frozen=True, kw_only=True)
class Base:
    """The base charge of a month: one of these. `unused` is the part of it that is charged where nothing was used."""

    ampere: Mapping[int, Decimal] = field(default_factory=dict)
    kva: Decimal | None = None
    block: Block | None = None
    minimum: Minimum | None = None
    flat: Decimal | None = None
    unused: Decimal = Decimal("0.5")


@dataclass(frozen=True, kw_only=True)
class Band:
    """Hours of one price. The first band of a plan that fits a half-hour has it.

    `hours` are half-hours of the day from the first up to but not including the second; they may pass midnight.
    `days` are all, those that the plan counts as holidays, or the others. `months` are those of the day of use.
    """

    name: str
    tiers: tuple[Tier, ...]
    hours: tuple[tuple[int, int], ...] = ((0, WHOLE_DAY),)
    days: Literal["all", "weekday", "holiday"] = "all"
    months: frozenset[int] = ALL_MONTHS


@dataclass(frozen=True, kw_only=True)
class Discount:
    """So many yen less, or so many percent of base and energy, at most `cap` yen."""

    name: str
    yen: Decimal = Decimal(0)
    percent: Decimal = Decimal(0)
    cap: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Market:
    """A price that follows JEPX: area price ÷ (1 − `loss` percent) × `tax`, cut to `cut` yen (0: not), plus `fee`."""

    loss: Decimal = Decimal(0)
    tax: Decimal = Decimal("1.1")
    cut: Decimal = Decimal("0.01")
    fee: Decimal = Decimal(0)


@dataclass(frozen=True, kw_only=True)
class ProRata:
    """日割り: what the days of a period are divided by: 30, those of the month it starts in, or the ordinary period's.

    It holds where the period is `beyond` or more days off that; None: where it has not 28 to 35 days.
    """

    per: Literal["30", "calendar", "period"]
    beyond: int | None = None


class Excepted(NamedTuple):
    """A month and day that is no holiday of a plan, up to the year `last`."""

    date: tuple[int, int]
    last: int = MAXYEAR


@dataclass(frozen=True, kw_only=True)
class Holidays:
    """Days that a plan counts as holidays: of the week (Monday is 0), national ones, and some of each year.

    `exceptions` are billed as the day of the week that they are, also where they are national holidays.
    """

    weekdays: frozenset[int] = frozenset()
    national: bool = False
    dates: frozenset[tuple[int, int]] = frozenset()
    exceptions: tuple[Excepted, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Unsure:
    """A figure that no source confirms, and which bills it concerns; all where nothing is said.

    Those of a contract `above` so many kVA or kW; of more than `over` kWh in one of `bands`; with use in `months`.
    """

    what: str
    above: int | None = None
    bands: frozenset[str] = frozenset()
    over: int = 0
    months: frozenset[int] = ALL_MONTHS


LEVY_DOWN = {"levy": "down"}
"""The regulated rule of rounding: by the names of what is rounded to whole yen before the sum is, and how.

Such names are those of monthly items, and `energy`, which is base charge, energy and discounts together; `total` says
how the sum is rounded, which is down where nothing is said.
"""


@dataclass(frozen=True, kw_only=True, eq=False)
class Version:
    """A plan as it holds from the bill `since` on, or from the day of use `used_from`, whose month `since` is then.

    Equal to itself alone, so what is derived of it can be kept.
    """

    since: Month
    used_from: date | None = None
    source: str
    checked: date
    base: Base
    bands: tuple[Band, ...]
    items: tuple[str, ...]
    discounts: tuple[Discount, ...] = ()
    least: Decimal | None = None  # of base, energy and fuel: 最低月額料金
    holidays: Holidays = Holidays()
    base_at: Literal["begin", "end"] = "end"  # of a billing period, whose base charge it has where prices change within
    pro_rata: ProRata | None = None
    market: Market | None = None  # in addition to the prices of its bands
    rounding: Mapping[str, str] = field(default_factory=lambda: LEVY_DOWN)
    unsure: tuple[Unsure, ...] = ()

    def band(self, name: str) -> Band | None:
        """Return the band of that name."""
        return next((band for band in self.bands if band.name == name), None)

    def holds(self, month: Month, day: date) -> bool:
        """Return whether it holds, as long as no later one does, for a day of use that is on the bill `month`."""
        return self.used_from <= day if self.used_from else self.since <= month


class Part(NamedTuple):
    """A version, and the days on which it holds: from `begin` up to but not including `end`."""

    version: Version
    begin: date
    end: date


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A plan of a company in an area; `area` decides which monthly prices hold."""

    key: str
    name: str
    company: str
    area: str
    versions: tuple[Version, ...]

    @property
    def follows_market(self) -> bool:
        """Whether half-hours cost what JEPX says, by the newest version."""
        return self.versions[-1].market is not None

    def bands(self, month: Month) -> tuple[Band, ...]:
        """Return the bands in which something can have been used for a bill: of its month and the one before."""
        version = self.version(month)
        return tuple(band for band in version.bands if used_in(month) & band.months) if version else ()

    def version(self, month: Month) -> Version | None:
        """Return the version that holds for a bill whose days are not known; None before the first."""
        return _last(each for each in self.versions if each.since <= month)

    def parts(self, month: Month, begin: date, end: date) -> tuple[Part, ...]:
        """Return which versions hold in a billing period from `begin` up to but not including `end`, in order.

        Several where a version that holds from a day of use on divides it; days before the first version are left out.
        """
        changes = {each.used_from for each in self.versions if each.used_from and begin < each.used_from < end}
        days = sorted({begin, *changes})
        spans = zip(days, [*days[1:], end], strict=True)
        found = ((_last(each for each in self.versions if each.holds(month, day)), day, until) for day, until in spans)
        return tuple(Part(version, day, until) for version, day, until in found if version)


def used_in(month: Month) -> frozenset[int]:
    """Return the months, 1 to 12, in which what is on a bill was used: its own and the one before."""
    return frozenset({month[1], (month[1] - 2) % 12 + 1})


def _last(versions: Iterable[Version]) -> Version | None:
    return max(versions, key=lambda each: (each.since, each.used_from or date.min), default=None)
