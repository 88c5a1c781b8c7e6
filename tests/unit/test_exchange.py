"""What the meter is asked and says: questions, answers and notifications, lived through in virtual time."""

from itertools import pairwise
from typing import Any

import pytest

from homemon.core.errors import NoAnswer, SessionLost
from homemon.skstack.lines import Dialect
from homemon.sources.meter.exchange import SPACING
from tests.virtual import HOUSE, LINK, MODULES, NOON, TENTHS, World


def test_registers_wait_for_the_unit_and_are_never_guessed() -> None:
    world = World(LINK)
    world.join_module()
    world.module.fault("lose-answers", 1)
    world.module.fault("power-cycle", 0, at=world.now + 1)  # so that no answer can come before the push
    world.listen(0.5)
    world.module.radio.session = True
    world.module._push()
    assert world.values("+power") == []
    world.module.fault("lose-answers", 0)
    world.listen(300)
    assert world.half_hours("+power")[NOON] == HOUSE.register_import(NOON) / 10


def test_a_meter_that_feeds_nothing_in_is_asked_for_eb_ever_more_seldom() -> None:
    world = World(LINK)
    world.join_module()
    world.module.fault("refuse-epcs", "EB,E3,E4")
    world.module.fault("lose-pushes", 1)
    world.listen(3 * 3600)
    assert sum(b"\xeb\x00" in sent for sent in world.sent) <= 9
    assert len(world.half_hours("+power")) >= 6
    world.listen(7 * 86_400)
    assert sum(b"\xeb\x00" in sent for sent in world.sent) <= 20
    assert sum("refuses EB" in note for note in world.notes) == 1


def test_a_meter_without_d3_has_the_coefficient_1() -> None:
    world = World(LINK)
    world.join_module()
    world.module.fault("refuse-epcs", "D3,D7")
    world.listen(120)
    assert world.session.scale == TENTHS


def test_requests_are_two_seconds_apart_and_one_at_a_time() -> None:
    world = World(LINK, pace=0.01)
    world.join_module()
    times: list[float] = []
    feed = world.module.feed

    def timed(data: bytes, now: float) -> None:
        if data.startswith(b"SKSENDTO"):
            times.append(now)
        feed(data, now)

    world.module.feed = timed  # type: ignore[method-assign]
    world.listen(600, every=5)
    assert min(later - earlier for earlier, later in pairwise(times)) >= SPACING


def test_a_poll_of_a_module_that_fell_silent_fails_within_15_seconds() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.run(world.session.poll((0xE7,)))
    world.module.fault("dead")
    begin = world.now
    with pytest.raises(NoAnswer):
        world.run(world.session.poll((0xE7,)))
    assert world.now - begin < 15


@pytest.mark.parametrize("module", MODULES)
def test_one_poll_gives_what_was_asked(module: dict[str, Any]) -> None:
    world = World(**module)
    world.run(world.session.join())
    world.points.clear()
    world.run(world.session.poll((0xE7, 0xE8, 0xE0, 0xE3, 0xEA, 0xEB)))
    assert {point.measurement for point in world.points} == {"power", "current", "energy", "+power", "-power"}
    assert world.values("power") == world.truth(0xE7)


def test_a_poll_learns_the_scale_before_it_reads_a_register() -> None:
    world = World(LINK)
    world.join_module()
    world.run(world.session.poll((0xE0,)))
    assert world.session.scale == TENTHS
    (energy,) = [point for point in world.points if point.measurement == "energy"]
    assert energy.fields["import"] == world.truth(0xE0)[-1] / 10


def test_a_poll_with_no_session_says_so() -> None:
    world = World(LINK)
    with pytest.raises(SessionLost, match="no session"):
        world.run(world.session.poll((0xE7,)))


@pytest.mark.parametrize("wrong", [dialect for dialect in Dialect if dialect is not LINK.dialect])
def test_a_poll_in_a_wrong_dialect_finds_the_right_one(wrong: Dialect) -> None:
    world = World(LINK._replace(dialect=wrong))
    world.join_module()
    world.run(world.session.poll((0xE7,)))
    assert world.values("power") == world.truth(0xE7)
    assert world.session.link == LINK
    assert f"the module counts its arguments like a {LINK.dialect.value}" in world.notes


def test_a_late_answer_is_recorded_and_not_taken_for_the_next_one() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.module.fault("late-answers", 40)
    with pytest.raises(SessionLost):
        world.run(world.session.poll((0xE7,)))
    world.module.fault("late-answers", 15)
    answer = world.run(world.session.poll((0xE8,)))
    assert [prop.epc for prop in answer.properties] == [0xE8]
    assert world.values("power") == world.truth(0xE7)
    assert world.values("power")


def test_an_answer_that_comes_after_the_second_try_still_answers() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.module.fault("late-answers", 12)
    answer = world.run(world.session.poll((0xE7,)))
    assert [prop.epc for prop in answer.properties] == [0xE7]


def test_a_notification_that_wants_confirmation_gets_it() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60)
    infc = "1081 1234 028801 05FF01 74 01 E7 04 00000278".replace(" ", "")
    world.module.radio.say(f"ERXUDP {LINK.address} {LINK.address} 0E1A 0E1A 0000AA0000000002 1 0 0012 {infc}")
    world.listen(5)
    assert world.values("power") == [632]
    assert world.sent[-1].endswith(bytes.fromhex("1081 1234 05FF01 028801 7A 01 E7 00"))


def test_a_notification_may_have_the_number_of_a_question_of_ours() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60, every=30)
    tid = next(sent for sent in reversed(world.sent) if sent.endswith(b"\x62\x02\xe7\x00\xe8\x00"))[-14:-12].hex()
    world.module.radio.datagram(bytes.fromhex(f"1081 {tid} 028801 05FF01 73 01 EA0B07EA0C1E0C00000000458E"))
    world.listen(5)
    assert not [note for note in world.notes if "does not fit" in note]


def test_a_property_that_no_table_has_costs_nothing() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60)
    world.module.radio.datagram(bytes.fromhex("1081 1234 028801 05FF01 73 03 F0 01 00 E7 04 00000278 FE 00"))
    world.listen(5)
    assert world.values("power") == [632]


def test_a_notification_that_is_doubted_is_asked_about_at_once() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(600)
    world.sent.clear()
    world.module.radio.datagram(bytes.fromhex("1081 1234 028801 05FF01 73 01 E7 04 000F4240"))
    world.until(lambda: any(sent.endswith(b"\x62\x01\xe7\x00") for sent in world.sent), within=5)


def test_another_node_is_not_our_meter() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60)
    stranger = LINK.address[:-1] + "9"
    reading = "1081 1234 028801 05FF01 73 01 E7 04 00000278".replace(" ", "")
    world.module.radio.say(f"ERXUDP {stranger} {LINK.address} 0E1A 0E1A 0000AA0000000009 1 0 0012 {reading}")
    world.listen(5)
    assert world.values("power") == []
    assert any(stranger in note for note in world.notes)


def test_the_register_rolls_over_where_the_meter_says() -> None:
    world = World(LINK)
    world.join_module()
    world.module.radio.meter.digits = 6
    world.run(world.session.poll((0xE0,)))
    assert world.session.scale == TENTHS._replace(digits=6)
    assert world.session.scale.modulus == 100_000
    known = World(LINK, TENTHS)
    known.join_module()
    known.module.radio.meter.digits = 6
    known.listen(60)
    assert known.session.scale == world.session.scale
    assert not any("counts in units" in note for note in known.notes), "they are the same"


@pytest.mark.parametrize("code", ["ER04", "ER06", "ER09"])
def test_a_send_that_fails_is_tried_again_and_ends_no_session(code: str) -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(60, every=60)
    send = world.module._send
    failed: list[str] = []

    def failing(address: str, port: str, payload: bytes, glued: bool) -> None:
        if failed:
            send(address, port, payload, glued)
        else:
            failed.append(code)
            world.module.radio.say(f"FAIL {code}")

    world.module._send = failing  # type: ignore[method-assign]
    before = len(world.values("power"))
    world.listen(120, every=60)
    assert failed
    assert len(world.values("power")) >= before + 2
    assert not any(b"SKJOIN" in sent for sent in world.sent)


def test_the_meters_clock_is_believed_when_it_says_the_same_twice_and_goes_not_back() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    clocks = []
    for wrong in (None, "97:0A00*1", None, None):
        if wrong:
            world.module.fault("wrong-data", wrong)
        world.run(world.session.poll((0x98, 0x97)))
        clocks.append(world.step and world.step.meter_time)
        world.now += 300
    assert [clock is not None for clock in clocks] == [False, False, False, True]
