"""`homemon check` on what is paid: the plans that config.ini names, and the prices of what is sold."""

from collections.abc import Iterator

from homemon.check.findings import Aside, Finding, failed, ok
from homemon.config.keys import Contract
from homemon.core.errors import HomemonError
from homemon.energy import bill, shipped
from homemon.runtime import kept

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
            yield ok(_name(each), f"{plan.company} {plan.name}")


def _name(contract: Contract) -> str:
    return "contract" if contract.since.year == 1 else f"contract {contract.since}"
