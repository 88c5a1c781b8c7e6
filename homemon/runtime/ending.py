"""The end of a one-shot command: what waits is sent, and what is too old is dropped."""

from contextlib import suppress

from homemon.core.errors import StoreError
from homemon.runtime.context import App


def send_now(app: App) -> None:
    """Send the backlog to each place that is configured and may be asked, then drop what is older than keep_days.

    A place that fails is no failure of the reading, which is stored: it is reported once. Old values are dropped a
    little each hour.
    """
    if app.config.sends:
        from homemon.runtime import sinks

        sinks.send_now(app)
    if app.config.store.keep_days:
        with suppress(StoreError):  # the reading is stored; the next command drops them
            if retention := app.retention(app.store):
                app.report_dropped(retention.prune(app.now()))
