"""Energy from readings, without a store."""

from decimal import Decimal

import pytest

from homemon.core.points import DAY, HALF_HOUR, HOUR
from homemon.energy.spans import (
    Span,
    differences,
    exact,
    filled,
    half_hours,
    likely_modulus,
    seconds,
    segments,
    total,
    within,
)
from tests.registers import MIDNIGHT, register, span

# --- of one register ------------------------------------------------------------------


def test_differences_are_exact_decimals() -> None:
    spans = list(differences(register(MIDNIGHT, 1234.5, 1234.6, 1234.6, 1234.9)))
    assert [each.kwh for each in spans] == list(map(Decimal, ("0.1", "0.0", "0.3")))
    assert all(each.seconds == HALF_HOUR for each in spans)


@pytest.mark.parametrize(
    ("before", "after", "modulus", "kwh"),
    [
        (9_999_999.9, 0.2, 10_000_000, 0.3),
        (9_999_999.9, 0.2, None, 0.3),
        (999_999.98, 0.01, 1_000_000, 0.03),
        (999_999.98, 0.01, None, 0.03),
        (9_999.9999, 0, None, 0.0001),
        (99_999_990, 5, None, 15),
        (199_999_998, 4, 200_000_000, 6),  # a coefficient of 20
        (9_999_999.9, 9_999_999.9, None, 0),
    ],
)
def test_a_register_rolls_over(before: float, after: float, modulus: int | None, kwh: float) -> None:
    (counted,) = differences(register(MIDNIGHT, before, after), modulus)
    assert counted.kwh == exact(kwh)


@pytest.mark.parametrize(
    ("before", "after"),
    [(4567.8, 0), (4567.8, 3.2), (0, 4567.8), (9_990_000.0, 0.1), (100.1, 100.0)],
    ids=["new meter", "used meter", "much", "far from the end", "backwards"],
)
@pytest.mark.parametrize("modulus", [None, 10_000_000])
def test_what_no_meter_can_have_counted_is_no_energy(before: float, after: float, modulus: int | None) -> None:
    assert not list(differences(register(MIDNIGHT, before, after), modulus))


@pytest.mark.parametrize("hours", [0.5, 1, 24])
def test_a_hundred_kilowatts_are_the_most_that_a_meter_counts(hours: float) -> None:
    for kwh, known in ((100 * hours, True), (100 * hours + 0.1, False)):
        readings = [(MIDNIGHT, 1000.0), (MIDNIGHT + int(hours * HOUR), 1000.0 + kwh)]
        assert bool(list(differences(readings))) == known


def test_after_an_exchange_counting_goes_on() -> None:
    readings = register(MIDNIGHT, 10.0, 10.5, 3.0, 3.5, 4.5)
    spans = list(differences(readings, None, {MIDNIGHT + 2 * HALF_HOUR}))
    assert [each.kwh for each in spans] == [0.5, 0.5, 1.0]


def test_a_long_time_may_hold_much_energy() -> None:
    assert list(differences([(MIDNIGHT, 100), (MIDNIGHT + 10 * DAY, 420)])) == [
        span(MIDNIGHT, MIDNIGHT + 10 * DAY, 320)
    ]


@pytest.mark.parametrize(
    ("before", "modulus"), [(0, 10_000), (9_999.9, 10_000), (10_000, 100_000), (9_999_999.9, 10_000_000)]
)
def test_the_likely_modulus_is_the_next_power_of_ten(before: float, modulus: int) -> None:
    assert likely_modulus(before) == modulus


def test_half_hours_are_dated_at_their_start() -> None:
    assert list(half_hours([(MIDNIGHT, 0.3)])) == [Span(MIDNIGHT, MIDNIGHT + HALF_HOUR, Decimal("0.3"))]


def test_what_a_hundred_small_readings_come_to_is_exact() -> None:
    spans = list(differences(register(MIDNIGHT, *(number / 10 for number in range(101)))))
    assert total(spans) == Decimal(10)
    assert seconds(spans) == 100 * HALF_HOUR


# --- of a period ----------------------------------------------------------------------


def at(half_hour: float) -> int:
    return MIDNIGHT + int(half_hour * HALF_HOUR)


def test_a_period_has_the_spans_that_begin_and_end_in_it() -> None:
    spans = [span(at(-3), at(-1), 1), span(at(-1), at(1), 2), span(at(1), at(2), 3), span(at(2), at(9), 4)]
    assert within(spans, MIDNIGHT, at(2)) == [spans[2]]
    assert within(spans, MIDNIGHT, at(8)) == [spans[2]], "the last one ends later"
    assert within(spans, at(-1), at(9)) == spans[1:]
    assert not within(spans, at(3), at(4))


def test_what_is_known_already_stays_and_only_free_time_is_filled() -> None:
    spans = [span(at(0), at(2), 1), span(at(4), at(5), 2)]
    others = [span(at(each), at(each + 1), 9) for each in range(-1, 7)]
    assert filled(spans, others) == [others[0], spans[0], others[3], others[4], spans[1], others[6], others[7]]


# --- of several -----------------------------------------------------------------------


def test_several_are_known_together_half_hour_by_half_hour() -> None:
    bought = differences(register(MIDNIGHT, 10, 10.5, 11.5))
    generated = half_hours([(MIDNIGHT, 0.25), (at(1), 0.75)])
    assert list(segments(bought, generated)) == [
        (at(0), at(1), (Decimal("0.5"), Decimal("0.25"))),
        (at(1), at(2), (Decimal("1.0"), Decimal("0.75"))),
    ]


def test_a_gap_in_one_is_one_segment_with_the_sum_of_the_others() -> None:
    bought = differences([(at(0), 10), (at(4), 13.5), (at(5), 14)])
    generated = half_hours((at(each), 0.25) for each in range(5))
    assert [each[:2] + each.kwh for each in segments(bought, generated)] == [
        (at(0), at(4), Decimal("3.5"), Decimal("1.00")),
        (at(4), at(5), Decimal(1) / 2, Decimal("0.25")),
    ]


def test_nothing_is_known_across_a_time_at_which_one_of_them_is_not_known() -> None:
    bought = differences(register(at(0), 10, 11, 12, 13, 14, 15))
    generated = half_hours((at(each), 1) for each in (0, 1, 3, 4))
    assert [each[:2] for each in segments(bought, generated)] == [
        (at(0), at(1)),
        (at(1), at(2)),
        (at(3), at(4)),
        (at(4), at(5)),
    ]


def test_of_none_nothing_is_known() -> None:
    assert not list(segments())
    assert not list(segments(half_hours([(MIDNIGHT, 1)]), half_hours([])))


def test_a_reading_that_the_next_one_falls_below_is_none_where_that_goes_on_from_the_one_before() -> None:
    spans = list(differences(register(MIDNIGHT, 300.0, 300.2, 349.2, 300.6, 300.8)))
    assert [(each.start, each.end, each.kwh) for each in spans] == [
        (at(0), at(1), Decimal("0.2")),
        (at(1), at(3), Decimal("0.4")),
        (at(3), at(4), Decimal("0.2")),
    ]


def test_what_an_old_meter_counted_last_is_kept_where_a_new_one_begins() -> None:
    spans = list(differences(register(MIDNIGHT, 4567.0, 4567.5, 3.0, 3.5)))
    assert [each.kwh for each in spans] == [Decimal("0.5"), Decimal("0.5")]


@pytest.mark.parametrize(("hours", "known"), [(0.5, True), (2, True), (2.5, False), (30, False)])
def test_a_roll_over_is_guessed_over_a_short_time_only(hours: float, known: bool) -> None:
    readings = [(MIDNIGHT, 9980.8), (MIDNIGHT + int(hours * HOUR), 1.0)]
    assert bool(list(differences(readings))) is known
    assert [each.kwh for each in differences(readings, 10_000)] == [Decimal("20.2")]
