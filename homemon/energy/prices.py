"""Monthly prices: fuel by area, levy, and those that a user gave; the last known one stands in, and says so."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from homemon.energy.bill import Price
from homemon.energy.plan import Month
from homemon.energy.plan_file import AREAS
from homemon.energy.toml_file import DEAREST, Fields, a_kwh, month, read_toml, text, whole, yen

NUMBER = r"[-+]?[0-9]+(?:\.[0-9]+)?"
MINUS = "\N{MINUS SIGN}"
LEVY = "levy"
LEVY_BEGINS = 5  # with the May bill of a fiscal year
MOST_INCLUDED = 15  # kWh that a minimum charge includes
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
MOST_YEN = 10_000_000


class Figure(NamedTuple):
    """A price as it is listed; `lump` for the kWh of a minimum charge, `each` kWh or the whole month."""

    value: Decimal
    lump: Decimal | None = None
    each: bool = True

    def __str__(self) -> str:
        """Return the price as `read_price` reads it."""
        lump = "" if self.lump is None else f"{self.lump}+"
        return f"{lump}{self.value}{'' if self.each else '/month'}"


Table = Mapping[Month, Figure]


def read_levy(content: str, file: str) -> Table:
    """Return the levy by the bill from which it holds. Raise ConfigError."""
    return _dated(content, file, LEVY)[LEVY]


def read_fuel(content: str, file: str) -> Mapping[str, Table]:
    """Return the fuel prices of each area by bill. Raise ConfigError."""
    return _dated(content, file, None)


def _dated(content: str, file: str, only: str | None) -> dict[str, Table]:
    def read(fields: Fields) -> dict[str, Table]:
        fields.take("source", text, "")
        fields.take("checked", lambda raw: raw)
        names = [only] if only else [name for name, _ in fields.peek()]
        found = {name: _by_month(fields.table(name), _figure) for name in names}
        fields.close()
        return found

    return read_toml(content, file, read)


def _figure(raw: Any) -> Figure:
    if isinstance(raw, list):
        if len(raw) != 2:
            raise ValueError("is to be [yen for the minimum's kWh, yen a kWh]")
        return Figure(a_kwh(raw[1]), _lump(raw[0]))
    return Figure(a_kwh(raw))


def _lump(raw: Any) -> Decimal:
    """Return yen for the kWh that a minimum charge includes. Raise ValueError."""
    if abs(price := yen(raw)) > MOST_INCLUDED * DEAREST:
        raise ValueError(f"{raw} is no price of at most {MOST_INCLUDED} kWh")
    return price


def read_price(text: str) -> Price:
    """Return a price as it is typed: `-7.30`, a kWh; `171/month`; `-143.77+-9.57`, with the lump of a minimum charge.

    Its minus may be that of a web page, U+2212. Raise ValueError where it is none of them, or can only be a slip.
    """
    typed = text.replace(MINUS, "-")
    found = re.fullmatch(rf"(?:(?P<lump>{NUMBER})\+)?(?P<value>{NUMBER})(?P<each>/kwh|/month)?", typed)
    if not found or (found["lump"] and found["each"] == "/month"):
        raise ValueError(f"a price is -7.30, 171/month, or LUMP+EACH such as -143.77+-9.57, not {text!r}")
    lump = _lump(Decimal(found["lump"])) if found["lump"] else None
    each = found["each"] != "/month"
    return Price((a_kwh if each else yen)(Decimal(found["value"])), lump, each)


EVERYWHERE = ""  # the area of the levy


class Kept(NamedTuple):
    """What a user keeps: prices, and what bills really came to, each with its whole kWh if known.

    Prices are by area, item and bill; those of the area EVERYWHERE hold in all of them.
    """

    prices: Mapping[str, Mapping[str, Table]] = MappingProxyType({})
    billed: Mapping[Month, "Entered"] = MappingProxyType({})

    def of(self, area: str) -> Mapping[str, Table]:
        """Return the prices, by item and bill, of the plans of an area."""
        return {**self.prices.get(EVERYWHERE, {}), **self.prices.get(area, {})}


class Entered(NamedTuple):
    """What the company said: whole yen, and kWh."""

    yen: int
    kwh: int | None = None


def read_kept(content: str, file: str, is_item: Callable[[str], bool]) -> Kept:
    """Return what a user keeps; `is_item` says of a name whether any plan has such a price.

    Raise ConfigError, which names each fault with file and line.
    """
    return read_toml(content, file, lambda fields: _kept(fields, is_item))


def _kept(fields: Fields, is_item: Callable[[str], bool]) -> Kept:
    billed = fields.table("billed")
    found = Kept(
        _by_area(fields.table("price"), is_item),
        {label: _entered(billed.table(key)) for key, label in _labels(billed)},
    )
    for each in (billed, fields):
        each.close()
    return found


def _by_area(fields: Fields, is_item: Callable[[str], bool]) -> Mapping[str, Mapping[str, Table]]:
    found = {area: _by_item(fields.table(area), is_item) for area in AREAS if area in fields}
    if LEVY in fields:
        found[EVERYWHERE] = {LEVY: _by_month(fields.table(LEVY), _typed)}
    for name, _ in fields.items():
        fields.fault(name, f"is neither {LEVY} nor one of {', '.join(AREAS)}; fuel is [price.tokyo.fuel]")
    return found


def _by_item(fields: Fields, is_item: Callable[[str], bool]) -> Mapping[str, Table]:
    names = [name for name, _ in fields.peek() if name != LEVY and is_item(name)]
    found = {name: _by_month(fields.table(name), _typed) for name in names}
    for name, _ in fields.items():
        fields.fault(name, "is a price that no plan has" if name != LEVY else "is of no area: [price.levy]")
    return found


def _labels(fields: Fields) -> list[tuple[str, Month]]:
    """Return the bills that a table is of; other keys are left, and so are faults."""
    keys = [key for key, _ in fields.peek() if MONTH.fullmatch(key)]
    return [(key, month(key)) for key in keys]


def _by_month(fields: Fields, read: Callable[[Any], Figure]) -> Table:
    found = {label: fields.take(key, read, Figure(Decimal(0))) for key, label in _labels(fields)}
    fields.close()
    return dict(sorted(found.items()))


def _typed(raw: Any) -> Figure:
    price = read_price(text(raw))
    return Figure(price.value, price.lump, price.each)


def _entered(fields: Fields) -> Entered:
    found = Entered(fields.need("yen", whole(-MOST_YEN, MOST_YEN), 0), fields.take("kwh", whole(0, MOST_YEN), None))
    fields.close()
    return found


def months_between(earlier: Month, later: Month) -> int:
    """Return by how many months one bill is later than another."""
    return (later[0] - earlier[0]) * 12 + later[1] - earlier[1]


def monthly_price(item: str, table: Table, wanted: Month, has_minimum: bool) -> Price | None:
    """Return an item's price of a bill; where it is not listed the last one before it, as a stand-in."""
    known = max((label for label in table if label <= wanted), default=None)
    if known is None:
        return None
    value, lump, each = table[known]
    doubts = [_stands_in(item, known, wanted)]
    if has_minimum and each and lump is None:
        doubts.append(f"{item} is counted for each kWh, and not as the minimum charge has it")
    return Price(value, lump if has_minimum else None, each, "; ".join(filter(None, doubts)))


def levy_price(table: Table, wanted: Month, has_minimum: bool) -> Price | None:
    """Return the levy of a bill: that of its fiscal year, or the last known one as a stand-in."""
    known = max((label for label in table if label <= wanted), default=None)
    if known is None:
        return Price(Decimal(0))
    value, lump, each = table[known]
    doubt = _stands_in(LEVY, known, wanted) if _levy_year(known) != _levy_year(wanted) else ""
    return Price(value, lump if has_minimum else None, each, doubt)


def _levy_year(bill: Month) -> int:
    """Return the fiscal year whose levy is on a bill: until the April one it is that of the year before."""
    return bill[0] - (bill[1] < LEVY_BEGINS)


def _stands_in(item: str, known: Month, wanted: Month) -> str:
    if known == wanted:
        return ""
    return f"{item} of {wanted[0]}-{wanted[1]:02} is not known yet: that of {known[0]}-{known[1]:02} stands in"
