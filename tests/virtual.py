"""A session and a simulated module in virtual time: the real parser, dialogues and tables, and no waiting.

The wire delivers in pieces of a few bytes, as a UART does, but in no time.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from homemon.core.dialogue import Dialogue
from homemon.core.points import Number, Point
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.house import House
from homemon.skstack.join import Credentials, Link
from homemon.skstack.lines import Dialect, Parser
from homemon.sources.meter.exchange import Step
from homemon.sources.meter.properties import Scale
from homemon.sources.meter.session import Session

NOON = 1_798_599_600  # 2026-12-30 12:00 JST
HOUSE = House(NOON - 100 * 86400)
LINK = Link("FE80:0000:0000:0000:0200:AA00:0000:0002", "31", "B5FB", "0000AA0000000002", Dialect.C)
TENTHS = Scale(-1, 1)


class Archive:
    """What a listener would have stored is all there is, as soon as it came."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self._meter = ""
        self._first = 0

    def values(self, measurement: str, field: str, since: int, until: int) -> dict[int, Number]:
        since = max(since, self._first)
        return {
            point.time: point.fields[field]
            for point in self._world.points
            if point.measurement == measurement and field in point.fields
            if point.time is not None and since <= point.time < until
        }

    def first(self) -> int:
        return self._first

    def settled(self) -> bool:
        return True

    def met(self, address: str) -> None:
        if self._meter not in ("", address):
            self._first = 1 + max(p.time for p in self._world.points if p.measurement == "+power" if p.time is not None)
        self._meter = address


class World:
    """`points` are what a listener would have stored, dated; `notes` what it would have told."""

    def __init__(
        self, link: Link | None = None, scale: Scale | None = None, repaired_days: int = 0, **module: Any
    ) -> None:
        self.now = float(NOON + 60)
        self.module = Module(HOUSE, self.now, push_after=module.pop("push_after", 20.0), **module)
        self.clock_error = 0.0  # seconds that our wall clock is ahead of the true time
        self.repaired_days = repaired_days
        self.session = self.new_session(link, scale)
        self.parser = Parser()
        self.points: list[Point] = []
        self.notes: list[str] = []
        self.sent: list[bytes] = []
        self.joined_alone: list[bool] = []  # whether each byte we sent went out under the dialogue lock
        self.step: Step | None = None

    def new_session(self, link: Link | None, scale: Scale | None, recheck: bool = False) -> Session:
        """As after a restart of the listener, with what it knows."""
        archive = Archive(self) if self.repaired_days else None
        self.step = None
        return Session(link, scale, Credentials(BID, PWD), 1, Random(7).uniform, archive, self.repaired_days, recheck)

    def join_module(self) -> None:
        """Have the module joined already, as after an earlier process."""
        self.module.session = True

    def run(self, program: Dialogue[Any]) -> Any:
        """A program that ends, to its end."""
        self._take(self.session.start(program, self.now, self.wall))
        while not self._last.done:
            self._advance(self._last.wake)
        return self._last.result

    def listen(self, seconds: float, every: float | None = None) -> None:
        """The listener for so long; goes on with the one that runs already."""
        end = self.now + seconds
        if self.step is None or self.step.done:
            self._take(self.session.start(self.session.listen(every), self.now, self.wall))
        while self.now < end:
            self._advance(min(end, self._last.wake))

    def until(self, happened: Callable[[], bool], within: float) -> None:
        """Let the listener go on until something has happened."""
        end = self.now + within
        while not happened():
            assert self.now < end, f"not within {within} s: {self.notes}"
            self._advance(min(end, self._last.wake))

    @property
    def wall(self) -> float:
        """What our wall clock says."""
        return self.now + self.clock_error

    @property
    def _last(self) -> Step:
        assert self.step is not None
        return self.step

    def _advance(self, wake: float) -> None:
        due = self.module.due()
        self.now = max(self.now, min(wake, due))
        said = self.module.speak(self.now)
        events = [event for at in range(0, len(said), 7) for event in self.parser.feed(said[at : at + 7])]
        try:
            self._take(self.session.step(self.now, self.wall, events))
        except BaseException:
            self._keep(self.session.take_points())
            raise

    def _take(self, step: Step) -> None:
        self.step = step
        self._keep(step.points)
        self.notes += step.notes + step.complaints + step.saying
        for data in step.send:
            self.sent.append(data)
            self.joined_alone.append(step.joining)
            self.module.feed(data, self.now)

    def _keep(self, points: list[Point]) -> None:
        self.points += [
            p if p.time is not None else p._replace(time=int(p.received or self.now), received=None) for p in points
        ]

    # --- what came of it -------------------------------------------------------------

    def values(self, measurement: str) -> list[Any]:
        """The values of a measurement, in the order in which they came."""
        return [point.fields["value"] for point in self.points if point.measurement == measurement]

    def half_hours(self, measurement: str) -> dict[int, Any]:
        """Half-hour → register in kWh."""
        return {p.time: p.fields["value"] for p in self.points if p.measurement == measurement if p.time is not None}

    def truth(self, epc: int) -> list[int]:
        """What the module really put on the wire, in counts or W."""
        values = [truth.value for truth in self.module.truth if truth.epc == epc]
        assert all(isinstance(value, int) for value in values)
        return values  # type: ignore[return-value]

    def registers(self, since: float, until: float, register: Callable[[int], int]) -> dict[int, float]:
        """What the house's register holds at each half-hour in a period, in kWh."""
        first = -int(-since // 1800) * 1800
        return {time: register(time) / 10 for time in range(first, int(until), 1800)}
