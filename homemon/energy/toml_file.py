"""TOML in which each figure is checked; a fault is reported with its file and line."""

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from homemon.core.errors import ConfigError
from homemon.energy.plan import Month

Value = TypeVar("Value")
REQUIRED: Any = object()
DEAREST = Decimal(200)  # yen a kWh: what is beyond, such as -1027 for -10.27, is a slip
MOST_A_MONTH = 100_000  # yen


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

    def filled(self, key: str) -> bool:
        """Whether there is something behind a key, right or wrong, other than nothing."""
        return self._left.get(key, []) not in ([], {})

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

    def need(self, key: str, read: Callable[[Any], Value], stand_in: Value) -> Value:
        """Return what is behind a key; `stand_in` where it is wrong or left out, which is a fault."""
        if key not in self._left:
            self.fault(key, "is missing")
            return stand_in
        found: Value = self.take(key, read, stand_in)
        return found

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
        self._faults.append((f"{self._path}{key}".rstrip("."), text))

    @property
    def sound(self) -> bool:
        """Whether nothing within was a fault so far."""
        return not any(path.startswith(self._path) for path, _ in self._faults)

    def close(self) -> None:
        """Report what nobody took."""
        for key, _ in self.items():
            self.fault(key, "is not known")


# --- values ------------------------------------------------------------------------------


def yen(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, int | Decimal):
        raise ValueError(f"is to be a number of yen, not {raw!r}")
    price = Decimal(raw)
    if not price.is_finite() or abs(price) > MOST_A_MONTH:
        raise ValueError(f"{raw} is no price: {MOST_A_MONTH:,} yen are the most")
    return price


def a_kwh(raw: Any) -> Decimal:
    """Return yen a kWh, which may be less than nothing. Raise ValueError where it is a slip."""
    price = yen(raw)
    if abs(price) > DEAREST:
        raise ValueError(f"{raw} is no price of a kWh: {DEAREST} yen are the most")
    return price


def between(least: int, most: int | Decimal) -> Callable[[Any], Decimal]:
    def read(raw: Any) -> Decimal:
        found = yen(raw)
        if not least <= found <= most:
            raise ValueError(f"is to be a number from {least} to {most}, not {raw}")
        return found

    return read


charge = between(0, MOST_A_MONTH)
energy_price = between(0, DEAREST)


def flag(raw: Any) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"is to be true or false, not {raw!r}")
    return raw


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
