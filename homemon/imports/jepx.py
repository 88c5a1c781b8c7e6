"""JEPX's day-ahead prices: `spot_summary_YYYY.csv` of a fiscal year, and the older `spot_YYYY.csv`.

Columns are found by their titles, which may stand in any line. 時刻コード n is the half-hour that begins
(n - 1) × 30 minutes after midnight. There is no price for Okinawa.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from homemon.core.points import HALF_HOUR, Point
from homemon.imports.items import Bad, Item, Lines, Missing, Options, begin, cells, number, plain, quoted
from homemon.sources.registry import SPOT

CODE, DATES = "時刻コード", ("受渡日", "年月日")
SYSTEM, AREA = "システムプライス", "エリアプライス"
TITLES = {
    "system": SYSTEM,
    "hokkaido": f"{AREA}北海道",
    "tohoku": f"{AREA}東北",
    "tokyo": f"{AREA}東京",
    "chubu": f"{AREA}中部",
    "hokuriku": f"{AREA}北陸",
    "kansai": f"{AREA}関西",
    "chugoku": f"{AREA}中国",
    "shikoku": f"{AREA}四国",
    "kyushu": f"{AREA}九州",
}
"""What a price's title begins with."""
LEAST, MOST = SPOT[0].bounds  # yen/kWh
NO_PRICE = "no price in the file"
_DATE = re.compile(r"(20[0-9]{2})[/-]?([0-9]{1,2})[/-]?([0-9]{1,2})", re.ASCII)


class Columns(NamedTuple):
    """Where the date, the code, and the price of each area stand."""

    date: int
    code: int
    prices: Mapping[str, int]


def columns(text: str) -> Columns | None:
    """Return the columns that a line of titles names; None for another line."""
    if CODE not in text:
        return None
    titles = [plain(cell) for cell in cells(text)]
    date = next((titles.index(title) for title in DATES if title in titles), None)
    if date is None or CODE not in titles:
        return None
    found = {area: _first(titles, title) for area, title in TITLES.items()}
    return Columns(date, titles.index(CODE), {area: at for area, at in found.items() if at is not None})


def _first(titles: Sequence[str], beginning: str) -> int | None:
    return next((at for at, title in enumerate(titles) if title.startswith(beginning)), None)


def recognised(head: Sequence[str]) -> bool:
    """Return whether the first lines of a file are JEPX's."""
    return any(map(columns, head))


def read(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each half-hour, a field for each area that is wanted."""
    found = None
    for line, text in lines:
        if found is None:
            if found := columns(text):
                yield from (
                    Bad(line, f"there is no column {TITLES[area]}")
                    for area in options.areas
                    if area not in found.prices
                )
                found = found._replace(prices={a: at for a, at in found.prices.items() if a in options.areas})
        elif text.strip(", \t\x1a"):
            try:
                yield from _row(cells(text), found)
            except ValueError as error:
                yield Bad(line, str(error))


def _row(row: Sequence[str], found: Columns) -> list[Item]:
    """Return the point of a row, and what is missing of it. Raise ValueError."""
    if len(row) <= max(found.date, found.code, *found.prices.values(), 0):
        raise ValueError("the line has too few columns")
    time = _day(row[found.date]) + (_code(row[found.code]) - 1) * HALF_HOUR
    prices = {area: _price(row[at]) for area, at in found.prices.items()}
    missing = [Missing("spot", area, NO_PRICE) for area, price in prices.items() if price is None]
    fields = {area: price for area, price in prices.items() if price is not None}
    return [*missing, Point("spot", fields, time)] if fields else [*missing]


def _day(cell: str) -> int:
    parts = _DATE.fullmatch(cell)
    try:
        return begin(*map(int, parts.groups())) if parts else _no_date()
    except ValueError:
        raise ValueError(f"{quoted(cell)} is no date") from None


def _no_date() -> int:
    raise ValueError


def _code(cell: str) -> int:
    if not re.fullmatch("0?[1-9]|[1-3][0-9]|4[0-8]", cell, re.ASCII):
        raise ValueError(f"{quoted(cell)} is no code of a half-hour, 1 to 48")
    return int(cell)


def _price(cell: str) -> float | None:
    """Return a price; None where there is none, which a 0 means as well: JEPX's least price is 0.01."""
    price = number(cell)
    if price is None or price == 0:
        return None
    if not LEAST <= price <= MOST:
        raise ValueError(f"{quoted(cell)} is no price of JEPX, {LEAST} to {MOST} yen/kWh")
    return price
