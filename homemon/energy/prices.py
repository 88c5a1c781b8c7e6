"""Monthly prices: fuel by area, levy, and those that a user gave; the last known one stands in, and says so."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from homemon.energy.bill import Price
from homemon.energy.plan import Month
from homemon.energy.toml_file import Fields, month, read_toml, text, whole, yen

NUMBER = r"[-+]?\d+(?:\.\d+)?"
YEAR_OF_LEVY = 12  # bills that a levy holds for


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
    return _dated(content, file, "levy")["levy"]


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
        return Figure(yen(raw[1]), yen(raw[0]))
    return Figure(yen(raw))


def read_price(text: str) -> Price:
    """Return a price as it is typed: `-7.30`, a kWh; `171/month`; `-143.77+-9.57`, with the lump of a minimum charge.

    Raise ValueError where it is none of them.
    """
    found = re.fullmatch(rf"(?:(?P<lump>{NUMBER})\+)?(?P<value>{NUMBER})(?P<each>/kwh|/month)?", text)
    if not found or (found["lump"] and found["each"] == "/month"):
        raise ValueError(f"a price is -7.30, 171/month, or LUMP+EACH such as -143.77+-9.57, not {text!r}")
    lump = yen(Decimal(found["lump"])) if found["lump"] else None
    return Price(yen(Decimal(found["value"])), lump, found["each"] != "/month")


class Kept(NamedTuple):
    """What a user keeps: prices by item and bill, and what bills really came to, each with its whole kWh if known."""

    prices: Mapping[str, Table] = MappingProxyType({})
    billed: Mapping[Month, "Entered"] = MappingProxyType({})


class Entered(NamedTuple):
    """What the company said: whole yen, and kWh."""

    yen: int
    kwh: int | None = None


def read_kept(content: str, file: str) -> Kept:
    """Return what a user keeps. Raise ConfigError, which names each fault with file and line."""
    return read_toml(content, file, _kept)


def _kept(fields: Fields) -> Kept:
    prices, billed = fields.table("price"), fields.table("billed")
    found = Kept(
        {name: _by_month(prices.table(name), _typed) for name, _ in prices.peek()},
        {label: _entered(billed.table(key)) for key, label in _labels(billed)},
    )
    for each in (prices, billed, fields):
        each.close()
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


def levy_price(table: Table, wanted: Month) -> Price | None:
    """Return the levy of a bill: that of its fiscal year, or the last known one as a stand-in."""
    known = max((label for label in table if label <= wanted), default=None)
    if known is None:
        return Price(Decimal(0))
    doubt = _stands_in("levy", known, wanted) if months_between(known, wanted) >= YEAR_OF_LEVY else ""
    return Price(table[known].value, doubt=doubt)


def _stands_in(item: str, known: Month, wanted: Month) -> str:
    if known == wanted:
        return ""
    return f"{item} of {wanted[0]}-{wanted[1]:02} is not known yet: that of {known[0]}-{known[1]:02} stands in"
