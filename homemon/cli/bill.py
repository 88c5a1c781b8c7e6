"""`homemon bill`: what so many kWh cost by a plan, line by line, as the company prints it."""

import json
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

import click

from homemon.energy import shipped
from homemon.energy.bill import Contract, Price
from homemon.energy.plan import ALL, Month, Plan
from homemon.energy.printed import described, facts
from homemon.runtime.context import App


class BillMonth(click.ParamType[Month]):
    """The label of a bill: 2026-08 is the August bill (8月分)."""

    name = "YYYY-MM"

    def convert(self, value: str | Month, param: click.Parameter | None, ctx: click.Context | None) -> Month:
        if not isinstance(value, str):
            return value
        if not (found := re.fullmatch("(20[0-9]{2})-(0[1-9]|1[0-2])", value)):
            self.fail(f"{value} is no month of a bill: write 2026-08 for 8月分", param, ctx)
        return int(found[1]), int(found[2])


def number(text: str, what: str, least: Decimal = Decimal(0)) -> Decimal:
    """Return a number that was typed. Raise click.UsageError."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or not least <= value <= 1_000_000:
        raise click.UsageError(f"{what} takes a number, not {text!r}")
    return value


def pairs(texts: tuple[str, ...], option: str, read: Callable[[str], object]) -> dict[str, object]:
    """Return what NAME=VALUE options say. Raise click.UsageError."""
    found = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not (name and sign) or name in found:
            raise click.UsageError(f"{option} takes NAME=VALUE, each name once, not {text!r}")
        found[name] = read(value)
    return found


def price_of(text: str) -> Price:
    """Return a price: `-7.30`, a kWh; `171/month`."""
    value, _, each = text.partition("/")
    if each not in ("", "kwh", "month"):
        raise click.UsageError(f"--price takes yen a kWh, or yen/month, not {text!r}")
    return Price(number(value, "--price", Decimal(-1_000_000)), each=each != "month")


@click.command()
@click.option("--plan", "name", required=True, metavar="NAME|FILE", help="A plan that is shipped, or your own (.toml).")
@click.option("--month", required=True, type=BillMonth(), help="The bill's month, as it is labelled: 8月分 is 2026-08.")
@click.option("--kwh", metavar="KWH", help="Used in the billing period.")
@click.option("--band", "bands", multiple=True, metavar="NAME=KWH", help="The same, for each band of a plan by hours.")
@click.option("--ampere", type=click.IntRange(1, 200), help="契約アンペア.")
@click.option("--kva", type=click.IntRange(1, 100), help="契約容量.")
@click.option("--kw", type=click.IntRange(1, 100), help="契約電力.")
@click.option("--price", "given", multiple=True, metavar="NAME=YEN[/month]", help="A monthly price: fuel=-7.30.")
@click.option("--json", "as_json", is_flag=True, help="For programs; yen and kWh exact, as text.")
@click.pass_obj
def command(
    app: App,
    name: str,
    month: Month,
    kwh: str | None,
    bands: tuple[str, ...],
    ampere: int | None,
    kva: int | None,
    kw: int | None,
    given: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what so many kWh cost by a plan.

    Line by line and to the yen, as the company prints it. Prices that homemon does not know yet stand in from the
    month before, or are given with --price; then the bill is provisional, and says why. Needs no config.ini.
    """
    plan = shipped.find(name)
    used = used_of(plan, month, kwh, bands)
    contract = Contract(ampere=ampere, kva=kva, kw=kw)
    prices = {item: price for item, price in pairs(given, "--price", price_of).items() if isinstance(price, Price)}
    bill = shipped.bill(plan, month, contract, used, prices)
    if as_json:
        app.put(json.dumps(facts(plan, month, bill), ensure_ascii=False))
        return
    for text in described(plan, month, sum(used.values()), bill):
        app.show(text)


def used_of(plan: Plan, month: Month, kwh: str | None, bands: tuple[str, ...]) -> dict[str, Decimal]:
    """Return the kWh of each band of the plan that were given. Raise click.UsageError."""
    names = [band.name for band in plan.bands(month)] or [ALL]
    whole = number(kwh, "--kwh") if kwh is not None else None
    if whole is not None and not bands and (names == [ALL] or whole == 0):
        return dict.fromkeys(names, whole)
    found = {} if kwh is not None else pairs(bands, "--band", lambda text: number(text, "--band"))
    if names != [ALL] and found.keys() == set(names):
        return {band: value for band, value in found.items() if isinstance(value, Decimal)}
    wanted = "--kwh KWH" if names == [ALL] else " ".join(f"--band '{band}=KWH'" for band in names)
    raise click.UsageError(f"{plan.key} takes {wanted}")
