"""The meter's session for the fuzzer: as a listener starts it, for so many waits."""

from collections.abc import Iterable
from math import isfinite
from random import Random

from homemon.core.clock import Instant
from homemon.core.dialogue import MOST_RECEIVED, Step
from homemon.core.points import Point, line
from homemon.runtime.driver import Context
from homemon.runtime.stop import Stopped
from homemon.sim.bp35c0 import BID, PWD
from homemon.skstack.join import Credentials
from homemon.sources.meter.reception import MAX_WAITING
from homemon.sources.meter.session import Session
from tests.virtual import LINK, TENTHS

CUT = b"~~"  # between two pieces of one input
CREDENTIALS = Credentials(BID, PWD)


class Bounded(Context):
    """So many steps of a session, each of which is sound and keeps little."""

    def __init__(self, session: Session, steps: int) -> None:
        self._session = session
        self._steps = steps

    def record(self, step: Step, at: Instant) -> None:
        sound(step.points)

    def deadline(self, step: Step, at: Instant) -> float:
        assert all(sent.startswith((b"SK", b"\r\nSK", b"ROPT", b"WOPT")) for sent in step.send)
        assert len(self._session._conversation._received) <= MOST_RECEIVED
        assert len(self._session._reception._waiting) <= MAX_WAITING
        self._steps -= 1
        if not self._steps:
            raise Stopped
        return step.wake


def new_session(known: bool) -> Session:
    """One whose store lacks the last six half-hours; it knows its meter or does not."""

    link, scale = (LINK, TENTHS) if known else (None, None)
    return Session(link, scale, CREDENTIALS, 0, Random(7).uniform, LacksSix(), 7)


class LacksSix:
    """Holds 0.1 kWh at each half-hour but the last six of a period."""

    def values(self, measurement: str, field: str, since: int, until: int) -> dict[int, float]:
        return dict.fromkeys(range(-(-since // 1800) * 1800, until - 6 * 1800, 1800), 0.1)

    def first(self) -> int:
        return 0

    def settled(self) -> bool:
        return True

    def met(self, address: str) -> None:
        """It has met none before."""


def sound(points: Iterable[Point]) -> None:
    for point in points:
        assert point.fields
        assert all(isfinite(value) for value in point.fields.values())
        assert "\n" not in line(point.measurement, "", point.fields, point.time or 0)
