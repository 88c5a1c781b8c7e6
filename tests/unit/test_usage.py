"""What of a period falls into which band, what is not known of it, and how the rest may go."""

from datetime import date, timedelta
from decimal import Decimal

from homemon.core.points import DAY, HALF_HOUR
from homemon.energy import forecast
from homemon.energy.periods import day_of, starts
from homemon.energy.plan import Band
from homemon.energy.spans import Span, total
from homemon.energy.usage import pieces, shape, used
from tests.registers import MIDNIGHT, span

NIGHT, NOON = Band(name="night", tiers=()), Band(name="day", tiers=())
ONE = Decimal(1)


def bands(day: date) -> list[Band]:
    """Night to 7:00 and from 23:00 on; all of Sunday."""
    return [NIGHT if day.weekday() == 6 or number < 14 or number >= 46 else NOON for number in range(48)]


def half_hours(first: int, count: int, kwh: Decimal = ONE) -> list[Span]:
    return [Span(first + n * HALF_HOUR, first + (n + 1) * HALF_HOUR, kwh) for n in range(count)]


def test_each_half_hour_is_of_its_band() -> None:
    found = used(shape(half_hours(MIDNIGHT, 48), MIDNIGHT, MIDNIGHT + DAY), bands)
    assert found.kwh == {"night": 16, "day": 32}
    assert found.doubts == ()


def test_what_is_known_as_a_sum_of_one_band_is_not_in_doubt() -> None:
    spans = [Span(MIDNIGHT, MIDNIGHT + 14 * HALF_HOUR, Decimal(7)), *half_hours(MIDNIGHT + 14 * HALF_HOUR, 34)]
    found = used(shape(spans, MIDNIGHT, MIDNIGHT + DAY), bands)
    assert found.kwh == {"night": 9, "day": 32}
    assert found.doubts == ()


def test_a_sum_of_several_bands_is_spread_and_that_is_told() -> None:
    spans = [*half_hours(MIDNIGHT, 10), span(MIDNIGHT + 10 * HALF_HOUR, MIDNIGHT + DAY, 38)]
    found = used(shape(spans, MIDNIGHT, MIDNIGHT + DAY), bands)
    assert found.kwh == {"night": 16, "day": 32}
    assert found.doubts == (
        "38 kWh from 11-24 05:00 to 11-25 00:00 are known as a sum only, and are spread evenly over bands and periods",
    )


def test_a_sum_that_goes_beyond_the_period_is_parted_and_that_is_told() -> None:
    spans = [span(MIDNIGHT - 2 * HALF_HOUR, MIDNIGHT + 2 * HALF_HOUR, 6), *half_hours(MIDNIGHT + 2 * HALF_HOUR, 46)]
    found = used(shape(spans, MIDNIGHT, MIDNIGHT + DAY), lambda day: [NIGHT] * 48)
    assert found.kwh == {"night": 49}
    assert len(found.doubts) == 1


def test_shares_of_a_sum_add_up_exactly() -> None:
    whole = span(MIDNIGHT + 60, MIDNIGHT + 7 * HALF_HOUR, 10)
    parts = list(pieces(whole))
    assert [time for time, _ in parts] == [MIDNIGHT + n * HALF_HOUR for n in range(7)]
    assert sum(kwh for _, kwh in parts) == 10
    thirds = list(pieces(span(MIDNIGHT, MIDNIGHT + 3 * HALF_HOUR, 373.5)))
    assert sum(kwh for _, kwh in reversed(thirds)) == Decimal("373.5"), "in any order"
    assert list(pieces(span(MIDNIGHT, MIDNIGHT + HALF_HOUR, 0.7))) == [(MIDNIGHT, Decimal("0.7"))]


def test_hours_of_which_nothing_is_known_are_told() -> None:
    spans = half_hours(MIDNIGHT + HALF_HOUR, 10) + half_hours(MIDNIGHT + 20 * HALF_HOUR, 28)
    found = shape(spans, MIDNIGHT, MIDNIGHT + DAY)
    assert found.missing == ("5 hours are not known and not counted: 11-24 00:00 - 11-24 00:30 and 1 more",)
    assert shape([], MIDNIGHT, MIDNIGHT + DAY).missing == (
        "24 hours are not known and not counted: 11-24 00:00 - 11-25 00:00",
    )


def kwh(*days: list[int]) -> list[list[Decimal]]:
    return [list(map(Decimal, day)) for day in days]


# --- the rest of a period -------------------------------------------------------------------


def weeks(count: int) -> list[Span]:
    """Weeks before MIDNIGHT, a Tuesday: n kWh in each half-hour of the n-th week ago, and ten times that on Sunday."""
    return [
        each
        for days in range(count * 7, 0, -1)
        for start in (MIDNIGHT - days * DAY,)
        for each in half_hours(start, 48, Decimal((days + 6) // 7 * (10 if day_of(start).weekday() == 6 else 1)))
    ]


def test_the_rest_goes_as_on_the_same_weekdays_of_each_of_the_last_four_weeks() -> None:
    ways = forecast.ways(weeks(6), MIDNIGHT, MIDNIGHT, MIDNIGHT + 7 * DAY)
    assert len(ways) == 4
    for number, way in enumerate(ways, 1):
        sunday = date(2026, 11, 29)
        assert [*way[sunday]] == [Decimal(10 * number)] * 48
        assert [*way[sunday + timedelta(days=1)]] == [Decimal(number)] * 48
        assert len(way) == 7
    assert forecast.mean(ways)[date(2026, 11, 24)] == [Decimal("2.5")] * 48


def test_of_today_only_what_is_not_known_yet_is_forecast() -> None:
    spans = [*weeks(2), *half_hours(MIDNIGHT, 20)]
    ways = forecast.ways(spans, MIDNIGHT, MIDNIGHT + 20 * HALF_HOUR, MIDNIGHT + DAY)
    assert [[*way[date(2026, 11, 24)]] for way in ways] == kwh([0] * 20 + [1] * 28, [0] * 20 + [2] * 28)


def test_a_day_that_is_not_known_whole_is_no_model() -> None:
    spans = weeks(3)
    del spans[-7 * 48 + 5]  # of Tuesday a week ago
    (first, second) = forecast.ways(spans, MIDNIGHT, MIDNIGHT, MIDNIGHT + DAY)
    assert [first[date(2026, 11, 24)][0], second[date(2026, 11, 24)][0]] == [2, 3]


def test_what_was_not_received_of_a_running_period_is_filled_and_not_nothing() -> None:
    spans = [*weeks(2), *half_hours(MIDNIGHT, 10), *half_hours(MIDNIGHT + 15 * HALF_HOUR, 5)]
    ways = forecast.ways(spans, MIDNIGHT - DAY, MIDNIGHT + 20 * HALF_HOUR, MIDNIGHT + DAY)
    today = [[*way[date(2026, 11, 24)]] for way in ways]
    assert today == kwh([0] * 10 + [1] * 5 + [0] * 5 + [1] * 28, [0] * 10 + [2] * 5 + [0] * 5 + [2] * 28)
    assert len(ways[0]) == 1, "the day before is known"


def test_of_fewer_days_than_a_week_has_there_is_no_forecast() -> None:
    assert forecast.ways([], MIDNIGHT, MIDNIGHT, MIDNIGHT + DAY) == []
    assert forecast.ways(weeks(1)[48:], MIDNIGHT, MIDNIGHT, MIDNIGHT + DAY) == []
    (way,) = forecast.ways(weeks(1), MIDNIGHT, MIDNIGHT, MIDNIGHT + DAY)
    assert [(day, [*half_hours]) for day, half_hours in way.items()] == [(day_of(MIDNIGHT), [ONE] * 48)]


def test_a_month_of_weeks_is_what_the_spans_say() -> None:
    spans = weeks(4)
    found = shape(spans, starts(date(2026, 11, 1)), MIDNIGHT)
    assert sum(used(found, bands).kwh.values()) == total(each for each in spans if each.start >= found.start)
