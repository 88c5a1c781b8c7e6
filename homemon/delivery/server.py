"""The sink of a server that takes line protocol: what it lacks, newest first, past all that it fails on.

How it gets past that is in `sending`; here is which of it is tried again when, kept for the next process.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random
from time import monotonic
from typing import TYPE_CHECKING

from homemon.delivery.held import Held, dumped, fewer, loaded
from homemon.delivery.sender import pause
from homemon.delivery.sending import Round
from homemon.delivery.sink import LONGEST_PAUSE, Memory, Outcome, Turn
from homemon.delivery.verdicts import Answer, Verdict
from homemon.storage.outbox import Backlog, Batch, Outbox

if TYPE_CHECKING:
    from homemon.delivery.influx import Influx

FULL_BATCH = 5000  # rows; about 200 KB of line protocol, far below InfluxDB's 25 MB


class ServerSink:
    """The server that `connect` reaches, which is called only when something is sent to it."""

    longest_pause = LONGEST_PAUSE

    def __init__(
        self, outbox: Outbox, connect: "Callable[[], Influx]", memory: Memory, rng: Random, name: str = "server"
    ) -> None:
        self.name = name
        self._outbox = outbox
        self._connect = connect
        self._influx: Influx | None = None
        self._memory = memory
        self._rng = rng

    def pending(self, wall: float) -> bool:
        """Return whether a line waits that may be sent now. Raise StoreError."""
        held = self._held()
        return any(not _asleep(one, wall) for one in held) or self._outbox.lacks([one.stretch for one in held])

    def next_try(self) -> float:
        """Return when the first of the lines that it failed on is tried again; 0 where there are none."""
        return min((one.retry_at for one in self._held()), default=0.0)

    def backlog(self) -> Backlog:
        """Return how many points wait, and how many it refused for good. Raise StoreError."""
        return self._outbox.backlog()

    def again(self, since: int) -> None:
        """Have all points from `since` on wait again, parked ones too. Raise StoreError."""
        self._outbox.send_again(since)

    def lifted(self) -> Mapping[str, float | str]:
        """Return the facts with which all that it failed on is tried again at once."""
        held = [one._replace(retry_at=0.0) for one in self._held()]
        return {"fault": held[0].text if held else "", "held": dumped(held)}

    def deliver(self, turn: Turn) -> Outcome:
        """Send until nothing waits, something stops it, or the time is over. Raise StoreError."""
        begun = monotonic()
        self._outbox.fill(turn.deadline)
        held = self._held()
        asleep = [one for one in held if turn.sparing and _asleep(one, turn.wall)]
        ready = [one for one in held if one not in asleep]
        done = Round(
            self._outbox,
            self._push,
            lambda: monotonic() >= turn.deadline,
            FULL_BATCH,
            ready,
            asleep,
        )
        if turn.failures or not done.in_batches():
            done.one_by_one(max(0, turn.failures - 1), turn.sparing and turn.failures > 0)
        if ready and not done.trouble:
            done.once_more()
        wall = turn.wall + monotonic() - begun
        found = fewer([*asleep, *self._failed_on(done, wall, asleep)])
        if done.trouble is not None:
            kept = found if done.passed else held
            return Outcome(done.sent, done.trouble, facts=_kept(kept, held), refused=done.refused)
        fault, again = found[0].text if found else "", 0.0
        if done.unfinished and done.failure:
            fault, again = fault or done.failure.text, pause(Answer(Verdict.LATER), 0, self._rng)
        return Outcome(done.sent, None, fault, again, _kept(found, held), done.refused)

    def _held(self) -> list[Held]:
        return loaded(str(self._memory.recall("held") or ""))

    def _push(self, batch: Batch, meanwhile: Callable[[], None]) -> Answer:
        """Send a batch; `meanwhile` is called before its answer is waited for."""
        self._influx = self._influx or self._connect()
        return self._influx.write(batch.texts, meanwhile)

    def _failed_on(self, done: Round, wall: float, asleep: list[Held]) -> list[Held]:
        """Return the stretches the server failed on in this round, and those of before that were not reached."""
        found: list[Held] = []
        walks = [(1, walk) for walk in done.walks] + [(held.failures + 1, walk) for held, walk in done.again]
        for times, walk in walks:
            for first, last in walk.failed:
                answer = walk.answer or Answer(Verdict.LATER)
                newest = self._is_newest(walk.stretch.head, last, [*asleep, *found])
                retry_at = wall + pause(answer, times - 1, self._rng)
                found.append(Held(walk.stretch.head, first, last, newest, retry_at, times, answer.text))
        for held, walk in done.again:
            if walk.wanted and not walk.begun:
                seconds = 0.0 if done.passed else pause(Answer(Verdict.LATER), held.failures, self._rng)
                found.append(held._replace(retry_at=wall + seconds, failures=held.failures + (not done.passed)))
        return found

    def _is_newest(self, head: str, last: int, others: list[Held]) -> bool:
        """Return whether no newer line with a head got through, nor is held by itself."""
        sent = self._outbox.newest_sent(head)
        return (sent is None or sent.time < last) and not any(one.head == head and one.last > last for one in others)


def _asleep(one: Held, wall: float) -> bool:
    return wall < one.retry_at <= wall + LONGEST_PAUSE


def _kept(held: Sequence[Held], before: Sequence[Held]) -> Mapping[str, float | str]:
    """Return what is to be kept of the stretches that it fails on: nothing, where there never were any."""
    return {"held": dumped(held)} if held or before else {}
