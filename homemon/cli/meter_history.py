"""`homemon meter-history`: by hand, after a long outage. The listener does the same by itself each day."""

import click

from homemon.cli.options import trace_option
from homemon.core.errors import ConfigError, DeviceError
from homemon.runtime.context import App
from homemon.runtime.radio import Radio
from homemon.sources.meter.history import LONGEST


@click.command()
@click.option("--days", type=click.IntRange(1, LONGEST), default=7, show_default=True, help="How far back.")
@trace_option
@click.pass_obj
def command(app: App, days: int, trace: str | None) -> None:
    """Fill in half-hours from the smart meter's own record.

    Asks only for what the store lacks, a day at a time, a quarter of a minute each. Needs the port for
    itself: where `meter-listen` runs, set [smartmeter] history_days instead and restart it.
    """
    radio = Radio(app, trace, history_days=days)
    if radio.session.link is None:
        raise ConfigError(
            f"{app.config.path}: [smartmeter] address is empty, and no meter is remembered",
            "Run `homemon join` once.",
        )
    radio.own_port_alone("meter-history")
    with radio.open() as port:
        lacking, found = radio.run(port, radio.session.fill_history())
    radio.owner.drop()
    app.remark(f"{lacking} registers at half-hours were missing, {found} of them are stored now")
    app.send_now()
    if lacking and not found:
        raise DeviceError("the meter's record filled none of them", "It may keep none, or not for so long.")
