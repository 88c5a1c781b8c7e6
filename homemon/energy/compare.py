"""One household's half-hours through several plans: what each of them would have come to, and why.

All plans are given the same billing periods, with the same half-hours known of each. A plan that cannot bill one of
them is left out, with the reason: a sum of fewer months is never set beside one of more.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import NamedTuple

from homemon.core.errors import ConfigError
from homemon.energy.bill import YEN, Bill, Contract, Line
from homemon.energy.periods import Billed
from homemon.energy.plan import Plan
from homemon.energy.spans import ZERO
from homemon.energy.tariff import Tariff
from homemon.energy.usage import Shape, parted

A_YEAR = 12  # bills


class Past(NamedTuple):
    """A billing period that is over, its half-hours, and the kWh of the highest of them.

    The first of several has those before it that are known, up to eleven, which decide about its kW of real demand.
    """

    billed: Billed
    shape: Shape
    peak: Decimal
    earlier: "tuple[Past, ...]" = ()


class Outcome(NamedTuple):
    """What a plan would have come to: whole yen of each bill, their lines added up, and why it may be another sum."""

    plan: Plan
    bills: tuple[int, ...]
    lines: tuple[Line, ...]
    doubts: tuple[str, ...]

    @property
    def yen(self) -> int:
        """What the bills come to."""
        return sum(self.bills)

    @property
    def a_year(self) -> int:
        """The yen of a year, of which the bills are a part, or which is one of theirs."""
        return self._of(A_YEAR)

    @property
    def a_month(self) -> int:
        """The yen of a month."""
        return self._of(1)

    def _of(self, months: int) -> int:
        return int((Decimal(self.yen * months) / len(self.bills)).quantize(YEN, ROUND_HALF_UP))

    @property
    def energy(self) -> tuple[Line, ...]:
        """The lines of what was used, in the order of the plan's bands."""
        names = list(dict.fromkeys(band.name for version in self.plan.versions for band in version.bands))
        found = (line for line in self.lines if line.kwh is not None and line.name in names)
        return tuple(sorted(found, key=lambda line: (names.index(line.name), line.tier or 0)))


class LeftOut(NamedTuple):
    """A plan that cannot be compared, and why."""

    plan: Plan
    error: ConfigError


def past(billed: Billed, shape: Shape) -> Past:
    """Return a billing period with its half-hours."""
    return Past(billed, shape, max(map(max, shape.days.values()), default=ZERO))


Charge = Callable[[Plan, Billed, Contract], Tariff]
"""What a plan charges for a billing period by a contract. Raises ConfigError where it has no prices for it."""


def outcome(plan: Plan, periods: Sequence[Past], agreed: Contract, charge: Charge) -> Outcome:
    """Return what a plan would have come to. Raise ConfigError where it cannot bill one of the periods."""
    found = [_billed(plan, periods, number, agreed, charge) for number in range(len(periods))]
    doubts = dict.fromkeys(doubt for _, doubts in found for doubt in doubts)
    bills = [bill for bill, _ in found]
    return Outcome(plan, tuple(bill.total for bill in bills), tuple(_added(bills)), tuple(doubts))


def outcomes(
    plans: Iterable[Plan], periods: Sequence[Past], agreed: Contract, charge: Charge
) -> tuple[list[Outcome], list[LeftOut]]:
    """Return what each plan would have come to, the cheapest first, and which of them cannot be compared."""
    found, left_out = [], []
    for plan in plans:
        try:
            found.append(outcome(plan, periods, agreed, charge))
        except ConfigError as error:
            left_out.append(LeftOut(plan, error))
    return sorted(found, key=lambda each: (each.yen, each.plan.key)), left_out


def _billed(
    plan: Plan, periods: Sequence[Past], number: int, agreed: Contract, charge: Charge
) -> tuple[Bill, tuple[str, ...]]:
    """Return the bill of one of the periods, and why it may change; what is missing of it concerns all plans alike.

    The kW of real demand are those of a period and the eleven before it. Where those are not known it has the highest
    half-hour of the first twelve: it is the demand of one who goes on as in that year.
    """
    billed, shape, *_ = periods[number]
    tariff = charge(plan, billed, agreed)
    if agreed.kw is None and tariff.by_demand:
        earlier = periods[0].earlier
        window = [*earlier, *periods][max(0, len(earlier) + number - A_YEAR + 1) :][:A_YEAR]
        known = len(window) == A_YEAR and not any(each.shape.spread or each.shape.missing for each in window)
        tariff = tariff.demanding((each.peak for each in window), not known)
    bill = tariff.bill(shape.days, complete=not shape.missing)
    return bill, (*bill.provisional, *parted(shape, tariff.bands))


def kwh(periods: Iterable[Past]) -> Decimal:
    """Return what was bought."""
    return sum((sum(half_hours, ZERO) for each in periods for half_hours in each.shape.days.values()), ZERO)


def missing(periods: Iterable[Past]) -> Iterator[str]:
    """Yield of which hours of which bill nothing is known: for no plan are they counted."""
    yield from (f"{each.billed.period.label}: {why}" for each in periods for why in each.shape.missing)


def _added(bills: Iterable[Bill]) -> Iterator[Line]:
    """Yield the lines of several bills, those of one name and tier added up."""
    alike: dict[tuple[str, int | None], list[Line]] = {}
    for line in (line for bill in bills for line in bill.lines):
        alike.setdefault((line.name, line.tier), []).append(line)
    for (name, tier), lines in alike.items():
        energies = [line.kwh for line in lines if line.kwh is not None]
        yen = sum((line.yen for line in lines), ZERO)
        yield Line(name, yen, sum(energies, ZERO) if energies else None, None, tier)


def concerned(found: Iterable[Outcome]) -> Mapping[tuple[str, ...], list[str]]:
    """Return by the keys of plans why their sums may be others: what concerns several is there once."""
    plans: dict[str, list[str]] = {}
    for each in found:
        for doubt in each.doubts:
            plans.setdefault(doubt, []).append(each.plan.key)
    doubts: dict[tuple[str, ...], list[str]] = {}
    for doubt, keys in plans.items():
        doubts.setdefault(tuple(keys), []).append(doubt)
    return doubts
