"""Home Assistant's long-term statistics: what of them are ours, their rows, and what of these differs from the store.

A statistic is a list of hours, each with all that had been counted at its end (`sum`; `state` is the same). Home
Assistant shows the difference of two sums that follow one another, so an hour that is left out costs no energy.

A row cannot be deleted. One that the store cannot make any more, between others that it can, is emptied: its `state`
goes, and its `sum` becomes that of the row before, so that it adds nothing. Rows before the store's first hour (of
readings that keep_days dropped, or of a store that was lost) and after its newest one stay as they are, and the sums go
on from the former.

Source: Home Assistant's recorder/import_statistics and recorder/statistics_during_period, as tried with 2024.3.3,
2026.2.3 and 2026.11.0.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from math import isfinite
from typing import Any, NamedTuple

from homemon.core.points import HOUR
from homemon.energy.hours import Hour

DIGITS = 6  # behind the point: a binary number holds them exactly enough for a century of hours
MEAN_TYPES = (2025, 11)  # from this version on metadata say mean_type and unit_class; before, has_mean and no more
KWH, YEN = "kWh", "JPY"
UNIT_CLASSES = {KWH: "energy", YEN: None}
NONE = Decimal("NaN")


class Statistic(NamedTuple):
    """One of ours: its id without the prefix, its unit, and its name in Japanese and English."""

    name: str
    unit: str
    title: tuple[str, str]


STATISTICS = (
    Statistic("grid_import", KWH, ("買電", "bought")),
    Statistic("grid_export", KWH, ("売電", "sold")),
    Statistic("solar", KWH, ("発電", "generated")),
    Statistic("used", KWH, ("使用", "used")),
    Statistic("ecocute", KWH, ("エコキュート", "EcoCute")),
    Statistic("grid_import_cost", YEN, ("買電の料金", "cost of what is bought")),
    Statistic("grid_export_income", YEN, ("売電の収入", "income of what is sold")),
)


class Row(NamedTuple):
    """An hour as Home Assistant has it, by its start in Unix seconds; `state` is None in one that was emptied."""

    start: int
    sum: Decimal
    state: Decimal | None

    @property
    def end(self) -> int:
        """When it ends, in Unix seconds."""
        return self.start + HOUR


Rows = Mapping[int, Row]
"""Rows by their starts."""


def identity(statistic: Statistic, tags: Mapping[str, str]) -> str:
    """Return the id of a statistic. The values of [tags] are in it, so that two homes may share a Home Assistant."""
    home = "".join(f"{_slug(tags[name])}_" for name in sorted(tags))
    return f"homemon:{home}{statistic.name}"


def _slug(value: str) -> str:
    """Return a text as an id may hold it; a digest stands for one with other letters than English ones."""
    plain = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
    return plain if plain and value.isascii() else blake2b(value.encode(), digest_size=4).hexdigest()


def metadata(statistic: Statistic, tags: Mapping[str, str], version: str, language: str) -> dict[str, Any]:
    """Return what Home Assistant wants to know of a statistic, as this version of it has it."""
    home = (tags[name] for name in sorted(tags))
    new = release(version) >= MEAN_TYPES
    kind = {"mean_type": 0, "unit_class": UNIT_CLASSES[statistic.unit]} if new else {"has_mean": False}
    return {
        "statistic_id": identity(statistic, tags),
        "source": "homemon",
        "name": " ".join(("homemon", *home, statistic.title[language != "ja"])),
        "unit_of_measurement": statistic.unit,
        "has_sum": True,
        **kind,
    }


def release(version: str) -> tuple[int, int]:
    """Return year and month of a version of Home Assistant; those of the newest where it says something else."""
    found = re.match(r"(\d{4})\.(\d{1,2})(?!\d)", version)
    return (int(found[1]), int(found[2])) if found else MEAN_TYPES


def differing(hours: Iterable[Hour], there: Rows, begin: int, until: int, before: Decimal) -> list[Row]:
    """Return the rows to write, so that those that are there from `begin` to `until` become the hours.

    Both in Unix seconds, and ascending; `before` is the sum at `begin`.
    """
    wanted = {hour.start: Row(hour.start, rounded(hour.counted), rounded(hour.counted)) for hour in hours}
    extra = {start for start in there if begin <= start < until}
    return [row for row in _filled(wanted, sorted(wanted.keys() | extra), before) if row != there.get(row.start)]


def _filled(wanted: Rows, starts: Iterable[int], counted: Decimal) -> Iterator[Row]:
    """Yield the row of each start: the wanted one, or an empty one with the sum of the row before."""
    for start in starts:
        row = wanted.get(start) or Row(start, rounded(counted), None)
        counted = row.sum
        yield row


def rounded(value: Decimal) -> Decimal:
    """Return a sum as it is written and compared."""
    return round(value, DIGITS)


def written(row: Row) -> dict[str, Any]:
    """Return a row as a message has it."""
    state = {} if row.state is None else {"state": float(row.state)}
    return {"start": moment(row.start), **state, "sum": float(row.sum)}


def moment(time: int) -> str:
    """Return a time, Unix seconds, as messages have it."""
    return datetime.fromtimestamp(time, UTC).isoformat()


def read_rows(said: Any) -> dict[int, Row]:
    """Return rows as an answer has them. Raise ValueError where it is no such answer."""
    try:
        return {row.start: row for row in map(_row, said)}
    except (TypeError, KeyError, ArithmeticError):
        raise ValueError(said) from None


def _row(said: Mapping[str, Any]) -> Row:
    start, state = said["start"], said.get("state")
    if type(start) not in (int, float) or start % (HOUR * 1000):
        raise ValueError(start)
    return Row(int(start) // 1000, _number(said["sum"]), None if state is None else _number(state))


def _number(said: Any) -> Decimal:
    """Return a number; none, which equals nothing, where there is another thing in its place."""
    return rounded(Decimal(repr(said))) if type(said) in (int, float) and isfinite(said) else NONE
