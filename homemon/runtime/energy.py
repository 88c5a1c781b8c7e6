"""A household's energy and bills, from the store and the contracts of config.ini."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from types import MappingProxyType
from typing import NamedTuple

from homemon.config.keys import Contract
from homemon.core.errors import ConfigError, NoConfig
from homemon.core.points import DAY, HALF_HOUR
from homemon.energy import bill, forecast, household, shipped
from homemon.energy.bill import Price
from homemon.energy.household import Flows
from homemon.energy.periods import ONE_DAY, Billed, billed, day_of, starts
from homemon.energy.plan import Month, Plan
from homemon.energy.prices import Entered, Table
from homemon.energy.selling import Income
from homemon.energy.spans import Span, filled, within
from homemon.energy.statement import Statement, sold_for, statement
from homemon.energy.tariff import Tariff, spot, tariff
from homemon.energy.usage import shape
from homemon.runtime import kept, state
from homemon.runtime.context import App
from homemon.sources.registry import AREAS
from homemon.storage.imported import portal, spot_prices
from homemon.storage.meters import Meters

EDGE = 40 * DAY  # seconds before and after a period in which a reading is looked for, where there is none at its ends
MONTH = 31 * DAY
ELEVEN = 11  # bills before one, whose highest half-hour decides with its own about the kW of real demand
UNITS = ("ampere", "kva", "kw")
NOTHING_AGREED = bill.Contract()


def flows(app: App, since: int, until: int, names: Iterable[str] = household.QUANTITIES, edge: int = 0) -> Flows:
    """Return what is known of bought, sold and generated energy in a period, Unix seconds. Raise StoreError.

    Of the `edge`, so many seconds before, as `household.read` has it.
    """
    scale = state.load(app.folder).scale
    modulus = scale.modulus if scale else None
    return household.read(app.store.archive, since, until, modulus, Meters(app.store).exchanges(), names, edge)


def portal_spans(app: App, since: int, until: int) -> list[Span]:
    """Return what the company's portal says was bought in a period: half-hours, and hours where it has no such."""
    said = [Span(each.start, each.start + each.seconds, each.kwh) for each in portal(app.store.archive, since, until)]
    halves, hours = ([span for span in said if (span.seconds == HALF_HOUR) is short] for short in (True, False))
    return filled(halves, hours)


# --- bills ------------------------------------------------------------------------------------


class Every(NamedTuple):
    """Billing periods that begin on a day of each month."""

    reading_day: int
    since: date = date.min


class Charged(NamedTuple):
    """The bill of a billing period by a plan, what is paid for what was sold, and what the company said it came to."""

    plan: Plan
    billed: Billed
    statement: Statement
    income: Income | None
    entered: Entered | None


def bills(
    app: App, month: Month | None, name: str | None, agreed: bill.Contract, given: Mapping[str, Price]
) -> Iterator[Charged]:
    """Yield the bills of a month, two where a contract ended in it; without a month that of the running period.

    The plan called `name`, and what is `agreed`, stand in for what the contract says. Raise ConfigError where no
    contract holds, or its plan has no prices.
    """
    now = int(app.now().wall)
    for contract, each in list(billing_periods(app, day_of(now), month)):
        if each.period.start > now:
            raise ConfigError(f"the billing period of {each.period.label} has not begun", "Name an earlier --month.")
        look_back = forecast.LOOK_BACK.days * DAY if now < each.period.end else EDGE
        names = ("bought", "sold") if contract.sell else ("bought",)
        known = flows(app, each.period.start - look_back, min(each.period.end + EDGE, now), names)
        yield _charged(app, contract, each, now, known, shipped.find(name) if name else None, agreed, given)


def bill_at(app: App, contract: Contract, each: Billed, at: int, known: Flows) -> Charged:
    """Return the bill of a billing period as it was at a time, Unix seconds, out of what is known of its energy.

    Raise ConfigError, NothingKnown.
    """
    return _charged(app, contract, each, at, known)


def _charged(
    app: App,
    contract: Contract,
    each: Billed,
    now: int,
    known: Flows,
    plan: Plan | None = None,
    agreed: bill.Contract = NOTHING_AGREED,
    given: Mapping[str, Price] = MappingProxyType({}),
) -> Charged:
    by = plan or plan_of(app, contract.plan)
    charges = tariff_of(app, by, each, agreed_of(agreed, contract), given)
    if charges is None:
        raise shipped.too_early(by)
    earned = income(app, contract, each, known.get("sold", ()), now)
    return Charged(
        by,
        each,
        statement(known["bought"], each.period, now, charges),
        earned,
        kept.load(app.config).billed.get(each.month) if not plan and each.days == each.usual else None,
    )


class Terms(NamedTuple):
    """By which plan a bill is computed, what is agreed, and the prices that are kept."""

    plan: Plan
    agreed: bill.Contract
    prices: Mapping[str, Table] = MappingProxyType({})


def terms(app: App, month: Month, name: str | None, agreed: bill.Contract) -> Terms:
    """Return what holds for the bill of a month whose kWh are given: the contract's, but for what is said otherwise.

    Raise ConfigError where neither a plan is named nor a contract holds. With a plan no config.ini is needed.
    """
    try:
        config = app.config
    except NoConfig:
        if name is None:
            raise
        return Terms(shipped.find(name), agreed)
    known = kept.load(config)
    if name:
        plan = shipped.find(name)
        return Terms(plan, agreed_of(agreed, *_held(app, month)[-1:]), known.of(plan.area))
    contract = list(billing_periods(app, date(*month, 1), month))[-1][0]
    plan = plan_of(app, contract.plan)
    return Terms(plan, agreed_of(agreed, contract), known.of(plan.area))


def _held(app: App, month: Month) -> list[Contract]:
    """Return the contracts that hold for a bill."""
    return [contract for contract, each in billed(app.config.contracts, *_around(month)) if each.month == month]


def billing_plan(app: App, month: Month) -> Plan | None:
    """Return the plan of a bill: the contract's of that time, else the last one's; None where there is no contract.

    Raise ConfigError.
    """
    held = _held(app, month) or app.config.contracts
    return plan_of(app, held[-1].plan) if held else None


def _around(month: Month) -> tuple[date, date]:
    """Return a time in which each billing period of a month has a day."""
    first = date(*month, 1)
    return first - 31 * ONE_DAY, first + 32 * ONE_DAY


def billing_periods(app: App, today: date, month: Month | None) -> Iterator[tuple[Contract, Billed]]:
    """Yield the billing periods of a month, or the one of `today`, with their contracts. Raise ConfigError."""
    contracts = app.config.contracts
    if not contracts:
        raise ConfigError(
            f"{app.config.path}: there is no [contract], which says by which plan you pay",
            "See config.ini.example; or give --plan and --kwh.",
        )
    since, until = (today, today + ONE_DAY) if month is None else _around(month)
    found = [(contract, each) for contract, each in billed(contracts, since, until) if month in (None, each.month)]
    if not found:
        which = "today" if month is None else f"the bill of {month[0]}-{month[1]:02}"
        raise ConfigError(
            f"{app.config.path}: no [contract] holds for {which}: the first begins on {contracts[0].since}",
            "Add one for the time before, with its day.",
        )
    yield from found


def plan_of(app: App, name: str) -> Plan:
    """Return a plan that is shipped, or that of a file as config.ini names it. Raise ConfigError."""
    return shipped.find(name, app.config.path.parent)


def agreed_of(*several: bill.Contract | Contract) -> bill.Contract:
    """Return what is agreed: each unit as the first of several says it."""
    said = {unit: [amount for each in several if (amount := getattr(each, unit))] for unit in UNITS}
    return bill.Contract(**{unit: amounts[0] for unit, amounts in said.items() if amounts})


def tariff_of(
    app: App, plan: Plan, each: Billed, agreed: bill.Contract, given: Mapping[str, Price] = MappingProxyType({})
) -> Tariff | None:
    """Return what a plan charges for a billing period; None where it has no prices for it."""
    charges = tariff(plan, each, agreed, given, kept.load(app.config).of(plan.area))
    if charges and charges.by_demand and agreed.kw is None:
        charges = _demanding(app, charges)
    if charges is None or not charges.follows_market:
        return charges
    area = spot_area(plan)
    return charges._replace(spot=spot(spot_prices(app.store.archive, area, each.period.start, each.period.end)))


def spot_area(plan: Plan) -> str:
    """Return the area whose JEPX prices a plan follows; Okinawa has none of its own."""
    return plan.area if plan.area in AREAS else "system"


def _demanding(app: App, charges: Tariff) -> Tariff:
    """Return it with the kW of the billing period and the eleven before it; as it is where no half-hour is known."""
    first = charges.billed.first
    every = Every(max(first.day, charges.billed.after.day))  # a day that February lacks is one of the two
    earlier = [each.first for _, each in billed([every], first - 13 * 31 * ONE_DAY, first)][-ELEVEN:]
    since, until = starts(earlier[0]), charges.billed.period.end
    bought = flows(app, since, until, ["bought"])["bought"]
    peaks = [span.kwh for span in within(bought, since, until) if span.seconds == HALF_HOUR]
    missing = bool(shape(bought, since, min(until, int(app.now().wall) - HALF_HOUR)).missing)
    return charges.demanding(peaks, missing) if peaks else charges


def demand_limit(app: App, now: int) -> Decimal | None:
    """Return the kW of demand from which on the present contract's base charge rises; None where it goes by no kW.

    They are those of the bill's highest half-hour of a year (実量制). None also where less than a month is known: its
    highest half-hour is that of any evening. Raise ConfigError, StoreError.
    """
    contract, each = next(billing_periods(app, day_of(now), None))
    first = next(app.store.archive.values("+power", "value", 0, now), None)
    if first is None or now - first[0] < MONTH:
        return None
    charges = tariff_of(app, plan_of(app, contract.plan), each, agreed_of(contract))
    return charges.rises_at if charges else None


def income(app: App, contract: Contract, each: Billed, sold: Sequence[Span], now: int) -> Income | None:
    """Return what is paid for what was sold in a billing period; None where nothing is agreed. Raise ConfigError."""
    if not contract.sell:
        return None
    return sold_for(sold, each.first, each.after, now, shipped.selling(contract.sell, app.config.path.parent))
