"""`homemon check` on what is paid: the plans that config.ini names, and the prices of what is sold."""

from collections.abc import Iterator

from homemon.check.findings import Aside, Finding, failed, ok, warning
from homemon.config.keys import Contract
from homemon.core.errors import HomemonError
from homemon.core.points import HALF_HOUR
from homemon.energy import bill, shipped
from homemon.energy.market import IMPORT
from homemon.energy.periods import ONE_DAY, billed, day_of
from homemon.energy.plan import Plan
from homemon.runtime import kept
from homemon.runtime.energy import spot_area
from homemon.storage.imported import spot_prices

KW = 1  # where the contract names none: it is computed from what was used


def contract(app: Aside) -> Iterator[Finding]:
    """Yield whether each contract can be billed; nothing where config.ini has none."""
    folder = app.config.path.parent
    for each in app.config.contracts:
        try:
            plan = shipped.find(each.plan, folder)
            agreed = bill.Contract(ampere=each.ampere, kva=each.kva, kw=each.kw or KW)
            shipped.bill(plan, plan.versions[-1].since, agreed, {}, {}, kept.load(app.config).of(plan.area))
            if each.sell:
                shipped.selling(each.sell, folder)
        except HomemonError as error:
            yield failed(_name(each), error)
        else:
            yield _unpriced(app, each, plan) or ok(_name(each), f"{plan.company} {plan.name}")


def _unpriced(app: Aside, contract: Contract, plan: Plan) -> Finding | None:
    """Return which of a market's prices the running billing period lacks; None where it needs none. Raise StoreError.

    The prices of a day are known on the day before.
    """
    now = int(app.now().wall)
    today = day_of(now)
    running = [each for held, each in billed(app.config.contracts, today, today + ONE_DAY) if held is contract]
    if not running or not plan.follows_market:
        return None
    area, begin = spot_area(plan), running[0].period.start
    known = spot_prices(app.store.archive, area, begin, now)
    lacking = [time for time in range(begin, now, HALF_HOUR) if time not in known]
    if not lacking:
        return None
    days = f"{day_of(lacking[0])} to {day_of(lacking[-1])}"
    found = f"JEPX's prices of {area} are missing for {len(lacking)} half-hours, {days}; {plan.key} follows them"
    return warning(_name(contract), found, IMPORT)


def _name(contract: Contract) -> str:
    return "contract" if contract.since.year == 1 else f"contract {contract.since}"
