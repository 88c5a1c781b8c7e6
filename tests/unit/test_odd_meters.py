"""A meter that answers in its own way is read whole, and asked as it takes it from then on."""

from typing import Any

import pytest

from homemon.core.errors import SessionLost
from homemon.sim.smart_meter import Reply
from tests.unit.test_session import everything_came
from tests.virtual import LINK, NOON, TENTHS, World

WANTED = (0xE7, 0xE8, 0xE0, 0xE3)
ODD: list[dict[str, str]] = [
    {"at-most": "1"},
    {"at-most": "3"},
    {"silent-with": "E8"},
    {"silent-with": "E7,E8,E0,E3"},
    {"tid-0": "1"},
    {"late-answers": "12"},
    {"late-answers": "12", "at-most": "1"},
    {"tid-0": "1", "at-most": "2"},
    {"double": "1", "tid-0": "1"},
    {"lose-answers": "3", "at-most": "1"},
]


def world_of(faults: dict[str, str]) -> World:
    world = World(LINK, TENTHS)
    world.join_module()
    for name, value in faults.items():
        world.module.fault(name, value)
    return world


def fields(world: World, measurement: str) -> dict[str, Any]:
    return {name: value for p in world.points if p.measurement == measurement for name, value in p.fields.items()}


@pytest.mark.parametrize("faults", ODD, ids=str)
def test_whatever_was_asked_for_is_recorded_and_right(faults: dict[str, str]) -> None:
    world = world_of(faults)
    answer = world.run(world.session.poll(WANTED))
    assert {prop.epc for prop in answer.reported if prop.edt} == set(WANTED)
    assert fields(world, "power")["value"] in world.truth(0xE7)
    assert set(fields(world, "current")) == {"r", "t"}
    energy = fields(world, "energy")
    assert (energy["import"] * 10, energy["export"] * 10) == (world.truth(0xE0)[-1], world.truth(0xE3)[-1])


@pytest.mark.parametrize(("faults", "at_once"), [({"at-most": "2"}, 2), ({"silent-with": "E8"}, 1), ({}, None)])
def test_how_many_it_takes_at_once_is_remembered(faults: dict[str, str], at_once: int | None) -> None:
    world = world_of(faults)
    world.run(world.session.poll(WANTED))
    assert world.session.at_once == at_once
    sent = len(world.sent)
    world.run(world.session.poll(WANTED))
    assert len(world.sent) - sent == len(WANTED) // (at_once or len(WANTED))


@pytest.mark.parametrize("refused", ["E8", "E7,E8,E3"])
def test_what_is_refused_is_not_asked_for_for_ever(refused: str) -> None:
    world = world_of({"refuse-epcs": refused})
    answer = world.run(world.session.poll(WANTED))
    epcs = {int(epc, 16) for epc in refused.split(",")}
    assert {prop.epc for prop in answer.reported if not prop.edt} == epcs
    assert len(world.sent) <= 5


def test_a_meter_that_leaves_everything_unanswered_has_no_session() -> None:
    world = world_of({"lose-answers": "1"})
    with pytest.raises(SessionLost, match="left 5 requests unanswered"):
        world.run(world.session.poll(WANTED))


@pytest.mark.parametrize("faults", [{"at-most": "1"}, {"silent-with": "EA,EB"}, {"tid-0": "1"}], ids=str)
def test_a_listener_records_every_half_hour_of_it(faults: dict[str, str]) -> None:
    world = World(LINK, repaired_days=7)
    world.join_module()
    for name, value in {**faults, "lose-pushes": "2"}.items():
        world.module.fault(name, value)
    world.listen(4 * 3600, every=60)
    everything_came(world, NOON + 1800)


def test_a_broken_answer_ends_no_session_and_is_asked_for_again() -> None:
    world = world_of({})
    meter, answer = world.module.radio.meter, world.module.radio.meter.answer
    broken = iter([True])

    def torn_at_first(request: bytes, now: float) -> Reply | None:
        reply = answer(request, now)
        return reply._replace(frame=reply.frame[:-1]) if reply and next(broken, False) else reply

    meter.answer = torn_at_first  # type: ignore[method-assign]
    world.run(world.session.poll((0xE7,)))
    assert world.values("power") == world.truth(0xE7)[-1:]
    assert len(world.sent) == 2
    assert any("ignored a broken frame from the meter" in note for note in world.notes)
