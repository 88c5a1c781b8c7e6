"""The monitor's memory as points: the right half-hours, and nothing that cannot be."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homemon.core.errors import WireError
from homemon.core.points import JST, Point
from homemon.sources.kyocera import memory as solar

TODAY = datetime(2017, 5, 31, tzinfo=JST)
NOON = (TODAY + timedelta(hours=12)).timestamp()
EVENING = (TODAY + timedelta(days=1)).timestamp()


def memory(values: dict[tuple[str, int, int], int], dates: dict[int, str] | None = None, size: int = 8527) -> bytes:
    """A memory with `values` at (measurement, row, slot), no data elsewhere; some dates other than due."""
    data = bytearray(8527)
    for row in range(35):
        date = (dates or {}).get(row, f"{TODAY - timedelta(days=row):%y%m%d}")
        data[0x7C + 3 * row : 0x7F + 3 * row] = bytes.fromhex(date)
    for base, name in ((0xE5, "hatuden"), (0xE05, "baiden_diff")):
        for row in range(35):
            for slot in range(48):
                value = values.get((name, row, slot), 0x7530)
                at = base + row * 96 + slot * 2
                data[at : at + 2] = value.to_bytes(2, signed=True)
    return bytes(data[:size])


def at(hours: float, days_ago: int = 0) -> int:
    return int((TODAY + timedelta(hours=hours, days=-days_ago)).timestamp())


def test_half_hours_are_tenths_at_their_start_in_jst() -> None:
    said = solar.report(
        memory(
            {
                ("hatuden", 0, 23): 17,
                ("baiden_diff", 0, 0): -3,
                ("hatuden", 1, 47): 0,
                ("baiden_diff", 34, 1): 12,
            }
        ),
        35,
        NOON,
    )
    assert said.points == [
        Point("hatuden", {"value": 1.7}, at(11.5)),
        Point("baiden_diff", {"value": -0.3}, at(0)),
        Point("hatuden", {"value": 0.0}, at(23.5, 1)),
        Point("baiden_diff", {"value": 1.2}, at(0.5, 34)),
    ]
    assert said.warnings == []
    assert said.points[0].time == 1_496_197_800  # 2017-05-31 11:30 JST


def test_only_the_newest_days_are_given() -> None:
    values = {("hatuden", row, 0): row for row in range(35)}
    assert len(solar.report(memory(values)).points) == 2
    assert len(solar.report(memory(values), 35).points) == 35
    for days in (0, 36):
        with pytest.raises(ValueError, match="35 days"):
            solar.report(memory(values), days)


@pytest.mark.parametrize(
    ("now", "given", "warnings"),
    [
        (at(11.5) - 1, 1, 1),  # both lie ahead
        (at(12) - 1, 1, 1),  # one is running, which is no fault; one lies ahead
        (at(12), 2, 1),
        (at(20), 3, 0),
        (None, 3, 0),  # a clock that nobody trusts refuses nothing
    ],
)
def test_half_hours_that_are_not_over_are_refused(now: int | None, given: int, warnings: int) -> None:
    values = {("hatuden", 0, 23): 1, ("baiden_diff", 0, 30): 1, ("hatuden", 1, 0): 1}
    said = solar.report(memory(values), 2, now)
    assert (len(said.points), len(said.warnings)) == (given, warnings)


@pytest.mark.parametrize(
    ("dates", "days_left", "warning"),
    [
        ({1: "2F1345"}, [0, 2, 3], "day 1: 2F1345 is no date, 1 value is left out"),
        ({1: "170230"}, [0, 2, 3], "day 1: 170230 is no date"),
        ({2: "170530"}, [0, 1, 3], "day 2: 2017-05-30 does not come before 2017-05-30"),
        ({0: "990101"}, [1, 2, 3], "day 0: 2099-01-01 lies ahead"),
    ],
)
def test_a_row_with_an_impossible_date_is_refused_and_the_others_kept(
    dates: dict[int, str], days_left: list[int], warning: str
) -> None:
    values = {("hatuden", row, 0): row for row in range(4)}
    said = solar.report(memory(values, dates), 4, EVENING)
    assert [point.fields["value"] for point in said.points] == [row / 10 for row in days_left]
    assert len(said.warnings) == 1
    assert warning in said.warnings[0]


@pytest.mark.parametrize(
    ("dates", "kept"),
    [
        ({}, [*range(35)]),
        ({0: "000101"}, [*range(1, 35)]),
        ({1: "000101"}, [0, *range(2, 35)]),
        ({34: "000101"}, [*range(34)]),
        ({5: "991231"}, [*range(5), *range(6, 35)]),
        ({1: "170530", 2: "170530"}, [0, 1, *range(3, 35)]),
        ({0: "000103", 1: "000102", 2: "000101"}, [*range(3, 35)]),
        ({row: f"16{12 - row // 28:02}{28 - row % 28:02}" for row in range(20, 35)}, [*range(35)]),  # it was off
        ({34: "160426"}, [*range(34)]),  # 367 days before the row above
        ({34: "160427"}, [*range(35)]),  # 366
        ({1: "170529", 2: "170530"}, [0, *range(3, 35)]),  # they changed places: which of the two is right?
        ({32: "170428", 33: "170429"}, [*range(32), 34]),
        ({5: "170525"}, [*range(5), *range(6, 35)]),  # row 6's: that one is in step with the others
        (dict.fromkeys(range(35), "170531"), [0]),
        (dict.fromkeys(range(35), "FFFFFF"), []),
    ],
)
def test_the_most_rows_whose_dates_fit_together_are_kept(dates: dict[int, str], kept: list[int]) -> None:
    values = {(name, row, 3): row + 1 for row in range(35) for name in ("hatuden", "baiden_diff")}
    assert list(solar.believed(memory(values, dates))) == kept
    said = solar.report(memory(values, dates), 35)
    rows = [row for row in kept for _ in range(2)]
    assert [point.fields["value"] for point in said.points] == [(row + 1) / 10 for row in rows]
    assert len(said.warnings) == 35 - len(kept)
    assert all("2 values are left out" in text for text in said.warnings)
    assert len(solar.report(memory(values, dates), 2).points) == 2 * len([row for row in kept if row < 2])


def test_rows_of_the_future_keep_no_others_out() -> None:
    values = {("hatuden", row, 3): row + 1 for row in range(35)}
    later = {row: f"{TODAY + timedelta(days=400 - row):%y%m%d}" for row in range(30)}
    assert list(solar.believed(memory(values, later), EVENING)) == [*range(30, 35)]
    assert list(solar.believed(memory(values, later))) == [*range(30)]


def test_rows_without_data_need_no_date() -> None:
    dates = dict.fromkeys(range(3, 35), "FFFFFF")
    said = solar.report(memory({("hatuden", 0, 0): 5}, dates), 35, EVENING)
    assert (len(said.points), said.warnings) == (1, [])


def test_a_short_memory_gives_what_is_wholly_there_and_only_if_asked() -> None:
    values = {("hatuden", 0, 0): 5, ("hatuden", 0, 1): 6, ("baiden_diff", 0, 0): 7}
    short = memory(values, size=0xE5 + 3)
    with pytest.raises(WireError, match="byte 232"):
        solar.report(short)
    assert [point.fields for point in solar.report(short, partial=True).points] == [{"value": 0.5}]
    assert solar.report(b"", 35, partial=True) == solar.Report([], [])


@given(st.binary(max_size=solar.MAP_END), st.integers(0, 2**32), st.integers(0, solar.MAP_END))
def test_no_memory_breaks_the_report_or_reaches_the_future(data: bytes, now: int, at: int) -> None:
    said = solar.report(data.rjust(at, b"\x11"), 35, now, partial=True)
    assert all(point.time is not None and point.time + 1800 <= now for point in said.points)


def test_a_memory_of_unknown_age_is_not_younger_than_its_newest_half_hour() -> None:
    values = {("hatuden", 0, 23): 17, ("baiden_diff", 0, 2): 1, ("hatuden", 1, 47): 0}
    assert solar.sure_until(memory(values)) == at(11.5)
    assert solar.sure_until(memory({("hatuden", 1, 47): 0})) == at(0)
