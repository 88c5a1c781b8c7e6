"""A plan as TOML, each figure checked; a fault is reported with its line."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from homemon.energy.bill import ROUNDED, WAYS
from homemon.energy.calendar import gaps, never
from homemon.energy.plan import (
    ALL,
    ALL_MONTHS,
    LEVY_DOWN,
    WHOLE_DAY,
    Band,
    Base,
    Block,
    Discount,
    Excepted,
    Holidays,
    Market,
    Minimum,
    Plan,
    ProRata,
    Tier,
    Unsure,
    Version,
)
from homemon.energy.toml_file import (
    Fields,
    between,
    charge,
    day,
    energy_price,
    flag,
    list_of,
    month,
    month_and_day,
    one_of,
    read_toml,
    text,
    whole,
)
from homemon.sources import registry

AREAS = (*registry.AREAS, "okinawa")  # which has no price at JEPX
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def read_plan(text: str, file: str, key: str) -> Plan:
    """Return the plan that a file says. Raise ConfigError, which names each fault with file and line."""
    return read_toml(text, file, lambda fields: _plan(fields, key))


# --- values ------------------------------------------------------------------------------


def hours(raw: Any) -> tuple[int, int]:
    """ "22-8", "7:30-9": half-hours of the day."""
    found = re.fullmatch(r"(\d{1,2})(:30|:00)?-(\d{1,2})(:30|:00)?", raw if isinstance(raw, str) else "")
    begin, end = (2 * int(found[i]) + (found[i + 1] == ":30") for i in (1, 3)) if found else (0, 0)
    if begin == end or max(begin, end) > WHOLE_DAY:
        raise ValueError(f'is to be hours such as "22-8" or "7:30-9", not {raw!r}')
    return begin, end


def tiers(raw: Any) -> tuple[Tier, ...]:
    """[[120, 29.80], [300, 36.40], 40.49]: up to so many kWh at which price; the last is above all."""
    if not isinstance(raw, list) or not raw:
        return ((None, energy_price(raw)),)
    *below, last = raw
    found: list[Tier] = []
    for each in below:
        if not isinstance(each, list) or len(each) != 2:
            raise ValueError(f"is to be [kWh, yen] for all tiers but the last, not {each!r}")
        found.append((whole(1, 100_000)(each[0]), energy_price(each[1])))
    limits = [limit for limit, _ in found]
    if limits != sorted(set(limits), key=lambda limit: limit or 0):
        raise ValueError("its tiers are to rise")
    return (*found, (None, energy_price(last)))


def item_names(raw: Any) -> tuple[str, ...]:
    names = list_of(text)(raw)
    if twice := _twice(names):
        raise ValueError(f"has {', '.join(twice)} twice")
    return names


def months(raw: Any) -> frozenset[int]:
    if not (found := list_of(whole(1, 12))(raw)):
        raise ValueError("is to be at least one month, 1 to 12")
    return frozenset(found)


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, count in Counter(names).items() if count > 1)


def excepted(raw: Any) -> Excepted:
    """ "08-11", "08-11 to 2018": no holiday, up to that year."""
    date, _, last = raw.partition(" to ") if isinstance(raw, str) else (raw, "", "")
    if last and not re.fullmatch(r"20\d\d", last):
        raise ValueError(f'is to be a month and day such as "08-11", or "08-11 to 2018", not {raw!r}')
    return Excepted(month_and_day(date), int(last)) if last else Excepted(month_and_day(date))


def unsure_figure(raw: Any) -> Unsure:
    """ "the base charge", { what = "the base charge above 10 kW", above = 10 }: and which bills it concerns."""
    if not isinstance(raw, dict):
        return Unsure(what=text(raw))
    if unknown := sorted(raw.keys() - UNSURE.keys()):
        raise ValueError(f"knows {', '.join(UNSURE)}, not {', '.join(unknown)}")
    return Unsure(**{"what": text(raw.get("what")), **{key: UNSURE[key](value) for key, value in raw.items()}})


UNSURE: Mapping[str, Callable[[Any], Any]] = {
    "what": text,
    "above": whole(0, 50),
    "bands": lambda raw: frozenset(list_of(text)(raw)),
    "over": whole(0, 100_000),
    "months": months,
}


# --- a plan --------------------------------------------------------------------------------


def _plan(fields: Fields, key: str) -> Plan:
    plan = Plan(
        key=key,
        name=fields.need("name", text, ""),
        company=fields.need("company", text, ""),
        area=fields.need("area", one_of(*AREAS), ""),
        versions=_versions(fields),
    )
    fields.close()
    return plan


def _versions(fields: Fields) -> tuple[Version, ...]:
    """Return the versions; that there is none, or that two begin at once, is a fault."""
    if not fields.filled("version"):
        fields.fault("version", "is missing: a plan has at least one [[version]]")
    tables = fields.tables("version")
    found = tuple(map(_version, tables))
    begins = [(each.since, each.used_from) for each in found]
    for number, (table, begin) in enumerate(zip(tables, begins, strict=True)):
        if begin in begins[:number] and table.sound:
            table.fault("used_from" if begin[1] else "from", "another version begins then too")
    return found


def _version(fields: Fields) -> Version:
    base = _base(fields.table("base"))
    no_bands, no_holidays = (not fields.filled(name) for name in ("band", "holidays"))
    bands = tuple(map(_band, fields.tables("band")))
    if "price" in fields:
        bands = (Band(name=ALL, tiers=fields.take("price", tiers, ())), *bands)
    market = _market(fields.table("market")) if "market" in fields else None
    if market and not bands:
        bands = (Band(name=ALL, tiers=()),)
    if not bands and no_bands:
        fields.fault("price", "is missing: prices, [[version.band]] for each of several hours, or [version.market]")
    holidays = _holidays(fields.table("holidays"))
    unsure = fields.take("unsure", list_of(unsure_figure), ())
    _check(fields, bands, holidays, unsure, no_holidays)
    if "from" in fields and "used_from" in fields:
        fields.fault("used_from", "is for days of use, and from for bills: a version has one of them")
    used_from = fields.take("used_from", day, None)
    items = fields.take("items", item_names, ("fuel", "levy"))
    version = Version(
        since=fields.take("from", month, (used_from.year, used_from.month) if used_from else (2000, 1)),
        used_from=used_from,
        source=fields.take("source", text, ""),
        checked=fields.take("checked", day, date.min),
        base=base,
        bands=bands,
        items=items,
        discounts=tuple(map(_discount, fields.tables("discount"))),
        least=fields.take("least", charge, None),
        holidays=holidays,
        base_at=fields.take("base_at", one_of("begin", "end"), "end"),
        pro_rata=_pro_rata(fields.table("pro_rata")) if "pro_rata" in fields else None,
        market=market,
        rounding=_rounding(fields.table("rounding"), items) if "rounding" in fields else LEVY_DOWN,
        unsure=unsure,
    )
    fields.close()
    return version


def _rounding(fields: Fields, items: Iterable[str]) -> Mapping[str, str]:
    """Return how what is rounded; what is neither a monthly item nor one of ROUNDED is a fault."""
    found = {name: fields.take(name, one_of(*WAYS)) for name in (*ROUNDED, *items) if name in fields}
    fields.close()
    return found


def _check(
    fields: Fields, bands: tuple[Band, ...], holidays: Holidays, unsure: tuple[Unsure, ...], no_holidays: bool
) -> None:
    """Report a half-hour without a band, a band without a half-hour, and names that are twice or nowhere.

    Where a figure is wrong, what would follow from it is no fault of its own.
    """
    if any(band.days != "all" for band in bands) and no_holidays:
        fields.fault("holidays", "is missing: bands of weekdays or holidays are there, and not which days those are")
    elif fields.sound and bands:
        _check_hours(fields, bands, holidays)
    names = [band.name for band in bands]
    if twice := _twice(names):
        fields.fault("band", f"two bands have the name {', '.join(twice)}")
    if nowhere := sorted({name for each in unsure for name in each.bands} - set(names)):
        fields.fault("unsure", f"there is no band {', '.join(nowhere)}")


def _check_hours(fields: Fields, bands: tuple[Band, ...], holidays: Holidays) -> None:
    """Report the first half-hour that no band holds on, and bands that others cover."""
    if gap := next(gaps(bands, holidays), None):
        fields.fault("band", f"no band holds on {gap}")
    for covered in never(bands, holidays):
        fields.fault("band", f"{covered.name} never holds: the bands before it have all of its half-hours")


def _base(fields: Fields) -> Base:
    kinds = [kind for kind in ("ampere", "kva", "block", "minimum", "flat") if kind in fields]
    if len(kinds) != 1:
        fields.fault("", f"is to be one of ampere, kva, block, minimum, flat; it has {', '.join(kinds) or 'nothing'}")
    amperes = fields.table("ampere")
    ampere = {int(key): charge(price) for key, price in amperes.items() if _is_ampere(amperes, key, price)}
    block = minimum = None
    if "block" in fields:
        table = fields.table("block")
        block = Block(
            unit=table.take("unit", one_of("kw", "kva"), "kw"),
            first=table.take("first", whole(0, 50), 10),
            price=table.need("price", charge, Decimal(0)),
            above=table.take("above", charge, Decimal(0)),
        )
        table.close()
    if "minimum" in fields:
        table = fields.table("minimum")
        minimum = Minimum(price=table.need("price", charge, Decimal(0)), kwh=table.need("kwh", whole(0, 100), 0))
        table.close()
    base = Base(
        ampere=ampere,
        kva=fields.take("kva", charge, None),
        block=block,
        minimum=minimum,
        flat=fields.take("flat", charge, None),
        unused=fields.take("unused", between(0, 1), Decimal("0.5")),
    )
    fields.close()
    return base


def _is_ampere(fields: Fields, key: str, price: Any) -> bool:
    try:
        if not key.isdecimal():
            raise ValueError("is to be a number of amperes")
        charge(price)
    except ValueError as error:
        fields.fault(key, str(error))
        return False
    return True


def _band(fields: Fields) -> Band:
    band = Band(
        name=fields.need("name", text, "?"),
        tiers=fields.need("price", tiers, ((None, Decimal(0)),)),
        hours=fields.take("hours", list_of(hours), ((0, WHOLE_DAY),)),
        days=fields.take("days", one_of("all", "weekday", "holiday"), "all"),
        months=fields.take("months", months, ALL_MONTHS),
    )
    fields.close()
    return band


def _discount(fields: Fields) -> Discount:
    if ("yen" in fields) == ("percent" in fields):
        fields.fault("", "is to have one of yen and percent")
    if "cap" in fields and "percent" not in fields:
        fields.fault("cap", "is the most of a percent, and there is none")
    discount = Discount(
        name=fields.need("name", text, "?"),
        yen=fields.take("yen", charge, Decimal(0)),
        percent=fields.take("percent", between(0, 100), Decimal(0)),
        cap=fields.take("cap", charge, None),
    )
    fields.close()
    return discount


def _market(fields: Fields) -> Market:
    market = Market(
        loss=fields.take("loss", between(0, 50), Decimal(0)),
        tax=fields.take("tax", between(1, 2), Decimal("1.1")),
        cut=fields.take("cut", between(0, 1), Decimal("0.01")),
        fee=fields.take("fee", energy_price, Decimal(0)),
    )
    fields.close()
    return market


def _pro_rata(fields: Fields) -> ProRata:
    rule = ProRata(
        per=fields.take("per", one_of("30", "calendar", "period"), "30"),
        beyond=fields.take("beyond", whole(1, 31), None),
    )
    fields.close()
    return rule


def _holidays(fields: Fields) -> Holidays:
    holidays = Holidays(
        weekdays=frozenset(map(WEEKDAYS.index, fields.take("weekdays", list_of(one_of(*WEEKDAYS)), ()))),
        national=fields.take("national", flag, False),
        dates=frozenset(fields.take("dates", list_of(month_and_day), ())),
        exceptions=fields.take("except", list_of(excepted), ()),
    )
    fields.close()
    return holidays
