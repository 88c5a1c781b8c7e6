"""`homemon bill price` and `homemon bill enter`: what a user knows of a bill, kept beside config.ini."""

import click

from homemon.cli.bill_options import BillMonth, price_of
from homemon.energy.bill import Contract
from homemon.energy.plan import Month
from homemon.energy.prices import MOST_YEN, Entered, Figure
from homemon.runtime.context import App

NEGATIVE = {"ignore_unknown_options": True}  # -7.30 is no option


@click.command(context_settings=NEGATIVE)
@click.argument("item")
@click.argument("month", type=BillMonth())
@click.argument("yen")
@click.pass_obj
def price(app: App, item: str, month: Month, yen: str) -> None:
    """Keep a monthly price.

    ITEM is fuel, levy, capacity or another one of a plan, MONTH that of the bill, such as 2026-12. YEN is the price of
    a kWh such as -7.30, of the month such as 171/month, or with the lump of a minimum charge such as -143.77+-9.57.

    It is kept in prices.toml beside config.ini, comes before a price that is shipped, and corrects past bills as well.
    """
    from homemon.runtime import energy, kept

    if item not in (known := energy.items(app)):
        raise click.UsageError(f"no plan has a price {item!r}; there are {', '.join(sorted(known))}")
    given = price_of(yen)
    folder = app.config.path.parent
    figure = Figure(given.value, given.lump, given.each)
    path = kept.save(folder, kept.with_price(kept.load(folder), item, month, {month: figure}))
    app.info(f"{item} of {kept.label(month)} is {figure}, kept in {path}")


@click.command()
@click.argument("month", type=BillMonth())
@click.argument("yen", type=click.IntRange(0, MOST_YEN))
@click.option("--kwh", type=click.IntRange(0, MOST_YEN), help="What the bill counts.")
@click.pass_obj
def enter(app: App, month: Month, yen: int, kwh: int | None) -> None:
    """Keep what a bill really came to.

    MONTH is that of the bill, such as 2026-10. Prints the difference to what homemon computes, as `homemon bill` then
    does. It is kept in prices.toml beside config.ini.
    """
    from homemon.energy import printed
    from homemon.runtime import kept
    from homemon.runtime.energy import bills

    folder = app.config.path.parent
    known = kept.load(folder)
    known = known._replace(billed={**known.billed, month: Entered(yen, kwh)})
    kept.save(folder, known)
    found = [printed.of_store(*each) for each in bills(app, month, None, Contract(), {})]
    for text in printed.compared(found, known.billed[month]):
        app.show(text)
