"""What is paid for energy that is sold: each way of it becomes prices, each from a day on.

What is paid is the price times whole kWh, which is the difference of the registers cut (a statement paid 6,528 yen for
408.1 kWh at 16 yen; twelve months of one home agree).
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal, InvalidOperation
from typing import Any, NamedTuple

from homemon.core.errors import ConfigError
from homemon.energy.plan import Month
from homemon.energy.toml_file import Fields, day, month, read_toml, text, whole, yen

FIT_YEARS = 10
OWN = ".toml"
DEAREST_SOLD = 1000  # yen a kWh: what is beyond is a slip
ANNOUNCED = "the price for energy sold after FIT is that of the announcement of 2019, and no later one is known"


class SellPrice(NamedTuple):
    """Yen a kWh; None where nothing is paid or known. `doubt` says why that is, or why the price may be another."""

    value: Decimal | None
    doubt: str = ""


class Step(NamedTuple):
    """A price that holds from a day on."""

    begin: date
    price: SellPrice


Selling = tuple[Step, ...]
"""The prices of a way of selling, in order; the first is from `date.min` on."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """The price of those who begin to sell from the month `since` on; after so many `years` it is `then`."""

    since: Month
    price: Decimal
    control: Decimal | None = None
    years: int = FIT_YEARS
    then: Decimal | None = None
    unsure: str = ""


@dataclass(frozen=True, kw_only=True)
class Tables:
    """FIT's prices, known for who begins up to the month `until`, and those of each company afterwards."""

    fit: tuple[Fit, ...]
    until: Month
    post_fit: Mapping[str, Selling]


class Sold(NamedTuple):
    """Whole kWh of a part of a period, and what is paid for them: any number of decimals, None where not known."""

    kwh: int
    price: Decimal | None
    yen: Decimal | None


class Income(NamedTuple):
    """What is paid for a period in whole yen, without the parts that have no price, and why it may be another sum."""

    lines: tuple[Sold, ...]
    total: int
    provisional: tuple[str, ...]


# --- prices by day -------------------------------------------------------------------------


def selling_of(sell: str, tables: Tables, read_own: Callable[[str], str]) -> Selling:
    """Return the prices of what `sell` in config.ini says; `read_own` returns what a file of one's own says.

    `15.0`, `fit-2019-05`, `fit-2019-05-control`, `post-fit-kepco`, or a name that ends in `.toml`. Raise ConfigError.
    """
    if sell.endswith(OWN):
        return read_toml(read_own(sell), sell, _own)
    if found := re.fullmatch(r"fit-(\d{4})-(0[1-9]|1[0-2])(-control)?", sell):
        return tuple(_fit_steps((int(found[1]), int(found[2])), bool(found[3]), tables))
    company = sell.removeprefix("post-fit-")
    if company in tables.post_fit:
        return tables.post_fit[company]
    try:
        return (Step(date.min, SellPrice(paid(Decimal(sell)))),)
    except (InvalidOperation, ValueError):
        raise ConfigError(
            f"sell: {sell!r} is no price for energy that is sold",
            "Write yen a kWh such as 15.0, fit-2019-05 (the month in which selling began), a .toml file of your own, "
            f"or one of {', '.join(f'post-fit-{name}' for name in tables.post_fit)}.",
        ) from None


def price_of(selling: Selling, day: date) -> SellPrice:
    """Return what is paid for a kWh of a day."""
    return next(step.price for step in reversed(selling) if step.begin <= day)


def parts(selling: Selling, begin: date, end: date) -> tuple[tuple[date, SellPrice], ...]:
    """Return the prices of a period from `begin` up to but not including `end`, each with its first day."""
    changes = {step.begin for step in selling if begin < step.begin < end}
    return tuple((first, price_of(selling, first)) for first in sorted({begin, *changes}))


def income(sold: Iterable[tuple[SellPrice, Decimal]]) -> Income:
    """Return what is paid for a period whose parts had these prices and differences of the register, in kWh."""
    known = list(sold)
    lines = tuple(_sold(known))
    paid = sum((line.yen for line in lines if line.yen is not None), Decimal(0))
    total = paid.to_integral_value(ROUND_FLOOR)
    doubts = dict.fromkeys(price.doubt for price, _ in known if price.doubt)
    if total != paid:
        doubts["that what is paid for sold energy is cut to whole yen is not confirmed by a source"] = None
    if len({price.value for price, _ in known}) > 1:
        doubts["how a period is divided in which the price of sold energy changes is not confirmed by a source"] = None
    return Income(lines, int(total), tuple(doubts))


def _sold(known: Iterable[tuple[SellPrice, Decimal]]) -> Iterator[Sold]:
    """Yield the parts; their whole kWh add up to those of the period."""
    register, counted = Decimal(0), 0
    for price, kwh in known:
        register += kwh
        part, counted = int(register) - counted, int(register)
        yield Sold(part, price.value, None if price.value is None else price.value * part)


def _fit_steps(began: Month, control: bool, tables: Tables) -> Iterator[Step]:
    label = f"{began[0]}-{began[1]:02}"
    row = max((row for row in tables.fit if row.since <= began), key=lambda row: row.since, default=None)
    if row is None or began > tables.until:
        raise ConfigError(f"no FIT price is known for selling that began in {label}", "Write it: sell = YEN.")
    if control and row.control is None:
        raise ConfigError(f"FIT has one price for selling that began in {label}", f"Write fit-{label}.")
    price = row.control if control and row.control else row.price
    unsure = f"{row.unsure} is not confirmed by a source" if row.unsure else ""
    yield Step(date.min, SellPrice(None, f"selling began in {label}"))
    yield Step(_first(began), SellPrice(price, unsure))
    if row.then is not None:
        changed = _later(began, 12 * row.years)
        yield Step(_first(changed), SellPrice(row.then, "on which day of this month the FIT price fell is not known"))
        yield Step(_first(_later(changed, 1)), SellPrice(row.then, unsure))
    end = _later(began, 12 * FIT_YEARS)
    yield Step(_first(end), SellPrice(None, f"the ten years of FIT ended in {end[0]}-{end[1]:02}"))


def _first(month: Month) -> date:
    return date(*month, 1)


def _later(month: Month, count: int) -> Month:
    months = month[0] * 12 + month[1] - 1 + count
    return months // 12, months % 12 + 1


# --- files ---------------------------------------------------------------------------------


def paid(raw: Any) -> Decimal:
    """Return yen a kWh. Raise ValueError."""
    price = yen(raw)
    if not 0 <= price <= DEAREST_SOLD:
        raise ValueError(f"is to be yen a kWh from 0 to {DEAREST_SOLD}, not {raw}")
    return price


def read_tables(content: str, file: str) -> Tables:
    """Return the prices that are shipped. Raise ConfigError, which names each fault with file and line."""
    return read_toml(content, file, _tables)


def _tables(fields: Fields) -> Tables:
    fields.take("source", text, "")
    fields.take("checked", day, None)
    companies = fields.table("post_fit")
    tables = Tables(
        fit=tuple(map(_fit, fields.tables("fit"))),
        until=fields.need("fit_until", month, (2000, 1)),
        post_fit={name: _announced(companies.table(name)) for name, _ in companies.peek()},
    )
    fields.close()
    return tables


def _fit(fields: Fields) -> Fit:
    row = Fit(
        since=fields.need("from", month, (2000, 1)),
        price=fields.need("price", paid, Decimal(0)),
        control=fields.take("control", paid, None),
        years=fields.take("years", whole(1, FIT_YEARS), FIT_YEARS),
        then=fields.take("then", paid, None),
        unsure=fields.take("unsure", text, ""),
    )
    fields.close()
    return row


def _announced(fields: Fields) -> Selling:
    found = []
    for key, _ in fields.peek():
        try:
            begin = date.fromisoformat(key)
        except ValueError:
            continue  # close() names it
        found.append(Step(begin, SellPrice(fields.take(key, paid, None), ANNOUNCED)))
    fields.close()
    return _from_the_first(found)


def _own(fields: Fields) -> Selling:
    fields.take("source", text, "")
    fields.take("checked", day, None)
    found = [_step(each) for each in fields.tables("step")]
    if not found or [step.begin for step in found] != sorted({step.begin for step in found}):
        fields.fault("step", "is to be tables, [[step]], each with a day `from` that is later than the one before")
    fields.close()
    return _from_the_first(found)


def _step(fields: Fields) -> Step:
    doubt = fields.take("unsure", text, "")
    step = Step(fields.need("from", day, date.max), SellPrice(fields.need("price", paid, Decimal(0)), doubt))
    fields.close()
    return step


def _from_the_first(steps: list[Step]) -> Selling:
    begin = steps[0].begin if steps else date.max
    return (Step(date.min, SellPrice(None, f"no price is known for energy sold before {begin}")), *steps)
