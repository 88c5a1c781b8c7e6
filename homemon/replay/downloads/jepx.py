"""JEPX's day-ahead prices: `spot_summary_YYYY.csv` of a fiscal year, and the older `spot_YYYY.csv`.

Columns are found by their titles, which may stand in any line. 時刻コード n is the half-hour that begins
(n - 1) × 30 minutes after midnight. There is no price for Okinawa.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from homemon.core.points import HALF_HOUR, Point
from homemon.replay.downloads.items import Bad, Item, Lines, Missing, Options, begin, cells, number, plain, quoted
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
MOST = SPOT[0].bounds[1]  # yen/kWh
NO_PRICE = "no price in the file"


class Columns(NamedTuple):
    """Where the date, the code, and the price of each area stand, and how many columns there are."""

    date: int
    code: int
    prices: Mapping[str, int]
    width: int

    def of(self, areas: Sequence[str]) -> "Columns":
        """Return the same with the prices of some areas only."""
        return self._replace(prices={area: at for area, at in self.prices.items() if area in areas})


def columns(text: str) -> Columns | None:
    """Return the columns that a line of titles names; None for another line."""
    if CODE not in text:
        return None
    titles = [plain(cell) for cell in cells(text)]
    date = next((titles.index(title) for title in DATES if title in titles), None)
    if date is None or CODE not in titles:
        return None
    found = {area: _first(titles, title) for area, title in TITLES.items()}
    prices = {area: at for area, at in found.items() if at is not None}
    return Columns(date, titles.index(CODE), prices, len(titles))


def _first(titles: Sequence[str], beginning: str) -> int | None:
    return next((at for at, title in enumerate(titles) if title.startswith(beginning)), None)


def recognised(head: Sequence[str]) -> bool:
    """Return whether the first lines of a file are JEPX's."""
    return any(map(columns, head))


def read(lines: Lines, options: Options) -> Iterator[Item]:
    """Yield a point for each half-hour, a field for each area that is wanted; titles may come again, as after `cat`."""
    found = None
    for line, text in lines:
        if named := columns(text):
            found = named.of(options.areas)
            lacking = (area for area in options.areas if area not in found.prices)
            yield from (Bad(line, f"there is no column {TITLES[area]}") for area in lacking)
        elif found and text.strip(", \t\r\n\x1a"):
            try:
                yield from _row(cells(text), found, text.endswith("\n"))
            except ValueError as error:
                yield Bad(line, str(error))


def _row(row: Sequence[str], found: Columns, ended: bool) -> list[Item]:
    """Return the point of a row, and what is missing of it; `ended` where its line has an end. Raise ValueError."""
    last = max(found.date, found.code, *found.prices.values(), 0)
    if len(row) < min(last + 2, found.width):  # the last cell of a line that is cut off may be half a number
        raise ValueError("the line has too few columns")
    if len(row) < last + 2 and not ended:
        raise ValueError("the line has no end: its last price may be half a number")
    time = begin(row[found.date]) + (_code(row[found.code]) - 1) * HALF_HOUR
    prices = {area: number(row[at], MOST) or None for area, at in found.prices.items()}  # 0 is none: the least is 0.01
    missing = [Missing("spot", area, NO_PRICE) for area, price in prices.items() if price is None]
    fields = {area: price for area, price in prices.items() if price is not None}
    return [*missing, Point("spot", fields, time)] if fields else [*missing]


def _code(cell: str) -> int:
    if not re.fullmatch("0?[1-9]|[1-3][0-9]|4[0-8]", cell, re.ASCII):
        raise ValueError(f"{quoted(cell)} is no code of a half-hour, 1 to 48")
    return int(cell)
