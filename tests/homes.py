"""Homes whose readings and sums go to a server, for the tests of the dashboards."""

import base64
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from homemon.core.clock import RELEASED, Instant
from homemon.core.points import Point
from homemon.delivery.influx import Influx
from homemon.runtime import sums
from homemon.runtime.context import App
from homemon.sim.house import DAY, HALF_HOUR, MINUTE, House
from homemon.storage.ledger import keep_accounts
from tests.commands import PATIENCE, write_config
from tests.servers import settings
from tests.stores import sender_of

MIDNIGHT = RELEASED + 9 * DAY  # in Japan, as RELEASED is
END = MIDNIGHT + 2 * DAY
HOUSE = House(MIDNIGHT - DAY)
LOST = range(MIDNIGHT + 36 * HALF_HOUR, MIDNIGHT + 40 * HALF_HOUR, HALF_HOUR)  # what "nara" misses: 18:00 to 19:30
PASSWORD = "only-letters-and-digits"


Answer = dict[str, dict[int, float]]
"""home → Unix seconds → value; points without the tag are of home ""."""


class Backend(NamedTuple):
    """A server with homes in it, whose folders are in `folder`, and how Grafana asks it.

    `inside` says where it is in place of what its compose file calls it.
    """

    ask: Callable[[str, str, int, int, int], Answer]
    homes: Callable[[str], set[str]]
    folder: Path
    inside: Mapping[str, str]


def points(lost: range = range(0)) -> Iterator[Point]:
    """Two days of the house, as homemon stores them."""
    for t in range(MIDNIGHT, END + 1, HALF_HOUR):
        if t not in lost:
            yield Point("+power", {"value": HOUSE.register_import(t) / 10}, t)
            yield Point("-power", {"value": HOUSE.register_export(t) / 10}, t)
    for t in range(MIDNIGHT, END, HALF_HOUR):
        yield Point("hatuden", {"value": HOUSE.generation(t) / 10}, t)
        yield Point("baiden_diff", {"value": HOUSE.bought_minus_sold(t) / 10}, t)
    for t in range(MIDNIGHT, END, MINUTE):
        yield Point("power", {"value": HOUSE.power(t)}, t)
        yield Point("current", {"r": HOUSE.power(t) // 100, "t": HOUSE.power(t) // 200}, t)
    for t in range(MIDNIGHT, END, 10 * MINUTE):
        fields = {"power": HOUSE.ecocute_power(t), "powerSum": HOUSE.ecocute_energy(t), "tank": HOUSE.tank(t)}
        yield Point("ecocute", fields, t)


def rollover() -> Iterator[Point]:
    """A register that passes 100,000,000 counts of 0.01 kWh."""
    for slot, reading in enumerate((999999.2, 999999.8, 0.3, 0.7)):
        yield Point("+power", {"value": reading}, MIDNIGHT + slot * HALF_HOUR)


GAPS = {
    "midnight": ({-8: 5384.9, 1: 5387.3, 48: 5401.7}, {0: 14.4}),  # half-hours after MIDNIGHT → register; days → kWh
    "whole": ({0: 100.0, 48: 110.5, 96: 119.0}, {0: 10.5, 1: 8.5}),
    "no-midnight": ({-1: 50.0, 3: 51.5, 40: 60.0, 50: 70.0, 90: 75.5}, {0: 8.5, 1: 5.5}),
    "days": ({-30: 50.0, 0: 51.5, 96: 80.0}, {-1: 1.5}),
}
"""Registers with gaps across midnights: the energy of such a gap is of neither day."""


def gaps(readings: Mapping[int, float]) -> Iterator[Point]:
    return (Point("+power", {"value": value}, MIDNIGHT + at * HALF_HOUR) for at, value in readings.items())


CONTRACT = "[contract]\nplan = tepco-juryo-b\nampere = 40\nreading_day = 5\nsell = 16\n"
HOMES: dict[str, tuple[str, Callable[[], Iterator[Point]]]] = {
    "": (CONTRACT, points),
    "nara": (f"{CONTRACT}[tags]\nhome = nara\n", lambda: points(LOST)),
    "roll": ("[tags]\nhome = roll\nmeter = 2\n", rollover),
    **{name: (f"[tags]\nhome = {name}\n", partial(gaps, readings)) for name, (readings, _) in GAPS.items()},
}
"""What stands in config.ini of each, and its readings."""


def fill(folder: Path, url: str) -> None:
    """The homes, the way of every reading: homemon's store, its sums, its sender. Some sums are revised."""
    server = settings(url, db="smartmeter", user="homemon", password=PASSWORD)
    for name, (config, content) in HOMES.items():
        write_config(make_folder(folder, name), config)
        app = App(str(folder / f"of-{name}" / "config.ini"))
        app.now = lambda: Instant(END + 60, 1.0, "boot")  # type: ignore[method-assign]
        keep_accounts(app.store.db, {sums.KEY: sums.READ})
        found = list(content())
        for some in (found[: len(found) // 2], found[len(found) // 2 :]):
            app.store.archive.add([(point, app.now()) for point in some])
            sums.update(app, app.store)
            sending = sender_of(app.store, partial(Influx, server)).send(END, PATIENCE)
            assert sending is not None
            assert (sending.waiting, sending.parked, sending.fault) == (0, 0, "")
        app.close()


def make_folder(folder: Path, home: str) -> Path:
    made = folder / f"of-{home}"
    made.mkdir()
    return made


def authorization(user: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()}


def duration(seconds: int) -> str:
    """As Grafana writes an interval."""
    return next(
        f"{seconds // size}{unit}" for size, unit in ((DAY, "d"), (3600, "h"), (60, "m")) if seconds % size == 0
    )
