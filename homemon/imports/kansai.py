"""関西電力 みる電's hourly CSV: a preamble, a title, the hours `0-1時` to `23-24時`, a row of totals, then the days.

The rows have month and day only; the year is that of the period which the preamble names. The preamble also has the
customer's number and address: nothing of it is ever quoted.
"""

import re
from collections.abc import Iterator, Sequence
from datetime import date

from homemon.core.points import HOUR, Point
from homemon.imports.items import UNMETERED, Bad, Item, Lines, Missing, Options, begin, cells, number, plain, quoted

HOURS = [f"{hour}-{hour + 1}時" for hour in range(24)]
_DAY = re.compile(r"([0-9]{1,2})/([0-9]{1,2})", re.ASCII)
_PERIOD = re.compile(
    r"(20[0-9]{2})年([0-9]{1,2})月([0-9]{1,2})日\D{1,3}(?:(20[0-9]{2})年)?([0-9]{1,2})月([0-9]{1,2})日", re.ASCII
)


def is_header(text: str) -> bool:
    """Return whether a line names the hours."""
    return "23" in text and [plain(cell) for cell in cells(text)][1:25] == HOURS


def recognised(head: Sequence[str]) -> bool:
    """Return whether the first lines of a file are みる電's."""
    return any(map(is_header, head))


def period(text: str) -> tuple[date, date] | None:
    """Return the first and the last day of the period that a line of the preamble names; None for another line."""
    found = _PERIOD.search(plain(text))
    if found is None:
        return None
    year, month, day, last_year, last_month, last_day = (int(part or 0) for part in found.groups())
    try:
        first, last = date(year, month, day), date(last_year or year, last_month, last_day)
        return (first, last) if last >= first or last_year else (first, last.replace(year=year + 1))
    except ValueError:
        return None


def read(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each hour; of `options` it needs none."""
    line, span = _preamble(lines)
    if span is None:
        yield Bad(line, "no line before names the period (データ抽出対象期間), so the year of the rows is not known")
        return
    totals = True
    for line, text in lines:
        row = cells(text)
        if not any(row):
            continue
        if not totals or _DAY.fullmatch(row[0]):
            try:
                yield from _hours(row, *span)
            except ValueError as error:
                yield Bad(line, str(error))
        totals = False


def _preamble(lines: Lines) -> tuple[int, tuple[date, date] | None]:
    """Read up to the names of the hours; return their line, and the period if one was named before."""
    last, span = 0, None
    for line, text in lines:
        last, span = line, span or period(text)
        if is_header(text):
            break
    return last, span


def _hours(row: Sequence[str], first: date, last: date) -> list[Item]:
    """Return the points of a day, and what is missing of it. Raise ValueError."""
    start = _begin(row[0], first, last)
    if len(row) < 25:
        raise ValueError(f"the line has {len(row) - 1} hours and not 24")
    values = [number(cell) for cell in row[1:25]]
    return [
        Missing("portal_hour", "bought", UNMETERED)
        if kwh is None
        else Point("portal_hour", {"bought": kwh}, start + hour * HOUR)
        for hour, kwh in enumerate(values)
    ]


def _begin(cell: str, first: date, last: date) -> int:
    """Return when a day of the period begins, in Unix seconds. Raise ValueError."""
    if not (parts := _DAY.fullmatch(cell)):
        raise ValueError(f"{quoted(cell)} is no day")
    month, day = map(int, parts.groups())
    for year in range(first.year, last.year + 1):
        try:
            if first <= date(year, month, day) <= last:
                return begin(year, month, day)
        except ValueError:
            continue
    raise ValueError(f"{quoted(cell)} is no day of the period, {first} to {last}")
