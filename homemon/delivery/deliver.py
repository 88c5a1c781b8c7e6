"""The only exit for a reading: store, commit, print, and then send.

`Recorder` is the first half. What it prints is on disk. Where the store cannot be written (a
full disk) the readings wait in memory, with the time of their receipt, for the next try.

`Sender` is the second half: what the server lacks, newest first, one sender at a time.
The outcome of the last attempt is kept in the store, so that a cron job knows whether the
server asked to be left alone, and so that each trouble is reported once.

How it gets past what a server fails on is in `sending`; here is when it is tried again, and what of it is kept for the
next process. Whatever was learned of a server is forgotten once another one is configured.
"""

import re
from collections.abc import Callable, Sequence
from hashlib import blake2b
from pathlib import Path
from random import Random
from time import monotonic
from typing import TYPE_CHECKING, NamedTuple

from homemon.config.keys import Server
from homemon.core.clock import Instant
from homemon.core.errors import StoreError
from homemon.core.files import Lock
from homemon.core.points import Point, line
from homemon.delivery.held import Held, dumped, fewer, loaded
from homemon.delivery.sending import Round
from homemon.delivery.verdicts import Answer, Verdict
from homemon.storage.outbox import Line
from homemon.storage.store import Store

if TYPE_CHECKING:
    from homemon.delivery.influx import Influx

FULL_BATCH = 5000  # rows; about 200 KB of line protocol, far below InfluxDB's 25 MB
BACKOFF_FIRST, BACKOFF_LAST, DOUBLINGS = 5.0, 300.0, 6  # seconds; a server can be down for months
HOLD_FOR = 600.0
RETRY_AFTER_LONGEST = 3600.0
LONGEST_PAUSE = max(RETRY_AFTER_LONGEST, HOLD_FOR)
MAX_UNSTORED = 100_000
FRESH: dict[str, float | str] = {"failures": 0, "retry_at": 0, "fault": "", "held": "", "refused": ""}
"""What is kept of the delivery to a server that is new."""


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


class Sending(NamedTuple):
    """What one round of sending did: points sent, and what stopped it.

    `fault` is empty when nothing stopped it; `news` when it was not reported before. `next_try` is Unix time.
    `refused` is what the server said of points that were parked, unless it said the same of others before.
    How many points wait and are parked is counted when somebody wants to know: after a long outage that
    takes a while.
    """

    sent: int
    fault: str
    news: bool
    next_try: float
    store: Store
    refused: str = ""

    @property
    def waiting(self) -> int:
        return self.store.outbox.backlog().waiting

    @property
    def parked(self) -> int:
        return self.store.outbox.backlog().parked


class Sender:
    """Sends what waits in `store` to the server that `connect` reaches, which is called only when something does.

    `server` is the `fingerprint` of its configuration.
    """

    def __init__(
        self, store: Store, connect: "Callable[[], Influx]", folder: Path, rng: Random, server: str = ""
    ) -> None:
        self._store = store
        self._connect = connect
        self._influx: Influx | None = None
        self._lock = Lock(folder / "send.lock")
        self._rng = rng
        self._server = server

    def due(self, wall: float) -> bool:
        """Return whether there is a backlog and the server may be asked now."""
        if self._paused_until(wall) > wall:
            return False
        held = self._held()
        if any(not _asleep(one, wall) for one in held):
            return True
        return bool(self._store.outbox.waiting(1, without=[one.stretch for one in held]))

    def next_try(self, wall: float) -> float:
        """Return when the server may be asked again; 0 for at once."""
        paused = self._paused_until(wall)
        return paused if paused > wall else min((one.retry_at for one in self._held()), default=0.0)

    def _paused_until(self, wall: float) -> float:
        """Return until when the server is not to be asked. A time too far ahead comes from a wrong clock and is 0."""
        at = float(self._recall("retry_at") or 0)
        return at if at <= wall + LONGEST_PAUSE else 0.0

    def _recall(self, key: str) -> float | str | None:
        """Return what an earlier round stored, if it was about this server."""
        return self._store.db.recall(key) if knows(self._store, self._server) else None

    def _remember(self, **facts: float | str) -> None:
        """Keep facts for the next round, and nothing of another server."""
        fresh = {} if knows(self._store, self._server) else FRESH
        self._store.db.remember(**{**fresh, **facts}, server=self._server)

    def _held(self) -> list[Held]:
        return loaded(str(self._recall("held") or ""))

    def send(self, wall: float, within: float, wait_for_lock: float = 0.0, sparing: bool = False) -> Sending | None:
        """Send until nothing waits, something stops it, or `within` seconds are over.

        `sparing`: what the server failed on before is tried again only when its time has come. None when another
        process is sending right now. Raise StoreError.
        """
        with self._lock.holding(wait_for_lock) as got:
            if not got:
                return None
            return self._round(wall, monotonic() + within, sparing)

    def _round(self, wall: float, deadline: float, sparing: bool) -> Sending:
        begun = monotonic()
        failures = int(self._recall("failures") or 0)
        held = self._held()
        asleep = [one for one in held if sparing and _asleep(one, wall)]
        ready = [one for one in held if one not in asleep]
        done = Round(
            self._store.outbox,
            lambda batch: self._push(batch, deadline),
            lambda: monotonic() >= deadline,
            FULL_BATCH,
            ready,
            asleep,
        )
        if failures or not done.in_batches():
            done.one_by_one(max(0, failures - 1), sparing and failures > 0)
        if ready and not done.trouble:
            done.once_more()
        wall += monotonic() - begun
        found = fewer([*asleep, *self._failed_on(done, wall, asleep)])
        refused = self._news_of(done.refused)
        if done.trouble is not None:
            sending = self._stopped(done, wall, failures, found if done.passed else held)
        else:
            sending = self._went_on(done, wall, found, bool(failures or held))
        return sending._replace(refused=refused)

    def _news_of(self, refused: str) -> str:
        """Return the server's message about parked points, if it differs by more than numbers and quoted lines."""
        gist = re.sub(r"'[^']*'|\d+", "", refused)
        if not refused or gist == self._recall("refused"):
            return ""
        self._remember(refused=gist)
        return refused

    def _push(self, batch: Sequence[Line], deadline: float) -> Answer:
        """Send a batch, and mark what the server took."""
        if self._influx is None:
            self._influx = self._connect()
        answer = self._influx.write([entry.text for entry in batch])
        if answer.verdict is Verdict.TAKEN:
            self._store.outbox.mark_sent(batch)
        return answer

    def _stopped(self, done: Round, wall: float, failures: int, held: list[Held]) -> Sending:
        """Keep for the next round that the server is ill as a whole."""
        trouble = done.trouble
        assert trouble is not None
        failures = 0 if done.sent else failures  # something went through: do not stay away for long
        return self._close(done.sent, trouble.text, wall + self._pause(trouble, failures), held, failures + 1)

    def _went_on(self, done: Round, wall: float, held: list[Held], ailed: bool) -> Sending:
        """Keep for the next round what the server failed on while it took the rest."""
        fault, retry_at = held[0].text if held else "", 0.0
        if done.unfinished and done.failure:
            fault, retry_at = fault or done.failure.text, wall + self._pause(Answer(Verdict.LATER), 0)
        if fault or ailed:
            return self._close(done.sent, fault, retry_at, held)
        return Sending(done.sent, "", False, 0.0, self._store)

    def _failed_on(self, done: Round, wall: float, asleep: list[Held]) -> list[Held]:
        """Return the stretches the server failed on in this round, and those of before that were not reached."""
        found: list[Held] = []
        walks = [(1, walk) for walk in done.walks] + [(held.failures + 1, walk) for held, walk in done.again]
        for times, walk in walks:
            for first, last in walk.failed:
                answer = walk.answer or Answer(Verdict.LATER)
                newest = self._is_newest(walk.stretch.head, last, [*asleep, *found])
                retry_at = wall + self._pause(answer, times - 1)
                found.append(Held(walk.stretch.head, first, last, newest, retry_at, times, answer.text))
        for held, walk in done.again:
            if walk.wanted and not walk.begun:
                pause = 0.0 if done.passed else self._pause(Answer(Verdict.LATER), held.failures)
                found.append(held._replace(retry_at=wall + pause, failures=held.failures + (not done.passed)))
        return found

    def _is_newest(self, head: str, last: int, others: list[Held]) -> bool:
        """Return whether no newer line with a head got through, nor is held by itself."""
        sent = self._store.outbox.newest_sent(head)
        return (sent is None or sent.time < last) and not any(one.head == head and one.last > last for one in others)

    def _pause(self, answer: Answer, failures: int) -> float:
        """Return the seconds until the next try after so many failures before this one."""
        if answer.verdict is Verdict.HOLD:
            return HOLD_FOR
        pause = min(BACKOFF_LAST, BACKOFF_FIRST * 2.0 ** min(failures, DOUBLINGS)) * self._rng.uniform(0.5, 1.5)
        return max(pause, min(answer.retry_after, RETRY_AFTER_LONGEST))

    def _close(self, sent: int, fault: str, retry_at: float, held: list[Held], failures: int = 0) -> Sending:
        """Keep for the next round what this one learned."""
        reported = self._recall("fault") or ""
        self._remember(failures=failures, retry_at=retry_at, fault=fault, held=dumped(held))
        next_try = retry_at or min((one.retry_at for one in held), default=0.0)
        return Sending(sent, fault, bool(fault) and fault != reported, next_try, self._store)


def _asleep(one: Held, wall: float) -> bool:
    return wall < one.retry_at <= wall + LONGEST_PAUSE


def fingerprint(server: Server) -> str:
    """Return a digest that distinguishes configurations of [server], too short to reveal its secrets."""
    return blake2b(repr(tuple(server)).encode(), digest_size=3).hexdigest()


def knows(store: Store, server: str) -> bool:
    """Return whether a stored state of the delivery is about the server of this `fingerprint`."""
    return (store.db.recall("server") or "") == server


def server_fault(store: Store, server: Server) -> str:
    """Return what keeps this server from taking points, as the last round found it; empty where nothing does."""
    return str(store.db.recall("fault") or "") if knows(store, fingerprint(server)) else ""


def lift_hold(store: Store) -> None:
    """Have the next round try all again at once, as the server was just seen to take points."""
    if store.db.recall("fault"):
        held = [one._replace(retry_at=0.0) for one in loaded(str(store.db.recall("held") or ""))]
        store.db.remember(failures=0, retry_at=0, fault=held[0].text if held else "", held=dumped(held))


def send_quietly(sender: Sender, wall: float, within: float) -> Sending | None:
    """Send one round if one is due; return its result. A store that cannot be written now is reported elsewhere."""
    try:
        return sender.send(wall, within, sparing=True) if sender.due(wall) else None
    except StoreError:
        return None
