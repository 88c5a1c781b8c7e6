"""`homemon meter-poll`: asks once; through the listener, where one owns the port."""

import re

import click

from homemon.cli.options import trace_option
from homemon.runtime import meter_programs
from homemon.runtime.context import App
from homemon.runtime.ending import send_now
from homemon.runtime.radio import POLL_WITHIN, Radio


class Epc(click.ParamType[int]):
    """An EPC as two hex digits."""

    name = "EPC"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        if not re.fullmatch("[89A-Fa-f][0-9A-Fa-f]", value):
            self.fail(f"{value} is no EPC: two hex digits from 80 to FF, such as E7", param, ctx)
        return int(value, 16)


@click.command()
@click.argument("epcs", metavar="[EPC]...", nargs=-1, type=Epc())
@trace_option
@click.pass_obj
def command(app: App, epcs: tuple[int, ...], trace: str | None) -> None:
    """Ask the smart meter once.

    EPC is one or more of E7 (power, the default), E8 (current), E0 E3 (energy, cumulative) and
    EA EB (energy at the last half-hour). Where `meter-listen` owns the port, it asks the meter, and this
    command prints what it recorded.
    """
    epcs = tuple(dict.fromkeys(epcs)) or (0xE7,)
    radio = Radio(app, trace)
    radio.require_meter()
    question = "poll " + " ".join(f"{epc:02X}" for epc in epcs)
    notes = radio.own_port_or_ask("meter-poll", question, POLL_WITHIN)
    if notes is None:
        with radio.open() as port:
            notes = radio.run(port, meter_programs.poll(radio.session, epcs))
        radio.owner.drop()  # however long the server takes, the next poll may have the port
    for text in notes:
        app.info(text)
    send_now(app)
