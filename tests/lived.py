"""A store of a year of the simulated house, and what the commands say of it."""

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from random import Random
from time import time
from typing import Any, NamedTuple

from homemon.core.points import HALF_HOUR, Point
from homemon.energy.periods import day_of
from homemon.sim.house import House
from homemon.storage.store import Store
from tests.commands import homemon, write_config
from tests.judge import midnight
from tests.stores import put

PRICES = ("--price", "fuel=-7.00", "--price", "levy=4.18")
DAYS = 400
READING_DAY = 12


class Lived(NamedTuple):
    """A folder with config.ini and a store of a year; the house, its days, and the half-hours that were not heard."""

    folder: Path
    house: House
    first: date
    today: date
    lost: set[int]
    night: date

    def run(self, *arguments: str, status: int = 0) -> str:
        run = homemon(*arguments, cwd=self.folder)
        assert run.returncode == status, run.stderr
        assert not run.stderr
        return run.stdout


def live(folder: Path) -> Lived:
    """A year of the house. Some half-hours of each tenth day are lost, and once a night from 20:00 to 5:30."""
    today = day_of(int(time()))
    first = today - timedelta(days=DAYS)
    first -= timedelta(days=first.day == READING_DAY)  # the store begins within a billing period
    night = (today.replace(day=1) - timedelta(days=31)).replace(day=20)
    house, rng = House(midnight(first)), Random(13)
    lost = {
        midnight(first + timedelta(days=day)) + slot * HALF_HOUR
        for day in range(5, DAYS, 10)
        for slot in rng.sample(range(1, 48), 4)
    }
    lost |= set(range(midnight(night) - 8 * HALF_HOUR, midnight(night) + 11 * HALF_HOUR, HALF_HOUR))
    write_config(folder, "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 12\nsell = 16")
    store = Store(folder / "store")
    put(store, *points(house, midnight(first), midnight(today), lost))
    store.close()
    return Lived(folder, house, first, today, lost, night)


def points(house: House, begin: int, end: int, lost: set[int]) -> Iterator[Point]:
    for t in range(begin, end + 1, HALF_HOUR):
        if t not in lost:
            yield Point("+power", {"value": house.register_import(t) / 10}, t)
            yield Point("-power", {"value": house.register_export(t) / 10}, t)
        if t < end:
            yield Point("hatuden", {"value": house.generation(t) / 10}, t)
            yield Point("baiden_diff", {"value": house.bought_minus_sold(t) / 10}, t)


def months(lived: Lived) -> list[tuple[str, date, date]]:
    """The bills that are over: their labels, first days and the days after their last."""
    ends = [
        date(lived.first.year + (n // 12), n % 12 + 1, 12) for n in range(lived.first.month, lived.first.month + 15)
    ]
    whole = [(begin, end) for begin, end in pairwise(ends) if begin >= lived.first]
    return [(f"{end:%Y-%m}", begin, end) for begin, end in whole if end <= lived.today]


def bill(lived: Lived, *arguments: str) -> dict[str, Any]:
    (line,) = lived.run("bill", *arguments, *PRICES, "--json").splitlines()
    found: dict[str, Any] = json.loads(line)
    return found


def rows(lived: Lived, *arguments: str) -> dict[str, Mapping[str, str]]:
    """The rows of `energy` as CSV, by their period."""
    found = csv.DictReader(lived.run("energy", *arguments, "--format", "csv").splitlines())
    return {row["period"]: row for row in found}


def at(day: date) -> str:
    return f"{day:%Y-%m-%d}"


def known_half_hours(lived: Lived, begin: date, end: date) -> list[int]:
    """The starts of those of which both registers were heard."""
    times = range(midnight(begin), midnight(end), HALF_HOUR)
    return [t for t in times if not {t, t + HALF_HOUR} & lived.lost]
