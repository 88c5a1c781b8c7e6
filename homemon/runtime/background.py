"""The listener's sender, which also drops what is too old: a thread of its own, so that neither delays a byte."""

from threading import Event, Thread

from homemon.core.errors import StoreError
from homemon.delivery.deliver import Sender
from homemon.runtime.context import App
from homemon.runtime.upkeep import DailyLook
from homemon.storage.connection import BUSY_SECONDS
from homemon.storage.store import Store

LOOK_EVERY = 60.0  # seconds, when nothing new was recorded: other processes store too
SENDS_FOR = 3600.0


class BackgroundSender:
    """Sends what waits: at once after `nudge`, else each minute, and not while the server wants to be left alone.

    Between two rounds it drops what is older than keep_days.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._wake = Event()
        self._thread: Thread | None = None
        self._look: DailyLook | None = None

    def nudge(self) -> None:
        """Start the thread where there may be a backlog for it and it does not run (any more)."""
        if self._look is None:
            self._look = DailyLook(self._app)
            self._look.start()
        self._wake.set()
        work = self._app.config.server is not None or self._app.config.store.keep_days
        if work and (self._thread is None or not self._thread.is_alive()):
            self._thread = Thread(target=self._run, name="sender", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        rounds: Rounds | None = None
        pause = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                rounds = rounds or Rounds(self._app, self._app.open_store(BUSY_SECONDS))
                pause = rounds.next()
            except StoreError:
                pause = LOOK_EVERY  # the reader reports the store's trouble


class Rounds:
    """What is done to the listener's `store` each time: send, then drop what is too old."""

    def __init__(self, app: App, store: Store) -> None:
        self._app = app
        self._sender = app.sender(store) if app.config.server is not None else None
        self._retention = app.retention(store)

    def next(self) -> float:
        """Make one round; return how many seconds to wait before the next. Raise StoreError."""
        pause = send_round(self._app, self._sender) if self._sender else LOOK_EVERY
        if self._retention:
            self._app.report_dropped(self._retention.prune(self._app.now()))
        return pause


def send_round(app: App, sender: Sender) -> float:
    """Make one round, if one is due; return how many seconds to wait before the next. Raise StoreError."""
    now = app.now().wall
    if sender.due(now):
        app.report_sending(sender.send(now, SENDS_FOR, sparing=True))
        now = app.now().wall
    wanted = sender.next_try(now) - now
    return min(LOOK_EVERY, wanted) if wanted > 0 else LOOK_EVERY
