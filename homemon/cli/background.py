"""The listener's sender: a thread of its own, so that nothing on the network delays the reading of a byte."""

from threading import Event, Thread

from homemon.cli.app import App
from homemon.deliver import Sender
from homemon.errors import StoreError
from homemon.store import Store

LOOK_EVERY = 60.0  # seconds, when nothing new was recorded: other processes store too
SENDS_FOR = 3600.0


class BackgroundSender:
    """Sends what waits: at once after `nudge`, else each minute, and not while the server wants to be left alone."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._wake = Event()
        self._thread: Thread | None = None

    def nudge(self) -> None:
        """Something may wait. Starts the thread where a server is configured and it does not run (any more)."""
        self._wake.set()
        if self._app.config.server is not None and (self._thread is None or not self._thread.is_alive()):
            self._thread = Thread(target=self._run, name="sender", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        sender: Sender | None = None
        pause = 0.0
        while True:
            self._wake.wait(pause)
            self._wake.clear()
            try:
                if sender is None:
                    sender = self._app.sender(Store(self._app.folder, self._app.tags))
                pause = send_round(self._app, sender)
            except StoreError:
                pause = LOOK_EVERY  # the reader tells of the store's trouble


def send_round(app: App, sender: Sender) -> float:
    """One round, if one is due; how many seconds to wait before the next. Raises StoreError."""
    now = app.now().wall
    if sender.due(now):
        app.tell_of(sender.send(now, SENDS_FOR))
        now = app.now().wall
    wanted = sender.next_try(now) - now
    return min(LOOK_EVERY, wanted) if wanted > 0 else LOOK_EVERY
