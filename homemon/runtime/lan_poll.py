"""One poll of a device on the LAN; through its listener, where that holds the UDP port."""

from collections.abc import Callable
from typing import Any

from homemon.core.errors import NoAnswer
from homemon.ports.udp_node import UdpNode
from homemon.runtime.asking import claim_or_ask
from homemon.runtime.context import App
from homemon.runtime.lan import Lan
from homemon.sources.source import Source

WITHIN = 120.0  # seconds; a poll that nobody answers, a search, and another poll


def poll(app: App, source: Source, trace: str | None) -> None:
    """Ask a device once, and record what it says.

    Raise NoAnswer, DeviceError, PortError, StoreError, and ConfigError where it is not configured.
    """
    lan = Lan(app, trace, source=source)
    question = f"poll {source.section}"
    if claim_or_ask(app, lan.owner, source.polls[0], source.listener, question, WITHIN, trace) is not None:
        return
    with lan.open() as node:
        _at_its_address(lan, node, lambda: lan.ask(node))
    lan.owner.drop()


def _at_its_address(lan: Lan, node: UdpNode, ask: Callable[[], Any]) -> Any:
    """Return what `ask` gives. A unit without an address in config.ini is searched for before or after it is silent.

    Raise what `ask` raises, and what `search.find` does.
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
