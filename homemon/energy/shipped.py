"""The plans and monthly prices that come with homemon, and plans of one's own in a file."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

from homemon.core.errors import ConfigError
from homemon.energy.bill import Bill, Contract, Price, Prices, Used, compute
from homemon.energy.market import MarketCost
from homemon.energy.plan import Month, Plan, Version
from homemon.energy.plan_file import read_plan
from homemon.energy.prices import Table, levy_price, monthly_price, months_between, read_fuel, read_levy
from homemon.energy.pro_rata import Days
from homemon.energy.selling import Selling, read_tables, selling_of

PLANS = Path(__file__).parent / "plans"
SUFFIX = ".toml"
NOTHING: Mapping[str, Table] = MappingProxyType({})


def items() -> set[str]:
    """Return the names of all monthly prices that the plans that are shipped have."""
    return {item for name in names() for version in _shipped(name).versions for item in version.items}


def names() -> list[str]:
    """Return the names of the plans that are shipped."""
    return sorted(path.name.removesuffix(SUFFIX) for path in PLANS.iterdir() if path.name.endswith(SUFFIX))


def of_area(area: str) -> list[Plan]:
    """Return the plans of an area that are shipped."""
    return [plan for plan in map(_shipped, names()) if plan.area == area]


def find(name: str, folder: Path = Path()) -> Plan:
    """Return the plan of that name, or of the file where the name ends in `.toml`, as seen from `folder`.

    Raise ConfigError.
    """
    if name.endswith(SUFFIX):
        return read_plan(_own(name, folder), name, Path(name).stem)
    if name not in names():
        raise ConfigError(f"there is no plan {name!r}", _others(name))
    return _shipped(name)


def _others(name: str) -> str:
    """Return which plans may be meant; all of them where none is similar."""
    known = names()
    similar = [each for each in known if name and each.startswith(name)] or get_close_matches(name, known, 3, 0.4)
    if similar:
        return f"Similar: {', '.join(similar)}; or name a .toml file. docs/plans.md lists all."
    return f"There are {', '.join(known)}; or name a .toml file."


@cache
def _shipped(name: str) -> Plan:
    return read_plan((PLANS / f"{name}{SUFFIX}").read_text("utf-8"), f"{name}{SUFFIX}", name)


def selling(sell: str, folder: Path = Path()) -> Selling:
    """Return the prices of energy that is sold, by what `sell` of config.ini, in `folder`, says. Raise ConfigError."""
    return selling_of(sell, read_tables(_text("sell"), "sell.toml"), partial(_own, folder=folder))


def _own(name: str, folder: Path) -> str:
    """Return what a file of one's own says. Raise ConfigError."""
    try:
        return (folder / Path(name).expanduser()).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise ConfigError(f"{name}: {reason}", "Name one that is shipped, or a file of your own.") from None


def prices(
    plan: Plan,
    version: Version,
    given: Mapping[str, Price],
    kept: Mapping[str, Table] = NOTHING,
    read: Month | None = None,
) -> Prices:
    """Return the monthly prices of a plan: those `given`, else those `kept` and shipped for its area.

    `read` is the month of the reading that ends the billing period, where that is known: it decides about the levy,
    which changes from the May reading on, for what was used since the April one.
    """
    listed = {"levy": _levy(), "fuel": _fuel().get(plan.area, {})}

    def price(item: str, month: Month) -> Price | None:
        if item in given and version.base.minimum and given[item].each and given[item].lump is None:
            return given[item]._replace(doubt=f"{item} is counted for each kWh, and not as the minimum charge has it")
        if item in given:
            return given[item]
        table = {**listed.get(item, {}), **kept.get(item, {})}
        if item == "levy":
            return levy_price(table, read or month, bool(version.base.minimum))
        return monthly_price(item, table, month, bool(version.base.minimum))

    return price


@cache  # twelve bills of thirty plans ask for them
def _levy() -> Table:
    return read_levy(_text("levy"), "levy.toml")


@cache
def _fuel() -> Mapping[str, Table]:
    return read_fuel(_text("fuel"), "fuel.toml")


def _text(name: str) -> str:
    return (PLANS / "prices" / f"{name}{SUFFIX}").read_text("utf-8")


def too_early(plan: Plan) -> ConfigError:
    """Return the error of a bill that is earlier than all prices of a plan."""
    since = min(each.since for each in plan.versions)
    return ConfigError(
        f"{plan.key} has prices from the bill of {since[0]}-{since[1]:02} on",
        "Write a plan of your own with the earlier ones, and name its file.",
    )


def bill(
    plan: Plan,
    month: Month,
    contract: Contract,
    used: Mapping[str, Decimal],
    given: Mapping[str, Price],
    kept: Mapping[str, Table] = NOTHING,
    *,
    version: Version | None = None,
    earlier: Sequence[Used] = (),
    days: Days | None = None,
    market: MarketCost | None = None,
    read: Month | None = None,
    complete: bool = True,
) -> Bill:
    """Return the bill of `month` for kWh by band, with the prices `given` and those that are shipped.

    Where the days of the billing period are known, `Plan.parts` gives the versions that hold in it: the last one is
    `version`, those before it are `earlier` with what was used while they held; `days` are for 日割り. `market` is
    what `used` costs by JEPX, `read` as in `prices`, `complete` as in `compute`. Raise ConfigError where the plan has
    no prices for that month, lacks what the contract says, has no such price, or asks for half-hours.
    """
    holding = version or plan.version(month)
    if holding is None:
        raise too_early(plan)
    if unknown := sorted(given.keys() - set(holding.items)):
        raise ConfigError(f"{plan.key} has no price {', '.join(unknown)}", f"It has {', '.join(holding.items)}.")
    if lumps := sorted(item for item, price in given.items() if price.lump is not None and not holding.base.minimum):
        raise ConfigError(f"{plan.key} has no minimum charge", f"Give {', '.join(lumps)} as one price a kWh.")
    found = compute(
        holding,
        contract,
        used,
        month,
        prices(plan, holding, given, kept, read),
        earlier=earlier,
        days=days,
        market=market,
        complete=complete,
    )
    change = None if version else _change_within(holding, month)
    doubt = (f"prices changed on {change}: those from that day on are taken for all of the period",) if change else ()
    return replace(found, provisional=found.provisional + doubt)


def _change_within(version: Version, month: Month) -> date | None:
    """Return the day from which a version holds where it may lie within a bill whose days are not known."""
    if version.used_from is None:
        return None
    later = months_between(version.since, month)
    return version.used_from if later == 0 or (later == 1 and version.used_from.day > 1) else None
