"""The only exit for a reading: store, commit, print, and then send.

`Recorder` is the first half. What it prints is on disk. Where the store cannot be written (a
full disk) the readings wait in memory, with the time of their receipt, for the next try.

`Sender` is the second half: what the server lacks, newest first, one sender at a time.
The outcome of the last attempt is kept in the store, so that a cron job knows whether the
server asked to be left alone, and so that each trouble is told once.

After a failure it starts with one line and grows from there (slow start), so that an old line
which a server fails on for ever keeps neither newer nor older readings from getting through: it
ends up alone in a batch, and is stepped over.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from homemon.clock import Instant
from homemon.errors import StoreError
from homemon.files import Lock
from homemon.points import Point, line
from homemon.store import Line, Store

if TYPE_CHECKING:
    from homemon.influx import Answer, Influx

FULL_BATCH = 5000  # rows; about 200 KB of line protocol, far below InfluxDB's 25 MB
GROWTH = 8
STRIKES = 5  # a batch, up to three lines in a row that spoil it, and the line after them
BACKOFF_FIRST, BACKOFF_LAST, DOUBLINGS = 5.0, 300.0, 6  # seconds; a server can be down for months
HOLD_FOR = 600.0
RETRY_AFTER_LONGEST = 3600.0
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
        """What to call after new points were stored: the sender's nudge."""
        self._then = call

    @property
    def unstored(self) -> int:
        """Points in memory that the store could not take yet."""
        return len(self._unstored)

    def record(self, points: Sequence[Point], at: Instant) -> int:
        """Store `points`, received `at`, after those that could not be stored before; how many were new.

        Raises StoreError, and keeps them all for the next call.
        """
        self._unstored += [(point, at) for point in points]
        del self._unstored[:-MAX_UNSTORED]
        if not self._unstored:
            return 0
        changed = self._store.add(self._unstored)
        self._unstored.clear()
        for point in changed:
            assert point.time is not None
            tags = self._tags if point.tags is None else point.tags
            self._print(line(point.measurement, tags, point.fields, point.time))
        if changed:
            self._then()
        return len(changed)


class Sending(NamedTuple):
    """What one round of sending did: points sent, and what stopped it.

    `fault` is empty when nothing stopped it; `news` when it was not told before. `next_try` is Unix time.
    How many points wait and are parked is counted when somebody wants to know: after a long outage that
    takes a while.
    """

    sent: int
    fault: str
    news: bool
    next_try: float
    store: Store

    @property
    def waiting(self) -> int:
        return self.store.backlog().waiting

    @property
    def parked(self) -> int:
        return self.store.backlog().parked


class Sender:
    """Sends what waits in `store` to the server that `connect` reaches, which is called only when something does."""

    def __init__(self, store: Store, connect: "Callable[[], Influx]", folder: Path, rng: Random) -> None:
        self._store = store
        self._connect = connect
        self._influx: Influx | None = None
        self._lock = Lock(folder / "send.lock")
        self._rng = rng

    def due(self, wall: float) -> bool:
        """Whether something waits and the server may be asked now."""
        return wall >= self.next_try(wall) and bool(self._store.waiting(1))

    def next_try(self, wall: float) -> float:
        """When the server may be asked again; a time too far ahead comes from a clock that was wrong."""
        at = float(self._store.recall("retry_at") or 0)
        return at if at <= wall + max(RETRY_AFTER_LONGEST, HOLD_FOR) else 0.0

    def send(self, wall: float, within: float, wait_for_lock: float = 0.0) -> Sending | None:
        """Send until nothing waits, something stops it, or `within` seconds are over.

        None when another process is sending right now. Raises StoreError.
        """
        with self._lock.holding(wait_for_lock) as got:
            if not got:
                return None
            return self._round(wall, monotonic() + within)

    def _round(self, wall: float, deadline: float) -> Sending:
        begun = monotonic()
        failures = int(self._store.recall("failures") or 0)
        size = FULL_BATCH if not failures else 1
        before: tuple[int, int] | None = None
        sent, strikes, trouble = 0, 0, None
        while monotonic() < deadline and (batch := self._store.waiting(size, before)):
            done, answer = self._push(batch, deadline)
            sent += done
            if answer is None:
                size, strikes = min(FULL_BATCH, size * GROWTH), 0
                continue
            trouble = trouble or answer
            strikes += 1
            if not sent or strikes == STRIKES or answer.retry_after:  # the server is ill, not the batch
                break
            if len(batch) == 1:
                before = min((time, series) for series, time, _ in batch[0].rows)
            size = 1
        return self._close(wall + monotonic() - begun, sent, failures, trouble)

    def _push(self, batch: "Sequence[Line]", deadline: float) -> "tuple[int, Answer | None]":
        """Send a batch, in halves where the server finds fault with it; points sent, and what stopped it."""
        from homemon.influx import Verdict

        if self._influx is None:
            self._influx = self._connect()
        sent, pieces = 0, [batch]
        while pieces and monotonic() < deadline:
            piece = pieces.pop()
            answer = self._influx.write([entry.text for entry in piece])
            if answer.verdict is Verdict.TAKEN:
                self._store.mark_sent(piece)
                sent += len(piece)
            elif answer.verdict in (Verdict.DATA_FAULT, Verdict.TOO_BIG) and len(piece) > 1:
                middle = len(piece) // 2
                pieces += [piece[middle:], piece[:middle]]
            elif answer.verdict is Verdict.DATA_FAULT:
                self._store.park(piece[0], answer.text)
            else:
                return sent, answer
        return sent, None

    def _close(self, wall: float, sent: int, failures: int, trouble: "Answer | None") -> Sending:
        """Keep for the next round what this one learned."""
        from homemon.influx import Verdict

        told = self._store.recall("fault") or ""
        if trouble is None:
            if failures:
                self._store.remember(failures=0, retry_at=0, fault="")
            return Sending(sent, "", False, 0.0, self._store)
        pause = HOLD_FOR
        if trouble.verdict is not Verdict.HOLD:
            failures = 0 if sent else failures  # something went through: do not stay away for long
            pause = min(BACKOFF_LAST, BACKOFF_FIRST * 2.0 ** min(failures, DOUBLINGS)) * self._rng.uniform(0.5, 1.5)
            pause = max(pause, min(trouble.retry_after, RETRY_AFTER_LONGEST))
        self._store.remember(failures=failures + 1, retry_at=wall + pause, fault=trouble.text)
        return Sending(sent, trouble.text, trouble.text != told, wall + pause, self._store)


def send_quietly(sender: Sender, wall: float, within: float) -> Sending | None:
    """One round if one is due; a store that cannot be written now is no reason to fail: it says so elsewhere."""
    try:
        return sender.send(wall, within) if sender.due(wall) else None
    except StoreError:
        return None
