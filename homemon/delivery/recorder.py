"""The only way in for a reading: store, commit, print, and then wake the senders.

What is printed is on disk. Where the store cannot be written (a full disk) the readings wait in memory, with the time
of their receipt, for the next try.
"""

from collections.abc import Callable, Sequence

from homemon.core.clock import Instant
from homemon.core.points import Point, line
from homemon.storage.store import Store

MAX_UNSTORED = 100_000


class Recorder:
    """Stores points and prints them. `printer` gets each line once it is durable."""

    def __init__(self, store: Store, tags: str, printer: Callable[[str], None]) -> None:
        self._store = store
        self._tags = tags
        self._print = printer
        self._unstored: list[tuple[Point, Instant]] = []
        self._then: Callable[[], None] = lambda: None

    def then(self, call: Callable[[], None]) -> None:
        """Call `do` after new points were stored: the sender is woken by it."""
        self._then = call

    @property
    def unstored(self) -> int:
        """Points in memory that the store could not take yet."""
        return len(self._unstored)

    def record(self, points: Sequence[Point], at: Instant) -> int:
        """Store `points`, received `at`, after those that could not be stored before; how many were new.

        Raise StoreError, and keeps them all for the next call.
        """
        self._unstored += [(point, arrival(point, at)) for point in points]
        del self._unstored[:-MAX_UNSTORED]
        if not self._unstored:
            return 0
        changed = self._store.archive.add(self._unstored)
        self._unstored.clear()
        for point in changed:
            assert point.time is not None
            tags = self._tags if point.tags is None else point.tags
            self._print(line(point.measurement, tags, point.fields, point.time))
        if changed:
            self._then()
        return len(changed)


def arrival(point: Point, at: Instant) -> Instant:
    """Return when a point that is stored `at` an instant came."""
    return at if point.received is None else at.earlier(at.ticks - point.received)
