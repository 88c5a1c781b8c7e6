"""`homemon meter-history`: by hand, after a long outage. The listener does the same by itself each day."""

import click

from homemon.cli.options import trace_option
from homemon.cli.terminal import summed
from homemon.core.errors import DeviceError
from homemon.runtime import meter
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.sources.meter.history import LONGEST

A_DAY_WITHIN, WITHIN = 60.0, 120.0  # seconds that the listener has for each, and for what it does just now


@click.command()
@click.option("--days", type=click.IntRange(1, LONGEST), default=7, show_default=True, help="How far back.")
@trace_option
@click.pass_obj
def command(app: App, days: int, trace: str | None) -> None:
    """Fill in half-hours from the smart meter's own record.

    Asks only for what the store lacks, a day at a time, a quarter of a minute each. Where `meter-listen`
    owns the port, it asks, and polls come between the days. On a terminal stdout has the number of the points, not
    each.
    """
    with summed(app):
        counts = meter.ask(app, "meter-history", f"history {days}", WITHIN + days * A_DAY_WITHIN, trace)
    lacking, found = map(int, counts)
    app.info(f"{lacking} registers at half-hours were missing, {found} of them are stored now")
    send_now(app)
    if lacking and not found:
        raise DeviceError("the meter's record filled none of them", "It may keep none, or not for so long.")
