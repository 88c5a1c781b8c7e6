"""Our node on the LAN: it is a whole one, and nobody's amplifier."""

import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.echonet import codec as echonet
from homemon.echonet.codec import CONTROLLER, NODE_PROFILE, PORT, Esv, Frame, Property
from homemon.echonet.own_node import ALL_AGAIN, ALL_MAY, MOST_KNOWN, ONE_AGAIN, ONE_MAY, Allowance, OwnNode
from homemon.ports.udp_node import UdpNode
from homemon.runtime import state
from homemon.sources.lan.controller import Controller
from tests.commands import PATIENCE, homemon, running
from tests.lan import address, configure, node_at, unit, wait_for_port
from tests.virtual_lan import HOST, OTHER, World

EPCS = range(0x80, 0x100)
OBJECTS = (NODE_PROFILE, CONTROLLER)
WHO = 0x05FF02


def ask(node: OwnNode, eoj: int, esv: Esv, *properties: Property, read: tuple[Property, ...] = ()) -> Frame | None:
    return node.answer(Frame(7, WHO, eoj, esv, properties, read))


def map_of(node: OwnNode, eoj: int, epc: int) -> frozenset[int]:
    reply = ask(node, eoj, Esv.GET, Property(epc))
    assert reply is not None
    return echonet.decode_property_map(reply.properties[0].edt)


@pytest.mark.parametrize("eoj", OBJECTS)
def test_the_maps_say_what_is_answered_set_and_announced(eoj: int) -> None:
    node = OwnNode()
    for epc in EPCS:
        reply = ask(node, eoj, Esv.GET, Property(epc))
        assert reply is not None
        assert (reply.esv is Esv.GET_RES) == (epc in map_of(node, eoj, 0x9F)) == bool(reply.properties[0].edt)
        written = ask(node, eoj, Esv.SETC, Property(epc, b"\x08"))
        assert written is not None
        assert (written.esv is Esv.SET_RES) == (epc in map_of(node, eoj, 0x9E)) == (not written.properties[0].edt)
        assert (ask(node, eoj, Esv.SETI, Property(epc, b"\x08")) is None) == (epc in map_of(node, eoj, 0x9E))
    assert map_of(node, eoj, 0x9D) <= map_of(node, eoj, 0x9F)


def test_each_object_has_what_the_standard_requires_of_it() -> None:
    node = OwnNode()
    assert map_of(node, CONTROLLER, 0x9F) >= {0x80, 0x81, 0x82, 0x83, 0x88, 0x8A, 0x9D, 0x9E, 0x9F}
    assert map_of(node, CONTROLLER, 0x9D) == {0x80, 0x81, 0x88}
    assert map_of(node, CONTROLLER, 0x9E) == {0x81}
    required = {0x80, 0x82, 0x83, 0x88, 0x8A, 0x9D, 0x9E, 0x9F, 0xD3, 0xD4, 0xD6, 0xD7}
    assert map_of(node, NODE_PROFILE, 0x9F) >= required
    assert map_of(node, NODE_PROFILE, 0x9D) == {0x80, 0xD5}
    for eoj in OBJECTS:
        reply = ask(node, eoj, Esv.GET, Property(0x88), Property(0x80), Property(0x8A))
        assert reply is not None
        assert [prop.edt.hex() for prop in reply.properties] == ["42", "30", "ffffff"]


PLACES = {"00": True, "08": True, "7F": True, "FF": True, "01": False, "05": False, "": False, "0808": False}
PLACES |= {"01" + "AB" * 16: True, "02" + "AB" * 16: False, "01" + "AB" * 15: False}


@pytest.mark.parametrize(("edt", "good"), PLACES.items())
def test_the_place_takes_what_the_standard_knows(edt: str, good: bool) -> None:
    node = OwnNode(place=b"\x09")
    reply = ask(node, CONTROLLER, Esv.SETC, Property(0x81, bytes.fromhex(edt)))
    assert reply is not None
    assert node.place == (bytes.fromhex(edt) if good else b"\x09")
    assert OwnNode(place=bytes.fromhex(edt)).place == (bytes.fromhex(edt) if good else b"\x00")


def test_what_can_be_set_is_set_and_the_rest_is_given_back() -> None:
    node = OwnNode()
    both = (Property(0x81, b"\x08"), Property(0x80, b"\x31"))
    reply = ask(node, CONTROLLER, Esv.SETC, *both)
    assert reply == Frame(7, CONTROLLER, WHO, Esv.SETC_SNA, (Property(0x81), both[1]))
    assert ask(node, CONTROLLER, Esv.SETI, *both) == reply._replace(esv=Esv.SETI_SNA)
    good = ask(node, 0x05FF00, Esv.SETGET, both[0], read=(Property(0x81), Property(0x80)))
    assert good == Frame(
        7, CONTROLLER, WHO, Esv.SETGET_RES, (Property(0x81),), (Property(0x81, b"\x08"), Property(0x80, b"\x30"))
    )
    bad = ask(node, CONTROLLER, Esv.SETGET, both[0], read=(Property(0xB0),))
    assert bad == Frame(7, CONTROLLER, WHO, Esv.SETGET_SNA, (Property(0x81),), (Property(0xB0),))
    assert node.place == b"\x08"


# --- nobody's amplifier ----------------------------------------------------------------


def replies(world: World, host: str) -> int:
    return sum(len(echonet.encode(frame)) for _, frame, to in world.sent if to == host)


@given(st.lists(st.sampled_from(EPCS), min_size=1, max_size=255), st.sampled_from(OBJECTS))
def test_an_answer_is_little_more_than_the_question(epcs: list[int], eoj: int) -> None:
    question = Frame(1, WHO, eoj, Esv.GET, tuple(Property(epc) for epc in epcs))
    world = World()
    world.comes(question, OTHER)
    world.listen(1.0)
    assert replies(world, OTHER) <= 3.0 * len(echonet.encode(question))
    ((_, reply, _),) = world.sent
    assert [prop.epc for prop in reply.properties] == list(dict.fromkeys(epcs))


@pytest.mark.parametrize("esv", [Esv.GET, Esv.INF_REQ, Esv.SETC, Esv.SETI, Esv.SETGET, Esv.INFC])
def test_a_flood_of_questions_gets_no_more_than_the_allowance(esv: Esv) -> None:
    world = World()
    asked = tuple(Property(epc, b"\x31" if esv in (Esv.SETC, Esv.SETI) else b"") for epc in (0x83, 0x9F) * 120)
    for number in range(2000):
        question = Frame(number, WHO, NODE_PROFILE, esv, asked, asked if esv is Esv.SETGET else ())
        world.comes(question, OTHER, number / 100)
    world.listen(20.0)
    assert replies(world, OTHER) <= ONE_MAY + 20 * ONE_AGAIN


def test_a_flood_from_many_addresses_gets_no_more_either_and_fills_no_memory() -> None:
    world = World()
    question = Frame(1, WHO, NODE_PROFILE, Esv.GET, (Property(0xD6), Property(0x83)))
    for number in range(5000):
        world.comes(question, f"192.0.{number // 250}.{number % 250 + 1}", number / 250)
    world.listen(20.0)
    assert sum(len(echonet.encode(frame)) for _, frame, _ in world.sent) <= ALL_MAY + 20 * ALL_AGAIN
    assert len(world.controller.presence._allowance._each) <= MOST_KNOWN


def test_who_asks_now_and_then_is_always_answered() -> None:
    allowance = Allowance()
    assert all(allowance.grants(f"host {number % 4}", 100, number * 2.0) for number in range(2000))
    for number in range(3 * MOST_KNOWN):
        assert allowance.grants(f"other {number}", 10, 5000.0 + number)


def test_the_units_readings_count_wherever_it_is() -> None:
    world = World()
    world.controller.presence.networks = []
    world.run(world.controller.poll())
    assert len(world.points) == 1
    assert HOST == "192.0.2.20"


# --- the real listener -------------------------------------------------------------------


def asked(other: socket.socket, ours: str, esv: Esv, *properties: Property) -> Frame:
    other.sendto(echonet.encode(Frame(9, WHO, CONTROLLER, esv, properties)), (ours, PORT))
    return echonet.decode(other.recv(1500))


def test_a_listener_has_an_id_of_its_own_and_keeps_its_place(tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        with unit() as network, node_at(address()) as other:
            ours = configure(folder, network.bind)
            for place in ("00", "0A"):
                with running("ecocute-listen", cwd=folder) as listener:
                    wait_for_port(ours)

                    got = asked(other, ours, Esv.GET, Property(0x81), Property(0x83))
                    assert got.properties[0].edt.hex().upper() == place
                    ids.add(got.properties[1].edt)
                    assert asked(other, ours, Esv.SETC, Property(0x81, b"\x0a")).esv is Esv.SET_RES
                    assert listener.stop() == 0
        kept = state.load(folder / "store").node
        assert kept is not None
        assert kept.place == "0A"
    assert len(ids) == 2
    assert all(each.hex().startswith("feffffff") and len(each) == 17 for each in ids)


def test_a_listener_announces_itself_to_everybody(tmp_path: Path) -> None:
    with unit() as network, UdpNode(address(), PORT) as hearer:
        ours = configure(tmp_path, network.bind)
        with running("ecocute-listen", cwd=tmp_path):
            received: list[Frame] = []
            while not received:
                come = hearer.read(PATIENCE)
                received = [echonet.decode(data) for data, host, port in come if (host, port) == (ours, PORT)]
    (reported,) = received
    listed = Property(0xD5, bytes.fromhex("01 05FF01"))
    assert reported == Frame(reported.tid, NODE_PROFILE, NODE_PROFILE, Esv.INF, (listed,))


def test_a_state_that_cannot_be_kept_is_no_reason_to_end(tmp_path: Path) -> None:
    with unit() as network:
        configure(tmp_path, network.bind)
        (tmp_path / "store" / "state.toml").mkdir(parents=True)
        (tmp_path / "store").chmod(0o700)
        run = homemon("ecocute-poll", cwd=tmp_path)
    assert run.returncode == 0, run.stderr


def test_the_controller_without_a_node_of_its_own_has_one() -> None:
    assert Controller(HOST, 0x026B01, False, 1).start(World().controller.listen(), 0.0, 0.0).send == []
