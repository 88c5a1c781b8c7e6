"""A day of a home as its server gets it: request by request, made by the real store, sums and sender.

The home is of the usual kind: power and current each minute, half-hours of the meter and of the solar monitor, an
EcoCute each ten minutes, and a plan, so that there are sums of energy and yen.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from homemon.core.clock import RELEASED, Instant
from homemon.core.points import DAY, Point
from homemon.delivery.influx import Influx
from homemon.delivery.verdicts import Answer, Verdict
from homemon.runtime import sums
from homemon.runtime.context import App
from homemon.sim.house import HALF_HOUR, MINUTE, House
from homemon.storage.ledger import keep_accounts
from tests.commands import write_config
from tests.homes import CONTRACT
from tests.stores import put, sender_of

MIDNIGHT = RELEASED + 9 * DAY  # in Japan, as RELEASED is
Request = list[str]


class Noting:
    """A server that takes each request, and keeps its lines."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def write(self, lines: Sequence[str], meanwhile: Callable[[], None]) -> Answer:
        meanwhile()
        self.requests.append(list(lines))
        return Answer(Verdict.TAKEN)


def readings(house: House, t: int) -> Iterator[Point]:
    """What a home stores in the minute from `t` on."""
    power = house.power(t)
    yield Point("power", {"value": power}, t)
    yield Point("current", {"r": abs(power) // 110, "t": abs(power) // 230}, t)
    if t % (10 * MINUTE) == 0:
        fields = {"power": house.ecocute_power(t), "powerSum": house.ecocute_energy(t), "tank": house.tank(t)}
        yield Point("ecocute", fields, t)
    if t % HALF_HOUR == 0:
        yield Point("+power", {"value": house.register_import(t) / 10}, t)
        yield Point("-power", {"value": house.register_export(t) / 10}, t)
        before = t - HALF_HOUR
        yield Point("hatuden", {"value": house.generation(before) / 10}, before)
        yield Point("baiden_diff", {"value": house.bought_minus_sold(before) / 10}, before)


def day(folder: Path, seed: int, minutes: int = DAY // MINUTE) -> list[Request]:
    """Return what the home with this seed sends in each of the minutes from MIDNIGHT on."""
    write_config(folder, CONTRACT)
    app, server, house = App(str(folder / "config.ini")), Noting(), House(MIDNIGHT - DAY, seed)
    keep_accounts(app.store.db, {sums.KEY: sums.READ})
    sender = sender_of(app.store, cast("Callable[[], Influx]", lambda: server), folder)
    clock: Any = app
    for t in range(MIDNIGHT, MIDNIGHT + minutes * MINUTE, MINUTE):
        now = Instant(t + 3, 5000.0 + t - MIDNIGHT, "boot")
        clock.now = lambda now=now: now
        put(app.store, *readings(house, t), at=now)
        sums.update(app, app.store)
        assert sender.send(now.wall, 10.0)
    app.close()
    return server.requests


def samples(lines: Sequence[str]) -> set[tuple[str, str, str]]:
    """Return what a server is to hold of these: measurement and tags, field, and time."""
    found = set()
    for text in lines:
        head, fields, time = text.rsplit(" ", 2)
        found |= {(head, field.split("=")[0], time) for field in fields.split(",")}
    return found
