"""`homemon meter-poll`: asks once; through the listener, where one owns the port."""

import re

import click

from homemon.cli.options import trace_option
from homemon.runtime import meter
from homemon.runtime.context import App
from homemon.runtime.ending import send_now

WITHIN = 60.0  # seconds; a poll that nobody answers takes 34


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
    question = "poll " + " ".join(f"{epc:02X}" for epc in epcs)
    for text in meter.ask(app, "meter-poll", question, WITHIN, trace):
        app.info(text)
    send_now(app)
