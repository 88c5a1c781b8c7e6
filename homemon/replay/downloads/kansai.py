"""関西電力 みる電's hourly CSV: a preamble, a title, the hours `0-1時` to `23-24時`, a row of totals, then the days.

The rows have month and day only; the year is that of the period which the preamble names. The preamble also has the
customer's number and address: nothing of a line that is no day is ever quoted.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import date

from homemon.core.points import HOUR, Point
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
from homemon.sources.registry import PORTAL_HOUR

HOURS = [f"{hour}-{hour + 1}時" for hour in range(24)]
PERIOD, TOTALS = "データ抽出対象期間", "合計"
MOST = PORTAL_HOUR.bounds[1]  # kWh
_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})", re.ASCII)
_DATE = re.compile(r"(20[0-9]{2})年([0-9]{1,2})月([0-9]{1,2})日", re.ASCII)
Period = tuple[date, date]
"""The first and the last day."""


def is_header(text: str) -> bool:
    """Return whether a line names the hours."""
    return "23" in text and [plain(cell) for cell in cells(text)][1:25] == HOURS


def recognised(head: Sequence[str]) -> bool:
    """Return whether the first lines of a file are みる電's."""
    return any(map(is_header, head))


def period(text: str) -> Period | None:
    """Return the period that a line of the preamble names; None for a period that is none."""
    with suppress(ValueError):
        first, last = (date(*map(int, found)) for found in _DATE.findall(plain(text)))
        return first, last
    return None


def read(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each hour; of `options` it needs none. A preamble may come again, as after `cat`."""
    span, begun = None, False
    for line, text in lines:
        if PERIOD in text:
            span, begun = period(text), False
        elif is_header(text):
            begun = True
            if span is None:
                yield Bad(line, f"no line before names the period ({PERIOD}), so the year of the rows is not known")
        elif begun and span:
            yield from _row(line, cells(text), span)


def _row(line: int, row: Sequence[str], span: Period) -> list[Item]:
    """Return what a row below the names of the hours gives: nothing where it is empty or that of the totals."""
    if not any(row) or row[0].endswith(TOTALS):
        return []
    try:
        return _hours(row, *span)
    except ValueError as error:
        return [Bad(line, str(error))]


def _hours(row: Sequence[str], first: date, last: date) -> list[Item]:
    """Return the points of a day, and what is missing of it. Raise ValueError."""
    start = _begin(row[0], first, last)
    if len(row) < 25:
        raise ValueError(f"the line has {len(row) - 1} hours and not 24")
    values = [number(cell, MOST) for cell in row[1:25]]
    return [
        Missing("portal_hour", "bought", UNMETERED)
        if kwh is None
        else Point("portal_hour", {"bought": kwh}, start + hour * HOUR)
        for hour, kwh in enumerate(values)
    ]


def _begin(cell: str, first: date, last: date) -> int:
    """Return when a day of the period begins, in Unix seconds. Raise ValueError."""
    if not (parts := _DAY.fullmatch(cell)):
        raise ValueError("the line begins with no day")
    found = []
    for year in range(first.year, last.year + 1):
        with suppress(ValueError):
            found.append(date(year, int(parts[1]), int(parts[2])))
    inside = [day for day in found if first <= day <= last]
    if len(inside) != 1:
        day = quoted(cell)
        more = f"{day} is more than one day of the period, {first} to {last}"
        raise ValueError(more if inside else f"{day} is no day of the period, {first} to {last}")
    return begin(inside[0].isoformat())
