"""`homemon check`: one line for each thing that can be wrong, with its remedy.

`LOOKS` is the table of what is looked at. Each look has a thread of its own, so that a host that is
not found or a disk that hangs keeps no other from being reported, and the whole ends within `WITHIN`.
"""

from collections import Counter
from contextlib import suppress
from functools import partial
from time import monotonic

import click

from homemon.check import contract, delivery, devices, machine
from homemon.check.findings import CHECK, MARGIN, Aside, Finding, Mark, fault
from homemon.check.looking import WITHIN, Look, Looking
from homemon.cli.options import trace_option
from homemon.cli.terminal import show
from homemon.core.errors import ConfigError, StoreError
from homemon.runtime import sinks
from homemon.runtime.context import App
from homemon.runtime.output import said
from homemon.sources.registry import SOURCES

LOOKS: tuple[Look, ...] = (
    Look("config", machine.config),
    Look("files", machine.files),
    Look("clock", machine.clock),
    Look("disk", machine.disk),
    Look("store", delivery.store),
    *(Look(source.look, partial(devices.LOOKS[source.connection], source=source)) for source in SOURCES),
    Look("contract", contract.contract),
    Look("start", machine.start),
)
NOWHERE = Look("server", delivery.nowhere)
COLOURS = {Mark.FAULT: "red", Mark.WARNING: "yellow", Mark.OK: "green"}
COUNTED = {
    Mark.FAULT: ("{} fault", "{} faults"),
    Mark.WARNING: ("{} warning", "{} warnings"),
    Mark.OK: ("{} ok", "{} ok"),
}
"""What one of them is called, and several; worst first."""


@click.command()
@click.option("--create-db", is_flag=True, help="First make db on each [server] of InfluxDB 1.x that lacks it.")
@trace_option
@click.pass_obj
def command(app: App, create_db: bool, trace: str | None) -> int:
    """Look over config, ports, clock and server; say what to do.

    One line for each thing: ok, warning or fault, what was found, and the remedy; the last line counts them. On a
    terminal lines are parted at its width, and in colours unless NO_COLOR is set. Exit status 1 when there
    is a fault, 2 when it is in the configuration. A port that a listener holds is left alone; a free one is
    opened: the Wi-SUN module reports its version, the meter its state, the EcoCute its values. The server
    gets an empty batch. Ends within 20 seconds.
    """
    counts: Counter[Mark] = Counter()
    try:
        named = str(app.config.path)
        if create_db and not app.config.servers:
            _ = app.server  # which says what is missing
    except ConfigError as error:
        report(app, [fault("config", text, error.hint) for text in str(error).splitlines()], counts)
        sum_up(app, counts)
        return error.exit_code
    app.trace(trace)  # one that cannot be written is reported at once
    if create_db:
        report(app, Looking(Look("server", delivery.create_db), Aside(named)).result(WITHIN), counts)
    with suppress(StoreError):  # its look reports it
        _ = app.store  # so that those of the threads need not make it
    begun = [Looking(look, Aside(named, True, trace)) for look in (*LOOKS, *looks_at_places(app))]
    deadline = monotonic() + WITHIN
    for looking in begun:
        report(app, looking.result(max(0.0, deadline - monotonic())), counts)
    sum_up(app, counts)
    return int(counts[Mark.FAULT] > 0)


def looks_at_places(app: App) -> list[Look]:
    """Return a look at each place that readings go to."""
    found = [Look(place.name, partial(delivery.place, place=place)) for place in sinks.places(app.config)]
    return found or [NOWHERE]


def report(app: App, findings: list[Finding], counts: Counter[Mark]) -> None:
    """Print the findings, and count their marks."""
    for finding in findings:
        show(str(finding), COLOURS[finding.mark], len(said(finding.mark.value, CHECK)), MARGIN)
        counts[finding.mark] += 1


def sum_up(app: App, counts: Counter[Mark]) -> None:
    """Print how many there are of each mark, in the colour of the worst."""
    found = [mark for mark in COUNTED if counts[mark]]
    texts = (said(COUNTED[mark][counts[mark] > 1]).format(counts[mark]) for mark in found)
    show(", ".join(texts), COLOURS[found[0]])
