"""The hours of the clock out of spans, and the rows of Home Assistant, without either."""

from decimal import Decimal
from typing import Any

import pytest

from homemon.core.points import HALF_HOUR, HOUR
from homemon.delivery.ha_statistics import STATISTICS, Row, differing, identity, read_rows, release, written
from homemon.energy.hours import Hour, begins, booked, ended, known_before
from homemon.energy.spans import Span

NOON = 1_794_366_000  # 2026-11-11 12:00 JST
ZERO = Decimal(0)


def spans(*pieces: tuple[float, float, str]) -> list[Span]:
    """Spans by the hours after noon at which they begin and end."""
    return [Span(NOON + int(start * HOUR), NOON + int(end * HOUR), Decimal(kwh)) for start, end, kwh in pieces]


def counted(hours: list[Hour]) -> dict[int, str]:
    return {(hour.start - NOON) // HOUR: str(hour.counted) for hour in hours}


def test_an_hour_is_known_when_something_ends_with_it() -> None:
    found = spans((0, 0.5, "0.1"), (0.5, 1, "0.2"), (1, 1.5, "0.3"), (1.5, 4, "2.0"), (4.5, 5, "0.4"))
    assert counted(list(booked(found, Decimal(7), NOON))) == {0: "7.3", 3: "9.6", 4: "10.0"}


def test_what_began_before_is_not_counted_again() -> None:
    found = spans((-0.5, 0, "0.1"), (0, 1, "0.2"))
    assert counted(list(booked(found, ZERO, NOON))) == {0: "0.2"}


def test_the_first_full_hour_at_which_something_is_known() -> None:
    found = spans((0.5, 1.5, "1"), (1.5, 2, "1"), (2, 2.5, "1"))
    assert begins(found, NOON) == NOON + 2 * HOUR
    assert begins(found, NOON + 3 * HOUR) is None
    assert known_before(found, NOON + 3 * HOUR) == NOON + 2 * HOUR
    assert known_before(found, NOON + HOUR) is None


def test_only_readings_that_are_close_together_are_parted_at_the_full_hour() -> None:
    near, far, within = spans((0.9, 1.2, "1"), (1.2, 3.5, "1"), (3.5, 3.9, "1"))
    assert list(ended([near, far, within], HALF_HOUR)) == [near._replace(end=NOON + HOUR), far, within]


def test_a_span_that_ends_with_the_hour_is_left() -> None:
    found = spans((0.5, 1, "1"), (1, 1.5, "2"))
    assert list(ended(found, HALF_HOUR)) == found


# --- rows ---------------------------------------------------------------------------------


def rows(*facts: tuple[int, str, str | None]) -> dict[int, Row]:
    """Rows by their hours after noon."""
    found = [
        Row(NOON + hour * HOUR, Decimal(total), None if state is None else Decimal(state))
        for hour, total, state in facts
    ]
    return {row.start: row for row in found}


def lacking(hours: dict[int, str], there: dict[int, Row], until: int = 24) -> list[tuple[int, str, str | None]]:
    wanted = [Hour(NOON + hour * HOUR, Decimal(total)) for hour, total in hours.items()]
    found = differing(wanted, there, NOON, NOON + until * HOUR, Decimal(5))
    return [
        (
            (row.start - NOON) // HOUR,
            f"{row.sum.normalize():f}",
            None if row.state is None else f"{row.state.normalize():f}",
        )
        for row in found
    ]


def test_only_what_differs_is_written() -> None:
    there = rows((0, "5.5", "5.5"), (1, "6", "6.1"), (2, "6.5", None))
    assert lacking({0: "5.5", 1: "6", 2: "6.5", 3: "7"}, there) == [(1, "6", "6"), (2, "6.5", "6.5"), (3, "7", "7")]


def test_what_is_there_and_not_wanted_adds_nothing() -> None:
    there = rows((0, "5.5", "5.5"), (1, "6", "6"), (2, "9", "9"), (3, "7", "7"))
    assert lacking({1: "6"}, there, until=3) == [(0, "5", None), (2, "6", None)]


def test_an_emptied_row_is_not_written_again() -> None:
    assert lacking({1: "6"}, rows((0, "5", None), (1, "6", "6"))) == []


def test_a_row_is_written_with_its_offset_and_numbers() -> None:
    assert written(Row(NOON, Decimal("0.1"), Decimal("0.1"))) == {
        "start": "2026-11-11T03:00:00+00:00",
        "state": 0.1,
        "sum": 0.1,
    }
    assert written(Row(NOON, Decimal("0.1"), None)) == {"start": "2026-11-11T03:00:00+00:00", "sum": 0.1}


@pytest.mark.parametrize("total", ["0.1", "123456.7", "99999999.123456", "-0.3", "0"])
def test_a_sum_that_is_read_is_the_one_that_was_written(total: str) -> None:
    row = Row(NOON, round(Decimal(total), 6), round(Decimal(total), 6))
    said = written(row)
    assert read_rows([{**said, "start": NOON * 1000}]) == {NOON: row}


@pytest.mark.parametrize("total", [None, "1", True, float("nan"), float("inf")])
def test_a_sum_that_is_no_number_equals_nothing(total: Any) -> None:
    (row,) = read_rows([{"start": NOON * 1000, "sum": total, "state": 1}]).values()
    assert row.sum != row.sum


@pytest.mark.parametrize(
    ("version", "month"),
    [("2025.11.0", (2025, 11)), ("2024.3.3", (2024, 3)), ("2026.2.0.dev202601", (2026, 2)), ("", (2025, 11))],
)
def test_the_month_of_a_version(version: str, month: tuple[int, int]) -> None:
    assert release(version) == month


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ({}, "homemon:grid_import"),
        ({"home": "tokyo"}, "homemon:tokyo_grid_import"),
        ({"home": "_The  House!_"}, "homemon:the_house_grid_import"),
        ({"b": "2", "a": "1"}, "homemon:1_2_grid_import"),
        ({"home": "東京"}, "homemon:bd8aa045_grid_import"),
    ],
)
def test_an_id_is_one_that_home_assistant_takes(tags: dict[str, str], name: str) -> None:
    assert identity(STATISTICS[0], tags) == name
