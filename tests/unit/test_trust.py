"""Which clock the store believes when a reading in it was dated wrong: a right one, sooner or later."""

from pathlib import Path

import pytest

from homemon.core import clock
from homemon.core.points import HALF_HOUR, Point
from homemon.storage.store import Store
from homemon.storage.trust import ALONE_AFTER, CONFIRMED_AFTER, METER_SLACK
from tests.stores import NOW, T, put

HOUR, DAY = 3600, 86_400
FAR = T + 15 * 365 * DAY
JUST_UP = NOW._replace(ticks=60.0)
LONG_UP = NOW._replace(ticks=ALONE_AFTER)


@pytest.fixture(autouse=True)
def never_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time service has set the clock, and none runs."""
    monkeypatch.setattr(clock, "TIME_SERVICES", ())
    monkeypatch.setattr(clock, "kept_by_ntp", lambda: False)


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A time service runs."""
    monkeypatch.setattr(clock, "TIME_SERVICES", (str(tmp_path),))


def half_hours(store: Store, *times: int) -> None:
    put(store, *(Point("+power", {"value": 1}, time) for time in times))


def test_a_half_hour_of_another_age_leaves_no_power_undated_for_ever(store: Store) -> None:
    half_hours(store, T - HALF_HOUR, T, FAR)
    assert put(store, Point("power", {"value": 5}), at=JUST_UP) == []
    later = LONG_UP._replace(wall=T + ALONE_AFTER)
    dated = put(store, Point("power", {"value": 6}), at=later)
    assert [point.fields["value"] for point in dated] == [6, 5]


@pytest.mark.parametrize("name", ["power", "ecocute"])
def test_nor_does_a_single_reading_of_the_future_that_we_dated_ourselves(store: Store, name: str) -> None:
    put(store, *(Point(name, {"value": 1}, time) for time in (T - 60, T, FAR)))
    assert not store.clock.trusts(JUST_UP)
    assert store.clock.trusts(LONG_UP._replace(wall=T + 60))


def test_the_meters_own_clock_contradicts_a_half_hour_at_once(store: Store, service: None) -> None:
    half_hours(store, T - HALF_HOUR, T, FAR, FAR + HALF_HOUR)
    at = NOW._replace(ticks=CONFIRMED_AFTER, wall=T + 60.0)
    assert not store.clock.trusts(at)
    store.clock.note_meter_clock(T + 60, at)
    assert store.clock.trusts(at)


def test_what_was_dated_one_after_the_other_is_not_behind_us_however_long_we_are_up(store: Store) -> None:
    put(store, *(Point("power", {"value": 1}, time) for time in (T, *range(T + 90 * DAY, T + 90 * DAY + 600, 60))))
    assert not store.clock.trusts(LONG_UP)


def test_nothing_is_dropped_by_a_half_hour_of_the_future_and_a_clock_that_leapt(store: Store) -> None:
    half_hours(store, T - HALF_HOUR, T, T + 40 * DAY)
    assert store.clock.surely_past(LONG_UP._replace(wall=T + 20 * DAY)) in (T + 20 * DAY, T)
    store.clock.note_meter_clock(T + 60, LONG_UP._replace(wall=T + 20.0 * DAY))
    assert store.clock.surely_past(LONG_UP._replace(wall=T + 20.0 * DAY)) == T


def test_a_half_hour_of_now_counts_also_after_weeks_without_one(store: Store) -> None:
    half_hours(store, T - 40 * DAY, T)
    assert store.clock.surely_past(LONG_UP._replace(wall=T + 60.0)) == T


@pytest.mark.parametrize(("off", "believed"), [(-1, True), (1, False)])
@pytest.mark.parametrize("side", [-1, 1])
def test_the_meters_minute_is_taken_at_its_middle(
    store: Store, service: None, side: int, off: int, believed: bool
) -> None:
    half_hours(store, T - DAY)
    at = NOW._replace(ticks=CONFIRMED_AFTER + 1, wall=T + 30 + side * (METER_SLACK + off))
    store.clock.note_meter_clock(T, at)
    assert store.clock.trusts(at) is believed


def test_a_clock_behind_our_newest_reading_is_not_believed_though_the_meters_is_older(store: Store) -> None:
    half_hours(store, T - HALF_HOUR)
    put(store, Point("power", {"value": 1}, T + HOUR - 60), Point("power", {"value": 1}, T + HOUR))
    assert not store.clock.trusts(JUST_UP._replace(wall=T + HOUR - 600))
    assert store.clock.trusts(JUST_UP._replace(wall=T + HOUR - 200))


def test_what_must_wait_for_a_clock_keeps_nothing_else_of_its_batch_waiting(store: Store) -> None:
    wrong = NOW._replace(wall=1000.0)
    half_hour = Point("+power", {"value": 1}, T)
    other = Point("-power", {"value": 2}, T)
    assert store.archive.add([(Point("power", {"value": 5}), wrong), (half_hour, wrong), (other, wrong)]) == [
        half_hour,
        other,
    ]
    assert store.archive.undated(NOW.boot) == (1, 0)


def test_nothing_new_is_no_reason_to_date_what_waits(store: Store) -> None:
    put(store, Point("power", {"value": 5}), at=NOW._replace(wall=1000.0))
    assert store.archive.add([]) == []
    assert store.archive.undated(NOW.boot) == (1, 0)
