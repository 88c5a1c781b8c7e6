"""The demo's last two days: a simulated house lived through in virtual time, by the code that reads a real one.

The meter speaks to the real session over the real parser, the water heater to the real controller;
only the waiting is left out. The solar monitor needs none of this: it remembers its days by itself.
"""

from contextlib import suppress
from random import Random
from time import time

from homemon.cli.simulate_tools import new_house
from homemon.core.clock import Instant
from homemon.core.dialogue import Step
from homemon.core.points import Point
from homemon.runtime.driver import Context, run
from homemon.runtime.stop import Stopped
from homemon.runtime.virtual import VirtualLan, VirtualLine
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.ecocute import Ecocute
from homemon.sim.house import DAY, House
from homemon.skstack.join import Credentials
from homemon.skstack.lines import Parser
from homemon.sources.lan.controller import Controller
from homemon.sources.meter.session import Session
from homemon.sources.registry import ECOCUTE

POLL_METER, POLL_ECOCUTE = 60.0, 600  # seconds
HEATER = "192.0.2.1"  # an address for documentation (RFC 5737); nothing is sent
Arrivals = list[tuple[Point, Instant]]


def lived_through(days: int) -> Arrivals:
    """Return what the listeners would have recorded of the last `days`, each with its arrival, in order."""
    end = int(time())
    house, start = new_house(end, seed=1), end - days * DAY
    both = meter_days(house, start, end) + ecocute_days(house, start, end)
    return sorted(both, key=lambda arrival: arrival[1].wall)


class Days(Context):
    """Keeps what is read, with its arrival, until `end`."""

    def __init__(self, end: float) -> None:
        self._end = end
        self.arrivals: Arrivals = []

    def record(self, step: Step, at: Instant) -> None:
        self.arrivals += [(point, at) for point in step.points]

    def deadline(self, step: Step, at: Instant) -> float:
        if at.ticks >= self._end:
            raise Stopped
        return step.wake


def meter_days(house: House, start: int, end: int) -> Arrivals:
    """Return what came of a scan, a join, the power each minute and the registers each half-hour."""
    session, days = Session(None, None, Credentials(BID, PWD), 1, Random(1).uniform), Days(end)
    with suppress(Stopped):
        run(session, session.listen(POLL_METER), VirtualLine(Module(house, start), Parser().feed, start), days)
    return days.arrivals


def ecocute_days(house: House, start: int, end: int) -> Arrivals:
    """Return what came of a poll each ten minutes."""
    heater, controller, days = Ecocute(house), Controller(HEATER, ECOCUTE.eoj, False, 1), Days(end)

    def answer(data: bytes, host: str, now: float) -> list[tuple[float, bytes, str]]:
        return [(0.0, reply.data, host) for reply in heater.answer(data, (HEATER, 3610), now)]

    for now in range(start, end, POLL_ECOCUTE):
        run(controller, controller.poll(), VirtualLan(answer, now), days)
    return days.arrivals
