"""What a contract charges for one billing period: the versions of its plan that hold in it, and their bill."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from typing import NamedTuple

from homemon.core.points import HALF_HOUR
from homemon.energy import shipped
from homemon.energy.bill import Bill, Contract, Price, Used, demand_kw, each_kwh
from homemon.energy.calendar import bands_of_day
from homemon.energy.market import HalfHour, MarketCost, Spot, market_cost
from homemon.energy.periods import Billed, starts
from homemon.energy.plan import Band, Part, Plan, Version
from homemon.energy.prices import Table
from homemon.energy.pro_rata import days_of
from homemon.energy.usage import Days, by_band

HALF = Decimal("0.5")  # kW


def unknown(half_hour: HalfHour) -> None:
    """Return no price: where nobody has imported JEPX's."""


def spot(prices: Mapping[int, Decimal]) -> Spot:
    """Return JEPX's prices by day and half-hour, of those by the start of each, Unix seconds."""
    return lambda half_hour: prices.get(starts(half_hour[0]) + half_hour[1] * HALF_HOUR)


class Tariff(NamedTuple):
    """A plan, with what is agreed and the prices given, for a billing period. `parts` are never empty.

    `given` are prices of this bill, `kept` those of several; `spot` gives JEPX's prices to a plan that follows them.
    `doubts` say why what is agreed may be otherwise.
    """

    plan: Plan
    billed: Billed
    agreed: Contract
    given: Mapping[str, Price]
    parts: Sequence[Part]
    kept: Mapping[str, Table] = shipped.NOTHING
    spot: Spot = unknown
    doubts: tuple[str, ...] = ()

    @property
    def by_demand(self) -> bool:
        """Whether the base charge goes by kW, which are those of the highest half-hour (実量制)."""
        blocks = (part.version.base.block for part in self.parts)
        return any(block and block.unit == "kw" for block in blocks)

    def demanding(self, peaks: Iterable[Decimal], missing: bool) -> "Tariff":
        """Return it with the kW of the highest half-hours of a year, in kWh, of which some may be missing."""
        kw = demand_kw(peaks)
        doubts = (f"{kw} kW of real demand are those of the half-hours that are known",) if missing else ()
        return self._replace(agreed=replace(self.agreed, kw=kw), doubts=self.doubts + doubts)

    @property
    def rises_at(self) -> Decimal | None:
        """The kW of demand from which on the base charge rises; None where it goes by no kW, or they are not known.

        Those of the contract are rounded half up, and the first ones may be paid for anyway.
        """
        blocks = [block for part in self.parts if (block := part.version.base.block) and block.unit == "kw"]
        return max(self.agreed.kw, blocks[-1].first) + HALF if blocks and self.agreed.kw else None

    @property
    def follows_market(self) -> bool:
        """Whether half-hours cost what JEPX says."""
        return any(part.version.market for part in self.parts)

    def bands(self, day: date) -> tuple[Band, ...]:
        """Return the bands of a day's 48 half-hours. Raise ConfigError where the plan has none for some."""
        return bands_of_day(self.part(day).version, day)

    def part(self, day: date) -> Part:
        """Return the version that holds on a day."""
        return next((part for part in self.parts if part.begin <= day < part.end), self.parts[-1])

    def bill(self, days: Days, complete: bool = True) -> Bill:
        """Return the bill for the 48 kWh of each day, which are `complete` where they are all of the period.

        Raise ConfigError where the plan lacks what is agreed.
        """
        *earlier, last = (self._used(part, days) for part in self.parts)
        found = shipped.bill(
            self.plan,
            self.billed.month,
            self.agreed,
            last.kwh,
            self.given,
            self.kept,
            version=last.version,
            earlier=earlier,
            market=last.market,
            read=self.billed.read,
            complete=complete,
            days=days_of(self.billed.first, self.billed.after, self.billed.usual),
        )
        return replace(found, provisional=found.provisional + self.doubts)

    def _used(self, part: Part, days: Days) -> Used:
        own = {day: kwh for day, kwh in days.items() if self.part(day) is part}
        return Used(part.version, by_band(own, partial(bands_of_day, part.version)), self.market(part.version, own))

    def market(self, version: Version, days: Days) -> MarketCost | None:
        """Return what days cost by JEPX; None where the version does not follow it."""
        if version.market is None:
            return None
        halves = (((day, number), kwh) for day, each in days.items() for number, kwh in enumerate(each))
        return market_cost(version.market, halves, self.spot)

    def each_kwh(self) -> tuple[Decimal, tuple[str, ...]]:
        """Return what a kWh costs in any band, and why that is not sure."""
        version = self.parts[-1].version
        return each_kwh(
            version, self.billed.month, shipped.prices(self.plan, version, self.given, self.kept, self.billed.read)
        )


def tariff(
    plan: Plan, billed: Billed, agreed: Contract, given: Mapping[str, Price], kept: Mapping[str, Table]
) -> Tariff | None:
    """Return what a plan charges for a billing period; None where it has no prices for it."""
    parts = plan.parts(billed.month, billed.first, billed.after)
    return Tariff(plan, billed, agreed, given, parts, kept) if parts and parts[0].begin == billed.first else None
