"""`homemon check`: one line for each thing that can be wrong, with its remedy.

`LOOKS` is the table of what is looked at. Each look has a thread of its own, so that a host that is
not found or a disk that hangs keeps no other from being reported, and the whole ends within `WITHIN`.
"""

from contextlib import suppress
from functools import partial
from time import monotonic

import click

from homemon.check import contract, delivery, devices, machine
from homemon.check.findings import Aside, Finding, Mark, fault
from homemon.check.looking import WITHIN, Look, Looking
from homemon.cli.options import trace_option
from homemon.core.errors import ConfigError, StoreError
from homemon.runtime.context import App
from homemon.sources.registry import SOURCES

LOOKS = (
    Look("config", machine.config),
    Look("files", machine.files),
    Look("clock", machine.clock),
    Look("disk", machine.disk),
    Look("store", delivery.store),
    Look("server", delivery.server),
    *(Look(source.look, partial(devices.LOOKS[source.connection], source=source)) for source in SOURCES),
    Look("contract", contract.contract),
    Look("start", machine.start),
)


@click.command()
@click.option("--create-db", is_flag=True, help="First make [server] db on an InfluxDB 1.x that lacks it.")
@trace_option
@click.pass_obj
def command(app: App, create_db: bool, trace: str | None) -> int:
    """Look over config, ports, clock and server; say what to do.

    One line for each thing: ok, warning or fault, what was found, and the remedy. Exit status 1 when there
    is a fault, 2 when it is in the configuration. A port that a listener holds is left alone; a free one is
    opened: the Wi-SUN module reports its version, the meter its state, the EcoCute its values. The server
    gets an empty batch. Ends within 20 seconds.
    """
    try:
        named = str(app.config.path)
        if create_db:
            _ = app.server
    except ConfigError as error:
        for text in str(error).splitlines():
            app.show(str(fault("config", text, error.hint)))
        return error.exit_code
    app.trace(trace)  # one that cannot be written is reported at once
    worst = 0
    if create_db:
        worst = report(app, Looking(Look("server", delivery.create_db), Aside(named)).result(WITHIN))
    with suppress(StoreError):  # its look reports it
        _ = app.store  # so that those of the threads need not make it
    begun = [Looking(look, Aside(named, True, trace)) for look in LOOKS]
    deadline = monotonic() + WITHIN
    for looking in begun:
        worst = max(worst, report(app, looking.result(max(0.0, deadline - monotonic()))))
    return worst


def report(app: App, findings: list[Finding]) -> int:
    """Print the findings; return the exit status that they deserve."""
    for finding in findings:
        app.show(str(finding))
    return int(any(finding.mark is Mark.FAULT for finding in findings))
