"""Virtual time for many at once: each actor is a greenlet that runs until it waits."""

import heapq
from collections.abc import Callable

from greenlet import getcurrent, greenlet


class Timeline:
    """`now` moves when nobody has anything left to do at it. Whoever made it is the hub: it calls `run`."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.hub = getcurrent()
        self.current: Actor | None = None
        self._due: list[tuple[float, int, Callable[[], object]]] = []
        self._order = 0

    def at(self, time: float, do: Callable[[], object]) -> int:
        """Have the hub do something at `time`; gives the number of this appointment."""
        self._order += 1
        heapq.heappush(self._due, (max(time, self.now), self._order, do))
        return self._order

    def wait(self, until: float) -> None:
        """Called by an actor: wait until then, or until somebody wakes it."""
        assert self.current is not None
        self.current.wake(until)
        self.hub.switch()

    def sleep(self, seconds: float) -> None:
        """Called by an actor: wait, whoever wakes it."""
        end = self.now + seconds
        while self.now < end:
            self.wait(end)

    def run(self, until: float) -> None:
        """Let everything happen that is due until then."""
        while self._due and self._due[0][0] <= until:
            self.now, _, do = heapq.heappop(self._due)
            do()
        self.now = until


class Actor:
    """Lives from now on: `life` runs in virtual time and ends by returning or by an `Ended` thrown into it."""

    def __init__(self, timeline: Timeline, life: Callable[[], object]) -> None:
        self._timeline = timeline
        self._life = life
        self._greenlet = greenlet(self._run, parent=timeline.hub)
        self._appointment = 0
        self.wake()

    def _run(self) -> None:
        try:
            self._life()
        except Ended:
            return

    def wake(self, at: float | None = None) -> None:
        """End its wait now, or at a time to come."""
        number = self._timeline.at(self._timeline.now if at is None else at, lambda: self._resume(number))
        self._appointment = number

    def _resume(self, number: int) -> None:
        if number == self._appointment:
            self._timeline.current = self
            self._greenlet.switch()

    @property
    def alive(self) -> bool:
        """Whether it has not come to its end."""
        return not self._greenlet.dead

    def end(self) -> None:
        """Called by the hub: throw `Ended` into it where it waits, if it has begun at all."""
        self._appointment = 0
        if self._greenlet:
            self._timeline.current = self
            self._greenlet.throw(Ended())


class Ended(BaseException):
    """The power went, and with it whoever was running."""
