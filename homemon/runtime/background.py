"""The listener's senders, one of which also drops what is too old: each a thread, so that none delays a byte."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from homemon.runtime.context import App
from homemon.runtime.upkeep import DailyLook

if TYPE_CHECKING:
    from homemon.runtime.rounds import Worker


class BackgroundSender:
    """Sends what waits: soon after `nudge`, else each minute, and not while a place wants to be left alone.

    Between two rounds the first thread sums up what is new, and drops what is older than keep_days.
    """

    def __init__(self, app: App) -> None:
        self._app = app
        self._workers: list[Worker] = []
        self._look: DailyLook | None = None
        app.wake = self.nudge

    def nudge(self) -> None:
        """Start the threads where there may be work for them and they do not run (any more)."""
        if self._look is None:
            self._look = DailyLook(self._app)
            self._look.start()
            self._workers = list(self._wanted())
        for worker in self._workers:
            worker.nudge()

    def _wanted(self) -> "Iterable[Worker]":
        """Yield the threads' work: none, and nothing is imported for it, where readings stay here and for ever."""
        if not (self._app.config.sends or self._app.config.store.keep_days):
            return
        from homemon.runtime import sinks
        from homemon.runtime.rounds import Rounds, Worker

        places = list(sinks.places(self._app.config))
        yield Worker(self._app, lambda store: Rounds(self._app, store, places[:1]))
        for place in places[1:]:
            yield Worker(self._app, lambda store, place=place: Rounds(self._app, store, [place], prunes=False))  # type: ignore[misc]
