"""`homemon bill price` and `homemon bill enter`: what a user knows of a bill, kept beside config.ini."""

import click

from homemon.cli.bill_options import BillMonth, Whole, price_of
from homemon.cli.terminal import show
from homemon.energy.bill import Contract
from homemon.energy.plan import Month, Plan
from homemon.energy.plan_file import AREAS
from homemon.energy.prices import EVERYWHERE, LEVY, Entered, Figure
from homemon.runtime.context import App

NEGATIVE = {"ignore_unknown_options": True}  # -7.30 is no option


@click.command(context_settings=NEGATIVE)
@click.argument("item")
@click.argument("month", type=BillMonth())
@click.argument("yen")
@click.option(
    "--area", metavar="AREA", type=click.Choice(AREAS), help=f"Of whose plans; else your plan's: {', '.join(AREAS)}."
)
@click.option("--plan", "name", metavar="NAME|FILE", help="Or that of this plan.")
@click.pass_obj
def price(app: App, item: str, month: Month, yen: str, area: str | None, name: str | None) -> None:
    """Keep a monthly price.

    ITEM is fuel, levy, capacity or another one of a plan, MONTH that of the bill, such as 2026-12. YEN is the price of
    a kWh such as -7.30, of the month such as 171/month, or with the lump of a minimum charge such as -143.77+-9.57.

    It is kept in prices.toml beside config.ini for the plans of an area, the levy for all, comes before a price that
    is shipped, and corrects past bills as well.
    """
    from homemon.energy import shipped
    from homemon.runtime import energy, kept

    if item not in (known := kept.items(app.config)):
        raise click.UsageError(f"no plan has a price {item!r}; there are {', '.join(sorted(known))}")
    if area and name:
        raise click.UsageError("--plan says of which area: leave --area out")
    given = price_of(yen)
    figure = Figure(given.value, given.lump, given.each)
    plan = None if area else shipped.find(name) if name else energy.billing_plan(app, month)
    where = _area(item, area, plan)
    _check_lump(item, figure, [plan] if plan else shipped.of_area(where))
    path = kept.change(app.config, lambda before: kept.with_price(before, where, item, month, figure))
    text = f"{item} of {kept.label(month)} is {figure}, kept in {path}"
    app.info(f"{item} of {kept.label(month)} in {where} is {figure}, kept in {path}" if where else text)
    if plan and item not in (plan.version(month) or plan.versions[-1]).items:
        app.info(f"{plan.key} has no {item}: its bills stay as they are")


def _area(item: str, area: str | None, plan: Plan | None) -> str:
    """Return of whose plans a price is. Raise click.UsageError where nobody says it."""
    if item == LEVY:
        return EVERYWHERE
    if not area and not plan:
        raise click.UsageError("there is no [contract], whose plan says of which area that is: add --area or --plan")
    return area or (plan.area if plan else EVERYWHERE)


def _check_lump(item: str, figure: Figure, plans: list[Plan]) -> None:
    """Raise click.UsageError for the lump of a minimum charge that none of the plans has."""
    has_minimum = any(version.base.minimum for plan in plans for version in plan.versions)
    if figure.lump is not None and plans and not has_minimum:
        names = ", ".join(plan.key for plan in plans)
        raise click.UsageError(f"there is no minimum charge in {names}: give {item} as one price a kWh")


@click.command()
@click.argument("month", type=BillMonth())
@click.argument("yen", type=Whole("YEN"))
@click.option("--kwh", type=Whole("KWH"), help="What the bill counts.")
@click.pass_obj
def enter(app: App, month: Month, yen: int, kwh: int | None) -> None:
    """Keep what a bill really came to.

    MONTH is that of the bill, such as 2026-10. Prints the difference to what homemon computes, as `homemon bill` then
    does. It is kept in prices.toml beside config.ini.
    """
    from homemon.energy import printed
    from homemon.energy.statement import NothingKnown
    from homemon.runtime import energy, kept

    entered = Entered(yen, kwh)
    try:
        found = [printed.of_store(*each) for each in energy.bills(app, month, None, Contract(), {})]
    except NothingKnown:
        found = []
    path = kept.change(app.config, lambda before: kept.with_billed(before, month, entered))
    if not found:
        app.info(f"kept in {path}; no half-hour of that bill is stored: there is nothing to compare it with")
        return
    for text in (*printed.compared(found, entered), *printed.provisional(found)):
        show(text)
