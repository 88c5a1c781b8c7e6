"""The rounds of a listener's senders: each sends, and one of them sums up, and drops what is too old."""

from collections.abc import Callable, Iterable
from threading import Event, Thread
from time import sleep

from homemon.core.errors import StoreError
from homemon.delivery.sender import Sender
from homemon.runtime import sinks
from homemon.runtime.context import App
from homemon.storage.connection import BUSY_SECONDS
from homemon.storage.store import Store

LOOK_EVERY = 60.0  # seconds, when nothing new was recorded: other processes store too
SENDS_FOR = 3600.0


class Worker:
    """A thread that makes rounds: after `nudge` once a sender's delay is over, else when the last one said."""

    def __init__(self, app: App, make: "Callable[[Store], Rounds]") -> None:
        self._app, self._make = app, make
        self._wake = Event()
        self._thread: Thread | None = None

    def nudge(self) -> None:
        """Have it make a round now."""
        self._wake.set()
        if self._thread is None or not self._thread.is_alive():
            self._thread = Thread(target=self._run, name="sender", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        rounds: Rounds | None = None
        pause = 0.0
        while True:
            nudged = self._wake.wait(pause)
            self._wake.clear()
            try:
                rounds = rounds or self._make(self._app.open_store(BUSY_SECONDS))
                if nudged and (seconds := rounds.delay()):
                    sleep(seconds)
                    self._wake.clear()  # what came meanwhile goes along
                pause = rounds.next()
            except StoreError:
                pause = LOOK_EVERY  # the reader reports the store's trouble


class Rounds:
    """What is done to the listener's `store` each time: send to these places, all without any, and drop what is old.

    `prunes` says whether it drops, and sums up what is new: one of several threads does.
    """

    def __init__(
        self, app: App, store: Store, places: Iterable[sinks.Place] | None = None, prunes: bool = True
    ) -> None:
        self._app, self._store, self._sums = app, store, prunes
        self._senders = sinks.senders(app, store, places)
        self._retention = app.retention(store) if prunes else None

    def delay(self) -> float:
        """Return after how many seconds what came now is to be sent."""
        return max((sender.delay() for sender in self._senders), default=0.0)

    def next(self) -> float:
        """Make one round; return how many seconds to wait before the next. Raise StoreError."""
        if self._sums:
            sinks.sum_up(self._app, self._store)
        pause = min((send_round(self._app, sender) for sender in self._senders), default=LOOK_EVERY)
        if self._retention:
            self._app.report_dropped(self._retention.prune(self._app.now()))
        return pause


def send_round(app: App, sender: Sender) -> float:
    """Make one round, if one is due; return how many seconds to wait before the next. Raise StoreError."""
    now = app.now().wall
    if sender.due(now):
        sinks.report(app, sender.send(now, SENDS_FOR, sparing=True))
        now = app.now().wall
    wanted = sender.next_try(now) - now
    return min(LOOK_EVERY, wanted) if wanted > 0 else LOOK_EVERY
