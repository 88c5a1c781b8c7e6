"""くらしTEPCO's half-hours: the CSV of a day, and what the portal's pages get in JSON.

Of 2021: a CSV with 年月日 (`2021/09/28 00:30` to `24:00`) and ご使用量, and its twin in JSON, rows with `month`, `day`,
`time` and `kwh` below `data_year`. The first half-hour of a day is 00:30, so a label is its end. Where there is no
value stand `---` and "-0". Of 2026: `billInfos`, rows with `usedTime` (HHMM) and, where it was metered,
`usedInfo.power`, taken for kWh; whether its labels are starts or ends follows from the first and the last of a day.

The CSV also has the customer's number and that of the supply point: of its cells only the time and the kWh are quoted.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from itertools import chain, islice
from typing import Any, NamedTuple

from homemon.core.points import DAY, HALF_HOUR, HOUR, Point
from homemon.replay.downloads.items import (
    UNMETERED,
    Bad,
    Item,
    Lines,
    Missing,
    Options,
    begin,
    cells,
    number,
    plain,
    quoted,
)
from homemon.sources.registry import PORTAL

LARGEST = 1 << 22  # characters of JSON; a year of half-hours are a third of that
WHEN, USED = "年月日", "ご使用量"
MOST = PORTAL.bounds[1]  # kWh
SLOTS = DAY // HALF_HOUR
_STARTS = [f"{at // 2:02}{at % 2 * 30:02}" for at in range(SLOTS)]
WHOLE_DAYS = (_STARTS, [*_STARTS[1:], "2400"], [*_STARTS[1:], "0000"])
"""The labels of a day's half-hours, by their starts or by their ends."""
_WHEN = re.compile(r"([0-9/]{8,10})[ ]+([0-9]{1,2}:[0-9]{2})", re.ASCII)
_TIME = re.compile("([01]?[0-9]|2[0-4]):([03]0)", re.ASCII)


class Row(NamedTuple):
    """A half-hour as a file has it: where it stands, its kWh, and the day and the time of its end."""

    number: int
    kwh: Any
    day: str = ""
    time: str = ""


# --- the CSV ---------------------------------------------------------------------------


def is_header(text: str) -> bool:
    """Return whether a line has the titles of the CSV."""
    return WHEN in text and USED in text and {WHEN, USED} <= set(map(plain, cells(text)))


def csv_recognised(head: Sequence[str]) -> bool:
    """Return whether the first lines of a file are those of the CSV."""
    return any(map(is_header, head))


def read_csv(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each half-hour of the CSV; of `options` it needs none."""
    yield from _half_hours(_csv_rows(lines))


def _csv_rows(lines: Lines) -> Iterator[Row | Bad]:
    titles: list[str] = []
    for line, text in lines:
        if is_header(text):
            titles = [plain(cell) for cell in cells(text)]
        elif titles and text.strip(", \r\n\x1a"):
            yield _csv_row(line, cells(text), titles)


def _csv_row(line: int, row: Sequence[str], titles: Sequence[str]) -> Row | Bad:
    if len(row) != len(titles):
        return Bad(line, f"the line has {len(row)} columns and not {len(titles)}")
    when = _WHEN.fullmatch(row[titles.index(WHEN)])
    if when is None:
        return Bad(line, f"{WHEN} is no day with a time, such as 2021/09/28 00:30")
    return Row(line, row[titles.index(USED)], when[1], when[2])


# --- JSON ------------------------------------------------------------------------------


def rows_recognised(head: Sequence[str]) -> bool:
    """Return whether a file begins as the JSON of 2021."""
    return _is_json(head) and all(any(f'"{key}"' in text for text in head) for key in ("month", "time", "kwh"))


def bills_recognised(head: Sequence[str]) -> bool:
    """Return whether a file begins as the `billInfos` of 2026."""
    return _is_json(head) and any('"billInfos"' in text for text in head)


def _is_json(head: Sequence[str]) -> bool:
    return next((text for text in map(str.strip, head) if text), "").startswith(("{", "["))


def read_rows(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each half-hour of the rows of 2021; without `data_year` their year is that of `options.day`."""
    try:
        yield from _half_hours(_json_rows(_objects(_parsed(lines)), options.day and options.day.year))
    except ValueError as error:
        yield Bad(1, str(error))


def _json_rows(objects: Iterator[Mapping[str, Any]], year: Any) -> Iterator[Row]:
    """Yield the rows among some objects, with the year of the object around them. Raise ValueError."""
    at = 0
    for found in objects:
        year = found.get("data_year", year)
        if found.keys() >= {"month", "day", "time", "kwh"}:
            at += 1
            if year is None:
                raise ValueError("the rows name no year: add --date")
            yield Row(at, found["kwh"], f"{year}/{found['month']}/{found['day']}", str(found["time"]))


def read_bills(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each half-hour of the `billInfos` of `options.day`."""
    try:
        yield from _bills(_day_of(_parsed(lines)), options.day)
    except ValueError as error:
        yield Bad(1, str(error))


def _day_of(value: Any) -> list[Any]:
    """Return the only `billInfos` of a JSON value. Raise ValueError."""
    days: list[list[Any]] = [
        found["billInfos"] for found in _objects(value) if isinstance(found.get("billInfos"), list)
    ]
    if len(days) != 1:
        raise ValueError(f"it has {len(days)} days of billInfos and not one")
    return days[0]


def _bills(slots: list[Any], day: date | None) -> Iterator[Item]:
    """Yield a point for each half-hour of a day. Raise ValueError where the day is not known, or is not whole."""
    if day is None:
        raise ValueError("it names no day: add --date")
    rows = [slot for slot in slots if isinstance(slot, dict)]
    if [str(row.get("usedTime", "")).zfill(4) for row in rows] not in WHOLE_DAYS:
        raise ValueError("usedTime is not that of 48 half-hours in order, 0000 to 2330 or 0030 to 2400")
    midnight = begin(day.isoformat())
    for at, row in enumerate(rows):
        used = row.get("usedInfo")
        kwh = used.get("power") if isinstance(used, dict) else None
        yield _item(Row(at + 1, kwh), midnight + at * HALF_HOUR)


def _parsed(lines: Lines) -> Any:
    """Return what a JSON file holds, its numbers as text: `-0` is no 0. Raise ValueError."""
    text = ""
    for _, line in lines:
        text += line + "\n"
        if len(text) > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} characters: save less at a time")
    with suppress(ValueError, RecursionError):
        return json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    raise ValueError("it is not whole JSON: save it again")


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


# --- both ------------------------------------------------------------------------------


def _half_hours(rows: Iterator[Row | Bad]) -> Iterator[Item]:
    """Yield a point for each row, unless the first day's are whole hours."""
    head = list(islice(rows, SLOTS))
    if not any(isinstance(row, Row) and row.time.endswith("30") for row in head):
        yield Bad(1, "it has no half-hours: save each day by itself")
        return
    before: int | None = None
    for row in chain(head, rows):
        if isinstance(row, Bad):
            yield row
            continue
        try:
            before = _end(row, before)
        except ValueError as error:
            yield Bad(row.number, str(error))
        else:
            yield _item(row, before - HALF_HOUR)


def _end(row: Row, before: int | None) -> int:
    """Return when the half-hour of a row ends; `before` is the end in the row before it. Raise ValueError."""
    start, of_day = begin(row.day), _seconds(row.time)
    if of_day:
        return start + of_day
    if before is None or before + HALF_HOUR not in (start, start + DAY):
        raise ValueError("'00:00' follows no '23:30': which day it ends is not known")
    return before + HALF_HOUR


def _seconds(time: str) -> int:
    """Return the seconds since midnight of the end of a half-hour, `00:30` to `24:00`. Raise ValueError."""
    found = _TIME.fullmatch(time)
    seconds = int(found[1]) * HOUR + int(found[2]) * 60 if found else DAY + 1
    if seconds > DAY:
        raise ValueError(f"{quoted(time)} is no time of a half-hour")
    return seconds


def _item(row: Row, start: int) -> Item:
    """Return the point of a half-hour, `Missing` where it was not metered, or `Bad`."""
    try:
        kwh = None if row.kwh is None else number(str(row.kwh), MOST)
    except ValueError as error:
        return Bad(row.number, str(error))
    return Missing("portal", "bought", UNMETERED) if kwh is None else Point("portal", {"bought": kwh}, start)
