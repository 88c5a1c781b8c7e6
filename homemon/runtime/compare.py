"""A household's last bills by every plan of its area, from the store and the contract of config.ini."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from types import MappingProxyType
from typing import NamedTuple

from homemon.config.keys import Contract
from homemon.core.errors import ConfigError, HomemonError
from homemon.core.points import HOUR
from homemon.energy import amperes, bill, compare, shift, shipped
from homemon.energy.amperes import Advice
from homemon.energy.compare import Charge, Outcome, Past
from homemon.energy.compared import Compared, Moved
from homemon.energy.periods import ONE_DAY, Billed, billed, day_of
from homemon.energy.plan import Plan
from homemon.energy.spans import Span
from homemon.energy.tariff import Tariff, spot, tariff
from homemon.energy.usage import Days, shape
from homemon.runtime import kept
from homemon.runtime.context import App
from homemon.runtime.energy import EDGE, ELEVEN, agreed_of, billing_periods, flows, plan_of, spot_area
from homemon.storage.imported import spot_prices

LONGEST = 31 * ONE_DAY  # of a month
ECOCUTE = "ecocute"
NO_PRICES: Mapping[str, bill.Price] = MappingProxyType({})


class Wish(NamedTuple):
    """What is to be compared: so many bills, what is agreed instead of the contract's, plans of other areas or one's
    own, and the hours into which the EcoCute is shifted, as half-hours from 0, None where it is not.
    """

    months: int
    agreed: bill.Contract
    plans: Sequence[str] = ()
    into: tuple[int, int] | None = None


def compared(app: App, wish: Wish) -> Compared:
    """Return the last bills of a household by each plan, the cheapest first.

    Raise ConfigError where there is no contract, or the present plan cannot have what is wished; HomemonError where
    no billing period is known from its beginning to its end; StoreError.
    """
    now = int(app.now().wall)
    contract, running = list(billing_periods(app, day_of(now), None))[-1]
    past = _past(app, contract, running, wish.months, now)
    agreed, charge = agreed_of(wish.agreed, contract), _charge(app, past)
    wished, moved = (past, None) if wish.into is None else _shifted(app, contract, past, wish.into)
    plan, *others = _plans(app, contract, wish.plans)
    today = _today(plan, past, contract, wish, charge)
    found, left_out = compare.outcomes((plan, *others), wished, agreed, charge)
    if not found:
        raise left_out[0].error

    def saved(ampere: int) -> int | None:
        return today and today.a_month - compare.outcome(plan, past, bill.Contract(ampere=ampere), charge).a_month

    advice = _advice(app, past, now, agreed, plan, saved)
    return Compared(wish.months, plan, past, today, found, left_out, moved, advice)


def _plans(app: App, contract: Contract, names: Sequence[str]) -> list[Plan]:
    """Return the contract's plan, those of its area, and those called `names`. Raise ConfigError."""
    plan = plan_of(app, contract.plan)
    others = dict.fromkeys((*(each.key for each in shipped.of_area(plan.area)), *names))
    return [plan, *(shipped.find(name) for name in others if name != contract.plan)]


def _today(plan: Plan, past: Sequence[Past], contract: Contract, wish: Wish, charge: Charge) -> Outcome | None:
    """Return what the present plan comes to as it is; None where that cannot be computed.

    What the contract does not say is as wished. Raise ConfigError where the plan lacks what is wished, such as an
    ampere: for what it lacks in any case it is left out as others.
    """
    ways = (agreed_of(contract), agreed_of(contract, wish.agreed), agreed_of(wish.agreed, contract))
    own, filled, wished = (_attempt(plan, past, agreed, charge) for agreed in ways)
    if isinstance(wished, ConfigError) and str(wished) != str(own):
        raise wished
    return next((each for each in (own, filled) if isinstance(each, Outcome)), None)


def _attempt(plan: Plan, past: Sequence[Past], agreed: bill.Contract, charge: Charge) -> Outcome | ConfigError:
    try:
        return compare.outcome(plan, past, agreed, charge)
    except ConfigError as error:
        return error


# --- what is stored -------------------------------------------------------------------------


def _past(app: App, contract: Contract, running: Billed, months: int, now: int) -> list[Past]:
    """Return the last billing periods, as if the contract had always been this one.

    Without those before the store begins, and those of which nothing is known. Raise HomemonError where none is left.
    """
    ever = contract._replace(since=date.min)
    first = next(iter(app.store.archive.values("+power", "value", 0, 1 << 62)), (now, 0))[0]
    before = [each for _, each in billed([ever], running.first - (months + ELEVEN + 1) * LONGEST, running.first)]
    over = [each for each in before if first <= each.period.start and each.period.end <= now][-months - ELEVEN :]
    if over:
        bought = flows(app, over[0].period.start - EDGE, min(over[-1].period.end + EDGE, now), ["bought"])["bought"]
        past = [compare.past(each, shape(bought, each.period.start, each.period.end)) for each in over]
        if found := [each for each in past if each.shape.days]:
            earlier, last = found[:-months], found[-months:]
            return [last[0]._replace(earlier=tuple(earlier)), *last[1:]]
    raise HomemonError(
        "no billing period is stored from its beginning to its end",
        f"The running one ends before {running.after}; `homemon bill` shows it.",
    )


def _charge(app: App, past: Sequence[Past]) -> Charge:
    """Return what a plan charges, with the prices kept beside config.ini and JEPX's."""
    known = kept.load(app.config)
    since, until = past[0].billed.period.start, past[-1].billed.period.end

    @cache
    def market(area: str) -> Mapping[int, Decimal]:
        return spot_prices(app.store.archive, area, since, until)

    def charge(plan: Plan, each: Billed, agreed: bill.Contract) -> Tariff:
        found = tariff(plan, each, agreed, NO_PRICES, known.of(plan.area))
        if found is None:
            raise ConfigError(str(shipped.too_early(plan)), "Compare fewer --months.")
        return found._replace(spot=spot(market(spot_area(plan)))) if found.follows_market else found

    return charge


# --- what if --------------------------------------------------------------------------------


def _shifted(app: App, contract: Contract, past: Sequence[Past], into: tuple[int, int]) -> tuple[list[Past], Moved]:
    """Return the periods with the EcoCute in other hours. Raise ConfigError where nothing of it is recorded."""
    since, until = past[0].billed.period.start, past[-1].billed.period.end
    heated = shift.heating(
        *(app.store.archive.values(ECOCUTE, field, since - EDGE, until + EDGE) for field in ("powerSum", "power"))
    )
    sold = flows(app, since, until, ["sold"])["sold"]
    slots = shift.slots(into)
    found = [shift.shift(each.shape.days, _days(heated, each), _days(sold, each), slots) for each in past]
    if not any(span.end > since and span.start < until for span in heated):
        raise ConfigError(
            "nothing of the EcoCute is recorded in these billing periods: it cannot be shifted",
            "`homemon ecocute-poll` each 10 minutes records it.",
        )
    unsold = {day: kwh for each in found for day, kwh in each.unsold.items()}
    selling = shipped.selling(contract.sell, app.config.path.parent) if contract.sell else None
    moved = Moved(
        into,
        sum((each.moved for each in found), Decimal(0)),
        sum(unsold.values(), Decimal(0)),
        shift.not_paid(unsold, selling) if selling else None,
    )
    shifted = [
        compare.past(each.billed, each.shape._replace(days=new.days)) for each, new in zip(past, found, strict=True)
    ]
    return [shifted[0]._replace(earlier=past[0].earlier), *shifted[1:]], moved


def _days(spans: Sequence[Span], past: Past) -> Days:
    return shape(spans, past.billed.period.start, past.billed.period.end).days


# --- amperes --------------------------------------------------------------------------------


def _advice(
    app: App, past: Sequence[Past], now: int, agreed: bill.Contract, plan: Plan, saved: Callable[[int], int | None]
) -> Advice | None:
    """Return which ampere would have held since the first of the periods; None where no current is recorded.

    None is advised where less than most of that time is recorded.
    `saved` gives the yen a month that it would cost less than the present one.
    """
    archive, since = app.store.archive, past[0].billed.period.start

    def sums(least: float) -> amperes.Sums:
        return archive.sums("current", ("r", "t"), since, now, least)

    load = amperes.load(sums, archive.count("current", "r", since, now), agreed.ampere)
    if load is None:
        return None
    hours = archive.count("current", "r", since, now, HOUR)
    found = Advice(load, agreed.ampere, hours, (now - since) // HOUR, None, None)
    enough = amperes.least_of(amperes.offered(plan), load.highest) if found.is_sure else None
    return found._replace(enough=enough, saved=saved(enough) if enough else None)
