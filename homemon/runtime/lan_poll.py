"""One poll of a device on the LAN. Where its listener holds the UDP port it only asks, and the listener records."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any

from homemon.core.errors import DeviceError, NoAnswer, StoreError
from homemon.ports.udp_node import UdpNode
from homemon.runtime.claim import claim
from homemon.runtime.context import App
from homemon.runtime.lan import Lan
from homemon.sources.lan.controller import no_answer_hint
from homemon.sources.source import Source

TRIES = 3


def poll(app: App, source: Source, trace: str | None) -> None:
    """Ask a device once, and record what it says.

    Raises NoAnswer, DeviceError, PortError, StoreError, and ConfigError where it is not configured.
    """
    lan = Lan(app, trace, source=source)
    command = source.polls[0]
    if not claim(lan.owner, command, source.listener):
        _at_its_address(lan, None, lambda: _ask_through_listener(app, lan))
        return
    with lan.open() as node:
        told = _at_its_address(lan, node, lambda: _ask(lan, node))
    lan.owner.drop()
    if not told:
        raise DeviceError(
            f"the {source.title} told no value of {', '.join(f'{epc:02X}' for epc in source.fields)}",
            f"Check [{source.section}] eoj; `homemon {command} --trace trace.txt` shows what it says.",
        )


def _ask(lan: Lan, node: UdpNode) -> set[str]:
    """Ask as the device is known to take it, and remember what it turned out to take. Raises as `lan.run`."""
    facts, name = lan.app.store.db, f"at_once {lan.source.section} {lan.host}"
    with suppress(StoreError):
        lan.controller.at_once = int(facts.recall(name) or 0) or None
    before = lan.controller.at_once
    told: set[str] = lan.run(node, lan.controller.poll(and_what=True))
    if (at_once := lan.controller.at_once) is not None and at_once != before:
        with suppress(StoreError):
            facts.remember(**{name: at_once})
    return told


def _at_its_address(lan: Lan, node: UdpNode | None, ask: Callable[[], Any]) -> Any:
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


def _ask_through_listener(app: App, lan: Lan) -> None:
    """Ask until the listener, or we, have stored an answer. Raises NoAnswer.

    A store that keeps readings undated, for want of a right clock, cannot tell: then once is enough.
    """
    source = lan.source
    for number in range(TRIES):
        at = app.now()
        lan.knock(and_what=number == 1)
        until = int(app.now().wall) + 1
        newest = [app.store.archive.latest(series.measurement, series.field, until) for series in source.series]
        if any(found and found[0] >= int(at.wall) for found in newest) or not app.store.clock.trusts(at):
            app.log("asked; the answer is stored")
            return
    raise NoAnswer(
        f"the {source.title} did not answer through {source.listener} ({TRIES} tries)",
        f"{no_answer_hint(source)} Or the listener cannot store the answer, as on a full disk: see `homemon check`.",
    )
