"""`homemon simulate`: devices without hardware, for trying homemon out and for its tests."""

import click

from homemon.cli.options import Commands
from homemon.cli.simulate_ecocute import ecocute
from homemon.cli.simulate_kyocera import kyocera
from homemon.cli.simulate_meter import meter


@click.group(cls=Commands)
def simulate() -> None:
    """A device without hardware.

    Prints the port or address to use, then runs until it is stopped.
    """


for _device in (meter, ecocute, kyocera):
    simulate.add_command(_device)

command = simulate
