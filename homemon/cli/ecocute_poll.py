"""`homemon ecocute-poll`: asks the water heater once. With a listener on UDP 3610 it only asks."""

from collections.abc import Callable
from typing import Any

import click

from homemon.cli.options import trace_option
from homemon.core.errors import DeviceError, NoAnswer
from homemon.ports.udp_node import UdpNode
from homemon.runtime.claim import claim
from homemon.runtime.context import App
from homemon.runtime.lan import LISTENER, Lan
from homemon.sources.lan.controller import NO_ANSWER_HINT
from homemon.sources.lan.ecocute import FIELDS, MEASUREMENT

TRIES = 3


def at_its_address(lan: Lan, node: UdpNode | None, ask: Callable[[], Any]) -> Any:
    """What `ask` gives. A unit whose address is not in config.ini is found before, or after, it did not answer.

    Raises what `ask` raises, and what `search.find` does.
    """
    if lan.settings.host:
        return ask()
    if lan.host:
        try:
            return ask()
        except NoAnswer as silence:
            from homemon.runtime.search import find_again

            if not find_again(lan, node, silence):
                raise
    else:
        from homemon.runtime.search import find

        find(lan, node)
    return ask()


def ask_through_listener(app: App, lan: Lan) -> None:
    """Ask until the listener, or we, have stored an answer. Raises NoAnswer.

    A store that keeps readings undated, for want of a right clock, cannot tell: then once is enough.
    """
    for number in range(TRIES):
        at = app.now()
        lan.knock(and_what=number == 1)
        newest = [app.store.archive.latest(MEASUREMENT, field, int(app.now().wall) + 1) for field in FIELDS.values()]
        if any(found and found[0] >= int(at.wall) for found in newest) or not app.store.clock.trusts(at):
            app.log("asked; the answer is stored")
            return
    raise NoAnswer(
        f"the EcoCute did not answer through ecocute-listen ({TRIES} tries)",
        f"{NO_ANSWER_HINT} Or the listener cannot store the answer, as on a full disk: see `homemon check`.",
    )


@click.command()
@trace_option
@click.pass_obj
def command(app: App, trace: str | None) -> None:
    """Ask the EcoCute once.

    Power, cumulative energy and hot water left, as far as the unit tells them. Where
    `ecocute-listen` holds UDP 3610, the question is only sent, and the listener records the answer;
    it is asked again where none was stored within 5 seconds. Without an address in config.ini the
    EcoCute is found by asking the LAN, and its address remembered until it does not answer there.
    """
    lan = Lan(app, trace)
    if not claim(lan.owner, "ecocute-poll", LISTENER):
        at_its_address(lan, None, lambda: ask_through_listener(app, lan))
    else:
        with lan.open() as node:
            told = at_its_address(lan, node, lambda: lan.run(node, lan.controller.poll(and_what=True)))
        lan.owner.drop()
        if not told:
            raise DeviceError(
                f"the EcoCute told no value of {', '.join(f'{epc:02X}' for epc in FIELDS)}",
                "Check [ecocute] eoj; `homemon ecocute-poll --trace trace.txt` shows what it says.",
            )
    app.send_now()
