"""A household's energy and what it costs, read once for many periods."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial, reduce
from itertools import dropwhile
from typing import NamedTuple

from homemon.core.errors import ConfigError, HomemonError
from homemon.core.points import DAY
from homemon.energy.cost import costs
from homemon.energy.household import Household, Summary
from homemon.energy.market import NoMarketPrice
from homemon.energy.periods import ONE_DAY, Period, billed, calendar, day_of, starts
from homemon.energy.rows import Row
from homemon.energy.spans import Span, total, touching, within
from homemon.energy.statement import statement
from homemon.energy.tariff import Tariff
from homemon.energy.usage import shape
from homemon.runtime.context import App
from homemon.runtime.energy import EDGE, agreed_of, billing_periods, flows, plan_of, portal_spans, tariff_of

LOOK_BACK = {"half-hour": 0, "day": 13, "week": 83, "month": 360, "year": 3650, "bill": 360}
"""How many days before today a table of such periods begins."""


class Priced(NamedTuple):
    """What a billing period costs: spans of yen, or None where no price is known, and why that may change.

    `lacking` is what is missing where a market's prices are.
    """

    period: Period
    spans: Sequence[Span] | None
    doubts: tuple[str, ...] = ()
    lacking: NoMarketPrice | None = None


Prices = Callable[[App, Sequence[Span], int, int], Iterator[Priced]]


def by_half_hour(app: App, bought: Sequence[Span], since: int, until: int) -> Iterator[Priced]:
    """Yield what each half-hour costs by the contract of its time."""
    contracts = app.config.contracts
    if contracts and since < (begin := starts(contracts[0].since)):
        yield Priced(Period("", since, begin), None)
    for contract, each in billed(contracts, day_of(since), day_of(until - 1) + ONE_DAY):
        charges = tariff_of(app, plan_of(app, contract.plan), each, agreed_of(contract))
        if charges is None:
            yield Priced(each.period, None)
            continue
        yield _or_lacking(each.period, partial(_halves, charges, bought, each.period))


def _halves(charges: Tariff, bought: Sequence[Span], period: Period) -> Priced:
    return Priced(period, *costs(charges, shape(bought, period.start, period.end)))


def _or_lacking(period: Period, priced: Callable[[], Priced]) -> Priced:
    """Return what a period costs; where none of the market's prices is known, which."""
    try:
        return priced()
    except NoMarketPrice as error:
        return Priced(period, None, lacking=error)


def whole_bills(app: App, bought: Sequence[Span], since: int, until: int) -> Iterator[Priced]:
    """Yield the whole bill of each billing period."""
    now = int(app.now().wall)
    for contract, each in billed(app.config.contracts, day_of(since), day_of(until - 1) + ONE_DAY):
        charges = tariff_of(app, plan_of(app, contract.plan), each, agreed_of(contract))
        if charges is None or not touching(bought, each.period.start, each.period.end):
            yield Priced(each.period, None)
            continue
        yield _or_lacking(each.period, partial(_whole, charges, bought, each.period, now))


def _whole(charges: Tariff, bought: Sequence[Span], period: Period, now: int) -> Priced:
    found = statement(bought, period, now, charges)
    return Priced(period, [Span(period.start, period.end, Decimal(found.bill.total))], found.doubts)


def unpriced(app: App, bought: Sequence[Span], since: int, until: int) -> Iterator[Priced]:
    """Yield no price."""
    return iter(())


def household(app: App, since: int, until: int) -> Household:
    """Return the household of a time, Unix seconds, and what a gap at either end needs. Raise StoreError.

    It begins where the billing period does, all of which decides what a half-hour in it costs. What was recorded
    of a time to come, by a clock that was ahead, does not count, as in a bill.
    """
    last = min(until + EDGE, int(app.now().wall))
    day = day_of(since)
    first = min([since, *(each.period.start for _, each in billed(app.config.contracts, day, day + ONE_DAY))])
    return Household(flows(app, first, last, edge=EDGE), portal_spans(app, since - EDGE, last))


class Ledger:
    """The energy and yen from `since` to `until`, Unix seconds, by `prices`. Raise StoreError, ConfigError.

    `home` is the household of so much time at least, where it is known already.
    """

    def __init__(
        self, app: App, since: int, until: int, prices: Prices = by_half_hour, home: Household | None = None
    ) -> None:
        self.household = home or household(app, since, until)
        reached = min(until, int(app.now().wall) + 1)
        self._priced = list(prices(app, self.household.flows["bought"], since, reached))
        lacking = [each.lacking for each in self._priced if each.lacking]
        self.unpriced: HomemonError | None = reduce(NoMarketPrice.joined, lacking) if lacking else None

    def row(self, period: Period) -> Row:
        """Return what a period comes to; where something was bought at a price not known, its yen are not known."""
        row = _row(period, self.household.summary(period.start, period.end), self._priced)
        why = f"{self.unpriced}. {self.unpriced.hint}" if self.unpriced and row.yen is None else ""
        return row._replace(unpriced=why)

    def rows(self, periods: Iterable[Period]) -> list[Row]:
        """Return a row for each period, without those at the beginning of which nothing is known."""
        found = map(self.row, periods)
        return list(dropwhile(lambda row: not any(known.hours for known in row.summary[:4]), found))


def known(app: App, since: int, until: int, home: Household | None = None) -> Ledger:
    """Return the ledger; without yen where a contract cannot be priced, which is reported. Raise StoreError."""
    try:
        found = Ledger(app, since, until, home=home)
    except ConfigError as error:
        found = Ledger(app, since, until, unpriced, home)
        found.unpriced = error
    if found.unpriced:
        app.warn(f"no yen are shown: {found.unpriced}", found.unpriced.hint)
    return found


def _row(period: Period, summary: Summary, priced: Sequence[Priced]) -> Row:
    parts = [each for each in priced if each.period.start < period.end and period.start < each.period.end]
    found = [each.spans for each in parts if each.spans is not None]
    if summary.bought.kwh is None or not parts or len(found) < len(parts):
        return Row(period, summary, None)
    yen = sum((total(within(spans, period.start, period.end)) for spans in found), Decimal(0))
    return Row(period, summary, yen, tuple(dict.fromkeys(doubt for each in parts for doubt in each.doubts)))


def rows(app: App, by: str, since: int | None, until: int) -> list[Row]:
    """Return the energy of each period of a kind, without those at the beginning of which nothing is known.

    `since` and `until` in Unix seconds; without `since` as LOOK_BACK has it. Raise StoreError, ConfigError.
    """
    begin = starts(day_of(until - 1)) - LOOK_BACK[by] * DAY if since is None else since
    periods = list(_of_bills(app, begin, until) if by == "bill" else calendar(by, begin, until))
    if not periods:
        return []
    prices = whole_bills if by == "bill" else by_half_hour
    return Ledger(app, periods[0].start, periods[-1].end, prices).rows(periods)


def _of_bills(app: App, since: int, until: int) -> Iterator[Period]:
    list(billing_periods(app, day_of(until - 1), None))
    return (each.period for _, each in billed(app.config.contracts, day_of(since), day_of(until - 1) + ONE_DAY))
