"""A household's energy, contracts and bills, from the store and the configuration."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial
from itertools import dropwhile
from typing import NamedTuple

from homemon.config.keys import Contract
from homemon.core.errors import ConfigError
from homemon.core.points import DAY
from homemon.energy import bill, forecast, household, shipped
from homemon.energy.bill import Price
from homemon.energy.calendar import bands_of_day
from homemon.energy.cost import costs
from homemon.energy.household import Household, Summary
from homemon.energy.periods import ONE_DAY, Billed, Period, billed, calendar, day_of, starts
from homemon.energy.plan import Month, Plan
from homemon.energy.rows import Row
from homemon.energy.spans import Span, total, within
from homemon.energy.statement import Statement, statement
from homemon.energy.usage import shape
from homemon.runtime import state
from homemon.runtime.context import App
from homemon.storage.meters import Meters

LOOK_BACK = {"half-hour": 0, "day": 13, "week": 83, "month": 360, "year": 3650, "bill": 360}
"""How many days before today a table of such periods begins."""
EDGE = 40 * DAY  # seconds before and after a period in which a reading is looked for, where there is none at its ends
UNITS = ("ampere", "kva", "kw")


class Charged(NamedTuple):
    """The bill of a billing period by a plan."""

    plan: Plan
    billed: Billed
    statement: Statement


def flows(app: App, since: int, until: int) -> household.Flows:
    """Return what is known of bought, sold and generated energy in a period, Unix seconds. Raise StoreError."""
    scale = state.load(app.folder).scale
    modulus = scale.modulus if scale else None
    return household.read(app.store.archive, since, until, modulus, Meters(app.store).exchanges())


def charged(
    app: App, month: Month | None, plan: str | None, agreed: bill.Contract, given: Mapping[str, Price]
) -> Iterator[Charged]:
    """Yield the bills of a month, by the `plan` and what is `agreed` where these say something else than the contract.

    Without a month they are those of the running periods.

    Where a contract ended in a month there are two. Raise ConfigError where no contract holds, or a plan has no prices.
    """
    now = int(app.now().wall)
    found = list(_periods(app, day_of(now), month))
    for contract, each in found:
        start, end = each.period.start, each.period.end
        look_back = forecast.LOOK_BACK.days * DAY if now < end else EDGE
        bought = flows(app, start - look_back, min(end + EDGE, now))["bought"]
        yield charge(
            shipped.find(plan or contract.plan, app.config.path.parent),
            _agreed(agreed, contract),
            each,
            bought,
            now,
            given,
        )


def _periods(app: App, today: date, month: Month | None) -> Iterator[tuple[Contract, Billed]]:
    contracts = _contracts(app)
    since, until = (today, today + ONE_DAY) if month is None else _around(month)
    found = [(contract, each) for contract, each in billed(contracts, since, until) if month in (None, each.month)]
    if not found:
        which = "today" if month is None else f"the bill of {month[0]}-{month[1]:02}"
        raise ConfigError(
            f"{app.config.path}: no [contract] holds for {which}: the first begins on {contracts[0].since}",
            "Add one for the time before, with its day.",
        )
    yield from found


def _agreed(*several: bill.Contract | Contract) -> bill.Contract:
    """Return what is agreed: each unit as the first of several says it."""
    return bill.Contract(
        **{unit: next(filter(None, (getattr(each, unit) for each in several)), None) for unit in UNITS}
    )


def _contracts(app: App) -> Sequence[Contract]:
    """Return the contracts. Raise ConfigError where there is none."""
    if not app.config.contracts:
        raise ConfigError(
            f"{app.config.path}: there is no [contract], which says by which plan you pay",
            "See config.ini.example; or give --plan and --kwh.",
        )
    return app.config.contracts


def _around(month: Month) -> tuple[date, date]:
    """Return a time in which the billing periods of a month have a day."""
    first = date(*month, 1)
    return first - 31 * ONE_DAY, first + 32 * ONE_DAY


def charge(
    plan: Plan, agreed: bill.Contract, each: Billed, bought: household.Spans, now: int, given: Mapping[str, Price]
) -> Charged:
    """Return the bill of a billing period by a plan. Raise ConfigError."""
    version = shipped.version_of(plan, each.month)
    found = statement(
        bought,
        each.period,
        now,
        partial(bands_of_day, version),
        lambda kwh: shipped.bill(plan, each.month, agreed, kwh, given),
    )
    return Charged(plan, each, found)


# --- a row a period ---------------------------------------------------------------------------


def rows(app: App, by: str, since: int | None, until: int) -> list[Row]:
    """Return the energy of each period of a kind, without those at the beginning of which nothing is known.

    `since` and `until` in Unix seconds; without `since` as LOOK_BACK has it. Raise StoreError, ConfigError.
    """
    begin = starts(day_of(until - 1)) - LOOK_BACK[by] * DAY if since is None else since
    periods = list(_of_bills(app, begin, until) if by == "bill" else calendar(by, begin, until))
    if not periods:
        return []
    house = Household(flows(app, periods[0].start - EDGE, periods[-1].end + EDGE))
    price = _bills if by == "bill" else _costs
    reached = min(periods[-1].end, int(app.now().wall) + 1)
    priced = list(price(app, house.flows["bought"], periods[0].start, reached))
    found = [_row(period, house.summary(period.start, period.end), priced) for period in periods]
    return list(dropwhile(lambda row: not any(known.hours for known in row.summary[:4]), found))


def _of_bills(app: App, since: int, until: int) -> Iterator[Period]:
    return (each.period for _, each in billed(_contracts(app), day_of(since), day_of(until - 1) + ONE_DAY))


class Priced(NamedTuple):
    """What a billing period costs: spans of yen, or None where no price is known, and why that may change."""

    period: Period
    spans: Sequence[Span] | None
    doubts: tuple[str, ...] = ()


def _row(period: Period, summary: Summary, priced: Sequence[Priced]) -> Row:
    """Return a row; where something was bought at a price that is not known, its yen are not known."""
    parts = [each for each in priced if each.period.start < period.end and period.start < each.period.end]
    found = [each.spans for each in parts if each.spans is not None]
    if summary.bought.kwh is None or not parts or len(found) < len(parts):
        return Row(period, summary, None)
    yen = sum((total(within(spans, period.start, period.end)) for spans in found), Decimal(0))
    return Row(period, summary, yen, tuple(dict.fromkeys(doubt for each in parts for doubt in each.doubts)))


def _costs(app: App, bought: household.Spans, since: int, until: int) -> Iterator[Priced]:
    """Yield what each half-hour costs by the contract of its time."""
    contracts = app.config.contracts
    if contracts and since < (begin := starts(contracts[0].since)):
        yield Priced(Period("", since, begin), None)
    for contract, each in billed(contracts, day_of(since), day_of(until - 1) + ONE_DAY):
        plan = shipped.find(contract.plan, app.config.path.parent)
        version = plan.version(each.month)
        if version is None:
            yield Priced(each.period, None)
            continue
        by_kwh, doubts = bill.each_kwh(version, each.month, shipped.prices(plan, version, {}))
        known = shape(bought, each.period.start, each.period.end)
        yield Priced(each.period, list(costs(version, known, partial(bands_of_day, version), by_kwh)), doubts)


def _bills(app: App, bought: household.Spans, since: int, until: int) -> Iterator[Priced]:
    """Yield the whole bill of each billing period."""
    now = int(app.now().wall)
    for contract, each in billed(app.config.contracts, day_of(since), day_of(until - 1) + ONE_DAY):
        plan = shipped.find(contract.plan, app.config.path.parent)
        if plan.version(each.month) is None:
            yield Priced(each.period, None)
            continue
        found = charge(plan, _agreed(contract), each, bought, now, {}).statement
        yield Priced(each.period, [Span(each.period.start, each.period.end, Decimal(found.bill.total))], found.doubts)
