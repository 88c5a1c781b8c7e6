"""`homemon join`: by hand, once. Finds the meter, joins, remembers."""

import click

from homemon.cli.options import trace_option
from homemon.config.edit import replace_address
from homemon.config.place import open_to_others
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.runtime.radio import Radio


@click.command()
@trace_option
@click.pass_obj
def command(app: App, trace: str | None) -> None:
    """Find the smart meter by radio, join its network and remember it.

    Scans (up to 5 times, longer each time: three minutes in all), joins, and writes the meter's
    address into config.ini; channel, PAN ID and MAC are remembered next to the store, so that the
    next join needs no scan. The last line on stdout is the meter's address.
    """
    if warning := open_to_others(app.config.path):
        app.info(f"{warning}; the B-route ID and password are in it: chmod 600 {app.config.path}")
    radio = Radio(app, trace)
    radio.own_port_alone("join")
    with radio.open() as port:
        link = radio.run(port, radio.session.join())
    radio.owner.drop()
    try:
        replace_address(app.config.path, link.address)
    except OSError as error:
        app.info(f"{app.config.path} cannot be changed ({error.strerror}): the address is kept in the state only")
    send_now(app)
    app.put(link.address)
