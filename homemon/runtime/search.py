"""Carries out a `Discovery` on a real LAN: for `discover`, and for a poll whose unit nobody wrote into config.ini.

One search at a time on a machine, since nodes are not to be asked by two at once: who searches holds our port, or has
its holder search.
"""

import os
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Network, ip_network
from pathlib import Path

from homemon.config import read as configuration
from homemon.config.place import PLACES
from homemon.core.clock import Instant
from homemon.core.dialogue import Talk
from homemon.core.errors import DeviceError, NoAnswer, NoConfig, PortError
from homemon.core.files import make_private_dir
from homemon.echonet.codec import MULTICAST, PORT, Received
from homemon.ports.trace import Trace
from homemon.ports.udp_node import UdpNode, resolve
from homemon.runtime import state
from homemon.runtime.asking import claim_or_ask
from homemon.runtime.context import App
from homemon.runtime.driver import Watched, run
from homemon.runtime.found import Found, unpacked
from homemon.runtime.lan import LISTENER, Lan, lan_lock
from homemon.sources.lan.discovery import Discovery, Node, choose, decoded
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source

DISCOVER_WITHIN = 120.0  # seconds; a search of 1022 addresses takes 45
MOST = 1022  # addresses: a /22
SEARCH_EVERY = 300  # seconds, for a unit that is remembered and does not answer


def addresses(target: str) -> list[str]:
    """Return the IPv4 addresses of an address, a host or a network. Raise ValueError."""
    if "/" not in target:
        try:
            return [resolve(target)]
        except PortError:
            raise ValueError(f"{target} is no IPv4 address, and no host that is known") from None
    network = ip_network(target, strict=False)
    if not isinstance(network, IPv4Network) or network.num_addresses > MOST + 2:
        raise ValueError(f"{target}: an IPv4 network of at most {MOST} addresses (a /22) is asked")
    return [str(host) for host in network.hosts()]


def with_defaults(app: App, bind: str | None = None) -> None:
    """Let a missing configuration, or one without [ecocute], be as one with nothing but the section's name.

    With `bind` our own address is that one.
    """
    empty = configuration.parse("[ecocute]", Path(PLACES[0]))
    try:
        app.config = app.config._replace(devices={**empty.devices, **app.config.devices})
    except NoConfig:
        app.config = empty
    if bind:
        devices = {name: device._replace(bind=bind) for name, device in app.config.devices.items()}
        app.config = app.config._replace(devices=devices)


def discover(app: App, targets: Sequence[str], trace: str | None, source: Source = ECOCUTE) -> Found:
    """Return who is at `targets`; who holds our port is asked to search. Raise PortError, StoreError."""
    make_private_dir(app.folder)
    lock = lan_lock(app, source)
    question = " ".join(("discover", *targets))
    if (lines := claim_or_ask(app, lock, "discover", LISTENER, question, DISCOVER_WITHIN, trace)) is not None:
        return unpacked(lines[0])
    with _node(app, Trace(Path(trace)) if trace else None, source) as node:
        found = Found(*_search(app, node, targets, None, source), node.addresses)
    lock.drop()
    return found


def _node(app: App, trace: Trace | None, source: Source) -> UdpNode:
    settings = app.device(source.section)
    try:
        return UdpNode(settings.bind, settings.port, trace)
    except PortError as error:
        node = UdpNode(settings.bind, 0, trace)
        app.info(f"{error}; only nodes that answer the asking port are found")
        return node


class SearchPort:
    """A node as the port of a search. A datagram that cannot be sent ends nothing; `fault` is why none could be."""

    def __init__(self, app: App, node: UdpNode) -> None:
        self._app = app
        self._node = node
        self.now = app.now
        self._sent = False
        self._fault: PortError | None = None

    @property
    def fault(self) -> PortError | None:
        return None if self._sent else self._fault

    def send(self, message: tuple[bytes, str]) -> None:
        """Send one datagram to an address."""
        try:
            self._node.send(*message, PORT)
            self._sent = True
        except PortError as error:
            self._app.log(str(error))
            self._fault = error

    def receive(self, until: float) -> tuple[list[Received], Instant]:
        """Return the frames that have come; broken ones are left out."""
        datagrams = self._node.read(max(0.0, until - self.now().ticks))
        at = self.now()
        self._node.note(datagrams, at)
        return list(decoded([(data, host) for data, host, _ in datagrams], self._app.log)), at


def _search(
    app: App, node: UdpNode, targets: Iterable[str], only: int | None, source: Source
) -> tuple[list[Node], list[str]]:
    """Return who is at `targets`, and who answered for another address.

    With `only` an EOJ, the others are not asked who they are. Raise PortError.
    """
    port = SearchPort(app, node)
    discovery = Discovery(targets, int(port.now().ticks * 7) + os.getpid(), only, source=source)
    found: tuple[list[Node], list[str]] = run(Talk(), discovery.search(), port, Watched(app))
    if port.fault:
        raise port.fault
    return found


def report_elsewhere(app: App, elsewhere: Iterable[str]) -> None:
    """Report who answered what was asked of another address."""
    for host in elsewhere:
        app.info(f"{host} answered what was asked of another address: see `homemon discover {host}`")


def find(lan: Lan, node: UdpNode) -> None:
    """Search for the device from `node`, remember where it is, and let `lan` ask there.

    Raise NoAnswer where there is none, DeviceError where a person has to choose, PortError, StoreError.
    """
    lan.app.log(f"looking for the {lan.source.title}")
    nodes, elsewhere = _search(lan.app, node, [MULTICAST], lan.settings.eoj, lan.source)
    report_elsewhere(lan.app, elsewhere)
    found = choose(nodes, lan.settings.eoj, lan.recall(), lan.source)
    lan.remember(found)
    lan.app.log(f"the {lan.source.title} is at {found.host}")
    lan.aim(found.host, found.eoj)


def find_again(lan: Lan, node: UdpNode, silence: NoAnswer) -> bool:
    """Search for a device that is silent, unless that was tried just now; return whether it moved.

    Raise NoAnswer where it is nowhere else, PortError, StoreError.
    """
    now, before, section = int(lan.app.now().wall), lan.host, lan.source.section
    known = lan.recall()
    if known and known.host != before:  # another command found it while we waited for the port
        lan.aim(known.host, known.eoj)
        return True
    if 0 <= now - state.load(lan.app.folder).searched.get(section, 0) < SEARCH_EVERY:
        return False
    state.change(lan.app.folder, lambda kept: kept._replace(searched={**kept.searched, section: now}))
    try:
        find(lan, node)
    except DeviceError as error:
        raise NoAnswer(f"{silence}; {error}", error.hint) from None
    return lan.host != before
