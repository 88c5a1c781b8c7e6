"""A session and a simulated module in virtual time: the real parser, dialogues and tables, and no waiting.

The wire delivers in pieces, as a UART does, but in no time. tests/unit/test_fuzz.py cuts everywhere.
"""

from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random
from typing import Any

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Step, pause
from homemon.core.points import Number, Point
from homemon.runtime.driver import Context, run
from homemon.runtime.stop import Stopped
from homemon.runtime.virtual import VirtualLine, VirtualPort
from homemon.sim.bp35c0 import BID, PWD, Module
from homemon.sim.house import House
from homemon.skstack.join import Credentials, Link
from homemon.skstack.lines import Dialect, Happening, Parser
from homemon.sources.meter.properties import Scale
from homemon.sources.meter.session import Session

NOON = 1_798_599_600  # 2026-12-30 12:00 JST
HOUSE = House(NOON - 100 * 86400)
LINK = Link("FE80:0000:0000:0000:0200:AA00:0000:0002", "31", "B5FB", "0000AA0000000002", Dialect.C)
TENTHS = Scale(-1, 1)
MODULES: list[dict[str, Any]] = [
    {"dialect": "c"},
    {"dialect": "a1"},
    {"dialect": "dss"},
    {"dialect": "c", "raw": True},
    {"dialect": "a1", "raw": True},
]
"""The simulated module in each of its ways of speaking."""
PIECE = 50  # bytes at a time, of lines that have up to some hundred
GOING_ON: Dialogue[Any] = pause(0.0)
"""In the place of a program: what was interrupted goes on."""


class Reported(Context):
    """Keeps what is being done that takes time."""

    def __init__(self, reported: list[str]) -> None:
        self._reported = reported

    def report(self, step: Step) -> None:
        self._reported += step.saying


class Replies:
    """A device that says the next of its replies at once to each thing that is sent to it."""

    def __init__(self, replies: Iterable[bytes] = ()) -> None:
        self._replies = iter(replies)
        self._saying = b""

    def reply(self, data: bytes) -> bytes:
        return next(self._replies, b"")

    def feed(self, data: bytes, now: float) -> None:
        self._saying += self.reply(data)

    def speak(self, now: float) -> bytes:
        said, self._saying = self._saying, b""
        return said

    def due(self) -> float | None:
        return 0.0 if self._saying else None


class Scripted(VirtualPort):
    """A port at which the next piece comes each time when a wait is over; it is in vain to send anything."""

    def __init__(self, pieces: Iterable[bytes], events: Callable[[bytes], list[Any]], time: float = 0.0) -> None:
        super().__init__(time)
        self.sent: list[Any] = []
        self._pieces = iter(pieces)
        self._events = events

    def send(self, message: Any) -> None:
        self.sent.append(message)

    def receive(self, until: float) -> tuple[list[Any], Instant]:
        self.move(until)
        return self._events(next(self._pieces, b"")), self.now()


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


class World(Context):
    """`points` are what a listener would have stored, dated; `notes` what it would have reported."""

    def __init__(
        self, link: Link | None = None, scale: Scale | None = None, repaired_days: int = 0, **module: Any
    ) -> None:
        self.module = Module(HOUSE, NOON + 60.0, push_after=module.pop("push_after", 20.0), **module)
        self.parser = Parser()
        self.line = VirtualLine(self.module, self._events, NOON + 60.0)
        self.repaired_days = repaired_days
        self.session = self.new_session(link, scale)
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
        self.module.radio.session = True

    def run(self, program: Dialogue[Any]) -> Any:
        """A program that ends, to its end."""
        return self._live(program, lambda: False)

    def listen(self, seconds: float, every: float | None = None, program: Dialogue[Any] | None = None) -> None:
        """The listener, or another program, for so long; goes on with the one that runs already."""
        end = self.now + seconds
        running = self.step is not None and not self.step.done
        program = program or (GOING_ON if running else self.session.listen(every))
        self._live(program, lambda: self.now >= end, end)

    def until(self, happened: Callable[[], bool], within: float) -> None:
        """Let the listener go on until something has happened."""
        end = self.now + within
        self._live(GOING_ON, lambda: happened() or self.now >= end, end)
        assert happened(), f"not within {within} s: {self.notes}"

    def _live(self, program: Dialogue[Any], over: Callable[[], bool], end: float = float("inf")) -> Any:
        self._over, self._end = over, end
        with suppress(Stopped):
            return run(Resumed(self), program, self.line, self)

    @property
    def now(self) -> float:
        return self.line.time

    @now.setter
    def now(self, time: float) -> None:
        self.line.time = time

    def _events(self, said: bytes) -> list[Happening]:
        pieces = (said[at : at + PIECE] for at in range(0, len(said), PIECE))
        return [event for piece in pieces for event in self.parser.feed(piece)]

    def record(self, step: Step, at: Instant) -> None:
        self.points += [
            p if p.time is not None else p._replace(time=int(p.received or at.ticks), received=None)
            for p in step.points
        ]

    def report(self, step: Step) -> None:
        self.notes += [*step.notes, *step.warnings, *step.saying]
        self.sent += step.send
        self.joined_alone += [step.joining] * len(step.send)

    def deadline(self, step: Step, at: Instant) -> float:
        if self._over():
            raise Stopped
        return min(step.wake, self._end)

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


class Resumed:
    """A world's session as the machine, which goes on with a listener that was interrupted."""

    def __init__(self, world: World) -> None:
        self._world = world

    def start(self, program: Dialogue[Any], now: float, wall: float) -> Step:
        if program is GOING_ON and self._world.step:
            return Step(wake=self._world.step.wake, joining=self._world.step.joining)
        return self._kept(self._world.session.start(program, now, wall))

    def step(self, now: float, wall: float, events: list[Happening]) -> Step:
        return self._kept(self._world.session.step(now, wall, events))

    def take_points(self) -> list[Point]:
        return self._world.session.take_points()

    def _kept(self, step: Step) -> Step:
        self._world.step = step
        return step
