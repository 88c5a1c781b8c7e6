"""Which views a page has, what they are called and where they lead."""

from datetime import date

import pytest

from homemon.core.language import LANGUAGES
from homemon.core.points import DAY, HALF_HOUR
from homemon.energy.periods import starts
from homemon.page import dates
from homemon.page.views import PARTS, NoSuchView, Place, place, place_of, places

TODAY = date(2026, 11, 27)  # a Friday
NOW = starts(TODAY) + 20 * 3600


@pytest.mark.parametrize(
    ("days", "names"),
    [
        (1, ["day-2026-11-27"]),
        (2, ["day-2026-11-26", "day-2026-11-27"]),
        (7, [*(f"day-2026-11-{day}" for day in range(21, 28)), "week-2026-11-16", "week-2026-11-23"]),
    ],
)
def test_a_page_has_the_kinds_of_views_that_it_reaches_back_for(days: int, names: list[str]) -> None:
    assert [each.name for each in places(NOW, days)] == names


def test_days_are_the_last_thirty_and_longer_views_all_of_the_page() -> None:
    found = [each.name for each in places(NOW, 400)]
    counts = {kind: sum(name.startswith(kind) for name in found) for kind in PARTS}
    assert counts == {"day": 30, "week": 58, "month": 14, "year": 2}
    assert found[0] == "day-2026-10-29"
    assert found[-1] == "year-2026-01-01"


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("", "day-2026-11-27"),
        ("day/2024-02-29", "day-2024-02-29"),
        ("week/2026-11-25", "week-2026-11-23"),
        ("month/2026-11-25", "month-2026-11-01"),
        ("year/2026-11-25", "year-2026-01-01"),
    ],
)
def test_a_path_means_the_view_that_has_the_day(path: str, name: str) -> None:
    assert place_of(path, NOW).name == name


@pytest.mark.parametrize(
    "path",
    ["day", "day/", "hour/2026-11-25", "day/2026-02-30", "day/20261125", "day/2026-W48-3", "day/1999-01-01",
     "day/9999-12-31", "day/2026-11-25/", "DAY/2026-11-25", "day/２０２６-11-25", "\0", "week/2026-11-25\n"],
)  # fmt: skip
def test_other_paths_are_no_views(path: str) -> None:
    with pytest.raises(NoSuchView):
        place_of(path, NOW)


@pytest.mark.parametrize("kind", PARTS)
def test_earlier_and_later_meet(kind: str) -> None:
    each = place(kind, TODAY)
    assert each.earlier.later == each == each.later.earlier
    assert each.earlier.period.end == each.period.start
    assert each.period.start <= NOW < each.period.end


def test_parts_end_with_the_one_that_has_begun() -> None:
    today = place("day", TODAY)
    parts = list(today.parts(NOW + 1))
    assert [part.start for part in parts] == list(range(today.period.start, NOW + 1, HALF_HOUR))
    assert len(list(today.earlier.parts(NOW + 1))) == 48
    assert len(list(place("month", TODAY).parts(NOW + 1))) == 27
    assert len(list(Place("year", date(2025, 1, 1)).parts(NOW + 1))) == 12
    assert list(today.later.parts(today.period.end - DAY // 2)) == []


HEADINGS = [
    ("day", date(2026, 11, 25), "2026年11月25日(水)", "Wed, 25 November 2026"),
    ("week", date(2026, 11, 23), "2026年11月23日(月)〜11月29日(日)", "23 – 29 Nov 2026"),
    ("week", date(2026, 12, 28), "2026年12月28日(月)〜1月3日(日)", "28 Dec – 3 Jan 2027"),
    ("month", date(2026, 11, 1), "2026年11月", "November 2026"),
    ("year", date(2026, 1, 1), "2026年", "2026"),
]


@pytest.mark.parametrize(("kind", "first", "ja", "en"), HEADINGS)
def test_views_are_headed_as_each_language_writes_dates(kind: str, first: date, ja: str, en: str) -> None:
    assert [dates.heading(language, kind, first) for language in LANGUAGES] == [ja, en]


@pytest.mark.parametrize(
    ("time", "ja", "en"),
    [
        (NOW - 60, "19:59", "19:59"),
        (NOW - DAY, "11月26日(木) 20:00", "26 Nov, 20:00"),
        (NOW - 365 * DAY, "2025年11月27日(木) 20:00", "27 Nov 2025, 20:00"),
    ],
)
def test_a_moment_says_its_day_where_that_is_another(time: int, ja: str, en: str) -> None:
    assert [dates.moment(language, time, NOW) for language in LANGUAGES] == [ja, en]
