"""What is typed behind `homemon bill`: months, kWh, prices."""

import re
from collections.abc import Callable
from decimal import Decimal

import click

from homemon.energy.bill import Price
from homemon.energy.plan import ALL, Month, Plan
from homemon.energy.prices import MOST_YEN, read_price

MOST_KWH = 1_000_000


class BillMonth(click.ParamType[Month]):
    """The label of a bill: 2026-08 is the August bill (8月分)."""

    name = "YYYY-MM"

    def convert(self, value: str | Month, param: click.Parameter | None, ctx: click.Context | None) -> Month:
        if not isinstance(value, str):
            return value
        if not (found := re.fullmatch("(20[0-9]{2})-(0[1-9]|1[0-2])", value)):
            self.fail(f"{value} is no month of a bill: write 2026-08 for 8月分", param, ctx)
        return int(found[1]), int(found[2])


class Whole(click.ParamType[int]):
    """A whole number as it is typed or as a bill prints it: 12093, 12,093."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if not isinstance(value, str):
            return value
        found = int(value.replace(",", "")) if re.fullmatch("[0-9]{1,8}|[0-9]{1,2}(,[0-9]{3}){1,2}", value) else -1
        if not 0 <= found <= MOST_YEN:
            self.fail(f"{value!r} is no whole number from 0 to {MOST_YEN:,}: write 12093 or 12,093", param, ctx)
        return found


def number(text: str, what: str) -> Decimal:
    """Return a number that was typed: digits, and a dot at most. Raise click.UsageError."""
    if not re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", text) or Decimal(text) > MOST_KWH:
        raise click.UsageError(f"{what} takes a number such as 374 or 374.5, not {text!r}")
    return Decimal(text)


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
    """Return a price: `-7.30`, a kWh; `171/month`; `-143.77+-9.57`, with a lump. Raise click.UsageError."""
    try:
        return read_price(text)
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def prices_of(texts: tuple[str, ...]) -> dict[str, Price]:
    """Return the prices that --price options give. Raise click.UsageError."""
    return {name: price for name, price in pairs(texts, "--price", price_of).items() if isinstance(price, Price)}


def used_of(plan: Plan, month: Month, kwh: str | None, bands: tuple[str, ...]) -> dict[str, Decimal]:
    """Return the kWh of each band of the plan that were given. Raise click.UsageError."""
    names = [band.name for band in plan.bands(month)] or [ALL]
    whole = number(kwh, "--kwh") if kwh is not None else None
    if whole is not None and not bands and (names == [ALL] or whole == 0):
        return dict.fromkeys(names, whole)
    found = {} if kwh is not None else pairs(bands, "--band", lambda text: number(text, "--band"))
    if names != [ALL] and found.keys() == set(names):
        return {band: value for band, value in found.items() if isinstance(value, Decimal)}
    if names == [ALL]:
        raise click.UsageError(f"{plan.key} has one price for all hours: give --kwh KWH")
    wanted = " ".join(f"--band '{band}=KWH'" for band in names)
    raise click.UsageError(f"{plan.key} has prices by the hour: give {wanted}")
