"""The arithmetic of the graph page, without a page."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import pytest

from homemon.core.points import DAY, HALF_HOUR, HOUR, Number, Point, midnight
from homemon.energy.spans import Reading, differences
from homemon.page.panels import Columns, broken, collect, columns, sums, today
from homemon.sources.registry import SHOWN
from homemon.sources.source import MINUTE
from homemon.storage.store import Store
from tests.registers import MIDNIGHT, register, span
from tests.stores import NOW, put

FIELDS = {series.name: (series.measurement, series.field) for series in SHOWN}


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
        self, measurement: str, field: str, since: int, until: int, step: int
    ) -> Iterator[tuple[int, Number, Number, Number]]:
        for start in range(since, until, step):
            if found := [value for _, value in self.values(measurement, field, start, min(start + step, until))]:
                yield start, min(found), sum(found) / len(found), max(found)


def rows(columns: Columns) -> list[tuple[Number | None, ...]]:
    return list(zip(*columns, strict=True))


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


def test_a_missing_reading_leaves_two_half_hours_without_bars() -> None:
    readings = register(MIDNIGHT, 10, 10.5, 11, 12, 12.5)
    del readings[2]
    panels = collect(Recorded(bought=readings), MIDNIGHT + 2 * HOUR, 1)
    drawn = [row for row in rows(panels.detailed["bought"]) if row[1] is not None]
    assert drawn == [(MIDNIGHT, 0.5), (MIDNIGHT + 3 * HALF_HOUR, 0.5)]
    assert panels.headlines["bought"].value == 2.5  # the day's sum knows the energy all the same


def test_a_gap_within_a_day_belongs_to_it_and_one_across_midnight_to_none() -> None:
    spans = [
        span(MIDNIGHT - 2 * HALF_HOUR, MIDNIGHT - HALF_HOUR, 1),
        span(MIDNIGHT - HALF_HOUR, MIDNIGHT + HALF_HOUR, 10),
        span(MIDNIGHT + HALF_HOUR, MIDNIGHT + 5 * HOUR, 4),
        span(MIDNIGHT + 5 * HOUR, MIDNIGHT + 5 * HOUR + HALF_HOUR, 0.1),
        span(MIDNIGHT + DAY - HALF_HOUR, MIDNIGHT + DAY, 0.2),
        span(MIDNIGHT + DAY, MIDNIGHT + DAY + HALF_HOUR, 7),
    ]
    assert list(sums(spans)) == [(MIDNIGHT - DAY, 1, 0.5), (MIDNIGHT, 4.3, 5.5), (MIDNIGHT + DAY, 7, 0.5)]


def test_a_whole_day_has_24_hours() -> None:
    readings = register(MIDNIGHT - HALF_HOUR, *(i / 10 for i in range(60)))
    assert (MIDNIGHT, 4.8, 24) in list(sums(differences(readings)))


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
    panels = collect(Recorded(power=[(time, 500) for time in times]), MIDNIGHT + HOUR, 1)
    assert (None not in panels.detailed["power"][1]) is whole


def test_a_panel_holds_its_days_and_nothing_later_than_now() -> None:
    power = [(time, time) for time in range(MIDNIGHT - 3 * DAY, MIDNIGHT + DAY, 5 * MINUTE)]
    panels = collect(Recorded(power=power), MIDNIGHT + 100, 2)
    times = panels.detailed["power"][0]
    assert times[0] == MIDNIGHT - 2 * DAY + 300
    assert times[-1] == MIDNIGHT


# --- days, for a long period -------------------------------------------------------------


def test_up_to_30_days_there_are_no_sums_of_days() -> None:
    power = [(MIDNIGHT - day * DAY, day) for day in range(40, 0, -1)]
    half_hours = [(MIDNIGHT - at * HALF_HOUR, at / 10) for at in range(40 * 48, 0, -1)]
    sold = register(MIDNIGHT - 40 * DAY, *(at / 2 for at in range(40 * 48)))
    recorded = Recorded(power=power, sold=sold, generated=half_hours)
    for days in (1, 30):
        panels = collect(recorded, MIDNIGHT, days)
        assert not any(panels.daily.values())
        assert panels.detailed["sold"]
    assert collect(recorded, MIDNIGHT, 31).daily["sold"]


def test_beyond_30_days_a_level_has_each_days_lowest_mean_and_highest() -> None:
    now = MIDNIGHT + HOUR
    power = [(MIDNIGHT + day * DAY + hour * HOUR, day * 100 + hour) for day in range(-40, 0) for hour in range(24)]
    del power[24 : 2 * 24]
    panels = collect(Recorded(power=power), now, 40)
    daily = rows(panels.daily["power"])
    assert daily[0] == (MIDNIGHT - 40 * DAY, -4000, -3988.5, -3977)
    assert daily[1] == (MIDNIGHT - 40 * DAY + 1, None, None, None)
    assert daily[2] == (MIDNIGHT - 38 * DAY, -3800, -3788.5, -3777)
    assert daily[-1] == (MIDNIGHT - DAY, -100, -88.5, -77)
    assert panels.detailed["power"][0][0] == now - 30 * DAY


def test_beyond_30_days_energy_has_each_days_sum_and_the_half_hours_of_the_last_30() -> None:
    now = MIDNIGHT + HOUR
    count = 40 * 48 + 3
    readings = register(MIDNIGHT - 40 * DAY, *(i / 2 for i in range(count)))
    panels = collect(Recorded(sold=readings), now, 40)
    daily = rows(panels.daily["sold"])
    assert daily == [(MIDNIGHT + day * DAY, 24, 24) for day in range(-40, 0)] + [(MIDNIGHT, 1, 1)]
    assert len(panels.detailed["sold"][0]) == 30 * 48
    assert panels.detailed["sold"][0][0] == now - 30 * DAY


def test_solar_half_hours_are_summed_by_the_day_they_begin_in() -> None:
    values = [(MIDNIGHT - HALF_HOUR, 0.3), (MIDNIGHT, 0.1), (MIDNIGHT + HALF_HOUR, 0.2)]
    panels = collect(Recorded(generated=values, balance=[(MIDNIGHT, -0.7)]), MIDNIGHT + HOUR, 31)
    assert rows(panels.daily["generated"]) == [(MIDNIGHT - DAY, 0.3, 0.5), (MIDNIGHT, 0.3, 1)]
    assert rows(panels.daily["balance"]) == [(MIDNIGHT, -0.7, 0.5)]
    assert rows(panels.detailed["generated"]) == [(time, value) for time, value in values]


# --- the numbers above the panels -------------------------------------------------------


def test_headlines_say_what_is_now_and_what_was_today() -> None:
    now = MIDNIGHT + HOUR + 600
    panels = collect(
        Recorded(
            power=[(now - 700, 10), (now - 30, -523)],
            bought=register(MIDNIGHT - HOUR, 10, 20, 30.5, 30.6, 30.9),
            sold=register(MIDNIGHT - HOUR, 5, 5, 5),
            tank=[(now - 300, 245)],
            generated=[(MIDNIGHT - HALF_HOUR, 9), (MIDNIGHT, 0.1), (MIDNIGHT + HALF_HOUR, 0.2)],
        ),
        now,
        2,
    )
    power, bought, sold, tank, generated = (
        panels.headlines[name] for name in ("power", "bought", "sold", "tank", "generated")
    )
    assert power == (-523, now - 30, 10 * MINUTE)
    assert bought == (0.4, MIDNIGHT + HOUR, 40 * MINUTE)
    assert sold == (0, MIDNIGHT, 40 * MINUTE)
    assert tank == (245, now - 300, 30 * MINUTE)
    assert generated == (0.3, MIDNIGHT + HOUR, 90 * MINUTE)  # its last half-hour ends then


def test_a_day_of_which_nothing_was_received_has_no_sum_but_the_age_of_what_was() -> None:
    panels = collect(Recorded(bought=register(MIDNIGHT - HOUR, 10, 20)), MIDNIGHT + HOUR, 2)
    assert panels.headlines["bought"] == (None, MIDNIGHT - HALF_HOUR, 40 * MINUTE)
    assert panels.headlines["sold"] == (None, None, 40 * MINUTE)


def test_the_age_of_what_is_long_gone_is_still_known() -> None:
    panels = collect(Recorded(tank=[(MIDNIGHT - 400 * DAY, 100)]), MIDNIGHT, 2)
    assert panels.headlines["tank"] == (100, MIDNIGHT - 400 * DAY, 30 * MINUTE)
    assert not panels.detailed["tank"]


def test_a_reading_of_the_future_is_not_the_newest() -> None:
    panels = collect(Recorded(power=[(MIDNIGHT, 1), (MIDNIGHT + DAY, 2)]), MIDNIGHT + 60, 2)
    assert panels.headlines["power"][:2] == (1, MIDNIGHT)


@pytest.mark.parametrize(
    ("latest", "known"), [(None, None), (MIDNIGHT - 1, None), (MIDNIGHT, 0), (MIDNIGHT + HALF_HOUR, 1.5)]
)
def test_today_begins_at_zero(latest: int | None, known: float | None) -> None:
    spans = [span(MIDNIGHT - HALF_HOUR, MIDNIGHT, 3)]
    if latest and latest > MIDNIGHT:
        spans.append(span(MIDNIGHT, latest, 1.5))
    assert today(spans, latest, MIDNIGHT + HOUR) == known


# --- of the store -----------------------------------------------------------------------


def test_the_store_gives_what_was_recorded_under_whatever_tags(store: Store) -> None:
    times = [NOW.wall - minutes * MINUTE for minutes in range(90 * 24 * 60, 0, -217)]
    power = [(int(time), i % 50) for i, time in enumerate(times)]
    moved = Store(store.path.parent, ",home=nara")
    put(store, *(Point("power", {"value": value}, time) for time, value in power[:200]))
    put(moved, *(Point("power", {"value": value, "other": 1}, time) for time, value in power[200:]))
    moved.close()
    for days in (1, 30, 60, 80):
        assert collect(store.archive, int(NOW.wall), days) == collect(Recorded(power=power), int(NOW.wall), days)
    assert all(
        before < after
        for before, after in pairwise(time for time, _ in store.archive.values("power", "value", 0, 1 << 62))
    )
