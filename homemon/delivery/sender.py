"""The sender: what a sink lacks goes to it, one process at a time, and less often the longer it fails.

The outcome of the last attempt is kept in the store, so that a cron job knows whether the sink asked to be left alone,
and so that each trouble is reported once. Whatever was learned of a sink is forgotten once its settings change.

Many homes may have one server, and all of them read their meters as the minute begins; a region's come back at once.
What is drawn here keeps them apart: the moment at which a reading is sent, and that of the next try.
"""

import re
from pathlib import Path
from random import Random
from time import monotonic
from typing import NamedTuple

from homemon.core.errors import StoreError
from homemon.core.files import Lock
from homemon.delivery.sink import LONGEST_PAUSE, Memory, Outcome, Sink, Turn
from homemon.delivery.verdicts import Answer, Verdict
from homemon.storage.ledger import FIRST

BACKOFF_FIRST, BACKOFF_LAST, DOUBLINGS = 5.0, 300.0, 6  # seconds; a server can be down for months
HOLD_FOR = 600.0


class Sending(NamedTuple):
    """What one round of sending did: how much was sent, and what stopped it.

    `fault` is empty when nothing stopped it; `news` when it was not reported before. `next_try` is Unix time.
    `refused` is what the sink said of points that were parked, unless it said the same of others before.
    How much waits and is parked is counted when somebody wants to know: after a long outage that takes a while.
    """

    sent: int
    fault: str
    news: bool
    next_try: float
    sink: Sink
    refused: str = ""

    @property
    def waiting(self) -> int:
        return self.sink.backlog().waiting

    @property
    def parked(self) -> int:
        return self.sink.backlog().parked


class Sender:
    """Sends to one sink what it lacks; `memory` is what is kept of that, `folder` where the lock is.

    `spread`: readings go within so many seconds after they came.
    """

    def __init__(self, sink: Sink, memory: Memory, folder: Path, rng: Random, spread: float = 0.0) -> None:
        self.sink = sink
        self.memory = memory
        self._lock = Lock(folder / ("send.lock" if sink.name == FIRST else f"send-{sink.name}.lock"))
        self._rng = rng
        self._spread = spread

    def delay(self) -> float:
        """Return after how many seconds a reading that came now is to be sent, where nobody waits for that."""
        return self._rng.uniform(0.0, self._spread)

    def due(self, wall: float) -> bool:
        """Return whether there is a backlog and the sink may be asked now. Raise StoreError."""
        return self._paused_until(wall) <= wall and self.sink.pending(wall)

    def next_try(self, wall: float) -> float:
        """Return when the sink may be asked again; 0 for at once."""
        paused = self._paused_until(wall)
        return paused if paused > wall else self.sink.next_try()

    def _paused_until(self, wall: float) -> float:
        """Return until when the sink is not to be asked. A time too far ahead comes from a wrong clock and is 0."""
        at = float(self.memory.recall("retry_at") or 0)
        return at if at <= wall + LONGEST_PAUSE else 0.0

    def send(self, wall: float, within: float, wait_for_lock: float = 0.0, sparing: bool = False) -> Sending | None:
        """Send until nothing waits, something stops it, or `within` seconds are over.

        `sparing`: what the sink failed on before is tried again only when its time has come. None when another
        process is sending right now. Raise StoreError.
        """
        with self._lock.holding(wait_for_lock) as got:
            if not got:
                return None
            begun = monotonic()
            failures = int(self.memory.recall("failures") or 0)
            outcome = self.sink.deliver(Turn(wall, begun + within, sparing, failures))
            refused = self._news_of(outcome.refused)
            return self._close(outcome, wall + monotonic() - begun, failures)._replace(refused=refused)

    def _close(self, outcome: Outcome, wall: float, failures: int) -> Sending:
        """Keep for the next round what this one learned."""
        fault, retry_at = outcome.fault, wall + outcome.again if outcome.again else 0.0
        before, failures = failures, 0
        if outcome.trouble:
            before = 0 if outcome.sent else before  # something went through: do not stay away for long
            fault, failures = outcome.trouble.text, before + 1
            retry_at = wall + min(pause(outcome.trouble, before, self._rng), self.sink.longest_pause)
        reported = self.memory.fault
        if fault or before or reported or outcome.facts:
            self.memory.remember(failures=failures, retry_at=retry_at, fault=fault, **outcome.facts)
        next_try = retry_at or self.sink.next_try()
        return Sending(outcome.sent, fault, bool(fault) and fault != reported, next_try, self.sink)

    def _news_of(self, refused: str) -> str:
        """Return the sink's message about parked points, if it differs by more than numbers and quoted lines."""
        gist = re.sub(r"'[^']*'|\d+", "", refused)
        if not refused or gist == self.memory.recall("refused"):
            return ""
        self.memory.remember(refused=gist)
        return refused

    def lift(self) -> None:
        """Have the next round try all again at once, as the sink was just seen to take points. Raise StoreError."""
        if self.memory.fault:
            self.memory.remember(**{"failures": 0, "retry_at": 0, "fault": "", **self.sink.lifted()})


def pause(answer: Answer, failures: int, rng: Random) -> float:
    """Return the seconds until the next try after so many failures before this one."""
    if answer.verdict is Verdict.HOLD:
        return HOLD_FOR
    seconds = min(BACKOFF_LAST, BACKOFF_FIRST * 2.0 ** min(failures, DOUBLINGS)) * rng.uniform(0.5, 1.5)
    return max(seconds, min(answer.retry_after * rng.uniform(1.0, 1.5), LONGEST_PAUSE))


def send_quietly(sender: Sender, wall: float, within: float) -> Sending | None:
    """Send one round if one is due; return its result. A store that cannot be written now is reported elsewhere."""
    try:
        return sender.send(wall, within, sparing=True) if sender.due(wall) else None
    except StoreError:
        return None
