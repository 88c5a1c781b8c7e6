"""Home Assistant's hours equal the store's in the end, whatever it lost, and whatever came late."""

from itertools import pairwise
from typing import Any

import pytest

from homemon.core.points import DAY, HALF_HOUR, HOUR, Point
from homemon.delivery import ha_walk
from homemon.delivery.sink import Outcome
from homemon.delivery.verdicts import Verdict
from homemon.storage.retention import Retention
from tests.home_assistants import Rows, SmallHome
from tests.hourly import NOON, House, hours, registers


def test_nothing_is_written_twice(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    small_home.imports()
    house.app.at = NOON + 3 * DAY
    assert house.deliver() == Outcome(0)
    assert not small_home.imports()


def test_what_is_lost_after_success_is_no_success(
    house: House, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ha_walk, "READ_BACK_WITHIN", 0.3)
    house.bought(1000.0, None, 1000.5)
    small_home.loses = True
    outcome = house.deliver()
    assert outcome.trouble
    assert outcome.trouble.verdict is Verdict.LATER
    assert (
        outcome.trouble.text == f"{small_home.url}: it took hours, and does not show them yet; they are compared again"
    )
    assert house.pending()
    small_home.loses = False
    assert house.deliver() == Outcome(1)
    assert hours(small_home.sums("grid_import")) == {0: 0.5}
    assert not house.pending()


def test_what_shows_late_is_waited_for(house: House, small_home: SmallHome) -> None:
    small_home.late = 0.4
    house.bought(1000.0, None, 1000.5)
    assert house.deliver() == Outcome(1)
    assert len(small_home.imports()) == 2


def test_a_restored_backup_gets_all_that_it_lost(house: House, small_home: SmallHome) -> None:
    house.bought(*(1000 + i / 10 for i in range(20 * 48)), since=NOON - 40 * DAY)
    house.deliver()
    whole = small_home.sums("grid_import")
    small_home.rows = {name: dict(sorted(rows.items())[: len(rows) // 2]) for name, rows in small_home.rows.items()}
    house.bought(2000.0, since=NOON)
    house.deliver()
    assert {start: total for start, total in small_home.sums("grid_import").items() if start in whole} == whole


def test_all_hours_are_compared_once_a_day(house: House, small_home: SmallHome) -> None:
    house.bought(*(1000 + i / 10 for i in range(48)), since=NOON - 60 * DAY)
    house.bought(1010.0, None, 1010.5)
    house.deliver()
    del small_home.rows["homemon:grid_import"][NOON - 60 * DAY + 5 * HOUR]
    assert not house.pending()
    house.app.at += DAY
    assert house.pending()
    assert house.deliver() == Outcome(1)
    assert NOON - 60 * DAY + 5 * HOUR in small_home.sums("grid_import")


@pytest.mark.parametrize("kept", [1, 2])
def test_an_earlier_month_is_compared_where_it_lacks_what_is_below_the_present_one(
    house: House, small_home: SmallHome, kept: int
) -> None:
    house.bought(*(1000 + i / 10 for i in range(48)), since=NOON - 60 * DAY)
    house.bought(1010.0, None, 1010.5)
    house.deliver()
    whole = small_home.rows["homemon:grid_import"]
    small_home.rows["homemon:grid_import"] = {start: whole[start] for start in sorted(whole)[-kept:]}
    small_home.rows["homemon:grid_import"] |= {start: whole[start] for start in sorted(whole)[: kept - 1]}
    house.bought(1011.0, since=NOON + 2 * HOUR)
    house.deliver()
    assert len(small_home.sums("grid_import")) == 26


def test_a_correction_that_a_restored_backup_lost_is_made_again(house: House, small_home: SmallHome) -> None:
    house.put(*registers("hatuden", [0.1] * 48, NOON - 60 * DAY))
    house.put(*registers("hatuden", [0.1] * 4, NOON))
    house.deliver()
    before = {name: dict(rows) for name, rows in small_home.rows.items()}
    house.put(Point("hatuden", {"value": 0.4}, NOON - 60 * DAY))
    house.deliver()
    right = small_home.sums("solar")
    small_home.rows = before
    house.put(*registers("hatuden", [0.1] * 2, NOON + 2 * HOUR))
    house.deliver()
    assert list(small_home.sums("solar").values()) == [*right.values(), 5.7]


def test_a_statistic_that_is_made_no_longer_is_not_looked_for(house: House, small_home: SmallHome) -> None:
    house.configure("[contract]\nplan = own.toml")
    house.bought(*(1000 + i for i in range(60)), since=NOON - 60 * DAY, step=DAY)
    house.deliver()
    house.configure()
    small_home.rows.clear()
    house.deliver()
    house.bought(1100.0, since=NOON + HOUR)
    small_home.asked.clear()
    house.deliver()
    assert len([each for each in small_home.asked if each["type"] == "recorder/statistics_during_period"]) < 8


def test_a_changed_price_changes_yen_of_the_past(house: House, small_home: SmallHome) -> None:
    house.configure("[contract]\nplan = own.toml")
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    small_home.imports()
    house.configure("[contract]\nplan = own.toml", price=40)
    assert house.pending()
    house.deliver()
    assert small_home.imports() == [("homemon:grid_import_cost", [NOON])]
    assert hours(small_home.sums("grid_import_cost")) == {0: 20.0}


def test_a_row_that_the_store_cannot_make_any_more_is_emptied(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5, None, 1001.0, None, 1002.0)
    house.deliver()
    house.app.store.db.connection.execute("DELETE FROM point WHERE time = ?", (NOON + 2 * HOUR,))
    house.app.store.db.connection.commit()
    house.app.at += DAY
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {0: 0.5, 1: 0.5, 2: 2.0}
    assert small_home.rows["homemon:grid_import"][NOON + HOUR]["state"] is None
    assert house.deliver() == Outcome(0)


def test_an_emptied_row_is_nothing_to_go_on_from(house: House, small_home: SmallHome) -> None:
    end = NOON - 252 * HOUR  # of October
    house.bought(1000.0, None, 1001.0, None, 1002.0, None, 1003.0, since=end - 6 * HOUR)
    house.deliver()
    db = house.app.store.db.connection
    db.execute("DELETE FROM point WHERE time > ?", (end - 5 * HOUR,))
    db.commit()
    house.bought(1004.0, since=end - 2 * HOUR - HALF_HOUR)
    house.bought(1009.0, since=end + 12 * HOUR)
    house.app.at += DAY
    house.deliver()
    house.bought(1010.0, since=end + 61 * HOUR)
    small_home.asked.clear()
    house.deliver()
    assert list(small_home.sums("grid_import").values()) == [1.0, 1.0, 1.0, 9.0, 10.0]
    assert min(small_home.compared()) == end, "October fits, and is not compared again"


def test_a_statistic_that_begins_later_goes_on_from_what_is_there(house: House, small_home: SmallHome) -> None:
    small_home.rows["homemon:ecocute"] = {NOON - 30 * DAY: {"state": 50.0, "sum": 50.0}}
    house.bought(*(1000 + i for i in range(61)), since=NOON - 60 * DAY, step=DAY)
    house.put(*(Point("ecocute", {"powerSum": 1000 * i}, NOON + i * HOUR) for i in range(3)))
    house.deliver()
    assert list(small_home.sums("ecocute").values()) == [50.0, 51.0, 52.0]
    assert len(small_home.sums("grid_import")) == 60


def test_what_a_seldom_read_register_counted_is_lost_in_no_month(house: House, small_home: SmallHome) -> None:
    times = (-50 * DAY, -50 * DAY + HOUR, -45 * DAY + 600, -40 * DAY + 700, -20 * DAY + 900, HOUR, 2 * HOUR)
    house.put(*(Point("ecocute", {"powerSum": 1000 * i}, NOON + at) for i, at in enumerate(times)))
    house.deliver()
    assert list(small_home.sums("ecocute").values()) == [1, 5, 6]
    house.put(Point("ecocute", {"powerSum": 7500}, NOON + 3 * HOUR))
    house.deliver()
    assert list(small_home.sums("ecocute").values()) == [1, 5, 6, 7.5]


def test_what_was_used_goes_on_over_a_midnight_that_only_the_solar_monitor_knows(
    house: House, small_home: SmallHome
) -> None:
    midnight = NOON - 10 * DAY - 12 * HOUR  # of the first of the month
    slots = range(midnight - 2 * HOUR, midnight + 2 * HOUR, HALF_HOUR)
    house.bought(*(1000 + i if at != midnight else None for i, at in enumerate(slots)), since=slots[0])
    house.put(*registers("-power", [0] * 4 + [None] + [0] * 3, slots[0]))
    house.put(*registers("hatuden", [1] * 8, slots[0]), *registers("baiden_diff", [1] * 8, slots[0]))
    house.deliver()
    assert list(small_home.sums("used").values()) == [4, 8, 12, 16]
    assert list(small_home.sums("grid_import").values()) == [2, 6]  # to which the meter's gap belongs


@pytest.mark.parametrize("ago", [(900, 2, 1), (2000, 1900), (500,), (2000, 1)])
def test_rows_before_the_first_hour_of_the_store_stay_and_are_gone_on_from(
    house: House, small_home: SmallHome, ago: tuple[int, ...]
) -> None:
    before: Rows = {NOON - at * HOUR: {"state": 7.0 - at, "sum": 7.0 - at} for at in ago}
    small_home.rows["homemon:grid_import"] = dict(before)
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    assert hours(small_home.sums("grid_import")) == {**{-at: 7.0 - at for at in ago}, 0: 7.5 - ago[-1]}


def test_readings_that_are_dropped_for_their_age_leave_their_hours(house: House, small_home: SmallHome) -> None:
    house.bought(*(1000 + i / 10 for i in range(10)))
    house.deliver()
    before = small_home.sums("grid_import")
    db = house.app.store.db.connection
    db.execute("DELETE FROM point WHERE time < ?", (NOON + 2 * HOUR + HALF_HOUR,))
    db.commit()
    house.app.at += DAY
    house.bought(1002.0, since=NOON + 10 * HOUR)
    house.deliver()
    after = small_home.sums("grid_import")
    assert {start: after[start] for start in before} == before
    assert after[NOON + 9 * HOUR] == 2.0


def test_rows_newer_than_the_store_stay(house: House, small_home: SmallHome) -> None:
    newer = {"state": 99.0, "sum": 99.0}
    small_home.rows["homemon:grid_import"] = {NOON + 4 * HOUR: dict(newer)}
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    assert small_home.rows["homemon:grid_import"][NOON + 4 * HOUR] == newer


def test_a_walk_goes_on_where_its_time_was_over(
    house: House, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.bought(*(1000 + i / 10 for i in range(60)), since=NOON - 60 * DAY, step=DAY)
    month = ha_walk.Walk.month

    def once(*arguments: Any) -> None:
        month(*arguments)
        monkeypatch.setattr("homemon.delivery.home_assistant.monotonic", lambda: 1e12)

    monkeypatch.setattr(ha_walk.Walk, "month", once)
    house.deliver()
    written = len(small_home.sums("grid_import"))
    assert 0 < written < 59
    assert house.pending()
    monkeypatch.undo()
    house.bought(1100.0, since=NOON + HOUR)
    house.deliver()
    assert len(small_home.sums("grid_import")) == 60
    assert not house.pending()


def test_a_walk_of_more_than_a_day_does_not_begin_again(
    house: House, small_home: SmallHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.bought(*(1000 + i / 10 for i in range(60)), since=NOON - 60 * DAY, step=DAY)
    month = ha_walk.Walk.month

    def once(*arguments: Any) -> None:
        month(*arguments)
        monkeypatch.setattr("homemon.delivery.home_assistant.monotonic", lambda: 1e12)

    monkeypatch.setattr(ha_walk.Walk, "month", once)
    house.deliver()
    monkeypatch.undo()
    house.app.at += 2 * DAY
    small_home.asked.clear()
    house.deliver()
    assert min(small_home.compared()) > NOON - 45 * DAY
    assert len(small_home.sums("grid_import")) == 59


def test_only_a_full_hour_is_worth_a_connection(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5)
    house.app.at = NOON + HOUR
    house.deliver()
    house.bought(1000.7, since=NOON + HOUR + HALF_HOUR)
    house.app.at = NOON + HOUR + HALF_HOUR
    house.deliver()
    house.put(Point("ecocute", {"powerSum": 1}, NOON + HOUR + 2100))
    house.app.at = NOON + HOUR + 2200
    assert not house.pending()
    house.app.at = NOON + 2 * HOUR
    assert house.pending()


def test_what_was_compared_is_settled(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5)
    house.deliver()
    house.bought(1001.0, since=NOON + 2 * HOUR)
    house.deliver()
    house.app.at += 2 * HOUR
    assert not house.pending()


def test_while_the_clock_is_wrong_nothing_is_settled(house: House, small_home: SmallHome) -> None:
    house.bought(1000.0, None, 1000.5)
    right, house.app.at = house.app.at, 5000
    assert not house.pending()
    assert house.deliver() == Outcome(0)
    assert not small_home.asked
    house.app.at = right
    assert house.deliver() == Outcome(1)


def test_hours_are_compared_again_by_request(house: House, small_home: SmallHome) -> None:
    house.bought(*(1000 + i for i in range(60)), since=NOON - 60 * DAY, step=DAY)
    house.deliver()
    del small_home.rows["homemon:grid_import"][NOON - 20 * DAY - HOUR]
    assert not house.pending()
    house.sink().again(NOON - 20 * DAY)
    assert house.pending()
    assert house.deliver() == Outcome(1)


def test_yen_stay_where_keep_days_dropped_what_the_tier_depends_on(house: House, small_home: SmallHome) -> None:
    contract, tiers = "[contract]\nplan = own.toml\nreading_day = 1", "[[5, 10], 30]"
    house.configure(contract, price=tiers)
    house.bought(*(1000 + i / 10 for i in range(4 * 48)), since=NOON - 4 * DAY)
    house.deliver()
    before = small_home.sums("grid_import_cost")
    assert max(b - a for a, b in pairwise(before.values()) if a and b) == 6
    house.configure(f"keep_days = 2\n{contract}", price=tiers)
    assert Retention(house.app.store, 2, True).prune(house.app.now()) > 0
    house.bought(1019.2)
    house.sink().again(NOON - 3 * DAY)
    house.deliver()
    assert small_home.sums("grid_import_cost") == before
    assert hours(small_home.sums("grid_import"))[-1] == 19.2


def test_what_is_lacking_are_hours(house: House, small_home: SmallHome) -> None:
    assert house.sink().backlog().waiting == 0
    house.bought(1000.0, None, 1000.5)
    assert house.sink().backlog().waiting == 6
    house.deliver()
    assert house.sink().backlog().waiting == 0
    house.bought(1001.0, 1002.0, 1003.0, since=NOON + 2 * HOUR)
    assert house.sink().backlog().waiting == 2


def test_an_empty_store_has_nothing_to_write(house: House, small_home: SmallHome) -> None:
    assert house.deliver() == Outcome(0)
    assert not small_home.imports()
