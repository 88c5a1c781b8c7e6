"""Staying joined: every fault of the design, lived through in virtual time against the simulated module."""

import re
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from homemon.core.errors import NoAnswer
from homemon.sim.radio import OWN
from homemon.skstack.lines import command
from tests.virtual import HOUSE, LINK, MODULES, NOON, TENTHS, World


def everything_came(world: World, since: float) -> None:
    """All half-hours that ended since then are there with the true value, and every power reading is true."""
    settled = world.now - 400  # a half-hour may be pushed or asked for this late
    for measurement, register in (("+power", HOUSE.register_import), ("-power", HOUSE.register_export)):
        got = world.half_hours(measurement)
        wanted = world.registers(since, settled, register)
        assert {time: got.get(time) for time in wanted} == wanted
        assert all(value == register(time) / 10 for time, value in got.items())
    assert world.values("power") == world.truth(0xE7)


@pytest.mark.parametrize("module", MODULES)
def test_a_listener_that_knows_nothing_scans_joins_and_records(module: dict[str, Any]) -> None:
    world = World(**module)
    world.listen(2 * 3600, every=60)
    assert world.session.link is not None
    assert world.session.scale == TENTHS
    times = [point.time for point in world.points if point.measurement == "power" and point.time is not None]
    assert len(times) > 100
    assert max(after - before for before, after in pairwise(times)) <= 75
    everything_came(world, NOON)


def test_a_listener_that_is_joined_already_does_not_join_again() -> None:
    world = World(LINK)
    world.join_module()
    world.listen(3600)
    assert not any(b"SKJOIN" in sent or b"SKSCAN" in sent for sent in world.sent)
    everything_came(world, NOON)


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("expire", 0),
        ("expire", 20),
        ("end-session", 1),
        ("lose-session", 1),
        ("forget-session", 1),
        ("power-cycle", 1),
        ("limit", 600),
    ],
)
@pytest.mark.parametrize("every", [60.0, None])
def test_no_half_hour_is_lost_whatever_ends_the_session(fault: str, value: int, every: float | None) -> None:
    world = World(LINK, push_after=200.0)
    world.join_module()
    world.listen(600, every)
    world.module.fault(fault, value)
    world.listen(3 * 3600, every)
    everything_came(world, NOON)
    if every:
        assert len(world.values("power")) > 160


def test_a_lost_session_is_rejoined_without_a_scan() -> None:
    world = World(LINK)
    world.join_module()
    world.listen(120)
    world.module.fault("end-session")
    world.until(lambda: world.module.radio.session, within=60)
    assert any(b"SKJOIN" in sent for sent in world.sent)
    assert not any(b"SKSCAN" in sent for sent in world.sent)


def test_a_rejoin_that_fails_is_followed_by_a_scan() -> None:
    world = World(LINK._replace(channel="3C"))
    world.module.fault("refuse-joins", 1)
    world.listen(1)
    world.until(lambda: world.module.radio.session, within=600)
    assert any(b"SKSCAN" in sent for sent in world.sent)


def test_pauses_between_failing_joins_grow_to_minutes() -> None:
    world = World(LINK)
    world.module.fault("refuse-joins", 10_000)
    world.listen(6 * 3600, every=60)
    joins = sum(b"SKJOIN" in sent for sent in world.sent)
    assert 20 < joins < 400
    world.module.fault("refuse-joins", 0)
    world.listen(1200)
    assert world.values("power")


@pytest.mark.parametrize("channel", [LINK.channel, "3C"])
def test_a_meter_that_was_out_of_reach_for_weeks_is_joined_again_on_whatever_channel(channel: str) -> None:
    world = World(LINK._replace(channel=channel))
    world.module.fault("refuse-joins", 10**6)
    world.module.fault("empty-scans", 10**6)
    world.listen(20 * 86_400)
    assert sum(b"SKJOIN" in sent or b"SKSCAN" in sent for sent in world.sent) > 2000
    world.module.fault("refuse-joins", 0)
    world.module.fault("empty-scans", 0)
    world.listen(1200)
    assert world.values("+power")


def test_expiry_waits_for_the_modules_own_renewal() -> None:
    world = World(LINK)
    world.join_module()
    world.listen(120)
    world.module.fault("expire", 20)
    world.listen(300)
    assert not any(b"SKJOIN" in sent for sent in world.sent)


def test_nothing_is_sent_while_the_arib_limit_holds() -> None:
    world = World(LINK)
    world.join_module()
    world.listen(120, every=60)
    world.module.fault("limit", 600)
    world.listen(30)  # whatever is under way
    before = len(world.sent)
    world.listen(540)
    assert set(world.sent[before:]) == {command("SKSREG SFB")}, "which the module answers without its radio"
    before = len(world.sent)
    world.listen(120)
    assert any(b"SKSENDTO" in sent for sent in world.sent[before:])


def lost_event(world: World) -> None:
    world.module.radio.limited_until = world.now + 300
    world.module.radio.event("32", OWN)


def lost_power(world: World) -> None:
    world.module.fault("limit", 1800)
    world.listen(30)
    world.module.fault("power-cycle")


@pytest.mark.parametrize("lost", [lost_event, lost_power])
def test_a_lost_end_of_the_arib_limit_costs_minutes_and_no_hour(lost: Callable[[World], None]) -> None:
    world = World(LINK)
    world.join_module()
    world.listen(120, every=60)
    lost(world)
    world.listen(420, every=60)
    received = [point for point in world.points if point.measurement == "power"]
    world.listen(180, every=60)
    assert len([point for point in world.points if point.measurement == "power"]) >= len(received) + 2


def test_a_poll_without_an_answer_twice_whole_and_once_each_leads_to_a_rejoin() -> None:
    world = World(LINK)
    world.join_module()
    world.listen(120, every=60)
    asked = len(world.sent)
    world.module.fault("lose-answers", 1)
    world.until(lambda: any(b"SKJOIN" in sent for sent in world.sent[asked:]), within=300)
    before = next(number for number, sent in enumerate(world.sent[asked:]) if b"SKVER" in sent)
    assert sum(b"SKSENDTO" in sent for sent in world.sent[asked:][:before]) == 4


def test_joining_is_marked_as_what_nobody_can_ask_in() -> None:
    world = World()
    world.listen(600)
    for sent, joining in zip(world.sent[1:], world.joined_alone[1:], strict=True):
        assert joining is (b"SKSENDTO" not in sent)


@pytest.mark.parametrize("fault", ["noise", "garble", "double", "glue", "late-answers", "fail-sends"])
@pytest.mark.parametrize("raw", [False, True])
def test_a_bad_line_costs_no_half_hour_and_makes_no_wrong_reading(fault: str, raw: bool) -> None:
    world = World(LINK, raw=raw)
    world.join_module()
    world.module.fault(fault, 3 if fault in ("garble", "fail-sends") else None)
    world.listen(4 * 3600, every=60)
    everything_came(world, NOON)
    assert len(world.values("power")) > 100


def test_a_push_that_was_lost_is_asked_for() -> None:
    world = World(LINK)
    world.join_module()
    world.module.fault("lose-pushes", 1)
    world.listen(5 * 3600)
    everything_came(world, NOON)


def test_a_silent_module_at_the_start_is_an_error_within_15_seconds() -> None:
    world = World(LINK)
    world.module.fault("dead")
    start = world.now
    with pytest.raises(NoAnswer, match="no Wi-SUN module answered"):
        world.listen(60)
    assert world.now - start <= 15


def test_a_module_that_falls_silent_later_is_waited_for() -> None:
    world = World(LINK)
    world.join_module()
    world.listen(120, program=world.session.listen(60, "/dev/ttyS9"))
    world.module.fault("dead")
    world.listen(1800)
    assert any(note.startswith("/dev/ttyS9: no Wi-SUN module answered SKVER") for note in world.notes)
    world.module.fault("dead", 0)
    world.module.fault("power-cycle")
    seen = len(world.values("power"))
    world.listen(900)
    assert len(world.values("power")) > seen


@pytest.mark.parametrize(("failures", "longest"), [(0, 5.0), (1, 10.0), (5, 160.0), (6, 300.0), (60, 300.0)])
def test_a_pause_between_joins_is_within_half_of_its_length(failures: int, longest: float) -> None:
    world = World(LINK)
    pauses = [world.session._backoff(failures) for _ in range(200)]
    assert min(pauses) >= longest / 2
    assert max(pauses) <= longest * 1.5
    assert len(set(pauses)) > 150


def test_a_session_that_was_over_before_the_start_is_begun_anew_at_once_and_without_a_scan() -> None:
    world = World(LINK, TENTHS)
    world.listen(4)
    assert sum(b"SKJOIN" in sent for sent in world.sent) == 1
    assert not [sent for sent in world.sent if b"SKSCAN" in sent]


@pytest.mark.parametrize(("first", "then"), [("expire", None), ("limit", "end-session")])
def test_a_session_that_ends_while_it_is_waited_for_is_begun_anew_within_minutes(first: str, then: str | None) -> None:
    """Also where nothing is asked for that would show it."""
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(600)
    world.module.fault(first, 1200 if first == "limit" else 0)
    world.listen(5)
    if then:
        world.module.fault(then)
    world.until(lambda: any(b"SKJOIN" in sent for sent in world.sent), within=90)


@pytest.mark.parametrize("number", ["24", "26", "27", "28"])
def test_a_session_that_the_module_reports_as_over_is_begun_anew_at_once(number: str) -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(600)
    world.module.radio.event(number, world.module.radio.address)
    world.until(lambda: any(b"SKJOIN" in sent for sent in world.sent), within=10)


def test_joins_with_what_is_known_and_after_a_scan_take_turns() -> None:
    world = World(LINK)
    world.module.fault("refuse-joins", 10_000)
    world.listen(2 * 3600)
    steps = "".join(sent[2:3].decode() for sent in world.sent if sent.startswith((b"SKSCAN", b"SKJOIN")))
    assert re.fullmatch("J(SJJJJ){5,}S?J*", steps), steps


def test_a_session_that_ends_is_begun_anew_at_once_whatever_came_before() -> None:
    world = World(LINK, TENTHS)
    world.join_module()
    world.listen(600)
    world.module.radio.say("a line that no module is known for")
    world.listen(1)
    world.module.fault("end-session")
    world.until(lambda: any(b"SKJOIN" in sent for sent in world.sent), within=10)


def test_power_and_current_are_asked_in_one_question() -> None:
    world = World(LINK)
    world.join_module()
    world.listen(300, every=60)
    powers, currents = (
        [point.time for point in world.points if point.measurement == name] for name in ("power", "current")
    )
    assert len(powers) == len(currents) >= 4
    assert all(sent.endswith(b"\xe7\x00\xe8\x00") for sent in world.sent if b"\x62\x02\xe7" in sent)


def test_a_meter_without_e8_is_asked_for_it_once_a_day_and_gives_its_power_all_the_same() -> None:
    world = World(LINK)
    world.join_module()
    world.module.fault("refuse-epcs", "E8")
    world.listen(24 * 3600 + 600, every=60)
    assert len(world.values("power")) >= 24 * 60 - 5
    assert not [point for point in world.points if point.measurement == "current"]
    asked = sum(b"\xe8\x00" in sent for sent in world.sent)
    assert 2 <= asked <= 8
    assert sum("refuses E8" in note for note in world.notes) == 1
