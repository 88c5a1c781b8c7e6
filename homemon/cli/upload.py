"""`homemon upload`: by hand, when a server was away or lost data."""

import click

from homemon.cli.times import TimeOfDay
from homemon.runtime import sinks
from homemon.runtime.context import App
from homemon.runtime.wording import wording

LOCK_WITHIN = 30.0  # seconds for another sender to finish its round
SENDS_FOR = 24 * 3600.0


@click.command()
@click.argument("sink", default="")
@click.option("--since", metavar="TIME", type=TimeOfDay(), help="Send everything since then again.")
@click.pass_obj
def command(app: App, sink: str, since: int | None) -> int:
    """Send to the server what is waiting, or a period again.

    SINK is one of the places that readings go to: `server`, the name of another [server NAME], `mqtt`, `homeassistant`;
    without it all of them get what they lack. Prints `N sent, M waiting, P parked`, in points; for mqtt `N values sent,
    M waiting`, for homeassistant `N hours written, M to be compared`; with several places a line for each, behind its
    name. Does not wait for the pause that a server asked
    for earlier. Parked points are those that the server refused for what they say; `--since` tries
    them again too. Times are JST: 2026-11-23, "2026-11-23 14:30", yesterday, today, 3d, 12h.

    Readings of a damaged store that do not fit their checksum are not sent: stderr says so, and the exit status is 1.
    """
    places = sinks.named(app, sink)
    codes = [send_to(app, place, since, len(places) > 1) for place in places]
    return int(any(codes) or app.store.db.left_out is not None)


def send_to(app: App, place: sinks.Place, since: int | None, named: bool) -> bool:
    """Send to one place, and print what came of it, behind its name where it is `named`; whether it failed."""
    (sender,) = sinks.senders(app, app.store, [place])
    sinks.sum_up(app, app.store, SENDS_FOR)
    if since is not None:
        sender.sink.again(since)
    app.progress(f"sending to {place.where} ...")
    sending = sender.send(app.now().wall, SENDS_FOR, wait_for_lock=LOCK_WITHIN)
    if sending is None:
        app.warn("another homemon command is sending right now", "Let it finish; it sends the same points.")
        return True
    count = wording(place.name).done.format(sending.sent, *sending.sink.backlog())
    app.show(f"{place.name}: {count}" if named else count)
    if sending.parked:
        app.info("`homemon status` says which points are parked, and why")
    if sending.fault:
        app.warn(sending.fault)
    return bool(sending.fault)
