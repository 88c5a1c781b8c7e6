"""Our node on the LAN, lived through in virtual time against the simulated EcoCute."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.core.errors import NoAnswer
from homemon.echonet import codec as echonet
from homemon.echonet.codec import Esv, Frame, Property
from homemon.echonet.questions import MOST_SILENT, WHOLE_TRIES
from homemon.sim.ecocute import HYBRID, Ecocute, Faults
from homemon.sources.lan.controller import (
    ANSWER_WITHIN,
    GATHER,
    MOST_GATHERED,
    SINGLE_WITHIN,
    SPACING,
    Controller,
)
from tests.virtual_lan import CONTROLLER, HOST, NODE, NOW, OTHER, THREE, TRIP, UNIT, Passing, World, truth


def answer(tid: int, *properties: tuple[int, str], esv: Esv = Esv.GET_RES, seoj: int = UNIT) -> Frame:
    return Frame(tid, seoj, CONTROLLER, esv, tuple(Property(epc, bytes.fromhex(edt)) for epc, edt in properties))


@pytest.mark.parametrize(
    ("faults", "lacking"),
    [
        (Faults(), set()),
        (Faults(reverse=True), set()),
        (Faults(extra=True), set()),
        (Faults(one_each=True), set()),
        (Faults(one_each=True, reverse=True, extra=True), set()),
        (Faults(from_port=49154), set()),
        (Faults(lacking=frozenset({0x84})), {"power"}),
        (Faults(lacking=frozenset({0x85, 0xE1})), {"powerSum", "tank"}),
        (Faults(one_each=True, lacking=frozenset({0x84})), {"power"}),
    ],
)
def test_an_answer_is_one_point_however_it_is_cut(faults: Faults, lacking: set[str]) -> None:
    world = World(faults)
    fields = {name: value for name, value in truth(0).items() if name not in lacking}
    assert world.run(world.controller.poll()) == fields.keys()
    assert world.fields == [fields]
    assert world.now == TRIP
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    "faults",
    [
        Faults(at_most=1),
        Faults(at_most=2),
        Faults(refuse_with=frozenset({0x84})),
        Faults(silent_with=frozenset({0xE1})),
        Faults(tid_0=True),
        Faults(late=6.0),
        Faults(late=ANSWER_WITHIN + SPACING / 2),
        Faults(late=9.0),
    ],
    ids=str,
)
def test_what_a_unit_reports_only_in_its_own_way_is_one_point_all_the_same(faults: Faults) -> None:
    world = World(faults)
    assert world.run(world.controller.poll()) == truth(0).keys()
    (fields,) = world.fields
    assert fields.keys() == truth(0).keys()
    assert world.warnings == []


@pytest.mark.parametrize(("faults", "at_once"), [(Faults(at_most=2), 2), (Faults(silent_with=frozenset({0x85})), 1)])
def test_what_a_unit_takes_at_once_is_remembered(faults: Faults, at_once: int) -> None:
    world = World(faults)
    world.run(world.controller.poll())
    assert world.controller.at_once == at_once
    begun, before = world.now, len(world.requests)
    assert world.run(world.controller.poll()) == truth(0).keys()
    assert world.now - begun < GATHER
    assert all(len(frame.properties) <= at_once for _, frame in world.requests[before:])


def test_a_property_that_is_never_answered_is_named() -> None:
    world = World(Faults(lost_every=1))
    world.comes(answer(8, (0x85, "00000001"), (0x84, "0001")), after=1.0)
    assert world.run(world.controller.poll()) == {"powerSum", "power"}
    assert world.warnings == [f"the EcoCute at {HOST} does not answer E1"]


@pytest.mark.parametrize("faults", [Faults(overflow=True), Faults(short_edt=True)])
def test_an_answer_without_a_reading_gives_no_point_and_is_not_asked_for_again(faults: Faults) -> None:
    world = World(faults)
    assert world.run(world.controller.poll()) == set()
    assert world.points == []
    assert len(world.requests) == 1
    assert bool(world.notes) == faults.short_edt


def test_an_answer_that_holds_nothing_is_none() -> None:
    world = World(Faults(opc_0=True))
    assert world.run(world.controller.poll()) == set()
    assert world.points == []
    assert world.now < ANSWER_WITHIN


def test_parts_are_joined_by_their_tid_and_not_across() -> None:
    world = World()
    world.comes(answer(1, (0x84, "0001")))
    world.comes(answer(2, (0x84, "0002")), after=0.5)
    world.comes(answer(2, (0xE1, "0022")), after=0.6)
    world.comes(answer(1, (0xE1, "0011")), after=1.0)
    world.comes(answer(1, (0x85, "00000111")), after=GATHER - 0.1)
    world.listen()
    assert world.fields == [{"power": 1, "powerSum": 0x111, "tank": 0x11}, {"power": 2, "tank": 0x22}]


def test_a_poll_waits_a_moment_for_the_part_that_does_not_come() -> None:
    world = World(Faults(lost_every=1))
    world.comes(answer(8, (0x85, "00000001")), after=1.0)
    assert world.run(world.controller.poll()) == {"powerSum"}
    assert world.fields == [{"powerSum": 1}]
    assert world.requests[1][0] == 1.0 + GATHER + SPACING


def test_a_part_that_comes_at_the_last_moment_is_recorded_at_the_end_of_the_question() -> None:
    world = World(Faults(lost_every=1))
    world.comes(answer(8, (0x84, "0001")), after=ANSWER_WITHIN - 0.1)
    assert world.run(world.controller.ask_once()) == {"power"}
    assert world.fields == [{"power": 1}]


def test_an_answer_that_comes_twice_changes_nothing() -> None:
    world = World(Faults(doubled=True))
    world.run(world.controller.poll())
    assert world.fields[0] == truth(0)
    assert all(fields == truth(0) for fields in world.fields)


def test_a_late_answer_ends_the_poll_and_is_recorded_once() -> None:
    world = World(Faults(late=6.0))
    world.comes(b"", after=20.0)  # the last answer comes when nobody waits any more
    assert world.run(world.controller.poll()) == truth(0).keys()
    assert [at for at, _ in world.requests] == [0.0, ANSWER_WITHIN + SPACING]
    assert world.fields == [truth(0.0)]


def test_an_answer_that_comes_before_the_next_question_spares_it() -> None:
    world = World(Faults(late=ANSWER_WITHIN + SPACING / 2))
    assert world.run(world.controller.poll()) == truth(0).keys()
    assert [at for at, _ in world.requests] == [0.0]


def test_a_poll_right_after_another_keeps_the_distance_to_it() -> None:
    world = World()
    for _ in range(2):
        world.run(world.controller.poll())
    first, second = (at for at, _ in world.requests)
    assert second - first >= SPACING


def test_the_right_tid_from_another_host_object_or_service_is_no_answer() -> None:
    world = World(Faults(lost_every=1))
    values = ((0x84, "0001"), (0x85, "00000001"), (0xE1, "0001"))
    world.comes(answer(8, *values), host=OTHER)
    world.comes(answer(8, *values, seoj=0x013001))
    world.comes(answer(8, *values, esv=Esv.SET_RES))
    with pytest.raises(NoAnswer):
        world.run(world.controller.poll())
    assert world.points == []


def test_silence_is_asked_again_with_pauses_one_request_in_flight_and_reported_in_the_end() -> None:
    world = World(Faults(lost_every=1))
    with pytest.raises(NoAnswer, match=f"{HOST} did not answer") as caught:
        world.run(world.controller.poll())
    assert "[ecocute] host" in caught.value.hint
    times, frames = zip(*world.requests, strict=True)
    assert len({frame.tid for frame in frames}) == len(frames) == WHOLE_TRIES + MOST_SILENT
    waits = [ANSWER_WITHIN] * WHOLE_TRIES + [SINGLE_WITHIN] * (MOST_SILENT - 1)
    assert [later - earlier for earlier, later in pairwise(times)] == [wait + SPACING for wait in waits]
    assert world.now < 20


@pytest.mark.parametrize("faults", [Faults(truncated=3), Faults(wrong_pdc=True), Faults(garbage=True)])
def test_a_broken_answer_is_reported_and_asked_for_again(faults: Faults) -> None:
    world = World(faults)
    with pytest.raises(NoAnswer):
        world.run(world.controller.poll())
    assert world.points == []
    assert any("broken datagram" in note for note in world.notes)
    assert len(world.requests) == WHOLE_TRIES + MOST_SILENT


@pytest.mark.parametrize("deoj", [CONTROLLER, NODE])
@pytest.mark.parametrize("esv", [Esv.INF, Esv.INFC])
def test_notifications_are_points_at_once_and_confirmed_where_they_want_it(esv: Esv, deoj: int) -> None:
    world = World(Faults(infc=esv is Esv.INFC, to_node=deoj == NODE))
    reported = world.unit.inform(NOW)
    world.comes(reported.data)
    world.listen(TRIP)
    assert world.fields == [truth(0)]
    confirmed = [(frame, host) for _, frame, host in world.sent]
    named = tuple(Property(epc) for epc in (0x84, 0x85, 0xE1))
    expected = [(Frame(1, deoj, UNIT, Esv.INFC_RES, named), HOST)] if esv is Esv.INFC else []
    assert confirmed == expected
    assert world.unit.confirmed == len(expected)


@pytest.mark.parametrize("accept_any", [False, True])
def test_other_hosts_count_only_where_all_are_accepted_and_then_only_their_notifications(accept_any: bool) -> None:
    world = World(accept_any=accept_any)
    world.comes(answer(1, (0x84, "0001"), (0x85, "00000001"), (0xE1, "0001")), host=OTHER)
    world.comes(answer(1, (0x84, "0002"), esv=Esv.INF), host=OTHER)
    world.comes(answer(1, (0x84, "0003"), esv=Esv.INF, seoj=0x013001), host=OTHER)
    world.listen()
    assert world.fields == ([{"power": 2}] if accept_any else [])


@pytest.mark.parametrize("eoj", [UNIT, UNIT + 1])
def test_by_default_only_a_neighbour_class_of_our_unit_counts_too(eoj: int) -> None:
    world = World(controller=Controller(HOST, eoj, False, 7))
    for number, seoj in enumerate((0x02A601, 0x027201, 0x028801, 0x02A602)):
        world.comes(answer(9 + number, (0x84, f"00{number + 1:02X}"), esv=Esv.INF, seoj=seoj))
        world.comes(answer(9 + number, (0x84, f"00{number + 1:02X}"), esv=Esv.INF, seoj=seoj), host=OTHER)
    world.listen()
    assert world.fields == ([{"power": 1}, {"power": 4}] if eoj == UNIT else [])


def test_a_unit_that_turns_out_to_be_a_hybrid_one_is_asked_as_that() -> None:
    world = World()
    world.units[HOST] = Ecocute(Passing(), device=HYBRID)
    world.run(world.controller.poll(and_what=True))
    asked_at = world.requests[-1][0]
    assert world.fields == [truth(asked_at)]
    assert asked_at < 2 * ANSWER_WITHIN
    assert world.requests[-1][1].deoj == 0x02A601
    assert world.notes == [f"{HOST} is no EcoCute, but has 02A601, which is read like one"]


def test_a_unit_that_reports_what_it_is_while_it_is_asked_is_asked_as_that() -> None:
    world = World()
    world.units[HOST] = Ecocute(Passing(), device=HYBRID)
    world.comes(answer(1, (0xD5, "01 02A601"), esv=Esv.INF, seoj=NODE), after=1.0)
    world.run(world.controller.poll())
    asked_at, asked = world.requests[-1]
    assert asked.deoj == 0x02A601
    assert world.fields == [truth(asked_at)]
    assert asked_at < ANSWER_WITHIN


def test_what_another_host_lists_says_nothing_of_our_unit() -> None:
    world = World(accept_any=True)
    world.comes(answer(1, (0xD5, "01 02A601"), esv=Esv.INF, seoj=NODE), host=OTHER)
    world.listen(1.0)
    world.run(world.controller.poll())
    assert world.requests[-1][1].deoj == UNIT
    assert world.fields == [truth(world.requests[-1][0])]
    assert world.notes == []


def test_one_that_was_read_stays_what_it_is_whatever_it_lists() -> None:
    world = World()
    world.run(world.controller.poll())
    world.comes(answer(1, (0xD5, "01 02A601"), esv=Esv.INF, seoj=NODE))
    world.listen(1.0)
    world.run(world.controller.poll())
    assert len(world.points) == 2


def test_of_what_another_program_asked_nothing_is_said() -> None:
    world = World()
    world.comes(answer(9999, (0x8A, "00000B"), (0x8C, "41" * 12)), host=OTHER)
    world.comes(answer(9999, (0x84, "0001")), host=OTHER)
    world.comes(answer(8, (0x8A, "00000B"), esv=Esv.INF), host=OTHER)
    world.listen(5.0)
    assert (world.notes, world.points) == ([], [])


def test_a_device_of_another_class_is_no_stranger_whatever_it_announces() -> None:
    world = World()
    world.comes(answer(8, (0x84, "0001"), seoj=0x013001, esv=Esv.INF), host=OTHER)
    world.listen(5.0)
    assert (world.notes, world.points) == ([], [])


def test_strangers_are_named_once_and_not_without_end() -> None:
    world = World()
    for number in range(200):
        world.comes(answer(1, (0x84, "0001"), esv=Esv.INF), host=f"192.0.2.{number % 100 + 100}", after=number / 10)
    world.listen(30.0)
    assert world.points == []
    assert len(world.notes) == len(set(world.notes)) == 4
    assert all("write host = 192.0.2." in note for note in world.notes)


properties = st.lists(
    st.builds(Property, st.sampled_from([0x80, 0x84, 0x85, 0xD6, 0xE1]), st.binary(max_size=5)), max_size=4
).map(tuple)
frames = st.builds(
    lambda tid, seoj, deoj, esv, first, second: echonet.encode(
        Frame(tid, seoj, deoj, esv, first, second if esv in echonet.TWO_LISTS else ())
    ),
    st.integers(0, 0xFFFF),
    st.sampled_from([UNIT, NODE, CONTROLLER, 0x028801]),
    st.sampled_from([CONTROLLER, NODE, 0x0EF000, UNIT]),
    st.sampled_from(Esv),
    properties,
    properties,
)
datagrams = st.one_of(
    st.binary(max_size=40), frames, frames.map(lambda data: data[:-1]), frames.map(lambda data: data + b"\x00")
)


@given(st.lists(st.tuples(datagrams, st.sampled_from([HOST, OTHER])), max_size=20), st.booleans())
def test_no_datagram_stops_it_and_the_next_answer_is_read(come: list[tuple[bytes, str]], accept_any: bool) -> None:
    world = World(accept_any=accept_any)
    for data, host in come:
        world.comes(data, host)
    world.listen(1.0)
    asked_at = world.now
    world.run(world.controller.poll())
    assert truth(asked_at) in world.fields


def test_a_listener_keeps_nothing_of_what_it_received() -> None:
    world = World()
    for tid in range(3000):
        world.comes(answer(tid, (0x84, "0001"), esv=Esv.GET_RES if tid % 2 else Esv.INF), after=tid / 1000)
    world.listen(2.0)
    assert len(world.controller._conversation._received) == 0
    assert len(world.controller._gathered) <= MOST_GATHERED
    world.listen(4.0)
    assert len(world.points) == 3000


def test_what_came_of_answers_that_are_not_whole_is_recorded_when_a_listener_ends() -> None:
    controller = Controller(HOST, UNIT, False, 7, source=THREE)
    controller.start(controller.listen(), 0.0, 0.0)
    for tid in (9, 10):
        part = echonet.encode(answer(tid, (0x84, "0001")))
        assert controller.step(0.1, 0.1, [(part, HOST)]).points == []
    assert [point.fields for point in controller.take_points()] == [{"power": 1}] * 2
    assert controller.take_points() == []


def test_an_answer_that_is_complete_is_a_point_at_once() -> None:
    controller = Controller(HOST, UNIT, False, 7, source=THREE)
    controller.start(controller.listen(), 0.0, 0.0)
    part = echonet.encode(answer(9, (0x84, "0001"), (0x85, "00000002")))
    assert controller.step(0.1, 0.1, [(part, HOST)]).points == []
    assert len(controller.step(0.2, 0.2, [(echonet.encode(answer(9, (0xE1, "0003"))), HOST)]).points) == 1
    for tid in range(MOST_GATHERED + 1):
        points = controller.step(0.3, 0.3, [(echonet.encode(answer(100 + tid, (0x84, "0001"))), HOST)]).points
    assert len(points) == 1  # there were too many that waited


@pytest.mark.parametrize("first", [0, 1, 0xFFFE, 0xFFFF, 0x10000, 0x12345])
def test_each_question_has_a_tid_of_its_own_and_none_is_0(first: int) -> None:
    world = World(controller=Controller(HOST, UNIT, False, first))
    for _ in range(4):
        world.run(world.controller.ask_once())
    tids = [frame.tid for _, frame in world.requests]
    assert len(set(tids)) == 4
    assert all(1 <= tid <= 0xFFFF for tid in tids)


def test_a_unit_that_answers_is_not_asked_what_it_has() -> None:
    world = World()
    assert world.run(world.controller.poll(and_what=True)) == {"power", "powerSum", "tank"}
    assert [frame.deoj for _, frame, _ in world.sent] == [UNIT]
