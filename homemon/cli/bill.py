"""`homemon bill`: what a billing period costs, line by line, as the company prints it."""

import json
import os
from decimal import Decimal

import click

from homemon.cli.bill_compare import compare
from homemon.cli.bill_kept import enter, price
from homemon.cli.bill_options import BillMonth, prices_of, used_of
from homemon.cli.options import Commands
from homemon.cli.terminal import show
from homemon.core.language import language
from homemon.energy import printed, shipped
from homemon.energy.bill import Contract
from homemon.energy.plan import Month
from homemon.runtime import energy
from homemon.runtime.context import App


@click.group(cls=Commands, invoke_without_command=True)
@click.option("--plan", "name", metavar="NAME|FILE", help="A plan that is shipped, or your own (.toml).")
@click.option("--month", type=BillMonth(), help="The bill's month, as it is labelled: 8月分 is 2026-08.")
@click.option("--kwh", metavar="KWH", help="Used in the billing period, in place of what is stored.")
@click.option("--band", "bands", multiple=True, metavar="NAME=KWH", help="The same, for each band of a plan by hours.")
@click.option("--ampere", type=click.IntRange(1, 200), help="契約アンペア.")
@click.option("--kva", type=click.IntRange(1, 100), help="契約容量.")
@click.option("--kw", type=click.IntRange(1, 100), help="契約電力.")
@click.option("--price", "given", multiple=True, metavar="NAME=YEN[/month]", help="A monthly price: fuel=-7.30.")
@click.option("--json", "as_json", is_flag=True, help="For programs; what may have decimals is text, exact.")
@click.pass_context
def command(
    ctx: click.Context,
    name: str | None,
    month: Month | None,
    kwh: str | None,
    bands: tuple[str, ...],
    ampere: int | None,
    kva: int | None,
    kw: int | None,
    given: tuple[str, ...],
    as_json: bool,
) -> int:
    """Show what a billing period costs.

    Line by line and to the yen, as the company prints it: from the stored half-hours and the [contract] of config.ini,
    the running period where no --month is given, with a forecast. What may yet change is said to be provisional, and
    why: a price that is not known yet and stands in from the month before (or is given with --price), an hour that is
    missing, a period that is not over.

    With --kwh or --band it is the bill of so many kWh, and needs --month; with --plan as well it needs no config.ini.
    """
    if ctx.invoked_subcommand:
        return 0
    app: App = ctx.obj
    agreed = Contract(ampere=ampere, kva=kva, kw=kw)
    prices = prices_of(given)
    if kwh is None and not bands:
        found = [printed.of_store(*each) for each in energy.bills(app, month, name, agreed, prices)]
    elif month is None:
        raise click.UsageError("--kwh and --band need --month")
    else:
        plan, agreed, kept = energy.terms(app, month, name, agreed)
        used = used_of(plan, month, kwh, bands)
        bill = shipped.bill(plan, month, agreed, used, prices, kept)
        found = [printed.Printed(plan, month, sum(used.values(), Decimal(0)), bill)]
    for each in found:
        if as_json:
            app.put(json.dumps(printed.facts(each), ensure_ascii=False))
        else:
            for text in printed.described(each, language(os.environ)):
                show(text)
    return int("store" in vars(app) and app.store.db.left_out is not None)


for _command in (compare, price, enter):
    command.add_command(_command)
