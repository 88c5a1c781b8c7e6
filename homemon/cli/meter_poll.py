"""`homemon meter-poll`: asks once. With a listener on the port it only knocks."""

import re

import click

from homemon.cli.options import trace_option
from homemon.core.errors import ConfigError, DeviceError, PortError, SessionLost
from homemon.echonet.codec import Property
from homemon.runtime.context import App
from homemon.runtime.radio import KNOCK_WITHIN, Radio
from homemon.sources.meter import properties as meter


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
    EA EB (energy at the last half-hour). Where `meter-listen` owns the port, the question is only
    written, and the listener records the answer.
    """
    epcs = tuple(dict.fromkeys(epcs)) or (0xE7,)
    radio = Radio(app, trace)
    if radio.session.link is None:
        raise ConfigError(
            f"{app.config.path}: [smartmeter] address is empty, and no meter is remembered",
            "Run `homemon join` once.",
        )
    if radio.own_port("meter-poll"):
        ask(app, radio, epcs)
        radio.owner.drop()  # however long the server takes, the next poll may have the port
    else:
        knock(app, radio, epcs)
    app.send_now()


def ask(app: App, radio: Radio, epcs: tuple[int, ...]) -> None:
    """Open the port, ask, wait for the answer, store it."""
    with radio.open() as port:
        try:
            answer = radio.run(port, radio.session.poll(epcs))
        except SessionLost as error:
            error.hint = error.hint or "Run `homemon join`, or let `homemon meter-listen` keep the session."
            raise
    if radio.session.scale is None and meter.SCALED.intersection(prop.epc for prop in answer.properties):
        raise DeviceError(
            "the meter reported a register, but not its unit (E1): what is in kWh was not recorded",
            "Try again; `homemon meter-poll E1 D3` shows what it says.",
        )
    if radio.session.unconfirmed:
        names = ", ".join(f"{epc:02X}" for epc in radio.session.unconfirmed)
        raise DeviceError(
            f"the meter's answers about {names} cannot be, and contradict each other",
            "Nothing of it was recorded. Ask again later; a bad contact on the serial line flips bits.",
        )
    texts = [explain(prop) for prop in answer.properties]
    if all(texts) and not any(prop.edt and prop.epc not in meter.SERIES for prop in answer.properties):
        raise DeviceError("; ".join(texts) or "the meter's answer is empty", "Nothing was recorded. Ask again later.")
    for text in filter(None, texts):
        app.remark(text)


def explain(prop: Property) -> str:
    """Return what a person should know of one property of an answer; empty where it became a point."""
    row = meter.PROPS.get(prop.epc)
    if not prop.edt:
        return f"the meter refused {prop.epc:02X}"
    try:
        value = meter.value_of(prop) if row else None
    except ValueError as error:
        return str(error)
    if row and value is None:
        return f"the meter has no data for {prop.epc:02X} ({row.name})"
    if prop.epc in meter.SERIES:
        return ""
    from homemon.explain.frame import of_meter

    return "\n  ".join(of_meter(prop).lines)


def knock(app: App, radio: Radio, epcs: tuple[int, ...]) -> None:
    """Write the question into the listener's port, between two of its dialogues."""
    settings = radio.settings
    if "://" in settings.serial_port:
        raise PortError(
            f"{settings.serial_port} is in use by a listener, and a remote port cannot be shared",
            "Use `homemon meter-listen --poll 60` and no meter-poll.",
        )
    with radio.dialogue.holding(KNOCK_WITHIN) as free:
        if not free:
            raise DeviceError(
                "the listener is joining the meter's network; nothing was asked", "Try again in a minute."
            )
        radio.knock(epcs)
    app.log("asked; meter-listen records the answer")
