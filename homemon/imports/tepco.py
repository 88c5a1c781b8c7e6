"""くらしTEPCO's half-hours, as its pages get them in JSON.

Of 2021: rows with `month`, `day`, `time`, `kwh`; the day's first half-hour is "00:30", so a label is taken for its
end. Of 2026: `billInfos`, rows with `usedTime` (HHMM) and, where it was metered, `usedInfo.power`, taken for kWh;
whether its labels are starts or ends follows from the first and the last of a whole day. Neither has all of its date.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, NamedTuple

from homemon.core.points import DAY, HALF_HOUR, Point
from homemon.imports.items import UNMETERED, Bad, Item, Lines, Missing, Options, begin, number, quoted

LARGEST = 1 << 24  # characters; two years of half-hours are a quarter of that
FIELD = ("portal", "bought")
_TIME = re.compile("([01][0-9]|2[0-4]):?([03]0)", re.ASCII)


class Slot(NamedTuple):
    """A half-hour: the row that it stands in, when it begins (Unix seconds), and its kWh as written."""

    row: int
    start: int
    kwh: Any


def rows_recognised(head: Sequence[str]) -> bool:
    """Return whether a file begins as the rows of 2021."""
    return _is_json(head) and all(any(f'"{key}"' in text for text in head) for key in ("month", "time", "kwh"))


def bills_recognised(head: Sequence[str]) -> bool:
    """Return whether a file begins as the `billInfos` of 2026."""
    return _is_json(head) and any('"billInfos"' in text for text in head)


def _is_json(head: Sequence[str]) -> bool:
    return next((text for text in map(str.strip, head) if text), "").startswith(("{", "["))


def read_rows(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each half-hour of the rows of 2021; their year is that of `options.day`."""
    found = [row for row in _objects(_parsed(lines)) if {"month", "day", "time", "kwh"} <= row.keys()]
    half = any(str(row["time"]).endswith("30") for row in found)
    if not half or not (options.day or all("year" in row for row in found)):
        yield Bad(1, "the rows name no year: add --date" if half else "it has no half-hours")
        return
    before: int | None = None
    for number_, row in enumerate(found, 1):
        try:
            before = _end(row, options.day, before)
            yield _item(Slot(number_, before - HALF_HOUR, row["kwh"]))
        except (ValueError, OverflowError) as error:
            yield Bad(number_, str(error))


def _end(row: Mapping[str, Any], day: date | None, before: int | None) -> int:
    """Return when the half-hour of a row ends; `before` is the end in the row before it. Raise ValueError."""
    of_day = _seconds(str(row["time"]))
    year = row.get("year", day.year if day else None)
    start = begin(*(int(number(str(part)) or 0) for part in (year, row["month"], row["day"])))
    if of_day:
        return start + of_day
    ends = [end for end in (start, start + DAY) if before == end - HALF_HOUR]
    if not ends:
        raise ValueError("'00:00' follows no '23:30': which day it ends is not known")
    return ends[0]


def read_bills(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each half-hour of the `billInfos` of `options.day`."""
    days = [found["billInfos"] for found in _objects(_parsed(lines)) if isinstance(found.get("billInfos"), list)]
    if options.day is None or len(days) != 1:
        yield Bad(1, "it names no day: add --date" if len(days) == 1 else f"it has {len(days)} days and not one")
        return
    rows = [row for row in days[0] if isinstance(row, dict)]
    labels = [str(row.get("usedTime", "")).zfill(4) for row in rows]
    late = {("0000", "2330"): 0, ("0030", "0000"): HALF_HOUR, ("0030", "2400"): HALF_HOUR}
    shift = late.get((labels[0], labels[-1])) if len(labels) == DAY // HALF_HOUR else None
    if shift is None:
        yield Bad(1, "usedTime is not that of 48 half-hours, 0000 to 2330 or 0030 to 2400")
        return
    midnight = begin(*options.day.timetuple()[:3])
    for number_, (row, label) in enumerate(zip(rows, labels, strict=True), 1):
        try:
            if (start := ((_seconds(label) or (shift and DAY)) - shift)) != (number_ - 1) * HALF_HOUR:
                raise ValueError(f"usedTime {quoted(label)} is out of order")
            used = row.get("usedInfo")
            yield _item(Slot(number_, midnight + start, used.get("power") if isinstance(used, dict) else None))
        except ValueError as error:
            yield Bad(number_, str(error))


def _item(slot: Slot) -> Item:
    """Return the point of a half-hour; `Missing` where it was not metered. Raise ValueError."""
    kwh = None if slot.kwh is None else number(str(slot.kwh))
    return Missing(*FIELD, UNMETERED) if kwh is None else Point("portal", {"bought": kwh}, slot.start)


def _seconds(text: str) -> int:
    """Return the seconds since midnight of `00:30` or `0030`. Raise ValueError."""
    found = _TIME.fullmatch(text)
    seconds = timedelta(hours=int(found[1]), minutes=int(found[2])).total_seconds() if found else DAY + 1
    if seconds > DAY:
        raise ValueError(f"{quoted(text)} is no time of a half-hour")
    return int(seconds)


def _parsed(lines: Lines) -> Any:
    """Return what a JSON file holds; None for one that is none."""
    text = ""
    for _, line in lines:
        text += line + "\n"
        if len(text) > LARGEST:
            return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _objects(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each object of a JSON value, in its order."""
    stack = [value]
    while stack:
        one = stack.pop()
        if isinstance(one, dict):
            yield one
            stack += reversed(one.values())
        elif isinstance(one, list):
            stack += reversed(one)
