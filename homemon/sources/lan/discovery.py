"""Which nodes are on the LAN, and who they are, as a dialogue in anybody's time.

Everybody is asked for the objects of its node profile (0EF001, D6), by multicast or each address by
itself. Who answers is then asked for its ID, maker and product, and at last its first device for what
the node profile did not report. Each question is asked three times while it is not answered: multicast is
lossy. One address has one question at a time, half a second apart, since cheap adapters hang otherwise.

What comes is taken by address, object and EPC, whatever its TID and whoever asked: a late answer reports
the truth as well, and so does a node that announces itself (D5). Source: ECHONET Lite Specification,
Part II, chapter 6 (node profile); issues of public clients for what nodes in the field do.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from homemon.core.dialogue import Ask, Dialogue
from homemon.core.errors import DeviceError, NoAnswer, WireError
from homemon.echonet import codec as echonet
from homemon.echonet import node as profile
from homemon.echonet.codec import ANSWERS, CONTROLLER, MULTICAST, NODE_PROFILE, Frame, Received, Unit
from homemon.sources.lan.reports import found_among
from homemon.sources.registry import ECOCUTE
from homemon.sources.source import Source

TRIES = 3
EVERYBODY_WITHIN = 1.0  # seconds for the answers to one question to the LAN
ANSWER_WITHIN = 2.0  # for the answer of one node
SPACING = 0.5  # between two questions to one node
PACE = 0.01  # between two addresses: the kernel keeps 1024 neighbours, and one that is not there for 3 s (arp(7))
MOST_NODES = 1022  # of a network of 1,024 addresses; more is a flood from forged ones
MOST_ELSEWHERE = 4
LIST, ANNOUNCED = 0xD6, 0xD5
WHO = tuple(profile.PROPS)


@dataclass
class Node:
    """A node and what it said: `objects` are EOJs in the order reported, `edts` is (EOJ, EPC) → EDT.

    `fault` says in what its list of objects contradicts itself.
    """

    host: str
    objects: list[int] = field(default_factory=list)
    edts: dict[tuple[int, int], bytes] = field(default_factory=dict)
    fault: str = ""

    @property
    def facts(self) -> profile.Facts:
        """Who it is: what the node profile says, and its first device where that says nothing."""
        own = {epc: edt for (eoj, epc), edt in self.edts.items() if eoj == NODE_PROFILE}
        device = {
            epc: edt
            for (eoj, epc), edt in self.edts.items()
            if eoj in self.objects[:1] and epc in (0x8A, 0x8C, 0x8D)  # 82 and 83 are the device's own
        }
        return profile.facts({**device, **own})

    @property
    def id(self) -> str:
        """The node's ID (83) in hex; empty where it reports none."""
        return self.facts.id or ""


class Discovery:
    """One search. `targets` are IPv4 addresses, MULTICAST being everybody; others are not received where it is absent.

    It sends (datagram, address). With `only` an EOJ, nobody without that object is asked any further. `known` are
    the hosts of devices that are known already, and their EOJs.
    """

    def __init__(
        self,
        targets: Iterable[str],
        first_tid: int,
        only: int | None = None,
        known: Iterable[tuple[str, int]] = (),
        source: Source = ECOCUTE,
    ) -> None:
        self._source = source
        self._targets = list(dict.fromkeys(targets))
        self._tid = first_tid & 0xFFFF
        self._only = only
        self._nodes = {host: Node(host, [eoj]) for host, eoj in known}
        self._elsewhere: list[str] = []
        self._tids: set[int] = set()
        self._asked: dict[str, int] = {}  # who has not answered the present question, and which object it is for

    def search(self) -> Dialogue[tuple[list[Node], list[str]]]:
        """Ask; return the nodes by their addresses, and the addresses that answered what was asked of another."""
        if MULTICAST in self._targets:
            yield from self._ask({MULTICAST: NODE_PROFILE}, (LIST,), EVERYBODY_WITHIN)
        named = [host for host in self._targets if host != MULTICAST and host not in self._nodes]
        yield from self._ask(dict.fromkeys(named, NODE_PROFILE), (LIST,), ANSWER_WITHIN)
        concerned = [
            node
            for node in self._nodes.values()
            if self._only is None or found_among(self._source, node.objects, self._only)
        ]
        yield from self._ask({node.host: NODE_PROFILE for node in concerned}, WHO, ANSWER_WITHIN)
        if self._only is None:
            wanting = {node.host: node.objects[0] for node in concerned if node.objects and None in node.facts[2:]}
            yield from self._ask(wanting, WHO[2:], ANSWER_WITHIN)
        nodes = sorted(self._nodes.values(), key=lambda node: [int(part) for part in node.host.split(".")])
        return nodes, self._elsewhere

    def _ask(self, asked: Mapping[str, int], epcs: tuple[int, ...], within: float) -> Dialogue[None]:
        """Ask each host for properties of its object, thrice where it does not answer; then let all take breath."""
        self._asked = dict(asked)
        for number in range(1, TRIES + 1):
            hosts = list(self._asked)
            saying = f"asking {len(hosts)} addresses, try {number} of {TRIES} ..." if len(hosts) > 1 else ""
            for host in hosts:
                if host in self._asked:
                    self._tid = self._tid % 0xFFFF + 1
                    self._tids.add(self._tid)
                    question = echonet.encode(echonet.get(self._tid, asked[host], epcs))
                    yield from self._receive(self._take, PACE, saying, (question, host))
                    saying = ""
            if self._asked:
                yield from self._receive(self._take, within)
        if asked:
            yield from self._receive(self._take_any, SPACING)

    def _receive(
        self,
        until: Callable[[Received], bool],
        within: float,
        saying: str = "",
        send: tuple[bytes, str] | tuple[()] = (),
    ) -> Dialogue[None]:
        try:
            yield Ask(send, until, within, saying)
        except NoAnswer:
            return

    def _take_any(self, event: Received) -> bool:
        """Keep what a node says; never enough."""
        self._take(event)
        return False

    def _take(self, event: Received) -> bool:
        """Keep what a node says; whether nobody is left to answer."""
        frame, host = event
        self._note_elsewhere(frame, host)
        known = host in self._nodes or len(self._nodes) < MOST_NODES
        if known and frame.reported and (MULTICAST in self._targets or host in self._targets):
            node = self._nodes.setdefault(host, Node(host))
            eoj = NODE_PROFILE if frame.seoj >> 8 == NODE_PROFILE >> 8 else frame.seoj
            node.edts.update({(eoj, prop.epc): prop.edt for prop in frame.reported if prop.edt})
            found = objects(event) if eoj == NODE_PROFILE else (eoj,)
            node.fault = list_fault(event) or node.fault
            node.objects += [each for each in found if each not in node.objects]
            if self._asked.get(host) == eoj and frame.esv in ANSWERS:
                del self._asked[host]
        return not self._asked

    def _note_elsewhere(self, frame: Frame, host: str) -> None:
        """Note an answer from another address than the one asked: maybe a unit that has two."""
        asked = MULTICAST in self._targets or host in self._targets
        answers = frame.tid in self._tids and frame.esv in ANSWERS
        if answers and not asked and host not in self._elsewhere and len(self._elsewhere) < MOST_ELSEWHERE:
            self._elsewhere.append(host)


def decoded(datagrams: Iterable[tuple[bytes, str]], broken: Callable[[str], None]) -> Iterator[Received]:
    """Yield the frames of datagrams with their senders' addresses; `broken` is called for what is no frame."""
    for data, host in datagrams:
        try:
            yield Received(echonet.decode(data), host)
        except WireError as error:
            broken(f"ignored a broken datagram from {host}: {error}")


def objects(event: Received) -> tuple[int, ...]:
    """Return the EOJs that a node profile lists (D6) or announces (D5), as many as are there; else empty."""
    return echonet.instances(_list_of(event))


def list_fault(event: Received) -> str:
    """Return what is wrong with such a list; empty where nothing is, or it is missing."""
    edt = _list_of(event)
    if not edt or len(edt) == 1 + 3 * edt[0]:
        return ""
    return f"its list promises {edt[0]} objects and has {(len(edt) - 1) // 3}"


def _list_of(event: Received) -> bytes:
    """Return the EDT of D6 or D5; empty where both are missing."""
    if event.frame.seoj >> 8 != NODE_PROFILE >> 8:
        return b""
    return next((prop.edt for prop in event.frame.reported if prop.epc in (LIST, ANNOUNCED) and prop.edt), b"")


def choose(nodes: Iterable[Node], eoj: int, known: Unit | None, source: Source = ECOCUTE) -> Unit:
    """Return our device of the row `source` among the nodes: the one with the known ID, or the only one.

    By default, where no node has `eoj` itself, one that is read like it is taken.
    Raise NoAnswer where there is no such device, DeviceError where a person has to choose.
    """
    nodes = list(nodes)
    found = [(node, found_among(source, node.objects, eoj)) for node in nodes]
    having = [Unit(node.host, each, node.id) for node, each in found if each is not None]
    having = [unit for unit in having if unit.eoj == eoj] or having
    fitting = [unit for unit in having if unit.id == known.id] if known and known.id else having
    staying = [unit for unit in fitting if known and unit.host == known.host]
    if len(staying or fitting) == 1:
        return (staying or fitting)[0]
    where = " and ".join(f"{unit.host} (ID {unit.id or 'not reported'})" for unit in fitting or having)
    if fitting:
        raise DeviceError(
            f"there are several {source.title}s: {where}", f"Write the address of yours into [{source.section}] host."
        )
    if known and having:
        raise DeviceError(
            f"the {source.title} with the ID {known.id} was not found, but {where}",
            f"If that is yours, write its address into [{source.section}] host.",
        )
    others = [f"{each:06X} at {node.host}" for node in nodes for each in node.objects if each >> 8 == eoj >> 8]
    if others:
        raise DeviceError(
            f"no {source.title} {eoj:06X} was found, but {' and '.join(others)}",
            f"Write that into [{source.section}] eoj.",
        )
    devices = [node.host for node in nodes if any(each >> 8 != CONTROLLER >> 8 for each in node.objects)]
    answered = f", but {', '.join(devices)} did" if devices else ""
    raise NoAnswer(f"no {source.title} answered on the LAN{answered}", not_found_hint(source))


def not_found_hint(source: Source) -> str:
    """Return what to do about a device that is nowhere."""
    return (
        "Switch ECHONET Lite on in the unit's LAN adapter and connect it to this network. A Wi-Fi access point may keep"
        " multicast back: then find the address with `homemon discover NETWORK` and write it into"
        f" [{source.section}] host."
    )
