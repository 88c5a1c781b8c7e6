"""`homemon ecocute-poll`: asks the water heater once. With a listener on UDP 3610 it only asks."""

import click

from homemon.cli.app import App
from homemon.cli.claim import claim
from homemon.cli.lan import LISTENER, Lan
from homemon.devices.ecocute import FIELDS
from homemon.errors import DeviceError


@click.command()
@click.option("--trace", metavar="FILE", help="Append a transcript of the datagrams.")
@click.pass_obj
def command(app: App, trace: str | None) -> None:
    """Ask the EcoCute once.

    Power, cumulative energy and hot water left, as far as the unit tells them. Where
    `ecocute-listen` holds UDP 3610, the question is only sent, and the listener records the answer.
    """
    lan = Lan(app, trace)
    if not claim(lan.owner, "ecocute-poll", LISTENER):
        lan.knock()
        app.log("asked; ecocute-listen records the answer")
    else:
        with lan.open() as node:
            told = lan.run(node, lan.controller.poll())
        if not told:
            raise DeviceError(
                f"the EcoCute told no value of {', '.join(f'{epc:02X}' for epc in FIELDS)}", "Nothing was recorded."
            )
    app.send_now()
