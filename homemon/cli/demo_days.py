"""The demo's last two days: a simulated house lived through in virtual time, by the code that reads a real one.

The meter speaks to the real session over the real parser, the water heater to the real controller;
only the waiting is left out. The solar monitor needs none of this: it remembers its days by itself.
"""

from random import Random

from homemon.core.clock import Instant
from homemon.core.points import Point
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.ecocute import Ecocute
from homemon.sim.house import House
from homemon.skstack.join import Credentials
from homemon.skstack.lines import Parser
from homemon.sources.lan.controller import Controller
from homemon.sources.meter.session import Session
from homemon.sources.registry import ECOCUTE

POLL_METER, POLL_ECOCUTE = 60.0, 600  # seconds
HEATER = "192.0.2.1"  # an address for documentation (RFC 5737); nothing is sent
Arrivals = list[tuple[Point, Instant]]


def lived_through(house: House, start: int, end: int) -> Arrivals:
    """What the listeners would have recorded from `start` to `end` (Unix seconds), each with its arrival, in order."""
    both = meter_days(house, start, end) + ecocute_days(house, start, end)
    return sorted(both, key=lambda arrival: arrival[1].wall)


def meter_days(house: House, start: int, end: int) -> Arrivals:
    """A scan, a join, the power each minute and the registers each half-hour."""
    module = Module(house, float(start))
    session = Session(None, None, Credentials(BID, PWD), 1, Random(1).uniform)
    parser = Parser()
    arrivals: Arrivals = []
    now = float(start)
    step = session.start(session.listen(POLL_METER), now, now)
    while now < end:
        for data in step.send:
            module.feed(data, now)
        arrivals += [(point, Instant(now, now, "")) for point in step.points]
        now = max(now, min(step.wake, module.due()))
        step = session.step(now, now, parser.feed(module.speak(now)))
    return arrivals


def ecocute_days(house: House, start: int, end: int) -> Arrivals:
    """A question each ten minutes."""
    heater = Ecocute(house)
    controller = Controller(HEATER, ECOCUTE.eoj, False, 1)
    arrivals: Arrivals = []
    for now in range(start, end, POLL_ECOCUTE):
        step = controller.start(controller.poll(), now)
        replies = [reply for data, _ in step.send for reply in heater.answer(data, (HEATER, 3610), now)]
        step = controller.step(now + 1.0, [(reply.data, HEATER) for reply in replies])
        arrivals += [(point, Instant(now, now, "")) for point in step.points]
    return arrivals
