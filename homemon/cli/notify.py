"""`homemon notify`: what begins, what is over, and what a day came to, to a phone."""

import os

import click

from homemon.runtime.context import App


@click.command()
@click.option("--test", is_flag=True, help="Send a test text too, at once.")
@click.pass_obj
def command(app: App, test: bool) -> int:
    """Notify of what needs somebody, as [notify] says.

    For cron, each five minutes. Tells once when the load comes near the contract, hot water runs low, readings stop,
    the server takes nothing, or the disk fills up, and once when that is over; and what a day and a billing period
    came to. In quiet hours texts wait; what a service does not take is tried again at the next call. Prints what is
    new (not with --quiet). Exit status 1 when a service does not take a text.
    """
    from homemon.check import notify
    from homemon.core.language import language

    return notify.run(app, language(os.environ), test)
