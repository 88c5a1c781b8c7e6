"""`homemon upload`: by hand, when a server was away or lost data."""

import click

from homemon.cli.times import TimeOfDay
from homemon.core.errors import HomemonError
from homemon.runtime.context import App

LOCK_WITHIN = 30.0  # seconds for another sender to finish its round
SENDS_FOR = 24 * 3600.0


@click.command()
@click.option("--since", metavar="TIME", type=TimeOfDay(), help="Send everything since then again.")
@click.pass_obj
def command(app: App, since: int | None) -> int:
    """Send to the server what is waiting, or a period again.

    Prints `N sent, M waiting, P parked`, in points. Does not wait for the pause that a server asked
    for earlier. Parked points are those that the server refused for what they say; `--since` tries
    them again too. Times are JST: 2026-11-23, "2026-11-23 14:30", yesterday, today, 3d, 12h.

    Readings of a damaged store that do not fit their checksum are not sent: stderr says so, and the exit status is 1.
    """
    server = app.server
    if since is not None:
        app.store.outbox.send_again(since)
    app.progress(f"sending to {server.url} ...")
    sending = app.sender(app.store).send(app.now().wall, SENDS_FOR, wait_for_lock=LOCK_WITHIN)
    if sending is None:
        raise HomemonError("another homemon command is sending right now", "Let it finish; it sends the same points.")
    app.show(f"{sending.sent} sent, {sending.waiting} waiting, {sending.parked} parked")
    if sending.parked:
        app.info("`homemon status` says which points are parked, and why")
    if sending.fault:
        raise HomemonError(sending.fault)
    return int(app.store.db.left_out is not None)
