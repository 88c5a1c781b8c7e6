"""What the charts of the page show, without a page."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from itertools import pairwise

import pytest

from homemon.core.points import DAY, HALF_HOUR, HOUR, Number, Point, midnight
from homemon.energy.household import Household, read
from homemon.energy.periods import calendar, day_of, starts
from homemon.energy.spans import Reading
from homemon.page.panels import Charts, Columns, Drawn, broken, collect, columns
from homemon.runtime.page import DaysOnce, _extents
from homemon.sources.registry import NAMED, SHOWN
from homemon.sources.source import MINUTE
from homemon.storage.store import Store
from tests.registers import MIDNIGHT, register
from tests.stores import NOW, put

FIELDS = {series.name: (series.measurement, series.field) for series in SHOWN} | {"counted": ("ecocute", "powerSum")}


class Recorded:
    """Readings by the name of their source, as the store would give them."""

    def __init__(self, **readings: Sequence[Reading]) -> None:
        self._readings: Mapping[tuple[str, str], Sequence[Reading]] = {
            FIELDS[name]: rows for name, rows in readings.items()
        }

    def values(self, measurement: str, field: str, since: int, until: int) -> Iterator[Reading]:
        return (row for row in self._readings.get((measurement, field), ()) if since <= row[0] < until)

    def latest(self, measurement: str, field: str, until: int) -> Reading | None:
        return max(self.values(measurement, field, 0, until), default=None)

    def extents(
        self, measurement: str, field: str, since: int, until: int, step: int, bounds: object
    ) -> Iterator[tuple[int, Number, Number, float, int]]:
        for start in range(since, until, step):
            if found := [value for _, value in self.values(measurement, field, start, min(start + step, until))]:
                yield start, min(found), max(found), sum(found), len(found)


def rows(columns: Columns) -> list[tuple[Number | None, ...]]:
    return list(zip(*columns, strict=True))


def charts(recorded: Recorded, now: int, days: int, kinds: Sequence[str] = ("day", "week", "month", "year")) -> Charts:
    """What views of the last days draw."""
    household = Household(read(recorded, now - days * DAY - DAY, now + 1))
    return collect(recorded, household, now, Drawn(now - days * DAY, now + DAY, now - 30 * DAY), kinds)


# --- days and half-hours -------------------------------------------------------------


@pytest.mark.parametrize(
    ("time", "begun"),
    [
        (MIDNIGHT - 1, MIDNIGHT - DAY),
        (MIDNIGHT, MIDNIGHT),
        (MIDNIGHT + 1, MIDNIGHT),
        (MIDNIGHT + 9 * HOUR, MIDNIGHT),  # midnight in Greenwich
        (MIDNIGHT + DAY - 1, MIDNIGHT),
    ],
)
def test_a_day_begins_at_midnight_in_japan(time: int, begun: int) -> None:
    assert midnight(time) == begun


def test_a_missing_reading_leaves_two_half_hours_without_bars_and_the_day_with_its_sum() -> None:
    readings = register(MIDNIGHT, 10, 10.5, 11, 12, 12.5)
    del readings[2]
    found = charts(Recorded(bought=readings), MIDNIGHT + 2 * HOUR, 1)
    drawn = [row for row in rows(found.cuts["half-hour"]["bought"]) if row[1] is not None]
    assert drawn == [(MIDNIGHT, 0.5, None), (MIDNIGHT + 3 * HALF_HOUR, 0.5, None)]
    assert rows(found.cuts["day"]["bought"]) == [(MIDNIGHT, 2.5, None)]


def test_a_day_of_which_hours_are_missing_says_how_many_are_known() -> None:
    readings = register(MIDNIGHT, *(at / 10 for at in range(49)))
    del readings[-4:-1]
    del readings[-1]
    found = charts(Recorded(bought=readings), MIDNIGHT + 2 * DAY, 3)
    assert rows(found.cuts["day"]["bought"]) == [(MIDNIGHT, 4.4, 22)]


@pytest.mark.parametrize("cut", ["half-hour", "day", "month"])
def test_each_energy_is_what_the_household_says_of_each_period(cut: str) -> None:
    now = MIDNIGHT + 100
    recorded = Recorded(
        bought=register(MIDNIGHT - 40 * DAY, *(at * 0.3 for at in range(40 * 48 + 1))),
        sold=register(MIDNIGHT - 40 * DAY, *(at // 7 / 10 for at in range(40 * 48 + 1))),
        generated=[(MIDNIGHT - at * HALF_HOUR, at % 9 / 10) for at in range(40 * 48, 0, -1)],
    )
    household = Household(read(recorded, now - 60 * DAY, now + 1))
    found = collect(recorded, household, now, Drawn(now - 35 * DAY, now, now - 35 * DAY))
    for period in calendar(cut, found.drawn.begin(cut), now):
        summary = household.summary(period.start, period.end)
        for name in ("bought", "sold", "generated", "used"):
            said = {row[0]: row[1] for row in rows(found.cuts[cut][name])}
            kwh = getattr(summary, name).kwh
            assert said.get(period.start) == (None if kwh is None else float(kwh))


# --- lines -----------------------------------------------------------------------------


def test_a_line_breaks_where_readings_are_missing() -> None:
    assert list(broken([(0, 1), (60, 2), (120, 3), (300, 4)], 120)) == [
        (0, 1),
        (60, 2),
        (120, 3),
        (121, None),
        (300, 4),
    ]


def test_every_column_breaks() -> None:
    assert list(broken([(0, 1, 2), (200, 3, 4)], 100)) == [(0, 1, 2), (1, None, None), (200, 3, 4)]


def test_nothing_gives_no_columns() -> None:
    assert columns([], 1) == []


@pytest.mark.parametrize(("apart", "whole"), [(MINUTE, True), (10 * MINUTE, True), (20 * MINUTE, False)])
def test_power_polled_each_minute_or_each_ten_is_one_line(apart: int, whole: bool) -> None:
    times = range(MIDNIGHT, MIDNIGHT + HOUR, apart)
    found = charts(Recorded(power=[(time, 500) for time in times]), MIDNIGHT + HOUR, 1)
    assert (None not in found.cuts["readings"]["power"][1]) is whole


def test_nothing_is_drawn_that_is_later_than_now_or_before_the_period() -> None:
    power = [(time, 500) for time in range(MIDNIGHT - 3 * DAY, MIDNIGHT + DAY, 5 * MINUTE)]
    times = charts(Recorded(power=power), MIDNIGHT + 100, 2).cuts["readings"]["power"][0]
    assert times[0] == MIDNIGHT - 2 * DAY + 300
    assert times[-1] == MIDNIGHT


def test_readings_and_half_hours_are_of_the_last_days_only() -> None:
    now = MIDNIGHT + HOUR
    power = [(MIDNIGHT + hour * HOUR, hour) for hour in range(-40 * 24, 0)]
    found = charts(Recorded(power=power, bought=register(MIDNIGHT - 40 * DAY, *range(40 * 48))), now, 40)
    first = [found.cuts[cut][name][0][0] for cut, name in (("readings", "power"), ("half-hour", "bought"))]
    assert first == [now - 30 * DAY] * 2
    assert found.cuts["extents"]["power"][0][0] == MIDNIGHT - 40 * DAY


def test_a_view_alone_has_its_own_cuts_only() -> None:
    assert set(charts(Recorded(), MIDNIGHT, 1, ["day"]).cuts) == {"half-hour", "readings"}
    assert set(charts(Recorded(), MIDNIGHT, 1, ["year"]).cuts) == {"month", "extents"}


# --- days of levels, and of what devices count ------------------------------------------


def test_a_level_has_each_days_lowest_mean_and_highest() -> None:
    power = [(MIDNIGHT + day * DAY + hour * HOUR, day * 100 + hour) for day in range(-40, 0) for hour in range(24)]
    del power[24 : 2 * 24]
    daily = rows(charts(Recorded(power=power), MIDNIGHT + HOUR, 40).cuts["extents"]["power"])
    assert daily[0] == (MIDNIGHT - 40 * DAY, -4000, -3988.5, -3977)
    assert daily[1] == (MIDNIGHT - 40 * DAY + 1, None, None, None)
    assert daily[2] == (MIDNIGHT - 38 * DAY, -3800, -3788.5, -3777)
    assert daily[-1] == (MIDNIGHT - DAY, -100, -88.5, -77)


def test_what_an_ecocute_counts_is_kwh_by_day_and_adds_up_across_midnight() -> None:
    counted = [(MIDNIGHT - DAY + 240 + at * 600, 5_000 + at * 50) for at in range(2 * 144)]
    found = rows(charts(Recorded(counted=counted), MIDNIGHT + DAY, 3).cuts["extents"]["heated"])
    assert found == [(MIDNIGHT - DAY, 7.2, None), (MIDNIGHT, 7.15, None)]
    assert sum(kwh for _, kwh, _ in found) * 1000 == pytest.approx(counted[-1][1] - counted[0][1])  # type: ignore[misc]


def test_an_ecocute_that_was_not_heard_for_hours_says_of_how_many_it_is_known() -> None:
    counted = [(MIDNIGHT - DAY + at * 600, at * 50) for at in range(144) if at < 60]
    ((begin, kwh, hours),) = rows(charts(Recorded(counted=counted), MIDNIGHT + DAY, 3).cuts["extents"]["heated"])
    assert (begin, kwh) == (MIDNIGHT - DAY, 2.95)
    assert hours == pytest.approx(59 / 6, abs=0.01)


# --- of the store -----------------------------------------------------------------------


def test_the_store_gives_what_was_recorded_under_whatever_tags(store: Store) -> None:
    times = [NOW.wall - minutes * MINUTE for minutes in range(90 * 24 * 60, 0, -217)]
    power = [(int(time), i % 50) for i, time in enumerate(times)]
    moved = Store(store.path.parent, ",home=nara")
    put(store, *(Point("power", {"value": value}, time) for time, value in power[:200]))
    put(moved, *(Point("power", {"value": value, "other": 1}, time) for time, value in power[200:]))
    moved.close()
    drawn, nothing = Drawn(int(NOW.wall) - 80 * DAY, int(NOW.wall), 0), Household(read(Recorded(), 0, 1))
    assert collect(store.archive, nothing, int(NOW.wall), drawn) == collect(
        Recorded(power=power), nothing, int(NOW.wall), drawn
    )
    assert all(
        before < after
        for before, after in pairwise(time for time, _ in store.archive.values("power", "value", 0, 1 << 62))
    )


def test_the_days_of_a_page_are_read_once_and_a_part_of_them_is_what_the_store_gives(store: Store) -> None:
    times = range(int(NOW.wall) - 9 * DAY, int(NOW.wall), 700)
    put(store, *(Point("power", {"value": time % 50}, time) for time in times))
    begin, until, bounds = midnight(int(NOW.wall)) - 8 * DAY, int(NOW.wall), (0, 40)
    once, read = DaysOnce(store.archive), partial(store.archive.extents, "power", "value")
    whole = list(once.extents("power", "value", begin, until, DAY, bounds))
    assert whole == list(read(begin, until, DAY, bounds))
    put(store, Point("power", {"value": 1}, int(NOW.wall) - HOUR))  # while the page is made: its parts agree
    assert list(once.extents("power", "value", begin, until, DAY, bounds)) == whole
    part = begin + DAY, begin + 4 * DAY
    assert list(once.extents("power", "value", *part, DAY, bounds)) == list(read(*part, DAY, bounds))
    earlier = begin - DAY, begin + DAY
    assert list(once.extents("power", "value", *earlier, DAY, bounds)) == list(read(*earlier, DAY, bounds))
    assert list(once.extents("power", "value", *part, HOUR, bounds)) == list(read(*part, HOUR, bounds))


def test_months_have_the_extent_of_all_their_values_whether_days_lack_any_or_not(store: Store) -> None:
    begin, until = midnight(int(NOW.wall)) - 100 * DAY, int(NOW.wall)
    times = [time for time in range(begin, until, 7000) if time // DAY % 9]
    put(store, *(Point("power", {"value": time // 7000 % 50 / 10}, time) for time in times))
    since = starts(day_of(begin).replace(day=1))
    found = dict(_extents(DaysOnce(store.archive), NAMED["power"], "month", since, until))
    months = list(calendar("month", since, until))
    assert [month.start for month in months] == list(found)
    for _, start, end in months:
        values = [time // 7000 % 50 / 10 for time in times if start <= time < end]
        low, high, total, number = found[start]
        assert (low, high, number) == (min(values), max(values), len(values))
        assert total == pytest.approx(sum(values))
