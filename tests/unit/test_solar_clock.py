"""A monitor whose clock is wrong: no half-hour is stored under a wrong time, and no right one is changed."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from homemon.core.errors import WireError
from homemon.sim.house import DAY, HALF_HOUR, House
from homemon.sim.kyocera import Faults, Monitor
from homemon.sources.kyocera import memory as solar
from homemon.sources.kyocera.clock import Stored, Verdict, _Match, changed, judge

HOUR = 3600
NOW = 1_795_670_100.0  # 2026-11-26 13:15 JST
HOUSE = House(int(NOW) - 60 * DAY)


@cache
def memory(off: float = 0.0, dates: str = "", now: float = NOW) -> bytes:
    return Monitor(HOUSE, Faults(off=off, dates=dates))._make_memory(now + off)


def held(off: float = 0.0, now: float = NOW) -> dict[tuple[str, int], float]:
    """What a dump stores whose monitor's clock is so much off."""
    return dict(_held(off, now))


@cache
def _held(off: float, now: float) -> dict[tuple[str, int], float]:
    points = solar.report(memory(off, now=now), solar.DAYS).points
    return {(point.measurement, point.time): point.fields["value"] for point in points if point.time is not None}


def true(verdict: Verdict) -> bool:
    """Whether each point is what the house made at its time."""
    truth = held()
    return all(truth[point.measurement, point.time] == point.fields["value"] for point in verdict.points if point.time)


OFFS = {
    "a year behind": (-365 * DAY, "its clock is 365 days behind"),
    "a year ahead": (365 * DAY, "its clock is 365 days ahead"),
    "in 2016": (-3653 * DAY, "its clock is 3,653 days behind"),
    "two days": (-2 * DAY, "its clock is 2 days behind"),
    "a day": (-DAY, "its clock is 1 day behind"),
    "a day ahead": (DAY, "its clock is 1 day ahead"),
    "half a day": (-12 * HOUR, "its clock is 12 h behind"),
    "UTC": (-9 * HOUR, "its clock is 9 h behind"),
    "ahead": (9 * HOUR + HALF_HOUR, "its clock is 9 h 30 min ahead"),
    "a summer's hour": (-HOUR, "its clock is 1 h behind"),
}


@pytest.mark.parametrize(("off", "reported"), OFFS.values(), ids=OFFS)
@pytest.mark.parametrize("now", [NOW, None], ids=["our clock", "no clock"])
def test_a_memory_that_is_shifted_against_what_is_stored_is_refused(
    off: float, reported: str, now: float | None
) -> None:
    verdict = judge(memory(off), now, held())
    assert verdict.points == []
    assert reported in verdict.refusal


@pytest.mark.parametrize("off", [-2 * DAY, DAY])
@pytest.mark.parametrize("hour", [0, 3, 4, 5, 6, 9, 20])
def test_it_is_refused_at_any_hour(hour: int, off: int) -> None:
    """Quiet nights are the same by chance: a day of which only the night is over says nothing of the clock."""
    now = NOW + (hour - 13) * HOUR
    assert f"{abs(off) // DAY} day" in judge(memory(off, now=now), now, held(now=now)).refusal


@pytest.mark.parametrize("off", [2100, 2700, -2100, -5000, 9 * HOUR + 600, -DAY - 700])
@pytest.mark.parametrize("now", [NOW, None], ids=["our clock", "no clock"])
def test_a_memory_that_says_something_else_of_all_that_is_stored_changes_nothing(off: float, now: float | None) -> None:
    verdict = judge(memory(off), now, held())
    assert verdict.points == []
    assert "contradict what is stored" in verdict.refusal


def test_a_monitor_half_an_hour_behind_is_not_taken_for_right() -> None:
    assert "its clock is 30 min behind" in judge(memory(-HALF_HOUR), NOW, held()).refusal


def test_days_that_changed_places_change_nothing_that_is_stored() -> None:
    verdict = judge(memory(dates="order"), NOW, held())
    assert (verdict.refusal, len(verdict.warnings)) == ("", 2)
    assert true(verdict)


def test_a_day_that_contradicts_the_store_costs_no_other_where_a_newer_one_agrees() -> None:
    midnight = NOW - NOW % DAY - 9 * HOUR
    stored = held()
    stored.update(
        (key, value) for key, value in held(2100).items() if midnight - 3 * DAY <= key[1] < midnight - 2 * DAY
    )
    verdict = judge(memory(), None, stored)
    assert "2026-11-23 contradicts what is stored of the same half-hours: left out" in verdict.warnings[-1]
    assert len(verdict.points) == len(held()) - 2 * 48
    assert true(verdict)


@pytest.mark.parametrize("off", [-365 * DAY, -3653 * DAY, -2 * DAY, DAY, 2 * DAY, 365 * DAY])
def test_where_nothing_is_stored_a_clock_that_is_days_off_is_seen_by_ours(off: float) -> None:
    verdict = judge(memory(off), NOW, {})
    assert (verdict.points, verdict.refusal[:12]) == ([], "its clock is")


@pytest.mark.parametrize("off", [2 * HOUR, 9 * HOUR, DAY, 2 * DAY])
@pytest.mark.parametrize("hour", range(24))
def test_where_nothing_is_stored_a_clock_that_is_ahead_is_seen_by_ours_at_any_hour(hour: int, off: int) -> None:
    now = NOW + hour * HOUR
    verdict = judge(Monitor(HOUSE, Faults(off=off))._make_memory(now + off), now, {})
    assert (verdict.points, verdict.refusal[:12]) == ([], "its clock is")
    assert verdict.refusal.endswith("ahead, by this machine's clock")


def test_a_monitor_that_begins_the_day_a_little_before_us_is_believed() -> None:
    midnight = NOW - NOW % DAY + 15 * HOUR  # in JST
    memory_after = Monitor(HOUSE, Faults())._make_memory(midnight + 300)
    verdict = judge(memory_after, midnight - 300, {})
    assert verdict.refusal == ""
    assert verdict.points


def test_where_nothing_is_stored_a_clock_that_may_be_behind_is_doubted() -> None:
    verdict = judge(memory(-9 * HOUR), NOW, {})
    assert verdict.refusal == ""
    assert "its newest half-hour ended 9 h 15 min ago" in verdict.warnings[-1]


@pytest.mark.parametrize(("early", "doubted"), [(0, True), (1, False)])
def test_a_clock_may_be_behind_from_two_hours_on(early: int, doubted: bool) -> None:
    verdict = judge(memory(-2 * HOUR), NOW - 900 - early, {})
    assert any("ended 2 h ago" in warning for warning in verdict.warnings) is doubted


def test_without_any_clock_an_end_long_before_what_is_stored_is_refused() -> None:
    elsewhere: Stored = {(name, time + 4 * 365 * DAY + 10 * HOUR): value * 3 for (name, time), value in held().items()}
    assert "half-hours are stored until 2030-" in judge(memory(), None, elsewhere).refusal


@pytest.mark.parametrize("stored", [{}, held(), held(-DAY), held(9 * HOUR)], ids=["new", "known", "wrong", "wrong too"])
def test_a_right_memory_is_taken_whole_whatever_is_stored(stored: Stored) -> None:
    verdict = judge(memory(), NOW, stored)
    assert len(verdict.points) == len(held())
    assert verdict.refusal == ""
    assert true(verdict)


@pytest.mark.parametrize(("later", "right"), [(0, True), (15 * 60 + 59, True), (16 * 60, False), (-15 * 60 - 1, False)])
def test_a_memory_that_ends_with_the_last_half_hour_is_right_as_long_as_its_reading_takes(
    later: int, right: bool
) -> None:
    verdict = judge(memory(), NOW + later, held(9 * HOUR))
    assert bool(verdict.points) is right
    assert bool(verdict.refusal) is not right


def test_a_monitor_that_was_off_for_days_is_no_wrong_clock() -> None:
    gone = NOW - 5 * DAY
    old = Monitor(HOUSE)._make_memory(gone)
    verdict = judge(old, NOW, held())
    assert (verdict.refusal, verdict.warnings) == ("", [])
    assert len(verdict.points) == len(held())


@pytest.mark.parametrize("date", ["000101", "260101", "991231", "261126", "251125"])
@pytest.mark.parametrize("row", [0, 1, 5, 34])
def test_one_wrong_date_costs_one_day(row: int, date: str) -> None:
    data = bytearray(memory())
    data[0x7C + 3 * row : 0x7F + 3 * row] = bytes.fromhex(date)
    verdict = judge(bytes(data), NOW, {})
    days = {point.time // DAY for point in verdict.points if point.time is not None}
    assert verdict.refusal == ""
    if (row, date) in ((0, "261126"), (34, "260101"), (34, "251125")):  # right, or as after a house stood empty
        return
    assert true(verdict)
    assert len(days) >= 34
    assert len(verdict.warnings) == 1


def test_days_that_hold_what_is_stored_of_others_are_left_out() -> None:
    data = bytearray(memory())
    for row in range(3, 35):  # until three days ago the clock was two days behind
        held_by = memory(-2 * DAY)
        data[0x7C + 3 * row : 0x7F + 3 * row] = held_by[0x7C + 3 * (row - 0) : 0x7F + 3 * (row - 0)]
    verdict = judge(bytes(data), NOW, held())
    assert verdict.refusal == ""
    assert true(verdict)
    assert "days before hold what is stored 2 days later: left out" in verdict.warnings[-1]


def test_a_value_that_differs_is_a_correction_and_one_that_is_new_is_not() -> None:
    stored = held()
    (first, second, *_) = list(stored)
    stored[first] += 0.1
    del stored[second]
    verdict = judge(memory(), NOW, stored)
    assert [(point.measurement, point.time) for point in changed(verdict.points, stored)] == [first]


@settings(deadline=None)
@given(st.binary(max_size=400), st.integers(0, solar.MAP_END), st.integers(0, 2**32))
def test_no_memory_breaks_the_judgement(noise: bytes, at: int, now: int) -> None:
    data = memory()
    try:
        verdict = judge(data[:at] + noise + data[at + len(noise) :], now, held())
    except WireError:
        return
    assert all(point.time is not None and point.time + HALF_HOUR <= now for point in verdict.points)


@pytest.mark.parametrize(
    ("same", "other", "agree"), [(8, 0, True), (7, 0, False), (9, 1, True), (18, 2, True), (17, 2, False)]
)
def test_nine_of_ten_half_hours_and_eight_at_least_say_that_a_day_is_this_one(
    same: int, other: int, agree: bool
) -> None:
    assert _Match(same, other).agree == agree
