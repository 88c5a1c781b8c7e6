"""What our own node says on the LAN, and to whom."""

import pytest

from homemon.core.dialogue import Step
from homemon.echonet import codec as echonet
from homemon.echonet.codec import MULTICAST, Esv, Frame, Property
from homemon.echonet.own_node import ONE_MAY
from homemon.sources.lan.presence import KEEP_PLACE_AFTER
from tests.virtual_lan import CONTROLLER, HOST, NODE, OTHER, TRIP, UNIT, World


def reply_to(deoj: int, esv: Esv, *epcs: int, edt: str = "", host: str = OTHER) -> Frame | None:
    """What our node says to a request of somebody on the LAN."""
    world = World()
    asked = tuple(Property(epc, bytes.fromhex(edt)) for epc in epcs)
    world.comes(Frame(77, 0x05FF02, deoj, esv, asked, asked if esv is Esv.SETGET else ()), host=host)
    world.listen(TRIP)
    assert all((frame.tid, frame.deoj, to) == (77, 0x05FF02, host) for _, frame, to in world.sent)
    return world.sent[0][1] if world.sent else None


@pytest.mark.parametrize("deoj", [NODE, 0x0EF000])
def test_our_node_profile_lists_one_controller(deoj: int) -> None:
    reply = reply_to(deoj, Esv.GET, 0xD6, 0xD5, 0x9D, 0x9E, 0x9F, 0xD3, 0xD4, 0xD7)
    assert reply is not None
    assert (reply.seoj, reply.esv) == (NODE, Esv.GET_RES)
    edt = dict(reply.properties)
    assert echonet.decode_instance_list(edt[0xD6]) == echonet.decode_instance_list(edt[0xD5]) == (CONTROLLER,)
    assert echonet.decode_property_map(edt[0x9D]) == {0x80, 0xD5}
    assert echonet.decode_property_map(edt[0x9E]) == frozenset()
    assert (edt[0xD3], edt[0xD4], edt[0xD7]) == (b"\0\0\1", b"\0\2", bytes.fromhex("0105FF"))


@pytest.mark.parametrize("deoj", [NODE, CONTROLLER])
@pytest.mark.parametrize("host", [HOST, OTHER])
def test_all_that_our_map_promises_is_answered(deoj: int, host: str) -> None:
    reply = reply_to(deoj, Esv.GET, 0x9F, host=host)
    assert reply is not None
    epcs = echonet.decode_property_map(reply.properties[0].edt)
    assert {0x80, 0x82, 0x83, 0x8A, 0x9D, 0x9E, 0x9F} <= epcs
    whole = reply_to(deoj, Esv.GET, *sorted(epcs))
    assert whole is not None
    assert whole.esv is Esv.GET_RES
    assert all(prop.edt for prop in whole.properties)


def test_what_we_do_not_have_is_refused_beside_what_we_have() -> None:
    reply = reply_to(NODE, Esv.GET, 0x80, 0xB0)
    assert reply is not None
    assert (reply.esv, reply.properties) == (Esv.GET_SNA, (Property(0x80, b"\x30"), Property(0xB0)))
    notified = reply_to(NODE, Esv.INF_REQ, 0xD5)
    assert notified is not None
    assert notified.esv is Esv.INF


@pytest.mark.parametrize(
    ("esv", "refusal"),
    [(Esv.SETI, Esv.SETI_SNA), (Esv.SETC, Esv.SETC_SNA), (Esv.SETGET, Esv.SETGET_SNA)],
)
@pytest.mark.parametrize("deoj", [NODE, CONTROLLER])
def test_nobody_can_write(deoj: int, esv: Esv, refusal: Esv) -> None:
    reply = reply_to(deoj, esv, 0x80, edt="31")
    assert reply is not None
    assert (reply.seoj, reply.esv, reply.properties) == (deoj, refusal, (Property(0x80, b"\x31"),))


@pytest.mark.parametrize("deoj", [UNIT, 0x05FF02, 0x05FE01, 0])
@pytest.mark.parametrize("esv", [Esv.GET, Esv.SETC, Esv.INFC])
def test_for_objects_that_we_are_not_we_do_not_speak(deoj: int, esv: Esv) -> None:
    assert reply_to(deoj, esv, 0x80) is None


WHO = 0x05FF02


class Keeping(World):
    """Remembers when our place was to be kept."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[tuple[float, bytes]] = []

    def report(self, step: Step) -> None:
        self.kept += [(self.now, place) for place in step.learned]


def test_a_change_is_announced_to_everybody_and_kept_seldom() -> None:
    world = Keeping()
    for number, place in enumerate(("08", "08", "10", "18")):
        world.comes(Frame(number, WHO, CONTROLLER, Esv.SETC, (Property(0x81, bytes.fromhex(place)),)), OTHER, number)
    world.listen(2 * KEEP_PLACE_AFTER)
    reported = [(frame.esv, frame.seoj, frame.properties) for _, frame, host in world.sent if host == MULTICAST]
    assert reported == [(Esv.INF, CONTROLLER, (Property(0x81, bytes.fromhex(place)),)) for place in ("08", "10", "18")]
    assert world.kept == [(0.0, b"\x08"), (KEEP_PLACE_AFTER, b"\x18")]


def test_a_node_that_starts_lets_everybody_know_its_objects() -> None:
    world = World()
    world.controller.presence.announce()
    world.listen(TRIP)
    assert [(frame.esv, frame.seoj, to) for _, frame, to in world.sent] == [(Esv.INF, NODE, MULTICAST)]
    (prop,) = world.sent[0][1].properties
    assert (prop.epc, echonet.decode_instance_list(prop.edt)) == (0xD5, (CONTROLLER,))


def test_questions_and_answers_both_count_towards_what_one_address_may_have() -> None:
    world = World()
    asked = tuple(Property(epc) for epc in (0x9D, 0x9E, 0x9F, 0x83, 0xD6))
    for number in range(400):
        world.comes(Frame(number, WHO, NODE, Esv.GET, asked), OTHER)
    world.listen(TRIP)
    question, answer = (len(echonet.encode(frame)) for frame in (Frame(1, WHO, NODE, Esv.GET, asked), world.sent[0][1]))
    assert ONE_MAY - question - answer <= len(world.sent) * (question + answer) <= ONE_MAY
    world.comes(Frame(999, WHO, NODE, Esv.GET, asked), HOST)
    before = len(world.sent)
    world.listen(TRIP)
    assert len(world.sent) == before + 1, "another address has its own"


def test_what_asks_nothing_takes_nothing_of_what_its_sender_may_have() -> None:
    world = World()
    for number in range(300):
        world.comes(Frame(number, WHO, CONTROLLER, Esv.INF, (Property(0x80, b"\x30"),)), OTHER)
    world.comes(Frame(999, WHO, NODE, Esv.GET, (Property(0xD6),)), OTHER)
    world.listen(TRIP)
    assert [frame.tid for _, frame, to in world.sent if to == OTHER] == [999]


@pytest.mark.parametrize(("esv", "edt"), [(Esv.SETI, "08"), (Esv.GET, None)])
def test_what_wants_no_answer_gets_none(esv: Esv, edt: str | None) -> None:
    world = World()
    wanted = () if edt is None else (Property(0x81, bytes.fromhex(edt)),)
    world.comes(Frame(1, WHO, CONTROLLER, esv, wanted), OTHER)
    world.listen(TRIP)
    assert not [frame for _, frame, to in world.sent if to == OTHER]


@pytest.mark.parametrize(
    ("host", "answered"),
    [
        ("192.168.7.1", True),
        ("192.168.7.254", True),
        ("127.0.0.9", True),
        ("192.168.7.0", False),
        ("192.168.7.255", False),
        ("192.168.8.1", False),
        ("8.8.8.8", False),
        ("224.0.23.0", False),
        ("255.255.255.255", False),
        ("0.0.0.0", False),
        ("127.255.255.255", False),
    ],
)
@pytest.mark.parametrize("esv", [Esv.GET, Esv.SETC, Esv.INFC])
def test_only_who_is_on_our_networks_is_answered(host: str, answered: bool, esv: Esv) -> None:
    world = World()
    world.controller.presence.networks = [(0xC0A80700, 0xFFFFFF00), (0x7F000000, 0xFF000000)]
    world.comes(Frame(1, WHO, CONTROLLER, esv, (Property(0x81, b"\x08" if esv is Esv.SETC else b""),)), host)
    world.listen(1.0)
    assert bool(world.sent) == bool([to for _, _, to in world.sent if to == host]) == answered
