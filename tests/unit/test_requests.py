"""What others want asked between the questions of a listener: one at a time, in turn, with the meter's own spacing."""

from itertools import pairwise
from typing import Any

import pytest

from homemon.core.clock import Instant
from homemon.core.dialogue import Dialogue, Reply, Step
from homemon.core.errors import DeviceError, SessionLost
from homemon.core.requests import Request
from homemon.runtime.meter_programs import fill_history, poll
from homemon.runtime.virtual import VirtualLine
from homemon.sources.meter.exchange import SPACING
from tests.virtual import HOUSE, LINK, NOON, TENTHS, World

START = NOON + 60.0


class AskedLine(VirtualLine):
    """A line on which requests come too, each so many seconds after the start."""

    coming: list[tuple[float, Request]]

    def receive(self, until: float) -> tuple[list[Any], Instant]:
        due = min((START + after for after, _ in self.coming), default=float("inf"))
        events, at = super().receive(min(until, max(self.time, due)))
        come = [request for after, request in self.coming if START + after <= self.time]
        self.coming = [each for each in self.coming if each[1] not in come]
        return [*events, *come], at


class Asked(World):
    """A world whose listener is joined and gets requests; `replies` and `at` report what became of each, and when."""

    def __init__(self, **more: Any) -> None:
        super().__init__(LINK, TENTHS, **more)
        self.line = AskedLine(self.module, self._events, START)
        self.line.coming = []
        self.replies: dict[int, Reply] = {}
        self.at: dict[int, float] = {}
        self.begun: list[int] = []
        self.asked_at: list[float] = []
        self.join_module()

    def ask(self, number: int, after: float, program: Dialogue[list[str]], long: bool = False) -> None:
        assert isinstance(self.line, AskedLine)
        self.line.coming.append((after, Request(number=number, program=lambda: program, long=long)))

    def report(self, step: Step) -> None:
        super().report(step)
        self.begun += step.begun
        self.replies |= {reply.number: reply for reply in step.replies}
        self.at |= {reply.number: self.now - START for reply in step.replies}
        self.asked_at += [self.now for sent in step.send if b"SKSENDTO" in sent]


def test_a_request_is_asked_at_once_while_the_listener_only_waits() -> None:
    world = Asked()
    world.ask(1, 100.0, poll(world.session, [0xE8]))
    world.listen(200)
    assert world.replies[1] == Reply(number=1, lines=[])
    assert world.at[1] < 104.0
    assert [point for point in world.points if point.measurement == "current"]


def test_requests_are_asked_one_after_the_other_with_the_meters_spacing() -> None:
    world = Asked()
    for number in range(8):
        world.ask(number, 100.0 + number / 10, poll(world.session, [0xE7]))
    world.listen(200)
    assert world.begun == list(range(8)) == sorted(world.at, key=lambda number: world.at[number])
    assert all(later - earlier >= SPACING - 1e-6 for earlier, later in pairwise(world.asked_at))


def test_a_request_comes_before_the_next_question_of_a_long_repair() -> None:
    world = Asked(repaired_days=5)
    world.ask(1, 30.0, poll(world.session, [0xE7]))
    world.listen(120)
    assert world.at[1] - 30.0 < SPACING + 4.0
    assert len([at for at in world.asked_at if at > START + 30.0]) > 10  # the repair was in the middle of its work


def test_a_poll_does_not_wait_for_the_end_of_a_history_and_two_histories_do_not_mix() -> None:
    world = Asked()
    world.repaired_days = 3
    world.session = world.new_session(LINK, TENTHS)
    world.repaired_days = 0
    for number in (1, 2):
        world.ask(number, 300.0, fill_history(world.session, 3), long=True)
    world.ask(3, 310.0, poll(world.session, [0xE7]))
    world.listen(1200)
    assert world.replies[3].error is None
    assert world.at[3] < 320.0
    assert world.at[1] < world.at[2]
    assert all(not reply.error for reply in world.replies.values())


def test_a_refusal_is_the_answer_of_who_asked_and_of_nobody_else() -> None:
    world = Asked()
    world.module.fault("refuse-epcs", "E8")
    world.ask(1, 100.0, poll(world.session, [0xE8]))
    world.ask(2, 110.0, poll(world.session, [0xE7, 0xE8]))
    world.ask(3, 120.0, poll(world.session, [0xE7]))
    world.listen(200)
    assert isinstance(world.replies[1].error, DeviceError)
    assert str(world.replies[1].error) == "the meter refused E8"
    assert world.replies[2].lines == ["the meter refused E8"]
    assert world.replies[3] == Reply(number=3, lines=[])


def test_a_session_that_a_request_finds_lost_is_an_error_for_it_and_joined_again() -> None:
    world = Asked()
    world.listen(50)
    world.module.radio.session = False
    world.ask(1, 100.0, poll(world.session, [0xE7]))
    world.ask(2, 100.1, poll(world.session, [0xE7]))
    world.listen(300)
    assert isinstance(world.replies[1].error, SessionLost)
    assert world.replies[2] == Reply(number=2, lines=[])  # it waited for the join
    assert world.module.radio.session


def test_while_the_listener_cannot_join_a_request_is_refused_with_the_reason() -> None:
    world = Asked()
    world.module.radio.session = False
    world.module.fault("refuse-joins", 1000)
    world.listen(300)
    world.ask(1, 300.0, poll(world.session, [0xE7]))
    world.listen(400)
    error = world.replies[1].error
    assert isinstance(error, SessionLost)
    assert str(error).startswith("the listener is not joined; nothing was asked: ")


@pytest.mark.parametrize("fault", ["noise", "garble", "double", "glue"])
def test_requests_on_a_bad_line_cost_no_half_hour(fault: str) -> None:
    world = Asked()
    world.module.fault(fault, 3 if fault == "garble" else None)
    for number in range(60):
        world.ask(number, 90.0 + 61.0 * number, poll(world.session, [0xE7]))
    world.listen(2 * 3600)
    got, wanted = world.half_hours("+power"), world.registers(NOON, world.now - 400, HOUSE.register_import)
    assert {time: got.get(time) for time in wanted} == wanted
    assert world.values("power") == world.truth(0xE7)
    assert len(world.replies) == 60
