"""The simulated EcoCute: the house's truth in literal bytes, and each way of going wrong."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.core.errors import WireError
from homemon.core.points import Point
from homemon.echonet import codec as echonet
from homemon.echonet.codec import Esv
from homemon.echonet.properties import value_of
from homemon.sim.ecocute import Ecocute, Faults, Reply
from homemon.sources.lan import ecocute
from homemon.sources.lan.reports import joined, report
from homemon.sources.registry import ECOCUTE

NOW = 1_790_000_000.0
CLIENT = ("192.168.1.2", 50_000)
GET = bytes.fromhex("1081 0001 05FF01 026B01 62 03 8400 8500 E100")  # the original's
TRUTH = {"power": 1200, "powerSum": 4_567_890, "tank": 251}


class Steady:
    """A house that stays as it is."""

    def ecocute_power(self, t: float, /) -> int:
        return 1200

    def ecocute_energy(self, t: float, /) -> int:
        return 4_567_890

    def tank(self, t: float, /) -> int:
        return 251


def ask(faults: Faults | None = None, question: bytes = GET) -> list[Reply]:
    return Ecocute(Steady(), faults).answer(question, CLIENT, NOW)


def received(replies: list[Reply]) -> list[Point]:
    return joined(ECOCUTE, (report(ECOCUTE, echonet.decode(reply.data)) for reply in replies))


def test_it_answers_the_originals_question_with_the_houses_truth() -> None:
    assert ask() == [
        Reply(
            0.0,
            bytes.fromhex("1081 0001 026B01 05FF01 72 03 8402 04B0 8504 0045B352 E102 00FB"),
            3610,
            3610,
        )
    ]
    assert [point.fields for point in received(ask())] == [TRUTH]


@pytest.mark.parametrize("deoj", ["026B01", "026B00"])
def test_every_property_of_its_map_has_a_value_that_the_table_reads(deoj: str) -> None:
    (reply,) = ask(question=bytes.fromhex(f"1081 0001 05FF01 {deoj} 62 01 9F00"))
    epcs = echonet.decode_property_map(echonet.decode(reply.data).properties[0].edt)
    assert {0x84, 0x85, 0xE1, 0x9F} <= epcs
    (reply,) = ask(question=echonet.encode(echonet.get(2, 0x026B01, epcs)))
    frame = echonet.decode(reply.data)
    assert frame.esv is Esv.GET_RES
    for prop in frame.properties:
        if prop.epc in ecocute.PROPS:
            value_of(ecocute.PROPS, prop)


def test_its_node_profile_names_the_ecocute() -> None:
    (reply,) = ask(question=bytes.fromhex("1081 0003 05FF01 0EF001 62 03 D600 9F00 8300"))
    frame = echonet.decode(reply.data)
    assert (frame.seoj, frame.esv) == (0x0EF001, Esv.GET_RES)
    assert echonet.decode_instance_list(frame.properties[0].edt) == (0x026B01,)
    assert 0xD6 in echonet.decode_property_map(frame.properties[1].edt)


def test_it_refuses_to_be_written_and_ignores_what_is_not_for_it() -> None:
    (reply,) = ask(question=bytes.fromhex("1081 0003 05FF01 026B01 61 01 B001 43"))
    assert echonet.decode(reply.data).esv is Esv.SETC_SNA
    assert ask(question=bytes.fromhex("1081 0003 05FF01 013001 62 01 8000")) == []
    assert ask(question=bytes.fromhex("1081 0003 05FF01 026B01 72 01 8000")) == []


@pytest.mark.parametrize(
    ("faults", "fields", "answers"),
    [
        (Faults(lacking=frozenset({0x84})), {"powerSum": 4_567_890, "tank": 251}, 1),
        (Faults(lacking=frozenset({0x85})), {"power": 1200, "tank": 251}, 1),
        (Faults(one_each=True), TRUTH, 3),
        (Faults(one_each=True, lacking=frozenset({0x84})), {"powerSum": 4_567_890, "tank": 251}, 3),
        (Faults(reverse=True), TRUTH, 1),
        (Faults(extra=True), TRUTH, 1),
        (Faults(doubled=True), TRUTH, 2),
        (Faults(opc_0=True), None, 1),
        (Faults(overflow=True), None, 1),
        (Faults(short_edt=True), None, 1),
        (Faults(lost_every=1), None, 0),
    ],
)
def test_each_odd_answer_gives_the_truth_or_nothing(
    faults: Faults, fields: dict[str, int] | None, answers: int
) -> None:
    replies = ask(faults)
    assert len(replies) == answers
    assert [point.fields for point in received(replies)] == ([fields] if fields else [])


@pytest.mark.parametrize(
    "faults", [Faults(truncated=1), Faults(truncated=9), Faults(wrong_pdc=True), Faults(garbage=True)]
)
def test_broken_answers_are_no_frames(faults: Faults) -> None:
    for reply in ask(faults):
        with pytest.raises(WireError):
            echonet.decode(reply.data)


def test_ports_and_delay_are_as_asked_for() -> None:
    (reply,) = ask(Faults(from_port=49154, answer_sender=True, late=3.0))
    assert (reply.delay, reply.from_port, reply.to_port) == (3.0, 49154, 50_000)


@pytest.mark.parametrize(
    ("faults", "esv", "deoj"),
    [
        (Faults(), Esv.INF, 0x05FF01),
        (Faults(infc=True, to_node=True), Esv.INFC, 0x0EF001),
    ],
)
def test_it_notifies_now_and_then(faults: Faults, esv: Esv, deoj: int) -> None:
    node = Ecocute(Steady(), faults, inform_every=60.0)
    first, second = (echonet.decode(node.inform(NOW + at).data) for at in (0, 60))
    assert (first.esv, first.deoj) == (esv, deoj)
    assert first.tid != second.tid
    assert report(ECOCUTE, first).points[0].fields == TRUTH
    assert node.due() == NOW + 120
    node.answer(bytes.fromhex("1081 0001 05FF01 026B01 7A 01 8400"), CLIENT, NOW)
    assert node.confirmed == 1


@given(st.binary(max_size=60) | st.binary(max_size=50).map(lambda rest: GET[:10] + rest))
def test_no_datagram_breaks_it(datagram: bytes) -> None:
    ask(question=datagram)
