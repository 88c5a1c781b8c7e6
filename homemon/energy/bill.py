"""A bill, line by line, as the company prints it.

Formula: the sum of base, energy, monthly items and discounts, kept to the sen or finer, plus the levy cut to whole
yen; the sum is cut to whole yen (contract texts of the regulated plans; 13 real bills of 2016 to 2026 fit it, and no
other way of rounding fits all). All prices include ten percent of tax, which is printed cut to whole yen.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, ROUND_HALF_UP, ROUND_UP, Decimal
from typing import NamedTuple

from homemon.core.errors import ConfigError
from homemon.energy.market import MarketCost
from homemon.energy.plan import Band, Base, Month, Tier, Unsure, Version, used_in
from homemon.energy.pro_rata import Days, Share, doubt_of, scaled, share_of

TAX = Decimal(10) / Decimal(110)
YEN = Decimal(1)
ZERO = Decimal(0)
BY_MARKET = "energy by half-hour"


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What is agreed with the company: amperes, kVA or kW, whichever the plan asks for."""

    ampere: int | None = None
    kva: int | None = None
    kw: int | None = None


class Price(NamedTuple):
    """A monthly price: yen a kWh, or yen a month. With a `lump` that is for the kWh in a minimum charge."""

    value: Decimal
    lump: Decimal | None = None
    each: bool = True  # a kWh, not a month
    doubt: str = ""  # why it may not be the one that is billed


class Line(NamedTuple):
    """A line of the bill: `yen` may have any number of decimals; `kwh` and `price` where it is a product."""

    name: str
    yen: Decimal
    kwh: Decimal | None = None
    price: Decimal | None = None
    tier: int | None = None  # from 1, of a band that has several


@dataclass(frozen=True, kw_only=True)
class Bill:
    """`total` in whole yen, `tax` in it. `provisional` says why a figure may yet change; empty where none may."""

    lines: tuple[Line, ...]
    total: int
    tax: int
    provisional: tuple[str, ...]


Prices = Callable[[str, Month], Price | None]
"""The price of a monthly item for a bill."""


class Used(NamedTuple):
    """What was used while a version of a plan held: kWh by the names of its bands, and what it costs by JEPX."""

    version: Version
    kwh: Mapping[str, Decimal]
    market: MarketCost | None = None


def compute(
    version: Version,
    contract: Contract,
    used: Mapping[str, Decimal],
    month: Month,
    prices: Prices,
    *,
    earlier: Sequence[Used] = (),
    days: Days | None = None,
    market: MarketCost | None = None,
    complete: bool = True,
) -> Bill:
    """Return the bill of a billing period.

    `used` is kWh by the names of the plan's bands; each is rounded to whole kWh, half up. Where prices changed
    within the period, `earlier` is what was used before, and `version` the one at its end. `days` scales what the
    plan scales (日割り). `market` is what `used` costs by JEPX. Only where `used` is
    `complete` can nothing have been used, which halves the base charge. Raise ConfigError where the plan lacks what the
    contract says, names a band otherwise, or asks for half-hours.
    """
    parts = list(_billed((*earlier, Used(version, used, market))))
    share = share_of(version.pro_rata, days) if version.pro_rata and days else None
    if share:
        parts, prices = [part._replace(version=scaled(part.version, share)) for part in parts], _scaled(prices, share)
    base = parts[0 if version.base_at == "begin" else -1].version.base
    total_kwh = sum((kwh for part in parts for kwh in part.kwh.values()), ZERO)
    lines = [_base(base, contract, unused=complete and not total_kwh), *_energy(parts, base)]
    doubts = [*_doubts(parts, contract, month), *filter(None, [days and doubt_of(version.pro_rata, days)])]
    lines = _rounded_sum([*lines, *_discounted(version, lines)], version.rounding.get(ENERGY))
    for item in version.items:
        price = prices(item, month)
        if price is None:
            doubts.append(_unknown(item, month))
            continue
        doubts += [price.doubt] if price.doubt else []
        lines.append(_rounded(_item(item, price, base, total_kwh), version.rounding))
    lines = _at_least(lines, version)
    whole = sum((line.yen for line in lines), ZERO).to_integral_value(WAYS[version.rounding.get(TOTAL, "down")])
    return Bill(
        lines=tuple(lines),
        total=int(whole),
        tax=int((whole * TAX).to_integral_value(ROUND_DOWN)),
        provisional=tuple(doubts),
    )


def demand_kw(peaks: Iterable[Decimal]) -> int:
    """Return the contract's kW where it is the real demand (実量制).

    `peaks` are the highest half-hours, in kWh, of this billing period and the eleven before it, or of those since the
    contract began. The highest of all, as kW, is rounded half up: 1.75 kWh are 4 kW. Raise ValueError without any.
    """
    return int((2 * max(peaks)).quantize(YEN, ROUND_HALF_UP))


def _billed(parts: Iterable[Used]) -> Iterator[Used]:
    """Yield the parts in whole kWh, which add up to those of the period. Raise ConfigError for a band of no plan."""
    reached = dict[str, Decimal]()
    for part in parts:
        names = [band.name for band in part.version.bands]
        if unknown := sorted(part.kwh.keys() - set(names)):
            raise ConfigError(f"the plan has no band {', '.join(unknown)}", f"Its bands are {', '.join(names)}.")
        if part.version.market and not part.market and any(part.kwh.values()):
            raise ConfigError(
                "the plan's price follows JEPX each half-hour: the kWh of a period alone do not give its bill",
                "Let it be computed from the half-hours that are stored.",
            )
        before = {name: _whole(reached.get(name, ZERO)) for name in part.kwh}
        reached |= {name: reached.get(name, ZERO) + kwh for name, kwh in part.kwh.items()}
        yield part._replace(kwh={name: _whole(reached[name]) - before[name] for name in part.kwh})


def _whole(kwh: Decimal) -> Decimal:
    return kwh.quantize(YEN, ROUND_HALF_UP)


def _doubts(parts: Sequence[Used], contract: Contract, month: Month) -> Iterator[str]:
    figures = [(unsure, part) for part in parts for unsure in part.version.unsure]
    concerned = dict.fromkeys(unsure.what for unsure, part in figures if _concerns(unsure, part, contract, month))
    yield from (f"{what} is not confirmed by a source" for what in concerned)
    for part in parts:
        yield from part.market.doubts if part.market else ()
    if len(parts) > 1 and any(len(band.tiers) > 1 for part in parts for band in part.version.bands):
        yield "prices changed within the period: that its tiers run on through the change is not confirmed by a source"


def _concerns(unsure: Unsure, part: Used, contract: Contract, month: Month) -> bool:
    """Return whether a figure is one of those that a bill is computed from."""
    block = part.version.base.block
    if unsure.above is not None and block:
        return _agreed(contract, block.unit) > unsure.above
    used = not unsure.bands or any(part.kwh.get(name, ZERO) > unsure.over for name in unsure.bands)
    return used and bool(used_in(month) & unsure.months)


def _scaled(prices: Prices, share: Share) -> Prices:
    """Return prices whose lump for the kWh of a minimum charge is that of a part of a period."""

    def price(item: str, month: Month) -> Price | None:
        found = prices(item, month)
        if found is None or found.lump is None:
            return found
        doubt = f"that {item} is scaled as the minimum charge is not confirmed by a source"
        return found._replace(lump=share.part(found.lump), doubt=found.doubt or doubt)

    return price


def _base(base: Base, contract: Contract, unused: bool) -> Line:
    """Return the base charge. Raise ConfigError where the plan has none for the contract."""
    if base.minimum:
        return Line("minimum charge", base.minimum.price)
    name, full = "base charge", base.flat
    if base.ampere:
        amount = _agreed(contract, "ampere", base.ampere)
        full = base.ampere.get(amount)
        if full is None:
            raise ConfigError(f"the plan has no base charge for {amount} A", f"It has {_offered(base.ampere)} A.")
        name = f"base charge, {contract.ampere} A"
    elif base.kva is not None:
        full, name = base.kva * _agreed(contract, "kva"), f"base charge, {contract.kva} kVA"
    elif base.block:
        amount = _agreed(contract, base.block.unit)
        full = base.block.price + max(0, amount - base.block.first) * base.block.above
        name = f"base charge, {amount} {'kVA' if base.block.unit == 'kva' else 'kW'}"
    assert full is not None
    return Line(name, full * base.unused if unused else full)


def _agreed(contract: Contract, unit: str, offered: Iterable[int] = ()) -> int:
    amount: int | None = getattr(contract, unit)
    if amount is None:
        amounts = f" of {_offered(offered)}" if offered else ""
        raise ConfigError(f"the plan's base charge is by {unit}", f"Give --{unit}{amounts}, or {unit} in [contract].")
    return amount


def _offered(amounts: Iterable[int]) -> str:
    return " or".join(", ".join(map(str, amounts)).rsplit(",", 1))


def energy_yen(version: Version, band: Band, kwh: Decimal) -> Decimal:
    """Return what so many kWh of a band cost by its tiers, without what a minimum charge includes."""
    included = Decimal(version.base.minimum.kwh if version.base.minimum else 0)
    return sum((part * price for part, price in _in_tiers(band.tiers, kwh, included)), ZERO)


def each_kwh(version: Version, month: Month, prices: Prices) -> tuple[Decimal, tuple[str, ...]]:
    """Return what a kWh costs in any band, such as fuel and levy, and why that is not sure."""
    found = {item: prices(item, month) for item in version.items}
    doubts = (price.doubt if price else _unknown(item, month) for item, price in found.items())
    return sum((price.value for price in found.values() if price and price.each), ZERO), tuple(filter(None, doubts))


def _unknown(item: str, month: Month) -> str:
    return f"no price is known for {item} of {month[0]}-{month[1]:02}, which is left out"


def _energy(parts: Iterable[Used], base: Base) -> Iterator[Line]:
    """Yield the energy of each part at its own prices; tiers run over all of them."""
    included = Decimal(base.minimum.kwh if base.minimum else 0)
    counted = dict[str, Decimal]()
    for version, billed, market in parts:
        if version.market:
            yield Line(BY_MARKET, market.yen if market else ZERO)
        for band in version.bands:
            begin = counted.get(band.name, ZERO)
            counted[band.name] = end = begin + billed.get(band.name, ZERO)
            for number, (part, price) in enumerate(_in_tiers(band.tiers, end, max(begin, included)), 1):
                yield Line(band.name, part * price, part, price, number if len(band.tiers) > 1 else None)


def _in_tiers(tiers: tuple[Tier, ...], kwh: Decimal, begin: Decimal) -> Iterator[tuple[Decimal, Decimal]]:
    """Yield so many kWh at which price, from `begin` on."""
    for limit, price in tiers:
        end = kwh if limit is None else min(kwh, Decimal(limit))
        if end > begin:
            yield end - begin, price
        begin = max(begin, end)


def _discounted(version: Version, charged: list[Line]) -> Iterator[Line]:
    whole = sum((line.yen for line in charged), ZERO)
    for discount in version.discounts:
        part = whole * discount.percent / 100
        yield Line(discount.name, -discount.yen - (part if discount.cap is None else min(part, discount.cap)))


def _item(name: str, price: Price, base: Base, kwh: Decimal) -> Line:
    """Return a monthly item. Where a minimum charge includes kWh, those have a lump, or are charged in any case."""
    if not price.each:
        return Line(name, price.value)
    included = Decimal(base.minimum.kwh if base.minimum else 0)
    if price.lump is not None:
        above = max(ZERO, kwh - included)
        return Line(name, price.lump + above * price.value, above, price.value)
    counted = max(kwh, included)
    return Line(name, counted * price.value, counted, price.value)


def _at_least(lines: list[Line], version: Version) -> list[Line]:
    """Return the lines with what is missing to the plan's least amount; the levy is not counted to it."""
    without = sum((line.yen for line in lines if line.name != "levy"), ZERO)
    if version.least is None or without >= version.least:
        return lines
    return [*lines, Line("up to the least amount", version.least - without)]


WAYS = {"down": ROUND_DOWN, "up": ROUND_UP, "half-up": ROUND_HALF_UP}
"""Ways of rounding to whole yen: towards zero, away from it, and to the nearest, a half away from it."""
ENERGY, TOTAL = "energy", "total"
ROUNDED = (ENERGY, TOTAL)
"""What can be rounded, in addition to a plan's monthly items."""


def _rounded_sum(lines: list[Line], way: str | None) -> list[Line]:
    """Return the lines with one more, which rounds their sum."""
    whole = sum((line.yen for line in lines), ZERO)
    rest = whole.to_integral_value(WAYS[way]) - whole if way else ZERO
    return [*lines, Line("rounding", rest)] if rest else lines


def _rounded(line: Line, rounding: Mapping[str, str]) -> Line:
    way = rounding.get(line.name)
    return line._replace(yen=line.yen.to_integral_value(WAYS[way])) if way else line
