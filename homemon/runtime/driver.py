"""The loop that every machine runs in: the meter, the LAN, the solar monitor, a search, the demo and the tests.

What a step gives is carried out in one order: recorded, so that no reading is lost by what comes after it; then
sent; then reported.
"""

from collections.abc import Callable, Sequence
from math import inf
from typing import Any, Protocol

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Step
from homemon.core.points import Point
from homemon.runtime.context import App
from homemon.runtime.stop import Stop, Stopped

STORE_AGAIN_AFTER = 5.0  # seconds


class Machine(Protocol):
    """Whoever decides what is said to a device. Knows no clock and no port; what its program raises comes out."""

    def start(self, program: Dialogue[Any], now: float, wall: float, /) -> Step: ...
    def step(self, now: float, wall: float, events: Any, /) -> Step: ...
    def take_points(self) -> Sequence[Point]: ...


class Port(Protocol):
    """What a machine talks through, and the clock that goes with it: a real one, or a simulated one in virtual time.

    `receive` returns what has come, in the machine's kind of events, and when: at once if there is something, at
    `until` (in ticks of `now`) at the latest. Raise PortError, as `send` does.
    """

    def now(self) -> Instant: ...
    def receive(self, until: float, /) -> tuple[Any, Instant]: ...
    def send(self, message: Any, /) -> None: ...


class Context:
    """Where the steps of a run go. This one has no use for any of it."""

    def record(self, step: Step, at: Instant) -> None:
        """Store what was read `at`. Raise StoreError."""

    def report(self, step: Step) -> None:
        """Report what the step says, and remember what it learned. Raise StoreError."""

    def deadline(self, step: Step, at: Instant) -> float:
        """Return when to go on at the latest. Raise Stopped where there is to be no next step."""
        return step.wake


def run(machine: Machine, program: Dialogue[Any], port: Port, context: Context) -> Any:
    """Run a program of the machine to its end and return its result.

    Raise what the program, the port and the context raise; all points are recorded before.
    """
    at = port.now()
    step = machine.start(program, at.ticks, at.wall)
    try:
        while True:
            context.record(step, at)
            for message in step.send:
                port.send(message)
            context.report(step)
            if step.done:
                return step.result
            events, at = port.receive(context.deadline(step, at))
            step = machine.step(at.ticks, at.wall, events)
    except BaseException:
        context.record(Step(points=machine.take_points()), at)
        raise


class Watched(Context):
    """A run that stores nothing; who watches sees what takes long."""

    def __init__(self, app: App) -> None:
        self._app = app

    def report(self, step: Step) -> None:
        for text in step.saying:
            self._app.progress(text)


class Recorded(Watched):
    """A command's run: points go into its store, words to its person, until `stop` is requested.

    `also` is called with each step before its words go to the person, so that what they say has been kept by then;
    `at_last` after them.
    """

    def __init__(
        self,
        app: App,
        stop: Stop | None = None,
        also: Callable[[Step], None] = lambda step: None,
        at_last: Callable[[Step], None] = lambda step: None,
    ) -> None:
        super().__init__(app)
        self._stop = stop
        self._also = also
        self._at_last = at_last

    def record(self, step: Step, at: Instant) -> None:
        if step.meter_time is not None:
            self._app.receive_clock(step.meter_time, at)
        self._app.record(step.points, at)
        for point, ago in step.late:
            self._app.record([point], at.earlier(ago))

    def report(self, step: Step) -> None:
        super().report(step)
        self._also(step)
        for note in step.notes:
            self._app.info(note)
        for warning in step.warnings:
            self._app.warn_once(warning)
        self._at_last(step)

    def deadline(self, step: Step, at: Instant) -> float:
        again = STORE_AGAIN_AFTER if self._app.recorder.unstored else inf
        if self._stop:
            if self._stop.requested:
                raise Stopped
            self._stop.watchdog.alive()
            again = min(again, self._stop.watchdog.every)
        return min(step.wake, at.ticks + again)
