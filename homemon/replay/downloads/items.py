"""What a reader of a file gives, and what the readers share: cells, numbers and days."""

import csv
import re
from collections.abc import Iterator
from datetime import date, datetime
from functools import lru_cache
from typing import NamedTuple
from unicodedata import normalize

from homemon.core.points import JST, Point
from homemon.core.printable import printable

UNMETERED = "no value in the file"
SHOWN = 20  # characters of a cell that a message quotes
_EMPTY = re.compile(r"-*|-0(\.0*)?")
_NUMBER = re.compile(r"[0-9]{1,9}(\.[0-9]{1,6})?", re.ASCII)
_DATE = re.compile(r"(20[0-9]{2})([/-]?)([0-9]{1,2})\2([0-9]{1,2})", re.ASCII)


class Missing(NamedTuple):
    """A half-hour (or hour) of a series that the file has no value for, and why."""

    measurement: str
    field: str
    why: str


class Bad(NamedTuple):
    """A line, or a row of a JSON file, that cannot be read, counted from 1, and why."""

    line: int
    why: str


Item = Point | Missing | Bad
Lines = Iterator[tuple[int, str]]
"""The lines of a file with their numbers, from 1."""


class Options(NamedTuple):
    """What a file does not say itself: the areas that are wanted of a market, and the day of a portal's file."""

    areas: tuple[str, ...] = ()
    day: date | None = None


def text_of(raw: bytes) -> str:
    """Return a line of UTF-8, with a byte order mark or without, or of cp932, with its end where it has one."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        text = raw.decode("cp932", "replace")
    return text.removeprefix("\ufeff")


def cells(text: str) -> list[str]:
    """Return the cells of a line of CSV, without the blanks around them; a line that is no CSV is one cell."""
    try:
        return [cell.strip() for cell in next(csv.reader((text,)), [])]
    except csv.Error:
        return [text]


def plain(text: str) -> str:
    """Return a title without blanks, its full-width digits, letters and signs as ASCII."""
    return "".join(normalize("NFKC", text).split())


def number(cell: str, most: float) -> float | None:
    """Return a decimal, 0 to `most`; None for what stands for no value: nothing, `-`, `---`, `-0`. Raise ValueError."""
    if _EMPTY.fullmatch(cell):
        return None
    if not _NUMBER.fullmatch(cell):
        raise ValueError(f"{quoted(cell)} is no number")
    if float(cell) > most:
        raise ValueError(f"{quoted(cell)} is more than {most:g}, the most that can be")
    return float(cell)


def quoted(cell: str) -> str:
    """Return the beginning of a cell as a message may show it."""
    return f"'{printable(cell[:SHOWN])}'"


@lru_cache(2)
def begin(day: str) -> int:
    """Return the Unix time at which a day, such as 2026/8/26, begins in Japan. Raise ValueError."""
    try:
        if parts := _DATE.fullmatch(day):
            return int(datetime(int(parts[1]), int(parts[3]), int(parts[4]), tzinfo=JST).timestamp())
    except ValueError:
        pass
    raise ValueError(f"{quoted(day)} is no date")
