"""`homemon kyocera-dump`: the command line of the solar monitor's dump."""

from pathlib import Path

import click

from homemon.cli.options import trace_option
from homemon.cli.terminal import summed
from homemon.runtime.context import App
from homemon.runtime.dump import collect
from homemon.runtime.ending import send_now
from homemon.sources.kyocera import memory as solar


@click.command()
@click.option(
    "--days",
    type=click.IntRange(1, solar.DAYS),
    default=2,
    show_default=True,
    help="How many days to store afresh; of the older ones, what the store lacks.",
)
@click.option("--output", metavar="DIR", type=click.Path(path_type=Path), help="For the dump; default: the store's.")
@trace_option
@click.pass_obj
def command(app: App, days: int, output: Path | None, trace: str | None) -> int:
    """Read the solar monitor's memory.

    Writes it to kyocera_YYYYMMDD.txt and stores generation and bought − sold, half-hour by half-hour: the
    last days, and whatever of the 35 days in it the store lacks. A reading that breaks off leaves
    kyocera_YYYYMMDD.txt.partial and stores nothing. On a terminal stdout has the number of the points, not each.
    """
    with summed(app):
        kept = collect(app, days, output, trace)
    send_now(app)
    return 0 if kept else 1
