"""The search for nodes, lived through in virtual time against simulated units and literal answers of others."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.core.clock import Instant
from homemon.core.dialogue import Talk
from homemon.core.errors import DeviceError, NoAnswer
from homemon.echonet import codec as echonet
from homemon.echonet.codec import MULTICAST, Unit
from homemon.runtime.driver import Context, run
from homemon.runtime.virtual import VirtualLan
from homemon.sim.ecocute import Ecocute, Faults
from homemon.sources.lan.discovery import ANSWER_WITHIN, PACE, SPACING, Discovery, Node, choose, decoded
from tests.virtual_lan import CONTROLLER, NODE, NOW, TRIP, UNIT, Passing

A, B, C = "192.0.2.9", "192.0.2.20", "192.0.2.101"
ID = "FEFFFFFF" + b"homemon-sim-".hex().upper()
Answer = Callable[[bytes, float], list[tuple[float, bytes]]]


def unit(number: int = 1, faults: Faults | None = None) -> Answer:
    """A simulated EcoCute as a node."""
    node = Ecocute(Passing(), faults, number=number)
    return lambda data, now: [(reply.delay, reply.data) for reply in node.answer(data, ("192.0.2.1", 3610), now)]


def literal(**answers: str) -> Answer:
    """A node that says a fixed thing to a question for one EPC of its profile, such as `D6="72 01 D604 01013001"`."""

    def answer(data: bytes, now: float) -> list[tuple[float, bytes]]:
        body = answers.get(f"{data[12]:02X}", "")
        return [(0.0, b"\x10\x81" + data[2:4] + data[7:10] + data[4:7] + bytes.fromhex(body))] if body else []

    return answer


class World(VirtualLan):
    """Nodes by address; those in `deaf` do not receive multicast. `sent` is (time, frame, to whom)."""

    def __init__(self, nodes: dict[str, Answer], deaf: Iterable[str] = (), lose: int = 0) -> None:
        super().__init__(self.answers, 0.0)
        self.nodes, self.deaf, self.lose = nodes, set(deaf), lose
        self.sent: list[tuple[float, echonet.Frame, str]] = []

    def answers(self, data: bytes, host: str, now: float) -> Iterator[tuple[float, bytes, str]]:
        self.sent.append((now, echonet.decode(data), host))
        if host == MULTICAST and self.lose:
            self.lose -= 1
            return
        for each, answer in self.nodes.items():
            if each == host or (host == MULTICAST and each not in self.deaf):
                yield from ((TRIP + late, said, each) for late, said in answer(data, NOW + now))

    def says(self, data: str, host: str, after: float = 0.0) -> None:
        self.comes(bytes.fromhex(data), host, after)

    elsewhere: list[str]

    def search(self, *targets: str, only: int | None = None, received: Iterable[tuple[str, int]] = ()) -> list[Node]:
        discovery = Discovery(targets or (MULTICAST,), 1, only, received)
        nodes: list[Node]
        nodes, self.elsewhere = run(Talk(), discovery.search(), self, Context())
        return nodes

    def receive(self, until: float) -> tuple[list[Any], Instant]:
        come, at = super().receive(until)
        return list(decoded(come, lambda broken: None)), at


def listing(*eojs: int) -> str:
    """The answer to D6, from its ESV on."""
    return f"72 01 D6{1 + 3 * len(eojs):02X} {len(eojs):02X} {' '.join(f'{eoj:06X}' for eoj in eojs)}"


COOLER = {
    "D6": listing(0x013001, 0x013002),
    "82": "52 05 8204 010D0100 8311 FE000008 00112233445566778899AABBCC 8A03 000008 8C00 8D00",
    "8A": f"52 03 8A03 FFFFFF 8C0C {b'FTX50'.hex()} 1B 000000000000 8D00",
}


def test_each_node_is_reported_with_what_it_is_in_the_order_of_addresses() -> None:
    nodes = World({C: unit(), A: literal(**COOLER)}).search()
    assert [(node.host, node.objects) for node in nodes] == [(A, [0x013001, 0x013002]), (C, [UNIT])]
    assert [node.facts.maker_name for node in nodes] == ["Daikin", None]
    cooler, heater = (node.facts for node in nodes)
    assert cooler == ("1.13", "FE00000800112233445566778899AABBCC", "000008", "FTX50?", None)
    assert heater == ("1.14", ID + "31", "FFFFFF", "SIM-ECOCUTE", "000000000001")


def test_a_question_to_everybody_that_is_lost_is_repeated() -> None:
    world = World({A: unit()}, lose=2)
    assert [node.host for node in world.search()] == [A]
    assert [host for _, _, host in world.sent].count(MULTICAST) == 3
    assert world.time < 6.0


@pytest.mark.parametrize(
    "faults",
    [
        Faults(late=0.9),
        Faults(late=1.5),
        Faults(lost_every=2),
        Faults(lost_every=3),
        Faults(doubled=True),
        Faults(reverse=True),
    ],
)
def test_a_node_that_is_slow_or_loses_questions_is_found_all_the_same(faults: Faults) -> None:
    (node,) = World({A: unit(faults=faults)}).search()
    assert (node.objects, node.id) == ([UNIT], ID + "31")


def test_where_multicast_does_not_reach_the_network_is_asked_address_by_address() -> None:
    network = [f"192.0.2.{host}" for host in range(1, 255)]
    world = World({A: unit(1), B: unit(2), "198.51.100.1": unit(3)}, deaf=(A, B))
    assert [node.host for node in world.search(*network)] == [A, B]
    asked = [host for _, frame, host in world.sent if frame.properties[0].epc == 0xD6]
    assert all(asked.count(host) == (1 if host in (A, B) else 3) for host in network)
    assert MULTICAST not in asked
    assert world.time < 20.0


def test_nothing_is_asked_too_fast_and_no_node_has_two_questions_at_a_time() -> None:
    world = World({A: unit(1, Faults(late=0.4)), B: unit(2, Faults(lost_every=2)), C: literal(**COOLER)})
    world.search(A, B, C, "192.0.2.77")
    times = [at for at, _, _ in world.sent]
    assert all(later - earlier >= PACE - 1e-9 for earlier, later in pairwise(times))
    asked = defaultdict(list)
    for at, _, host in world.sent:
        asked[host].append(at)
    for host, moments in asked.items():
        assert all(later - earlier >= SPACING - 1e-9 for earlier, later in pairwise(moments)), host
    assert len(asked["192.0.2.77"]) == 3
    assert all(later - earlier >= ANSWER_WITHIN for earlier, later in pairwise(asked["192.0.2.77"]))


def test_only_those_who_are_named_are_received() -> None:
    world = World({A: unit(), B: unit()})
    world.says("1081 0001 0EF001 0EF001 73 01 D504 01026B01", host=C)
    assert [node.host for node in world.search(A)] == [A]


class Elsewhere(World):
    """Whatever is asked, B answers."""

    def answers(self, data: bytes, host: str, now: float) -> Iterator[tuple[float, bytes, str]]:
        yield TRIP, b"\x10\x81" + data[2:4] + data[7:10] + data[4:7] + bytes.fromhex(listing(UNIT)), B


def test_who_answers_for_another_address_is_named_and_not_taken() -> None:
    world = Elsewhere({})
    assert world.search(A) == []
    assert world.elsewhere == [B]
    for number in range(20):
        world.says(f"1081 {number:04X} 0EF001 05FF01 {listing(UNIT)}", f"192.0.2.{number + 100}")
        world.says(f"1081 7777 0EF001 05FF01 {listing(UNIT)}", f"192.0.2.{number + 150}")
    assert world.search(A) == []
    assert len(world.elsewhere) <= 4
    assert not any(host.startswith("192.0.2.15") for host in world.elsewhere)


def test_a_node_that_announces_itself_meanwhile_is_found() -> None:
    world = World({A: literal(**{"82": COOLER["82"]})})
    world.says("1081 0001 0EF001 0EF001 73 01 D504 01026B01", host=A, after=0.5)
    (node,) = world.search()
    assert (node.objects, node.facts.maker) == ([UNIT], "000008")


def test_with_an_object_in_view_nobody_else_is_asked_any_further() -> None:
    world = World({A: literal(**COOLER), B: unit()})
    found = world.search(only=UNIT)
    assert [node.id for node in found] == ["", ID + "31"]
    assert {host for _, _, host in world.sent} == {MULTICAST, B}
    assert len(world.sent) == 4


def test_a_unit_that_notified_already_is_asked_who_it_is_and_not_what_it_has() -> None:
    world = World({A: unit(3)}, deaf=(A,))
    (node,) = world.search(MULTICAST, A, only=UNIT, received=[(A, UNIT)])
    assert node.id == ID + "33"
    assert [frame.properties[0].epc for _, frame, host in world.sent if host == A] == [0x82]


@pytest.mark.parametrize(
    "answers",
    [
        {"D6": "72 01 D604 05026B01"},  # promises five objects
        {"D6": "72 01 D600"},
        {"D6": "52 01 D600"},
        {"D6": "72 00"},
        {"D6": listing(UNIT), "82": "72 05 8201 01 8302 FE00 8A01 00 8C01 41 8D00"},  # all of a wrong length
        {"D6": listing(UNIT), "82": f"72 01 8311 FE{'00' * 16}"},  # an ID that is none
        {"D6": listing(UNIT), "82": f"72 01 8C0C {'1B5B324A' * 3}"},  # would clear the screen
    ],
)
def test_what_a_node_says_wrongly_is_left_out(answers: dict[str, str]) -> None:
    nodes = World({A: literal(**answers)}).search()
    for node in nodes:
        assert node.host == A
        assert node.facts._replace(product=None) == (None,) * 5
        assert node.facts.product in (None, "?[2J?[2J?[2J")


@pytest.mark.parametrize(
    ("edt", "objects", "fault"),
    [
        ("01 02A601", [0x02A601], ""),
        ("00", [], ""),
        ("02 02A601", [0x02A601], "its list promises 2 objects and has 1"),
        ("01 02A601 013001", [0x02A601, 0x013001], "its list promises 1 objects and has 2"),
        ("03 02A601 0130", [0x02A601], "its list promises 3 objects and has 1"),
        ("05 02", [], "its list promises 5 objects and has 0"),
    ],
)
def test_a_list_that_contradicts_itself_gives_what_is_there_and_a_fault(
    edt: str, objects: list[int], fault: str
) -> None:
    data = bytes.fromhex(edt)
    (found,) = World({A: literal(D6=f"72 01 D6 {len(data):02X} {edt}")}).search()
    assert (found.objects[: len(objects)], found.fault) == (objects, fault)


def test_silence_ends_in_a_few_seconds() -> None:
    world = World({})
    assert world.search() == []
    assert world.time < 4.0
    assert world.search(A) == []
    assert world.time < 11.0


@given(st.lists(st.tuples(st.binary(max_size=40), st.sampled_from([A, B, C]), st.floats(0, 6)), max_size=20))
def test_no_datagram_stops_a_search(come: list[tuple[bytes, str, float]]) -> None:
    world = World({A: unit()})
    for data, host, after in come:
        world.says("1081 0001 0EF001 05FF01 72" + data.hex(), host, after)
    assert UNIT in next(node for node in world.search() if node.host == A).objects


# --- choosing -------------------------------------------------------------------------


def node(host: str, *objects: int, number: int = 0) -> Node:
    reported = {(NODE, 0x83): bytes.fromhex(f"{ID}3{number}")} if number else {}
    return Node(host, list(objects), reported)


def known(host: str, number: int = 0) -> Unit:
    return Unit(host, UNIT, f"{ID}3{number}" if number else "")


@pytest.mark.parametrize(
    ("nodes", "before", "chosen"),
    [
        ([node(A, UNIT, number=1)], None, known(A, 1)),
        ([node(A, UNIT)], None, known(A)),
        ([node(A, 0x013001), node(B, UNIT, number=1)], None, known(B, 1)),
        ([node(A, UNIT, number=1), node(B, UNIT, number=2)], known(C, 2), known(B, 2)),  # it moved
        ([node(A, UNIT, number=1), node(B, UNIT, number=1)], known(B, 1), known(B, 1)),  # it is where it was
        ([node(A, UNIT, number=1), node(B, UNIT, number=2)], known(A), known(A, 1)),
        ([node(B, UNIT, number=2)], known(A), known(B, 2)),  # the EOJ is all that is known of it
        ([node(A, 0x013001, 0x02A601)], None, Unit(A, 0x02A601, "")),
        ([node(A, 0x02A601), node(B, UNIT, number=1)], None, known(B, 1)),
        ([node(A, 0x02A601, number=1)], Unit(B, 0x02A601, f"{ID}31"), Unit(A, 0x02A601, f"{ID}31")),
    ],
)
def test_ours_is_the_one_with_the_known_id_or_the_only_one(
    nodes: list[Node], before: Unit | None, chosen: Unit
) -> None:
    assert choose(nodes, UNIT, before) == chosen


@pytest.mark.parametrize(
    ("nodes", "before", "reported", "hint"),
    [
        (
            [node(A, UNIT, number=1), node(B, UNIT, number=2)],
            None,
            f"several EcoCutes: {A} (ID {ID}31) and {B}",
            "host",
        ),
        ([node(A, UNIT, number=1), node(B, UNIT, number=1)], known(C, 1), "several EcoCutes", "[ecocute] host"),
        ([node(A, UNIT, number=1)], known(C, 2), f"ID {ID}32 was not found, but {A} (ID {ID}31)", "[ecocute] host"),
        ([node(A, UNIT)], known(C, 2), f"{A} (ID not reported)", "[ecocute] host"),
        ([node(A, UNIT + 1, number=1)], None, f"no EcoCute 026B01 was found, but 026B02 at {A}", "[ecocute] eoj"),
    ],
)
def test_where_a_person_has_to_choose_it_is_said_between_what(
    nodes: list[Node], before: Unit | None, reported: str, hint: str
) -> None:
    with pytest.raises(DeviceError) as caught:
        choose(nodes, UNIT, before)
    assert not isinstance(caught.value, NoAnswer)
    assert reported in str(caught.value)
    assert hint in caught.value.hint


def test_where_there_is_none_it_is_said_who_answered_and_what_to_do() -> None:
    with pytest.raises(NoAnswer, match=f"no EcoCute answered on the LAN, but {A} did") as caught:
        choose([node(A, 0x013001), node(B, CONTROLLER)], UNIT, None)
    assert "homemon discover" in caught.value.hint
    with pytest.raises(NoAnswer, match=r"on the LAN$"):
        choose([], UNIT, None)
