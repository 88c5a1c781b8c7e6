"""`homemon ecocute-poll`: asks the water heater once; through the listener, where one holds UDP 3610."""

import click

from homemon.cli.options import trace_option
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.runtime.lan_poll import poll
from homemon.sources.registry import ECOCUTE


@click.command()
@trace_option
@click.pass_obj
def command(app: App, trace: str | None) -> None:
    """Ask the EcoCute once.

    Power, cumulative energy and hot water left, as far as the unit reports them. Where
    `ecocute-listen` holds UDP 3610, it asks the unit, and this command prints what it recorded.
    Without an address in config.ini the EcoCute is found by asking the LAN, and its address remembered
    until it does not answer there.
    """
    poll(app, ECOCUTE, trace)
    send_now(app)
