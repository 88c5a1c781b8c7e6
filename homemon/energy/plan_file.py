"""Plans and prices as TOML, each figure checked; a fault is reported with its line."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from homemon.core.errors import ConfigError
from homemon.energy.bill import ROUNDING
from homemon.energy.plan import (
    ALL,
    WHOLE_DAY,
    Band,
    Base,
    Block,
    Discount,
    Holidays,
    Minimum,
    Month,
    Plan,
    Tier,
    Version,
)

Value = TypeVar("Value")
REQUIRED: Any = object()
AREAS = (
    *("hokkaido", "tohoku", "tokyo", "chubu", "hokuriku"),
    *("kansai", "chugoku", "shikoku", "kyushu", "okinawa"),
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DEAREST = Decimal(10_000)  # yen a kWh, and a hundred times as much a month: what is beyond is a slip


def read_plan(text: str, file: str, key: str) -> Plan:
    """Return the plan that a file says. Raise ConfigError, which names each fault with file and line."""
    return read_toml(text, file, lambda fields: _plan(fields, key))


def read_toml(text: str, file: str, read: "Callable[[Fields], Value]") -> Value:
    """Return what `read` makes of a file. Raise ConfigError, which names each fault with file and line."""
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        raise ConfigError(f"{file}:{line[1] if line else 1}: {error}") from None
    faults: list[tuple[str, str]] = []
    found = read(Fields(raw, "", faults))
    if faults:
        lines = dict(_lines(text))
        raise ConfigError("\n".join(f"{file}:{_line_of(path, lines)}: {path}: {fault}" for path, fault in faults))
    return found


class Fields:
    """A table of a file: each key is taken once, and what nobody takes is a fault."""

    def __init__(self, raw: Mapping[str, Any], path: str, faults: list[tuple[str, str]]) -> None:
        self._left = dict(raw)
        self._path = path
        self._faults = faults

    def __contains__(self, key: str) -> bool:
        return key in self._left

    def take(self, key: str, read: Callable[[Any], Any], default: Any = REQUIRED) -> Any:
        """Return what is behind a key; `default` where it is wrong or left out, which is a fault without one."""
        if key not in self._left:
            if default is REQUIRED:
                self.fault(key, "is missing")
            return default
        try:
            return read(self._left.pop(key))
        except ValueError as error:
            self.fault(key, str(error))
            return default

    def table(self, key: str) -> "Fields":
        """Return the table behind a key, empty where there is none."""
        raw = self._left.pop(key, {})
        if not isinstance(raw, dict):
            self.fault(key, "is to be a table")
            raw = {}
        return Fields(raw, f"{self._path}{key}.", self._faults)

    def tables(self, key: str) -> "list[Fields]":
        """Return the tables of `[[key]]`."""
        raw = self._left.pop(key, [])
        if not isinstance(raw, list) or not all(isinstance(each, dict) for each in raw):
            self.fault(key, f"is to be tables, [[{key}]]")
            return []
        return [Fields(each, f"{self._path}{key}[{number}].", self._faults) for number, each in enumerate(raw)]

    def peek(self) -> list[tuple[str, Any]]:
        """Return what is left."""
        return list(self._left.items())

    def items(self) -> Iterator[tuple[str, Any]]:
        """Yield what is left, and take it."""
        left, self._left = self._left, {}
        yield from left.items()

    def fault(self, key: str, text: str) -> None:
        self._faults.append((f"{self._path}{key}", text))

    def close(self) -> None:
        """Report what nobody took."""
        for key, _ in self.items():
            self.fault(key, "is not known")


# --- values ------------------------------------------------------------------------------


def yen(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise ValueError(f"is to be a number of yen, not {raw!r}")
    price = Decimal(raw)
    if not price.is_finite() or abs(price) > DEAREST * 100:
        raise ValueError(f"{raw} is no price")
    return price


def text(raw: Any) -> str:
    if not isinstance(raw, str) or not raw.strip():
        raise ValueError(f"is to be text, not {raw!r}")
    return raw


def whole(least: int, most: int) -> Callable[[Any], int]:
    def read(raw: Any) -> int:
        if isinstance(raw, bool) or not isinstance(raw, int) or not least <= raw <= most:
            raise ValueError(f"is to be a whole number from {least} to {most}, not {raw!r}")
        return raw

    return read


def one_of(*words: str) -> Callable[[Any], Any]:
    def read(raw: Any) -> Any:
        if raw not in words:
            raise ValueError(f"is to be one of {', '.join(words)}, not {raw!r}")
        return raw

    return read


def list_of(read: Callable[[Any], Value]) -> Callable[[Any], tuple[Value, ...]]:
    def read_all(raw: Any) -> tuple[Value, ...]:
        if not isinstance(raw, list):
            raise ValueError(f"is to be a list, not {raw!r}")
        return tuple(map(read, raw))

    return read_all


def day(raw: Any) -> date:
    if type(raw) is not date:
        raise ValueError(f"is to be a day such as 2026-08-16, not {raw!r}")
    return raw


def month(raw: Any) -> Month:
    """Return the label of a bill."""
    found = re.fullmatch(r"(20\d\d)-(0[1-9]|1[0-2])", raw if isinstance(raw, str) else "")
    if not found:
        raise ValueError(f'is to be a bill\'s month such as "2026-08", not {raw!r}')
    return int(found[1]), int(found[2])


def month_and_day(raw: Any) -> tuple[int, int]:
    try:
        found = date.fromisoformat(f"2024-{raw}")
    except ValueError:
        raise ValueError(f'is to be a month and day such as "12-30", not {raw!r}') from None
    return found.month, found.day


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
        return ((None, yen(raw)),)
    *below, last = raw
    found: list[Tier] = []
    for each in below:
        if not isinstance(each, list) or len(each) != 2:
            raise ValueError(f"is to be [kWh, yen] for all tiers but the last, not {each!r}")
        found.append((whole(1, 100_000)(each[0]), yen(each[1])))
    limits = [limit for limit, _ in found]
    if limits != sorted(set(limits), key=lambda limit: limit or 0):
        raise ValueError("its tiers are to rise")
    return (*found, (None, yen(last)))


# --- a plan --------------------------------------------------------------------------------


def _plan(fields: Fields, key: str) -> Plan:
    plan = Plan(
        key=key,
        name=fields.take("name", text, ""),
        company=fields.take("company", text, ""),
        area=fields.take("area", one_of(*AREAS), ""),
        versions=tuple(map(_version, fields.tables("version"))),
    )
    for required in ("name", "company", "area"):
        if not getattr(plan, required):
            fields.fault(required, "is missing")
    if not plan.versions:
        fields.fault("version", "is missing: a plan has at least one [[version]]")
    fields.close()
    return plan


def _version(fields: Fields) -> Version:
    base = _base(fields.table("base"))
    bands = tuple(map(_band, fields.tables("band")))
    if "price" in fields:
        bands = (Band(name=ALL, tiers=fields.take("price", tiers, ())), *bands)
    if not bands:
        fields.fault("price", "is missing: prices, or [[version.band]] for each of several hours")
    version = Version(
        since=fields.take("from", month, (2000, 1)),
        source=fields.take("source", text, ""),
        checked=fields.take("checked", day, date.min),
        base=base,
        bands=bands,
        items=fields.take("items", list_of(text), ("fuel", "levy")),
        discounts=tuple(map(_discount, fields.tables("discount"))),
        least=fields.take("least", yen, None),
        holidays=_holidays(fields.table("holidays")),
        rounding=fields.take("rounding", one_of(*ROUNDING), "levy"),
        unsure=fields.take("unsure", list_of(text), ()),
    )
    fields.close()
    return version


def _base(fields: Fields) -> Base:
    kinds = [kind for kind in ("ampere", "kva", "block", "minimum", "flat") if kind in fields]
    if len(kinds) != 1:
        fields.fault("", f"is to be one of ampere, kva, block, minimum, flat; it has {', '.join(kinds) or 'nothing'}")
    amperes = fields.table("ampere")
    ampere = {int(key): yen(price) for key, price in amperes.items() if _is_ampere(amperes, key, price)}
    block = minimum = None
    if "block" in fields:
        table = fields.table("block")
        block = Block(
            unit=table.take("unit", one_of("kw", "kva"), "kw"),
            first=table.take("first", whole(0, 50), 10),
            price=table.take("price", yen, Decimal(0)),
            above=table.take("above", yen, Decimal(0)),
        )
        table.close()
    if "minimum" in fields:
        table = fields.table("minimum")
        minimum = Minimum(price=table.take("price", yen, Decimal(0)), kwh=table.take("kwh", whole(0, 100), 0))
        table.close()
    base = Base(
        ampere=ampere,
        kva=fields.take("kva", yen, None),
        block=block,
        minimum=minimum,
        flat=fields.take("flat", yen, None),
        unused=fields.take("unused", yen, Decimal("0.5")),
    )
    fields.close()
    return base


def _is_ampere(fields: Fields, key: str, price: Any) -> bool:
    try:
        if not key.isdecimal():
            raise ValueError("is to be a number of amperes")
        yen(price)
    except ValueError as error:
        fields.fault(key, str(error))
        return False
    return True


def _band(fields: Fields) -> Band:
    band = Band(
        name=fields.take("name", text, "?"),
        tiers=fields.take("price", tiers, ((None, Decimal(0)),)),
        hours=fields.take("hours", list_of(hours), ((0, WHOLE_DAY),)),
        days=fields.take("days", one_of("all", "weekday", "holiday"), "all"),
        months=frozenset(fields.take("months", list_of(whole(1, 12)), tuple(range(1, 13)))),
    )
    fields.close()
    return band


def _discount(fields: Fields) -> Discount:
    discount = Discount(
        name=fields.take("name", text, "?"),
        yen=fields.take("yen", yen, Decimal(0)),
        percent=fields.take("percent", yen, Decimal(0)),
        cap=fields.take("cap", yen, None),
    )
    fields.close()
    return discount


def _holidays(fields: Fields) -> Holidays:
    holidays = Holidays(
        weekdays=frozenset(map(WEEKDAYS.index, fields.take("weekdays", list_of(one_of(*WEEKDAYS)), ()))),
        national=fields.take("national", bool, False),
        dates=frozenset(fields.take("dates", list_of(month_and_day), ())),
    )
    fields.close()
    return holidays


# --- where a fault stands ------------------------------------------------------------------


def _lines(text: str) -> Iterator[tuple[str, int]]:
    """Yield the paths of a file's tables and keys, and the lines on which they stand."""
    table, counts = "", dict[str, int]()
    for number, line in enumerate(text.splitlines(), 1):
        if array := re.match(r"\s*\[\[(.+?)\]\]", line):
            path = _in_arrays(array[1], counts, last=False)
            counts[path] = counts.get(path, -1) + 1
            table = f"{path}[{counts[path]}]."
            yield table.rstrip("."), number
        elif header := re.match(r"\s*\[(.+?)\]", line):
            table = _in_arrays(header[1], counts, last=True) + "."
            yield table.rstrip("."), number
        elif key := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            yield table + key[1].replace('"', "").replace("'", ""), number


def _in_arrays(name: str, counts: Mapping[str, int], last: bool) -> str:
    """Return `version.band` as `version[1].band`: where it is within arrays of tables."""
    path = ""
    parts = name.replace('"', "").split(".")
    for number, part in enumerate(parts):
        path += ("." if path else "") + part
        if path in counts and (last or number < len(parts) - 1):
            path += f"[{counts[path]}]"
    return path


def _line_of(path: str, lines: Mapping[str, int]) -> int:
    """Return the line of a path, or of the nearest table or key that it is within."""
    while path and path not in lines:
        path = re.sub(r"[.\[][^.\[]*$", "", path) if re.search(r"[.\[]", path) else ""
    return lines.get(path, 1)
